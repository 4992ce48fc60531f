"""Who carries out a deploy outside of the request: an app registers its workers here."""

from __future__ import annotations

from typing import Any, Protocol

from .rollback import Move


class Runner(Protocol):
    """What an app with workers offers to the pages and the API of the core; a module will do."""

    def is_available(self) -> bool:
        """Return whether work can be handed over at all; the broker may still be down."""

    def hand_over(self, using: str, move: Move, *, user_id: int | None, label: str = "") -> Any:
        """
        Let workers make this move; return the row whose page in the admin shows how it goes.

        Raises WxStaticStoreError or CommandError where nothing was begun.
        """

    def answer(self, request: Any, using: str, move: Move) -> Any:
        """Let workers make this move; return the API's answer 202, or raise its problem."""

    def answer_serializer(self) -> Any:
        """Return the serializer of that answer, for the OpenAPI document."""


_registered: list[Runner] = []


def run_by(runner: Runner) -> None:
    """Register what hands deploys to workers; the last one counts. For ``AppConfig.ready()``."""
    _registered[:] = [runner]


def runner() -> Runner | None:
    """Return what was registered, whether or not it has workers now."""
    return next(iter(_registered), None)


def available_runner() -> Runner | None:
    """Return what hands deploys to workers; None where requests must do them."""
    found = runner()
    return found if found and found.is_available() else None
