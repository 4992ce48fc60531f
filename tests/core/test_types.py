"""What travels between the layers; the columns of the log are whole, and an upload fills each."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.tables import each, none_of
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import (
    COLUMNS,
    DELETED,
    DELETED_MD5,
    ContentHeaders,
    SignedLink,
    UploadContext,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
    during,
    facts,
    in_utc,
)
from wx_static_store.exceptions import CosError, LinkExpired
from wx_static_store.models import UploadLog


def test_a_link_does_not_print_its_secrets() -> None:
    link = SignedLink("a.css", Secret("https://x/?sign=canary"), Secret("canary"))
    assert "canary" not in repr(link)
    assert "a.css" in repr(link)


def test_a_result_travels_to_another_process_with_its_error() -> None:
    """Celery sends results, so nothing in them may be a secret or a socket."""
    error = LinkExpired("COS refused the upload", cos_code="AccessDenied")
    sent = UploadResult("a.css", "static/a.css", UploadStatus.FAILED, error=error)
    got = pickle.loads(pickle.dumps(sent))
    assert str(got.error) == str(error)
    assert dataclasses.replace(got, error=None) == dataclasses.replace(sent, error=None)


def test_the_values_that_travel_are_frozen() -> None:
    item = UploadItem("a.css", io.BytesIO)
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.name = "b.css"  # type: ignore[misc]


def test_the_deletion_marker_is_known_by_its_md5() -> None:
    assert hashlib.md5(DELETED).hexdigest() == DELETED_MD5


def test_a_status_is_written_as_its_word() -> None:
    assert f"{UploadStatus.UNKNOWN}" == "unknown"


def test_a_deletion_is_a_plain_file_that_no_browser_keeps() -> None:
    item = deletion("a/b.css")
    with item.open() as file:
        assert file.read() == DELETED
    assert (item.name, item.content_type, item.cache_control) == (
        "a/b.css",
        "text/plain",
        "no-store",
    )


CHINA = timezone(timedelta(hours=8))


@each(
    ("moment", "utc"),
    [
        (None, None),
        (datetime(1969, 12, 31), None),
        (datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(9998, 12, 31), datetime(9998, 12, 31, tzinfo=UTC)),
        (datetime(9999, 1, 1), None),
        (datetime(2026, 1, 2, 8, tzinfo=CHINA), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_a_time_of_a_peer_is_in_utc_or_unknown(
    moment: datetime | None, utc: datetime | None
) -> None:
    got = in_utc(moment)
    assert got == utc
    assert got is None or got.tzinfo is UTC


# --- the columns of the log ----------------------------------------------------------------------

OF_THE_DATABASE = {"id", "key_digest", "key_start", "created"}
CONTEXT = UploadContext("wx_deploy", "v1", user_id=7, deployment_id=8)


def test_the_columns_are_the_fields_of_the_log_but_those_of_the_database() -> None:
    fields = {field.attname for field in UploadLog._meta.concrete_fields} - OF_THE_DATABASE
    names = [column.name for column in COLUMNS]
    place = "wx_static_store/core/types.py"
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
        ContentHeaders("text/plain", "no-store", "Expires: 0"),
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
        "other_headers": "Expires: 0",
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


VARIABLE: ContextVar[int] = ContextVar("variable", default=0)


def test_the_value_is_that_of_the_block() -> None:
    with during(VARIABLE, 1) as given:
        assert VARIABLE.get() == given == 1
        with during(VARIABLE, 2):
            assert VARIABLE.get() == 2
        assert VARIABLE.get() == 1
    assert VARIABLE.get() == 0


def test_an_error_in_the_block_ends_the_value() -> None:
    with pytest.raises(KeyboardInterrupt), during(VARIABLE, 1):
        raise KeyboardInterrupt
    assert VARIABLE.get() == 0
