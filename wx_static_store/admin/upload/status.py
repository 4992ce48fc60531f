"""The state of the attempts of an upload page, which asks for it and may cancel them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from ...causes import LOOK
from ...core.naming import clean_name
from ...core.types import UploadContext, UploadItem, UploadStatus
from ...exceptions import WxStaticStoreError
from ...submit.policy import Target, key_for
from ...submit.progress import sent_of
from ...submit.send import look_up
from ...submit.submission import Submission, Unanswered
from ...upload.claims import Claim
from .form import attempt_submission
from .outcome import CANCELLED, FileOutcome, outcome_of

if TYPE_CHECKING:
    from ...core.refusals import User

MOST_ASKED = 100  # attempts; the script has some under way
LONGEST_NAME = 1024
_FOUND = _("This site was interrupted while it sent the file. The list of the cloud has it.")


class Attempt(NamedTuple):
    """One attempt of the script: the name to show, and whether it shall not begin."""

    submission: Submission
    name: str
    cancel: bool
    wait: bool  # if it was killed, it is looked up later, together with others


def parse_attempts(user: User, asked: Mapping[str, Any]) -> list[Attempt]:
    """Return the attempts that the script asks for, of this user only."""
    form_id = UUID(str(asked["form_id"]))
    return [
        Attempt(
            attempt_submission(user, form_id, int(one["attempt"])),
            str(one["name"])[:LONGEST_NAME],
            bool(one.get("cancel")),
            bool(one.get("wait")),
        )
        for one in asked["attempts"]
    ]


def states(user: User, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """
    Return for each attempt ``unseen``, ``running`` with the bytes sent, or its `outcome`.

    ``killed`` is one that ended without an outcome, and is not looked up yet.
    """
    # An attempt that is cancelled before it began stays so, even if it arrives later.
    found = [_state_of(attempt) for attempt in attempts]
    pairs = [*zip(attempts, found, strict=True)]
    running = [(a.submission.digest, state) for a, state in pairs if state["state"] == "running"]
    sent = sent_of(*(digest for digest, _state in running))
    for (_digest, state), count in zip(running, sent, strict=True):
        state["sent"] = count
    killed = [(a, state) for a, state in pairs if state["state"] == "killed" and not a.wait]
    ended = look_up_killed(user, [(attempt.submission, attempt.name) for attempt, _state in killed])
    for (_attempt, state), outcome in zip(killed, ended, strict=True):
        state |= {"state": "ended", "outcome": outcome}
    return found


def _state_of(attempt: Attempt) -> dict[str, Any]:
    submission, name, cancel, _wait = attempt
    try:
        cancelled = asdict(FileOutcome(name, CANCELLED))
        outcome = FileOutcome(**(submission.cancel(cancelled) if cancel else submission.look()))
    except Unanswered as error:
        names = {"in_progress": "running", "unknown": "killed"}
        return {"state": names.get(error.code, error.code)}
    state = CANCELLED if outcome.status == CANCELLED else "ended"
    return {"state": state, "outcome": outcome}


def look_up_killed(user: User, killed: list[tuple[Submission, str]]) -> list[FileOutcome]:
    """Return how these submissions ended, to be shown under these names, and keep it."""
    found = {
        submission.digest: FileOutcome(name, UploadStatus.UNKNOWN, message=str(LOOK))
        for submission, name in killed
    }
    sent = defaultdict[Target, dict[str, UploadItem]](dict)
    for submission, _name in killed:
        if about := submission.about():
            to, name = Target(about["using"], about["env"], ""), about["name"]
            with suppress(WxStaticStoreError):  # it was refused, and so not sent
                key_for(user, to, name, BytesIO(), size=about["size"])
                facts = {"size": about["size"], "md5": about["md5"]}
                sent[to][submission.digest] = UploadItem(clean_name(name), BytesIO, **facts)
    context = UploadContext(source="admin", user_id=user.pk)
    for to, items in sent.items():
        claims = [(item, Claim(digest)) for digest, item in items.items()]
        for digest, (result, row) in zip(items, look_up(to, claims, context), strict=True):
            outcome = outcome_of(to, result.name, result, row)
            found[digest] = replace(outcome, message=str(_FOUND)) if outcome.ok else outcome
    for submission, _name in killed:
        submission.keep(asdict(found[submission.digest]))
    return [found[submission.digest] for submission, _name in killed]
