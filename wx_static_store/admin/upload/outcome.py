"""How the upload of one file ended, and the state of the attempts of a page that asks for it."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ...causes import LOOK, Text, advice, cause_of
from ...core import qr
from ...core.naming import clean_name, content_type
from ...core.refusals import PolicyRejected, User
from ...core.types import WAITS, UploadContext, UploadItem, UploadResult, UploadStatus
from ...exceptions import NameRejected, SourceError, WxStaticStoreError
from ...submit.policy import Target, key_for
from ...submit.progress import sent_of
from ...submit.send import look_up
from ...submit.submission import Submission, Unanswered
from ...upload.claims import Claim
from ...upload.store import get_store
from ..columns import explained
from ..places import linkable
from .form import attempt_submission, display_name

MOST_ASKED = 100  # attempts; the script has some under way
LONGEST_NAME = 1024
_FOUND = _("This site was interrupted while it sent the file. The list of the cloud has it.")
REFUSED, RUNNING, CANCELLED, ASK = "refused", "running", "cancelled", "ask"
LABELS = {
    UploadStatus.STORED.value: ("✓", _("Public now")),
    UploadStatus.WAITING.value: ("…", _("Waits")),
    UploadStatus.FAILED.value: ("✗", _("Failed")),
    UploadStatus.UNKNOWN.value: ("?", _("It is not known whether this file is public")),
    REFUSED: ("✗", _("Refused")),
    CANCELLED: ("–", _("Cancelled before it was sent: nothing of it is public")),
    ASK: ("!", _("Not public yet: is this file meant for everybody?")),
    RUNNING: ("…", _("This file is being uploaded; the log will show how it ended")),
}


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """How the upload of one file ended, as every later submission shows it."""

    name: str
    status: str = RUNNING
    url: str = ""
    link: str = ""  # the address, if a page may link to it
    size: int | None = None
    errcode: int | None = None
    message: str = ""
    errmsg: str = ""
    cause: str = ""
    hint: str = ""
    row: int | None = None

    @property
    def ok(self) -> bool:
        return self.status in (UploadStatus.STORED, UploadStatus.WAITING)

    @property
    def look(self) -> tuple[str, Text]:
        """Return the sign of the status, and its label."""
        return LABELS[self.status]

    @property
    def explanation(self) -> Text:
        """Return what the page of a row shows, too; a refusal by a rule has a hint for editors."""
        text = advice(self.cause, self.status) if self.cause else ""
        return explained(text, cause_of(self.cause), self.hint, self.errmsg) if text else self.hint

    @property
    def is_image(self) -> bool:
        return content_type(self.name).startswith("image/")

    @property
    def qr(self) -> SafeString:
        return qr.svg(self.url) if self.url else SafeString()


def outcome_of(to: Target, name: str, result: UploadResult, row: int | None) -> FileOutcome:
    """Return the outcome that a result shows; `row` is its id in the log."""
    if error := result.error:
        facts = {"status": result.status.value, "errcode": result.errcode, "row": row}
        return failure(display_name(to, name), error, **facts)
    store, url, link = get_store(to.using, to.env), "", ""
    if result.status is UploadStatus.WAITING:  # nobody can be asked for the address
        url = store.known_url(result.key)
        return FileOutcome(result.key, result.status, url, size=result.size, message=str(WAITS))
    with suppress(WxStaticStoreError):  # the file is stored, even if its address is unknown
        url = store.key_url(result.key)
        link = linkable(url, store.options)
    return FileOutcome(result.key, result.status, url, link, result.size, row=row)


def failure(name: str, error: WxStaticStoreError, **facts: Any) -> FileOutcome:
    """Return the outcome of a file that is not stored, or not for sure."""
    # A refusal of ours says in its message what is wrong with this file; else the row has the rest.
    own = isinstance(error, PolicyRejected | NameRejected | SourceError)
    facts |= {"message": str(error.message if own else error.entry.title)}
    answer = "" if own else str(copy(error).with_context(hint=""))  # with the ids to quote
    return FileOutcome(name, cause=error.cause, errmsg=answer, hint=str(error.hint), **facts)


# --- attempts, which the page asks about and may cancel -----------------------------------------


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
    """Return for each attempt ``unseen``, ``running`` with the bytes sent, or its `outcome`."""
    # An attempt that is cancelled before it began stays so, even if it arrives later.
    found = [_state_of(attempt) for attempt in attempts]
    pairs = [*zip(attempts, found, strict=True)]
    running = [(a.submission.digest, state) for a, state in pairs if state["state"] == "running"]
    sent = sent_of(*(digest for digest, _state in running))
    for (_digest, state), count in zip(running, sent, strict=True):
        state["sent"] = count
    # Those that ended without an outcome, and are not looked up yet.
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
    return {"state": "ended" if outcome.status != CANCELLED else CANCELLED, "outcome": outcome}


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
            is_there = outcome.status == UploadStatus.STORED
            found[digest] = replace(outcome, message=str(_FOUND)) if is_there else outcome
    for submission, _name in killed:
        submission.keep(asdict(found[submission.digest]))
    return [found[submission.digest] for submission, _name in killed]
