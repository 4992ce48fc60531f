"""Rows are compared with the cloud in few calls."""

from itertools import count
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.conftest import ENV
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.log import compare
from wx_static_store.log.compare import CloudState, compare_uploads
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload import listing

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def saved(name: str, body: bytes = b"hello") -> UploadLog:
    default_storage.save(name, ContentFile(body))
    return UploadLog.objects.newest(ENV, [name])[name]


def facts_of(name: str) -> dict[str, Any]:
    """As if the file had been stored, without a call."""
    key = f"docs/{name}.txt"
    digest = key_digest(key)
    return {
        "env": ENV,
        "key": key,
        "name": key,
        "key_digest": digest,
        "status": "stored",
        "size": 5,
    }


def rows(count: int) -> list[UploadLog]:
    made = [UploadLog(**facts_of(str(number))) for number in range(count)]
    return UploadLog.objects.bulk_create(made)


def states(found: list[compare.ComparedUpload]) -> dict[str, str]:
    return {one.row.key: one.state.value for one in found}


def test_an_upload_that_the_cloud_holds_is_the_same(cloud: EmulatorServer) -> None:
    assert states(compare_uploads([saved("a.txt")])) == {"a.txt": "same"}


@pytest.mark.parametrize("body", [b"jello", b"longer"])
def test_an_upload_that_somebody_else_overwrote_differs(cloud: EmulatorServer, body: bytes) -> None:
    row = saved("a.txt")
    cloud.put_object("a.txt", body)
    (one,) = compare_uploads([row])
    assert one.state == CloudState.DIFFERS
    assert one.remote is not None
    assert one.remote.size == len(body)


def test_an_upload_whose_object_was_removed_is_missing(cloud: EmulatorServer) -> None:
    row = saved("a.txt")
    cloud.delete_object("a.txt")
    assert states(compare_uploads([row])) == {"a.txt": "missing"}


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_a_file_that_never_arrived_is_not_missing(cloud: EmulatorServer, status: str) -> None:
    row = UploadLog.objects.create(**facts_of("1") | {"status": status})
    assert states(compare_uploads([row])) == {row.key: "not_stored"}


def test_a_deleted_file_is_compared_as_deleted(cloud: EmulatorServer) -> None:
    row = saved("a.txt")
    default_storage.delete("a.txt")
    assert states(compare_uploads([row])) == {"a.txt": "deleted"}


def test_without_an_md5_in_the_list_the_size_alone_says_little(cloud: EmulatorServer) -> None:
    row = saved("a.txt")
    cloud.quirks.list_md5 = "multipart"
    assert states(compare_uploads([row])) == {"a.txt": "unsure"}


def test_a_key_is_compared_once_and_by_its_newest_row(cloud: EmulatorServer) -> None:
    old = saved("a.txt", b"old")
    default_storage.delete("a.txt")
    new = saved("a.txt", b"new")
    (one,) = compare_uploads([old, new])
    assert (one.row, one.state) == (new, CloudState.SAME)


def test_a_refused_name_has_no_key_to_compare(cloud: EmulatorServer) -> None:
    assert compare_uploads([UploadLog(env=ENV, key="", name="/a.txt", status="failed")]) == []
    assert cloud.journal == []


def test_each_environment_is_asked_for_its_own_keys(cloud: EmulatorServer) -> None:
    row, other = saved("a.txt"), saved("b.txt")
    UploadLog.objects.filter(pk=other.pk).update(env="tenant-b")
    other.refresh_from_db()
    assert states(compare_uploads([row, other])) == {"a.txt": "same", "b.txt": "missing"}


@pytest.mark.parametrize("count", [3, 50])
def test_the_keys_of_a_folder_take_one_call(cloud: EmulatorServer, count: int) -> None:
    many = rows(count)
    cloud.put_object("docs/2.txt", b"hello")
    found = states(compare_uploads(many))
    assert len(cloud.calls("staticfilelist")) == 1
    assert [key for key, state in found.items() if state != "missing"] == ["docs/2.txt"]


def test_what_lies_between_the_keys_is_not_read(cloud: EmulatorServer) -> None:
    cloud.quirks.page_size = 50
    for n in range(1000, 1400):
        cloud.put_object(f"docs/{n}.txt", b"hello")
    both = [UploadLog.objects.create(**fields) for fields in map(facts_of, ("1000", "1399"))]
    assert {*states(compare_uploads(both)).values()} == {"unsure"}
    assert len(cloud.calls("staticfilelist")) == 2


def test_an_overwritten_deletion_is_missing_where_the_list_shows_no_md5(
    cloud: EmulatorServer,
) -> None:
    row = saved("a.txt")
    cloud.put_object("a.txt", DELETED)
    cloud.quirks.list_md5 = "multipart"
    assert states(compare_uploads([row])) == {"a.txt": "missing"}


# --- bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [3, 50])
def test_compare_asks_nothing_when_the_time_is_up(cloud: EmulatorServer, keys: int) -> None:
    assert set(states(compare_uploads(rows(keys), seconds=0)).values()) == {"unreached"}
    assert cloud.journal == []


def test_keys_that_were_listed_in_time_are_compared_and_the_rest_is_not_reached(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.quirks.page_size = 2
    many = rows(30)
    for n in range(30):
        cloud.put_object(f"docs/{n}.txt", b"hello")
    # Each look at the clock takes a second.
    ticks = count()
    monkeypatch.setattr(compare, "monotonic", lambda: 0)
    monkeypatch.setattr(listing, "monotonic", ticks.__next__)
    found = list(states(compare_uploads(many, seconds=3)).values())
    assert len(cloud.calls("staticfilelist")) == 3
    assert 0 < 30 - found.count("unreached") <= 6


def test_without_a_store_compare_raises(configure: Any) -> None:
    made = rows(1)
    plain = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    configure(STORAGES={"default": plain, "staticfiles": static})
    with pytest.raises(ConfigurationError, match="No store in STORAGES"):
        compare_uploads(made)
