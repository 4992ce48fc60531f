"""Rows are compared with the cloud in few calls."""

from itertools import count
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.log import compare
from wx_static_store.log.compare import CloudState, compare_uploads
from wx_static_store.models import UploadLog, key_digest

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def saved(name: str, body: bytes = b"hello") -> UploadLog:
    default_storage.save(name, ContentFile(body))
    return UploadLog.objects.newest(ENV, [name])[name]


def rows(count: int, folder: str = "docs/") -> list[UploadLog]:
    """As if they had been stored, without a call for each."""
    keys = [f"{folder}{n}.txt" for n in range(count)]
    made = [
        UploadLog(env=ENV, key=key, name=key, key_digest=key_digest(key), status="stored", size=5)
        for key in keys
    ]
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


def test_few_keys_take_a_call_each(cloud: EmulatorServer) -> None:
    compare_uploads(rows(3))
    assert len(cloud.calls("staticfilelist")) == 3


def test_many_keys_take_one_list_of_their_folder(cloud: EmulatorServer) -> None:
    many = rows(50)
    cloud.put_object("docs/7.txt", b"hello")
    found = states(compare_uploads(many))
    assert len(cloud.calls("staticfilelist")) == 1
    assert [key for key, state in found.items() if state != "missing"] == ["docs/7.txt"]


def test_keys_that_a_huge_folder_has_not_shown_are_asked_for_one_by_one(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "SWEPT", 2)
    many = rows(30)
    for n in range(30):
        cloud.put_object(f"docs/{n}.txt", b"hello")
    found = states(compare_uploads(many))
    assert "missing" not in found.values()
    assert len(cloud.calls("staticfilelist")) == 1 + 28


def test_a_list_is_read_no_further_than_needed(cloud: EmulatorServer) -> None:
    cloud.quirks.page_size = 50
    many = rows(30)
    for name in (*range(30), *(f"z{n}" for n in range(100))):
        cloud.put_object(f"docs/{name}.txt", b"hello")
    compare_uploads(many)
    assert len(cloud.calls("staticfilelist")) == 1


# --- bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [3, 50])
def test_compare_asks_nothing_when_the_time_is_up(cloud: EmulatorServer, keys: int) -> None:
    assert set(states(compare_uploads(rows(keys), seconds=0)).values()) == {"unreached"}
    assert cloud.journal == []


def let_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock takes a second."""
    monkeypatch.setattr(compare, "monotonic", count().__next__)


def test_keys_that_were_asked_for_in_time_are_compared_and_the_rest_is_not_reached(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [saved(f"{n}.txt") for n in range(5)]
    let_tick(monkeypatch)
    found = list(states(compare_uploads(made, seconds=3)).values())
    assert found == ["same", "same", "unreached", "unreached", "unreached"]


def test_a_list_is_read_no_longer_than_there_is_time(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.quirks.page_size = 2
    many = rows(30)
    for n in range(30):
        cloud.put_object(f"docs/{n}.txt", b"hello")
    let_tick(monkeypatch)
    found = list(states(compare_uploads(many, seconds=6)).values())
    assert found.count("unreached") == 30 - 5
    assert len(cloud.calls("staticfilelist")) == 3


def test_without_a_store_compare_raises(configure: Any) -> None:
    made = rows(1)
    plain = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    configure(STORAGES={"default": plain, "staticfiles": static})
    with pytest.raises(ConfigurationError, match="No store in STORAGES"):
        compare_uploads(made)
