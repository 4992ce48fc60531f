"""What travels between the rooms."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.tables import each
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import (
    DELETED,
    DELETED_MD5,
    SignedLink,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
    in_utc,
)
from wx_static_store.exceptions import LinkExpired


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
