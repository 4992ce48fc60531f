"""The cause that a row of the log has, for rows which a test makes by hand."""

from typing import Any

from wx_static_store.causes import CAUSES, of_errcode
from wx_static_store.models import UploadLog


def with_cause(columns: dict[str, Any]) -> dict[str, Any]:
    """Add the cause that an upload with these codes has; without a code, a test names it."""
    errcode, cos_code = columns.get("errcode"), columns.get("cos_code")
    if columns.get("status") == UploadLog.Status.STORED or not (errcode or cos_code):
        return columns
    entry = of_errcode(errcode) if errcode else CAUSES.get(str(cos_code), CAUSES["cos"])
    return {"cause": entry.id} | columns
