"""The table of the log's columns is whole, and an upload fills each."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.tables import none_of
from wx_static_store.core.facts import COLUMNS, facts
from wx_static_store.core.types import ContentHeaders, UploadContext, UploadResult, UploadStatus
from wx_static_store.exceptions import CosError
from wx_static_store.models import UploadLog

OF_THE_DATABASE = {"id", "key_digest", "key_start", "created"}
CONTEXT = UploadContext("wx_deploy", "v1", user_id=7, deployment_id=8)


def test_the_columns_are_the_fields_of_the_log_but_those_of_the_database() -> None:
    fields = {field.attname for field in UploadLog._meta.concrete_fields} - OF_THE_DATABASE
    names = [column.name for column in COLUMNS]
    place = "wx_static_store/core/facts.py"
    none_of(f"Add a Column {name} to COLUMNS of {place}" for name in fields - {*names})
    none_of(f"Take {name}, which is no field, out of {place}" for name in {*names} - fields)
    assert len(names) == len(fields)


def test_an_upload_fills_each_column() -> None:
    error = CosError(
        "refused", cause="AccessDenied", errmsg="no", http_status=403, cos_code="AccessDenied"
    )
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    result = UploadResult(
        *("a.txt", "media/a.txt", UploadStatus.FAILED, "env-1", 5, "0" * 32),
        ContentHeaders("text/plain", "no-store"),
        attempts=2, seconds=1.2346, stage="put", error=error, errcode=-1, rid="rid",
        request_id="id", stored_at=moment,
    )  # fmt: skip
    filled = {
        "env": "env-1",
        "key": "media/a.txt",
        "name": "a.txt",
        "status": "failed",
        "stage": "put",
        "cause": "AccessDenied",
        "errcode": -1,
        "message": "refused: no",
        "http_status": 403,
        "cos_code": "AccessDenied",
        "rid": "rid",
        "request_id": "id",
        "attempts": 2,
        "size": 5,
        "md5": "0" * 32,
        "content_type": "text/plain",
        "cache_control": "no-store",
        "duration_ms": 1235,
        "stored_at": moment,
        "source": "wx_deploy",
        "source_ref": "v1",
        "user_id": 7,
        "deployment_id": 8,
    }
    found, place = facts(result, CONTEXT), "test_an_upload_fills_each_column"
    none_of(f"Say in {place} what an upload fills {name} with" for name in {*found} - {*filled})
    assert found == filled


def test_what_is_not_stored_has_a_cause() -> None:
    stored = UploadResult("a", "a", UploadStatus.STORED)
    failed = replace(stored, status=UploadStatus.FAILED, error=CosError("no"))
    corrected = replace(failed, error=None)  # by a list, which shows another object
    found = [facts(result, CONTEXT)["cause"] for result in (stored, failed, corrected)]
    assert found == ["", "CosError", "cloud"]
