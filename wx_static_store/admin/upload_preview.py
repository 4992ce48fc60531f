"""Show what an upload would do with each file, without a call to the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from ..core.types import UploadStatus
from ..exceptions import WxStaticStoreError
from ..models import UploadLog
from ..submit.policy import Target, key_for
from ..upload.database import in_database
from .upload_form import TEXTS, TargetForm, listed_as

if TYPE_CHECKING:
    from ..core.refusals import User

    Rows = Mapping[str, UploadLog] | None

UNKNOWN, UNREAD, REFUSED = "unknown", "unread", "refused"
STATES = {
    "new": _("not in the log"),
    "deleted": _("not public any more"),
    "same": _("the same bytes are public"),
    "changed": _("changed"),
    UNREAD: TEXTS["reading"],  # which bytes are public is known, and those of the file must be
    UNKNOWN: TEXTS["unknown"],
    REFUSED: _("refused"),
}
TICK = _("Tick “Replace files that are already public” to send it.")
NO_REPLACING = _("You may not replace files that are public.")


class Chosen(NamedTuple):
    """A file as the browser describes it; its MD5 is there only if it was asked for."""

    path: str
    size: int
    md5: str

    @classmethod
    def parsed(cls, facts: Mapping[str, Any]) -> Chosen:
        size = int(facts["size"])
        if not 0 <= size < 2**63:
            raise ValueError(size)
        return cls(str(facts["path"]), size, str(facts.get("md5") or ""))


def preview(user: User, form: TargetForm, files: list[Chosen]) -> Iterator[dict[str, Any]]:
    """Yield what the log says of each file; it may not know all: the upload asks the store."""
    to, folder = form.cleaned_data["store"], form.cleaned_data["folder"]
    keys = [_key(user, to, folder + file.path, file.size) for file in files]
    rows = _sent_rows(to.env, [key for key in keys if isinstance(key, str)])
    for key, file in zip(keys, files, strict=True):
        if isinstance(key, str):
            facts = _shown(form, _state_of(rows, key, file))
        else:
            facts = _facts(REFUSED, [str(key.message), key.full_hint])
        name, size = listed_as(to, folder + file.path), filesizeformat(file.size)
        yield {"key": name, "size": size, **facts}


def _key(user: User, to: Target, name: str, size: int) -> str | WxStaticStoreError:
    """Return the key of a file whose bytes are not here yet, or why it has none."""
    try:
        return key_for(user, to, name, BytesIO(), size=size)
    except WxStaticStoreError as error:
        return error


def _sent_rows(env: str, keys: Iterable[str]) -> Rows:
    """
    Return the newest row of each key whose bytes were sent; None where there is no log.

    An upload that failed changed nothing: what was public before it is public still.
    """
    sent = UploadLog.objects.filter(status__in=[UploadStatus.STORED, UploadStatus.UNKNOWN])
    return in_database(lambda: sent.newest(env, keys), otherwise=None)


def _state_of(rows: Rows, key: str, file: Chosen) -> str:
    row = None if rows is None else rows.get(key)
    if rows is None or (row and row.status == UploadStatus.UNKNOWN):
        return UNKNOWN
    if row is None:
        return "new"
    if row.is_deletion:
        return "deleted"
    if row.size != file.size:
        return "changed"
    if not file.md5:
        return UNREAD
    return "same" if row.md5 == file.md5 else "changed"


def _shown(form: TargetForm, state: str) -> dict[str, Any]:
    """Return the state, and whether the file waits for the box that allows replacing."""
    if state not in {"same", "changed"} or form.overwrites:
        return _facts(state)
    reason = TICK if "overwrite" in form.fields else NO_REPLACING
    return _facts(state, [str(reason)] if state == "changed" else [], blocked=True)


def _facts(
    state: str, reasons: list[str] | None = None, *, blocked: bool = False
) -> dict[str, Any]:
    facts = {"state": state, "label": str(STATES[state]), "reasons": reasons or []}
    return facts | {"blocked": blocked or state in {REFUSED, UNREAD}}
