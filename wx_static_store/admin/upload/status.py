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
from .form import TargetForm, attempt_submission
from .outcome import CANCELLED, FileOutcome, outcome_of
from .preview import Chosen

if TYPE_CHECKING:
    from ...core.refusals import User

MOST_ASKED = 100  # attempts; the script has some under way
LONGEST_NAME = 1024
_FOUND = _("This site was interrupted while it sent the file. The list of the cloud has it.")


class Attempt(NamedTuple):
    """One attempt of the script: the name to show, whether it shall not begin, and its file."""

    submission: Submission
    name: str
    cancel: bool
    file: Chosen | None = None  # of an attempt whose request got no answer
    wish: Mapping[str, Any] = {}  # the fields of the form


def parse_attempts(user: User, asked: Mapping[str, Any]) -> list[Attempt]:
    """Return the attempts that the script asks for, of this user only."""
    form_id = UUID(str(asked["form_id"]))
    return [
        Attempt(
            attempt_submission(user, form_id, int(one["attempt"])),
            str(one["name"])[:LONGEST_NAME],
            bool(one.get("cancel")),
            Chosen.parsed(one["file"]) if one.get("file") else None,
            one.get("file") or {},
        )
        for one in asked["attempts"]
    ]


def states(user: User, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """
    Return for each attempt ``unseen``, ``running`` with the bytes sent, or its `outcome`.

    ``killed`` is one that ended without an outcome: described with its MD5, it is looked up.
    """
    # An attempt that is cancelled before it began stays so, even if it arrives later.
    found = [_state_of(attempt) for attempt in attempts]
    pairs = [*zip(attempts, found, strict=True)]
    running = [(a.submission.digest, state) for a, state in pairs if state["state"] == "running"]
    sent = sent_of(*(digest for digest, _state in running))
    for (_digest, state), count in zip(running, sent, strict=True):
        state["sent"] = count
    killed = [(a, state) for a, state in pairs if state["state"] == "killed"]
    described = [(a, state) for a, state in killed if a.file is None or a.file.md5]
    outcomes = _look_up(user, [attempt for attempt, _state in described])
    for attempt, state in described:
        state |= {"state": "ended", "outcome": outcomes[attempt.submission.digest]}
    return found


def _state_of(attempt: Attempt) -> dict[str, Any]:
    try:
        cancelled = asdict(FileOutcome(attempt.name, CANCELLED))
        submission = attempt.submission
        outcome = FileOutcome(
            **(submission.cancel(cancelled) if attempt.cancel else submission.look())
        )
    except Unanswered as error:
        names = {"in_progress": "running", "unknown": "killed"}
        return {"state": names.get(error.code, error.code)}
    state = CANCELLED if outcome.status == CANCELLED else "ended"
    return {"state": state, "outcome": outcome}


def _look_up(user: User, attempts: list[Attempt]) -> dict[str, FileOutcome]:
    """Return how these attempts ended, by the digests of their submissions."""
    found = {
        one.submission.digest: FileOutcome(one.name, UploadStatus.UNKNOWN, message=str(LOOK))
        for one in attempts
    }
    items: defaultdict[Target, list[tuple[str, UploadItem]]] = defaultdict(list)
    for one in attempts:
        if one.file and (sent := _sent_item(user, one, one.file)):
            items[sent[0]].append((one.submission.digest, sent[1]))
    context = UploadContext(source="admin", user_id=user.pk)
    for to, killed in items.items():
        results = look_up(to, [(item, Claim(digest)) for digest, item in killed], context)
        for (digest, item), (result, row) in zip(killed, results, strict=True):
            outcome = outcome_of(to, item.name, result, row)
            found[digest] = replace(outcome, message=str(_FOUND)) if outcome.ok else outcome
    for one in attempts:
        one.submission.keep(asdict(found[one.submission.digest]))
    return found


def _sent_item(user: User, attempt: Attempt, file: Chosen) -> tuple[Target, UploadItem] | None:
    """Return what the attempt sent, and where to; None if it is not what the browser says."""
    form = TargetForm(user, attempt.wish)
    if not form.is_valid():
        return None
    to, folder = form.cleaned_data["store"], form.cleaned_data["folder"]
    if not attempt.submission.has_fingerprint(form.fingerprint(folder + file.path, file.md5)):
        return None
    other = attempt.wish.get("beside") if form.clash_choice == "keep" else ""
    name = folder + str(other or file.path)
    with suppress(WxStaticStoreError):
        key_for(user, to, name, BytesIO(), size=file.size)
        item = UploadItem(clean_name(name), open=BytesIO, size=file.size, md5=file.md5)
        return to, item
    return None
