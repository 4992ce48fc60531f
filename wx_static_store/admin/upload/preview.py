"""Show what an upload would do with each file, without a call to the cloud."""

from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, NamedTuple, Self

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ...core.naming import content_type
from ...core.refusals import User
from ...core.types import UploadStatus
from ...exceptions import WxStaticStoreError
from ...submit.policy import Target, key_for, questions
from ..places import Places
from .form import TEXTS, TargetForm, display_name
from .names import Rows, names_beside, sent_rows

UNKNOWN, UNREAD, REFUSED, ASK = "unknown", "unread", "refused", "ask"
STATES = {
    "new": _("not in the log"),
    "deleted": _("not public any more"),
    "same": _("the same bytes are public"),
    "changed": _("changed"),
    UNREAD: _("Reading this file, to compare it"),  # its MD5 is not known, that of the public is
    UNKNOWN: TEXTS["unknown"],
    REFUSED: _("refused"),
    ASK: _("Tick it, if it is meant for everybody"),
}
_SEE_FOLDER = _("See the target folder.")
NO_REPLACING = _("You may not replace files that are public.")
LONGEST_HEAD = 2048  # letters: the script sends 512 bytes


class Chosen(NamedTuple):
    """A file as the browser describes it; the MD5 is empty until the page asks for it."""

    path: str
    size: int
    md5: str
    head: bytes = b""

    @classmethod
    def parsed(cls, facts: Mapping[str, Any]) -> Self:
        size = int(facts["size"])
        if not 0 <= size < 2**63:
            raise ValueError(size)
        head = b64decode(str(facts.get("head") or "")[:LONGEST_HEAD], validate=True)[:size]
        return cls(str(facts["path"]), size, str(facts.get("md5") or ""), head)


def preview(form: TargetForm, files: list[Chosen]) -> dict[str, Any]:
    """Return the state of each file by the log, and the refusal of the folder if there is one."""
    # The log may be incomplete, so the upload itself asks the store.
    folder = form.wrong_folder([file.path for file in files])
    return {"folder": folder, "files": list(_files(form, files, explain=not folder))}


def _files(form: TargetForm, files: list[Chosen], *, explain: bool) -> Iterator[dict[str, Any]]:
    to, folder = form.cleaned_data["store"], form.cleaned_data["folder"]
    user, places = form.user, Places(form.user)
    names = [folder + file.path for file in files]
    keys = [_key(user, to, name, file) for name, file in zip(names, files, strict=True)]
    rows = sent_rows(to.env, [key for key in keys if isinstance(key, str)])
    states = [
        _state_of(rows, key, file) if isinstance(key, str) else REFUSED
        for key, file in zip(keys, files, strict=True)
    ]
    found = [*zip(names, keys, files, states, strict=True)]
    changed = {name: file for name, _own, file, state in found if state == "changed"}
    others = _other_names(form, changed, {*names})
    for name, key, file, state in found:
        if isinstance(key, str):
            asked = questions(user, to, name, BytesIO(file.head), size=file.size)
            facts = _choice_facts(form, state, asked)
        else:
            facts = _facts(REFUSED, [key.message, key.hint] if explain else [_SEE_FOLDER])
        if rows and state in {"same", "changed"}:
            row = rows[str(key)]
            facts["old"] = {
                "size": filesizeformat(row.size or 0),
                "created": row.created.isoformat(),
                "url": places.address(to.using, to.env, row.key),
                "image": content_type(row.key).startswith("image/"),
            }
        if state == "changed":
            other = others.get(name)
            may = {"skip": True, "replace": form.may_replace, "keep": other is not None}
            facts |= {"choices": [what for what, allowed in may.items() if allowed], "other": other}
        yield {"key": display_name(to, name), "size": filesizeformat(file.size), **facts}


def _other_names(
    form: TargetForm, changed: Mapping[str, Chosen], names: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return another name for each changed file, if the policy allows that name."""
    to, folder = form.cleaned_data["store"], form.cleaned_data["folder"]
    found = names_beside(to, {name: file.md5 for name, file in changed.items()}, names)
    return {
        name: {"path": other.removeprefix(folder), "key": display_name(to, other)}
        for name, other in found.items()
        if isinstance(_key(form.user, to, other, changed[name]), str)
    }


def _key(user: User, to: Target, name: str, file: Chosen) -> str | WxStaticStoreError:
    """Return the key of a file, of which only the head is here, or the error."""
    try:
        return key_for(user, to, name, BytesIO(file.head), size=file.size)
    except WxStaticStoreError as error:
        return error


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


def _choice_facts(form: TargetForm, state: str, asked: list[str | Promise]) -> dict[str, Any]:
    """Return the state, whether the user must choose, and the questions to confirm."""
    if state in {"same", "changed"} and form.cleaned_data["clash"] == "skip":
        may = form.may_replace or state == "same"
        return _facts(state, [*asked, *([] if may else [NO_REPLACING])], blocked=True) | {
            "asks": bool(asked)
        }
    if not asked or state in {"same", UNREAD}:
        return _facts(state)
    return _facts(state if state == "changed" else ASK, asked) | {"asks": True}


def _facts(state: str, reasons: Iterable[object] = (), *, blocked: bool = False) -> dict[str, Any]:
    facts = {"state": state, "label": str(STATES[state]), "reasons": [*map(str, reasons)]}
    return facts | {"blocked": blocked or state in {REFUSED, UNREAD}}
