"""Workers that deploy outside of the request: an app registers its own here."""

from typing import Any, Protocol

from .rollback import Move


class Runner(Protocol):
    """The functions that an app with workers offers to the admin and the API; a module will do."""

    def is_available(self) -> bool:
        """Return whether work can be handed over at all; the broker may still be down."""

    def hand_over(self, using: str, move: Move, *, user_id: int | None, label: str = "") -> Any:
        """
        Let workers make this move; return the row whose page in the admin shows its progress.

        Raises WxStaticStoreError or CommandError if nothing was begun.
        """

    def answer(self, request: Any, using: str, move: Move) -> Any:
        """Let workers make this move; return the API's answer 202, or raise its problem."""

    def answer_serializer(self) -> Any:
        """Return the serializer of the answer 202, for the OpenAPI document."""


_registered: list[Runner] = []


def run_by(runner: Runner) -> None:
    """Register the runner; the last one counts. For ``AppConfig.ready()``."""
    _registered[:] = [runner]


def runner() -> Runner | None:
    """Return the registered runner, even if it has no workers now."""
    return next(iter(_registered), None)


def available_runner() -> Runner | None:
    """Return the runner if it has workers; else requests must deploy."""
    found = runner()
    return found if found and found.is_available() else None
