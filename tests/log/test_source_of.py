"""Where the bytes of an earlier upload are found, and why they are not."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.log.uploads import again, configured, fail, failed_collect, newest, sent
from wx_static_store.core.naming import IMMUTABLE
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.log.source_of import SourceGone, source_of
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any, folder: Path) -> EmulatorServer:
    return configured(configure, folder)


def test_the_item_names_the_row_and_has_its_bytes(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    item = source_of(row)
    assert (item.name, item.size, item.md5, item.source_ref) == (
        "a.txt",
        5,
        row.md5,
        f"row {row.pk}",
    )
    with item.open() as file:
        assert file.read() == b"hello"


def test_a_collected_file_that_changed_since_has_no_md5(
    cloud: EmulatorServer, folder: Path, tmp_path: Path
) -> None:
    """Whoever sends it decides by that: the retry refuses it."""
    row = failed_collect(cloud, folder, "a.css", b"old")
    for place in (folder, tmp_path / "static_root"):
        (place / "a.css").write_bytes(b"new one")
    item = source_of(row)
    assert (item.md5, item.size) == (None, 7)


def test_no_call_is_made_before_the_item_is_opened(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    before = len(cloud.journal)
    source_of(row)
    assert len(cloud.journal) == before


def test_a_finder_gives_what_is_in_static_root_no_more(
    cloud: EmulatorServer, folder: Path, tmp_path: Path
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"body {}")
    (tmp_path / "static_root" / "a.css").unlink()
    assert [one.outcome for one in again(row)] == ["stored"]


def test_a_deploy_is_repeated_with_its_own_cache_control(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    row = sent("a.css", b"x", source="wx_deploy", using="staticfiles")
    UploadLog.objects.filter(pk=row.pk).update(cache_control=IMMUTABLE)
    root = tmp_path / "static_root"
    root.mkdir()
    (root / "a.css").write_bytes(b"x")
    again(newest("static/a.css"))
    assert cloud.objects()["static/a.css"].headers["Cache-Control"] == IMMUTABLE


def test_a_deployed_file_is_not_replaced_by_another_of_its_name(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    fail(cloud)
    row = sent("index.html", b"the site", source="wx_deploy", using="staticfiles")
    root = tmp_path / "static_root"
    root.mkdir()
    (root / "index.html").write_bytes(b"something else")
    (one,) = again(row)
    assert "Deploy it again" in str(one.reason)
    assert "static/index.html" not in cloud.objects()


def test_the_bytes_that_the_public_site_serves_are_sent_again(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    assert [one.outcome for one in again(newest("a.txt"))] == ["stored"]
    assert len(cloud.calls("put_object")) == 2
    assert cloud.objects()["a.txt"].body == b"hello"


def test_a_failed_deletion_is_repeated(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    fail(cloud)
    with pytest.raises(UploadFailed):
        default_storage.delete("a.txt")
    again(newest("a.txt"))
    assert not default_storage.exists("a.txt")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("admin", "came from a browser"),
        ("api", "came through the API"),
        ("storage", "a program that has ended"),
        ("collectstatic", "neither in STATIC_ROOT nor with a finder"),
        ("wx_deploy", "folder that was deployed is not known"),
        ("admin_deploy", "folder that was deployed is not known"),
    ],
)
def test_gone_bytes_are_reported_with_the_reason(
    cloud: EmulatorServer, source: str, shown: str
) -> None:
    fail(cloud)
    row = sent("a.txt", b"hello", source=source)
    with pytest.raises(SourceGone, match=shown) as caught:
        source_of(row)
    assert caught.value.hint
    assert [one.outcome for one in again(row)] == ["gone"]
    assert "a.txt" not in cloud.objects()


def test_a_repetition_that_failed_gives_the_reason_of_the_first_row(cloud: EmulatorServer) -> None:
    fail(cloud, times=2)
    sent("a.txt", b"hello", source="api")
    with pytest.raises(SourceGone, match="API"):
        source_of(sent("a.txt", b"hello", source="retry"))


def test_another_file_on_the_site_is_not_sent_in_place_of_the_rows(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    cloud.put_object("a.txt", b"jello")
    (one,) = again(row)
    assert "serves other bytes" in str(one.reason)
    assert newest("a.txt") == row


def test_a_key_that_no_store_writes_is_gone(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    row.name = "b.txt"
    with pytest.raises(SourceGone, match="No store in STORAGES"):
        source_of(row)


def test_refused_names_are_not_taken_for_one_key(cloud: EmulatorServer) -> None:
    uploader = get_uploader()
    items = [UploadItem(name, open=lambda: ContentFile(b"")) for name in ("/a.txt", "/b.txt")]  # type: ignore[arg-type, return-value]
    list(uploader.upload_many(items, UploadContext(source="storage")))
    rows = UploadLog.objects.all()
    assert all("Rename the file" in str(one.reason) for one in again(*rows))


def test_a_name_that_leaves_static_root_is_not_read(cloud: EmulatorServer, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"hello")
    (tmp_path / "static_root").mkdir()
    fail(cloud)
    row = sent("a.txt", b"hello", source="collectstatic", using="staticfiles")
    row.name, row.key = "../secret.txt", "static/../secret.txt"
    with pytest.raises(SourceGone):
        source_of(row)
