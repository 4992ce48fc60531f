"""What became of the attempts of an upload page: the page asks for it, and may cancel them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from ...core.types import UploadStatus
from ...log.advice import LOOK
from ...submit.progress import sent_of
from ...submit.submission import Submission, Unanswered
from .form import numbered
from .outcome import CANCELLED, FileOutcome

if TYPE_CHECKING:
    from ...core.refusals import User

MOST_ASKED = 100  # attempts; the script has three under way
LONGEST_NAME = 1024


class Attempt(NamedTuple):
    """One attempt of the script: what is shown as its name, and whether it shall not begin."""

    submission: Submission
    name: str
    cancel: bool


def parsed(user: User, asked: Mapping[str, Any]) -> list[Attempt]:
    """Return the attempts that the script asks for, of this user only."""
    form_id = UUID(str(asked["form_id"]))
    return [
        Attempt(
            numbered(user, form_id, int(one["attempt"])),
            str(one["name"])[:LONGEST_NAME],
            bool(one.get("cancel")),
        )
        for one in asked["attempts"]
    ]


def states(attempts: list[Attempt]) -> Iterator[dict[str, Any]]:
    """
    Yield the state of each attempt: ``unseen``, ``running`` with the bytes sent, or its `outcome`.

    What is cancelled before it has begun has the outcome ``cancelled``, for good.
    """
    for submission, name, cancel in attempts:
        try:
            cancelled = asdict(FileOutcome(name, CANCELLED))
            kept = submission.cancel(cancelled) if cancel else submission.look()
            yield _ended(FileOutcome(**kept))
        except Unanswered as error:
            if error.code == "unknown":
                yield _ended(FileOutcome(name, UploadStatus.UNKNOWN, message=str(LOOK)))
            elif error.code == "in_progress":
                yield {"state": "running", "sent": sent_of(submission.digest)}
            else:
                yield {"state": error.code}


def _ended(outcome: FileOutcome) -> dict[str, Any]:
    state = CANCELLED if outcome.status == CANCELLED else "ended"
    return {"state": state, "outcome": outcome}
