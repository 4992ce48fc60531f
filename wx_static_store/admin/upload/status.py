"""The state of the attempts of an upload page, which asks for it and may cancel them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from ...causes import LOOK
from ...core.types import UploadStatus
from ...submit.progress import sent_of
from ...submit.submission import Submission, Unanswered
from .form import attempt_submission
from .outcome import CANCELLED, FileOutcome

if TYPE_CHECKING:
    from ...core.refusals import User

MOST_ASKED = 100  # attempts; the script has three under way
LONGEST_NAME = 1024


class Attempt(NamedTuple):
    """One attempt of the script: the name to show, and whether it shall not begin."""

    submission: Submission
    name: str
    cancel: bool


def parse_attempts(user: User, asked: Mapping[str, Any]) -> list[Attempt]:
    """Return the attempts that the script asks for, of this user only."""
    form_id = UUID(str(asked["form_id"]))
    return [
        Attempt(
            attempt_submission(user, form_id, int(one["attempt"])),
            str(one["name"])[:LONGEST_NAME],
            bool(one.get("cancel")),
        )
        for one in asked["attempts"]
    ]


def states(attempts: list[Attempt]) -> list[dict[str, Any]]:
    """Return for each attempt ``unseen``, ``running`` with the bytes sent, or its `outcome`."""
    # An attempt that is cancelled before it began stays so, even if it arrives later.
    found = [_state_of(attempt) for attempt in attempts]
    running = [
        (attempt.submission.digest, state)
        for attempt, state in zip(attempts, found, strict=True)
        if state["state"] == "running"
    ]
    sent = sent_of(*(digest for digest, _state in running))
    for (_digest, state), count in zip(running, sent, strict=True):
        state["sent"] = count
    return found


def _state_of(attempt: Attempt) -> dict[str, Any]:
    submission, name, cancel = attempt
    try:
        cancelled = asdict(FileOutcome(name, CANCELLED))
        outcome = FileOutcome(**(submission.cancel(cancelled) if cancel else submission.look()))
    except Unanswered as error:
        if error.code != "unknown":
            return {"state": "running" if error.code == "in_progress" else error.code}
        outcome = FileOutcome(name, UploadStatus.UNKNOWN, message=str(LOOK))
    state = CANCELLED if outcome.status == CANCELLED else "ended"
    return {"state": state, "outcome": outcome}
