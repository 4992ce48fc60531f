"""How the upload of one file ended, as the page shows it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ...causes import Text, advice, cause_of
from ...core import qr
from ...core.naming import content_type
from ...core.types import UploadResult, UploadStatus
from ...exceptions import WxStaticStoreError
from ...submit.policy import Target
from ...upload.store import get_store
from ..columns import explained
from ..places import link_to
from .form import display_name

REFUSED, RUNNING, CANCELLED, ASK = "refused", "running", "cancelled", "ask"
LABELS = {
    UploadStatus.STORED.value: ("✓", _("Public now")),
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
        return self.status == UploadStatus.STORED

    @property
    def icon(self) -> str:
        return LABELS[self.status][0]

    @property
    def label(self) -> Text:
        return LABELS[self.status][1]

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
    url = link = ""
    with suppress(WxStaticStoreError):  # the file is stored, even if its address is unknown
        store = get_store(to.using, to.env)
        url, link = store.key_url(result.key), link_to(store, result.key)
    return FileOutcome(result.key, UploadStatus.STORED, url, link, result.size, row=row)


def failure(name: str, error: WxStaticStoreError, **facts: Any) -> FileOutcome:
    """Return the outcome of a file that is not stored, or not for sure."""
    texts = {"message": str(error.message), "errmsg": error.errmsg, "hint": str(error.hint)}
    return FileOutcome(name, cause=error.cause, **texts, **facts)
