"""Ask WeChat what it received with the refused call of a row, at most once."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..clients.platform import PlatformClient, RefusedCall
from ..conf import options_for
from ..core.retry import Deadline
from ..exceptions import WxStaticStoreError
from ..i18n import gettext, gettext_lazy as _, ngettext
from ..models import UploadLog
from ..upload.platform import platform_for, platform_notes
from ..upload.store import INTERACTIVE_SECONDS
from .owner import owning_alias

DAY = 24 * 3600
KEPT = 7 * DAY  # seconds that WeChat keeps a refused call

UNKNOWN, MALFORMED, FOREIGN, OLD = 76001, 76002, 76003, 76004
_REASONS = (UNKNOWN, MALFORMED, FOREIGN, OLD)
_NO_RID = _("Only a call that WeChat refuses gets one.")
_ADD_IT = _("Only a store of the same platform can ask: add the one that made this row.")
_RID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{8}){2}")


class NoDiagnosis(WxStaticStoreError):
    """WeChat cannot be asked about this row, or has nothing to say about it."""


# The call as WeChat received it, or the reason why it is not known.
Diagnosis = RefusedCall | WxStaticStoreError


def diagnose(row: UploadLog, *, now: Callable[[], float] = time.time) -> Diagnosis:
    """Return what WeChat received with the refused call of this row; ask at most once."""
    if found := known_diagnosis(row, now=now):
        return found
    options = options_for(owning_alias(row))
    age = now() - int(row.rid[:8], 16)
    deadline = Deadline.after(options.deadline or INTERACTIVE_SECONDS)
    try:
        platform = platform_for(options)
        client = PlatformClient(platform.transport, options.api_base_url)
        found = platform.ask(
            client.refused_call, row.rid, deadline=deadline, max_attempts=options.max_attempts
        )
    except WxStaticStoreError as error:
        if error.errcode not in _REASONS:
            return error
        found = _reason(error.errcode, errcode=error.errcode)
    # A call that WeChat does not know yet may be known later: keep this answer for a short time.
    lasts = min(DAY, age) if getattr(found, "errcode", None) == UNKNOWN else DAY
    platform_notes(options).write(f"rid:{row.rid}", _dump(found), lasts)
    return found


def known_diagnosis(row: UploadLog, *, now: Callable[[], float] = time.time) -> Diagnosis | None:
    """Return the kept answer, or the reason why there can be none; None: WeChat must be asked."""
    if not row.rid:
        return NoDiagnosis(_("This upload has no rid"), hint=_NO_RID)
    if not _RID.fullmatch(row.rid):
        return _reason(MALFORMED)
    if not (using := owning_alias(row)):
        return NoDiagnosis(_("No store in STORAGES writes to this key"), hint=_ADD_IT)
    options = options_for(using)
    if kept := platform_notes(options).read(f"rid:{row.rid}"):
        return _load(kept)
    # A rid begins with its time, by the clock of WeChat.
    return _reason(OLD) if now() - int(row.rid[:8], 16) > KEPT else None


def text_of(body: str | int) -> str:
    """Return the body of a call for people, in their language."""
    if isinstance(body, str):
        return body
    one, many = "%(count)d character that is no JSON", "%(count)d characters that are no JSON"
    return ngettext(one, many, body) if body else gettext("empty")


def _reason(code: int, **details: Any) -> NoDiagnosis:
    return NoDiagnosis(cause=str(code), **details)


# --- the kept answer ------------------------------------------------------------------------


def _dump(found: Diagnosis) -> dict[str, Any]:
    if isinstance(found, WxStaticStoreError):
        return {"reason": found.errcode}
    return {"call": asdict(found) | {"time": found.time and found.time.isoformat()}}


def _load(kept: dict[str, Any]) -> Diagnosis:
    if code := kept.get("reason"):
        return _reason(code, errcode=code)
    moment = kept["call"]["time"]
    return RefusedCall(**kept["call"] | {"time": moment and datetime.fromisoformat(moment)})
