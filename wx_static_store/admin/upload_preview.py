"""What would become of files, told before one of them is sent; nobody outside is asked."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from .. import recorders
from ..exceptions import WxStaticStoreError
from ..policy import Target, key_for
from ..transfers import DELETED_MD5, UploadStatus
from .upload_form import TargetForm

if TYPE_CHECKING:
    from ..models import UploadLog
    from ..policy.rules import User

REFUSED = "refused"
STATES = {
    "new": _("new"),
    "same": _("the same bytes are public"),
    "changed": _("changed"),
    REFUSED: _("refused"),
}
TICK = _("Tick “Replace files that are already public” to send it.")
NO_REPLACING = _("You may not replace files that are public.")


class Chosen(NamedTuple):
    """A file as the browser describes it."""

    path: str
    size: int
    md5: str


def foreseen(user: User, form: TargetForm, files: list[Chosen]) -> Iterator[dict[str, Any]]:
    """By the log, which may not know all: the upload itself asks the store."""
    to, folder = form.cleaned_data["store"], form.cleaned_data["folder"]
    keys = [_key(user, to, folder + file.path, file.size) for file in files]
    rows = recorders.newest_rows(to.env, [key for key in keys if isinstance(key, str)]) or {}
    for key, file in zip(keys, files, strict=True):
        if isinstance(key, str):
            yield _compared(form, key, _public_md5(rows.get(key)), file.md5)
        else:
            yield _state(REFUSED, reasons=[str(key.message), str(key.hint)], blocked=True)


def _key(user: User, to: Target, name: str, size: int) -> str | WxStaticStoreError:
    """The key of a file whose bytes are not here yet, or why it can have none."""
    try:
        return key_for(user, to, name, BytesIO(), size=size)
    except WxStaticStoreError as error:
        return error


def _public_md5(row: UploadLog | None) -> str:
    stored = row is not None and row.status == UploadStatus.STORED
    return row.md5 if row and stored and row.md5 != DELETED_MD5 else ""


def _compared(form: TargetForm, key: str, public: str, md5: str) -> dict[str, Any]:
    if not public:
        return _state("new", key=key)
    state = "same" if public == md5 else "changed"
    if form.overwrites:
        return _state(state, key=key)
    reason = TICK if "overwrite" in form.fields else NO_REPLACING
    return _state(state, key=key, reasons=[str(reason)] if state == "changed" else [], blocked=True)


def _state(state: str, **facts: Any) -> dict[str, Any]:
    return {"state": state, "label": str(STATES[state]), **facts}
