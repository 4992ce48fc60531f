"""What is at a key, by list, newest row and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import pytest

from tests.conftest import ENV, lost_table
from wx_static_store.core.types import DELETED, DELETED_MD5, RemoteFile
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload.presence import LATE, SLACK, Presence, Row, from_log, look, look_at
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
OLD, NEW = (md5(each, usedforsecurity=False).hexdigest() for each in (b"old", b"new"))


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def ago(age: timedelta) -> datetime:
    return datetime.now(UTC) - age


def row(status: str = "stored", md5: str = NEW, **columns: Any) -> Row:
    now = ago(0 * SECOND)
    facts = {"headers": None, "stored_at": now, "deployment_id": None, "sent_at": now}
    return Row(status, 3, md5, **(facts | columns))


def add(key: str, md5: str, source: str = "storage") -> None:
    facts = {"env": ENV, "name": key, "status": "stored", "source": source, "size": 3}
    UploadLog.objects.create(key=key, key_digest=key_digest(key), md5=md5, **facts)


def listed(age: timedelta, md5: str | None = OLD) -> RemoteFile:
    return RemoteFile("a.txt", 3, md5, ago(age))


def md5_of(file: RemoteFile | None) -> str | None:
    return file.md5 if file else None


@pytest.mark.parametrize(
    ("age", "found"), [(SLACK + SECOND, NEW), (SLACK, OLD), (-SLACK - SECOND, OLD)]
)
def test_a_fresh_row_counts_for_more_than_an_object_that_is_older_by_more_than_the_slack(
    age: timedelta, found: str
) -> None:
    assert md5_of(Presence("a.txt", row(), listed(age)).file) == found


@pytest.mark.parametrize(
    ("age", "found"), [(LATE - SECOND, NEW), (LATE + SECOND, None), (-LATE - SECOND, None)]
)
def test_an_object_that_no_list_shows_is_there_for_a_minute_after_its_row(
    age: timedelta, found: str | None
) -> None:
    presence = Presence("a.txt", row(sent_at=ago(age)), None)
    assert md5_of(presence.file) == md5_of(presence.taken_by) == found


@pytest.mark.parametrize("columns", [{"status": "failed"}, {"sent_at": None}])
def test_a_row_that_sent_nothing_counts_for_less_than_the_list(columns: Any) -> None:
    assert Presence("a.txt", row(**columns), None).taken_by is None
    assert md5_of(Presence("a.txt", row(**columns), listed(LATE)).file) == OLD


def test_an_upload_without_an_answer_takes_its_key_for_a_minute() -> None:
    unknown = row("unknown", stored_at=None)
    assert Presence("a.txt", unknown, None).file is None
    assert md5_of(Presence("a.txt", unknown, None).taken_by) == NEW
    assert md5_of(Presence("a.txt", unknown, listed(SECOND)).taken_by) == OLD
    assert Presence("a.txt", unknown._replace(sent_at=ago(2 * LATE)), None).taken_by is None


def test_a_row_that_a_later_put_outranks_says_that_something_is_there_and_not_what() -> None:
    deleted = row(md5=DELETED_MD5, outranked=True)
    file = Presence("a.txt", deleted, None).file
    assert file
    assert file.md5 is None


def test_a_deletion_counts_before_the_list_shows_it() -> None:
    assert Presence("a.txt", row(md5=DELETED_MD5), listed(LATE)).taken_by is None


def test_without_the_list_the_row_decides_alone() -> None:
    def by_log(row: Row) -> str | None:
        return md5_of(Presence("a.txt", row, None, listed=False).file)

    old = {"sent_at": ago(2 * LATE)}
    rows = row(**old), row("unknown", **old), row("failed"), row(md5=DELETED_MD5)
    assert [by_log(each) for each in rows] == [NEW, NEW, None, None]


# --- a look ---------------------------------------------------------------------------------------


def at(key: str) -> Presence:
    return look(get_store(), key)


def test_a_look_makes_one_call(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"old")
    assert md5_of(at("a.txt").file) == OLD
    assert [call.name for call in cloud.journal] == ["staticfilelist"]


@pytest.mark.parametrize("md5", ["plain", "multipart"])
def test_a_deletion_marker_is_no_file(cloud: EmulatorServer, md5: str) -> None:
    cloud.quirks.update({"list_md5": md5})
    cloud.put_object("a.txt", DELETED)
    assert at("a.txt").taken_by is None
    assert at("a.txt").listing


@pytest.mark.parametrize("source", ["list", "reconcile"])
def test_a_row_that_repeats_a_list_is_not_believed_without_the_list(
    cloud: EmulatorServer, source: str
) -> None:
    add("a.txt", md5=NEW, source=source)
    assert at("a.txt").file is None


@pytest.mark.parametrize("use_tz", [False, True])
def test_the_newest_row_is_believed_where_the_list_is_late(
    cloud: EmulatorServer, settings: Any, use_tz: bool
) -> None:
    settings.USE_TZ = use_tz
    add("a.txt", md5=OLD)
    add("a.txt", md5=NEW)
    assert md5_of(at("a.txt").file) == NEW
    assert md5_of(from_log(ENV, ["a.txt", "b.txt"])["a.txt"].file) == NEW


def test_the_list_decides_where_there_is_no_log(cloud: EmulatorServer) -> None:
    add("a.txt", md5=NEW)
    with lost_table(UploadLog):
        assert at("a.txt").file is None
        assert from_log(ENV, ["a.txt"]) == {}


def test_several_keys_are_looked_at_by_one_call(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"page_size": 3})
    for name in ("0.txt", "a.txt", "b.txt", "d.txt", "x.txt"):
        cloud.put_object(f"up/{name}", DELETED if name == "b.txt" else b"old")
    found = look_at(get_store(), [f"up/{letter}.txt" for letter in "xabc"])
    assert [call.name for call in cloud.journal] == ["staticfilelist"]
    # x.txt stands on a later page.
    assert {key: md5_of(each.file) for key, each in found.items()} == {
        "up/a.txt": OLD,
        "up/b.txt": None,
        "up/c.txt": None,
    }
