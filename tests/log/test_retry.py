"""Uploads that are sent again: the bytes arrive, or the reason why not is told."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command

from tests.bookshop.models import Book
from tests.conftest import ENV
from wx_static_store.core.naming import IMMUTABLE
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.log.retry import RetryResult, _uploader, failed_rows, retry_uploads, waiting
from wx_static_store.log.source_of import SourceGone, source_of
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

PLAIN = {
    "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
    "OPTIONS": {"location": "static"},
}
MEDIA = {"BACKEND": "wx_static_store.storage.WxStorage"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    return folder


@pytest.fixture
def cloud(configure: Any, folder: Path) -> EmulatorServer:
    server: EmulatorServer = configure(
        STORAGES={"default": MEDIA, "staticfiles": PLAIN},
        STATICFILES_DIRS=[str(folder)],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1},
    )
    return server


def newest(key: str, env: str = ENV) -> UploadLog:
    return UploadLog.objects.newest(env, [key])[key]


def fail(cloud: EmulatorServer, **fault: Any) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403, **fault})


def failed_collect(cloud: EmulatorServer, folder: Path, name: str, body: bytes) -> UploadLog:
    """A row that collectstatic left behind."""
    (folder / name).write_bytes(body)
    fail(cloud)
    with pytest.raises(Exception, match="failed"):
        call_command("collectstatic", interactive=False, verbosity=0)
    return newest(f"static/{name}")


def sent(name: str, body: bytes, *, source: str, using: str = "default") -> UploadLog:
    """A row of an upload through some door, whether it worked or not."""
    uploader = get_uploader(using)
    item = UploadItem(name, open=lambda: ContentFile(body))  # type: ignore[arg-type, return-value]
    [result] = uploader.upload_many([item], UploadContext(source=source))
    return newest(result.key)


def again(*rows: UploadLog, **options: Any) -> list[RetryResult]:
    return list(retry_uploads(rows, **options))


# --- what can be had again ---------------------------------------------------------------------


def test_a_static_file_that_failed_is_stored_when_the_fault_is_gone(
    cloud: EmulatorServer, folder: Path
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"body {}")
    (one,) = again(row)
    assert one.outcome == "stored"
    assert cloud.objects()["static/a.css"].body == b"body {}"


def test_the_result_is_a_new_row_that_names_the_old_one(
    cloud: EmulatorServer, folder: Path, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("eve")
    row = failed_collect(cloud, folder, "a.css", b"body {}")
    again(row, user=user)
    last = newest("static/a.css")
    assert (last.status, last.source, last.source_ref, last.user) == (
        "stored",
        "retry",
        f"row {row.pk}",
        user,
    )
    row.refresh_from_db()
    assert row.status == "failed"


def test_each_of_many_rows_is_named_by_its_own_repetition(
    cloud: EmulatorServer, folder: Path
) -> None:
    for name in ("a.css", "b.css"):
        (folder / name).write_bytes(name.encode())
    fail(cloud, times=2)
    with pytest.raises(Exception, match="failed"):
        call_command("collectstatic", interactive=False, verbosity=0)
    rows = [newest(f"static/{name}") for name in ("a.css", "b.css")]
    again(*rows)
    assert [newest(row.key).source_ref for row in rows] == [f"row {row.pk}" for row in rows]


def test_a_file_that_changed_since_is_not_sent(
    cloud: EmulatorServer, folder: Path, tmp_path: Path
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"old")
    for place in (folder, tmp_path / "static_root"):
        (place / "a.css").write_bytes(b"new one")
    (one,) = again(row)
    assert (one.outcome, str(one.reason.message)) == ("gone", "The file is another one by now")  # type: ignore[union-attr]
    assert cloud.objects() == {}


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
    assert "Run wx_deploy again" in str(one.reason)
    assert "static/index.html" not in cloud.objects()


def test_what_the_public_site_serves_is_sent_again(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    assert [one.outcome for one in again(newest("a.txt"))] == ["stored"]
    assert len(cloud.calls("put_object")) == 2
    assert cloud.objects()["a.txt"].body == b"hello"


def test_a_lost_answer_is_settled_by_sending_the_same_bytes_again(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply"})
    row = sent("a.txt", b"hello", source="admin")
    assert row.status == "unknown"
    assert [one.outcome for one in again(row)] == ["stored"]


def test_a_local_storage_of_a_model_may_have_the_bytes(
    cloud: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = FileSystemStorage(tmp_path / "media")
    local.save("books/a.txt", ContentFile(b"hello"))
    monkeypatch.setattr(Book._meta.get_field("file"), "storage", local)
    fail(cloud)
    row = sent("books/a.txt", b"hello", source="storage")
    assert [one.outcome for one in again(row)] == ["stored"]
    assert cloud.objects()["books/a.txt"].body == b"hello"


def test_a_storage_that_cannot_be_made_has_no_bytes(cloud: EmulatorServer, settings: Any) -> None:
    """Django's own one for static files, in a project without STATIC_URL."""
    storage = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": storage}
    settings.STATIC_URL = None
    fail(cloud)
    with pytest.raises(UploadFailed):
        default_storage.save("a.txt", ContentFile(b"gone"))
    with pytest.raises(SourceGone):
        source_of(newest("a.txt"))


def test_a_failed_deletion_is_repeated(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    fail(cloud)
    with pytest.raises(UploadFailed):
        default_storage.delete("a.txt")
    again(newest("a.txt"))
    assert not default_storage.exists("a.txt")


def test_a_tenants_row_goes_to_the_tenant(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"hello", env="tenant-b")
    default_storage.save("a.txt", ContentFile(b"hello"))
    row = newest("a.txt")
    UploadLog.objects.filter(pk=row.pk).update(env="tenant-b")
    again(newest("a.txt", "tenant-b"))
    assert [call.env for call in cloud.calls("put_object")] == [ENV, "tenant-b"]


# --- what cannot -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("admin", "came from a browser"),
        ("api", "came through the API"),
        ("storage", "a program that has ended"),
        ("collectstatic", "neither in STATIC_ROOT nor with a finder"),
        ("wx_deploy", "folder that was deployed is not known"),
    ],
)
def test_gone_bytes_are_told_with_the_reason(cloud: EmulatorServer, source: str, told: str) -> None:
    fail(cloud)
    row = sent("a.txt", b"hello", source=source)
    with pytest.raises(SourceGone, match=told) as caught:
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


def test_an_older_row_does_not_overwrite_a_newer_upload(cloud: EmulatorServer) -> None:
    old = sent("a.txt", b"old", source="admin")
    sent("a.txt", b"new", source="admin")
    (one,) = again(old)
    assert "A newer upload" in str(one.reason)
    assert cloud.objects()["a.txt"].body == b"new"


def test_a_key_that_no_store_writes_is_gone(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    row.name = "b.txt"
    with pytest.raises(SourceGone, match="No store in STORAGES"):
        source_of(row)


def test_each_refused_name_is_told_apart(cloud: EmulatorServer) -> None:
    uploader = get_uploader()
    items = [UploadItem(name, open=lambda: ContentFile(b"")) for name in ("/a.txt", "/b.txt")]  # type: ignore[arg-type, return-value]
    list(uploader.upload_many(items, UploadContext(source="storage")))
    rows, _more = failed_rows(UploadLog.objects.all())
    assert len(rows) == 2
    assert all("Rename the file" in str(one.reason) for one in again(*rows))


def test_a_name_that_leaves_static_root_is_not_read(cloud: EmulatorServer, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"hello")
    (tmp_path / "static_root").mkdir()
    fail(cloud)
    row = sent("a.txt", b"hello", source="collectstatic", using="staticfiles")
    row.name, row.key = "../secret.txt", "static/../secret.txt"
    with pytest.raises(SourceGone):
        source_of(row)


# --- bounds ------------------------------------------------------------------------------------


def test_nothing_is_begun_when_the_time_is_up(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    assert [one.outcome for one in again(row, seconds=0)] == ["not attempted"]
    assert len(cloud.calls("put_object")) == 1


@pytest.mark.parametrize(("setting", "seconds"), [(None, 25.0), (7.0, 7.0)])
def test_a_file_keeps_the_page_no_longer_than_a_save_would(
    configure: Any, setting: float | None, seconds: float
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": setting})
    assert _uploader("default", ENV).options.deadline == seconds


def test_the_rest_is_not_attempted_after_an_error_that_stops_all(
    cloud: EmulatorServer, configure: Any
) -> None:
    rows = [sent(f"{n}.txt", b"hello", source="admin") for n in range(5)]
    configure(WX_STATIC_STORE={"MAX_WORKERS": 1})
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert [one.outcome for one in again(*rows)] == ["failed", *["not attempted"] * 4]


# --- which rows wait ---------------------------------------------------------------------------


def test_what_failed_and_was_not_followed_by_another_row_waits(cloud: EmulatorServer) -> None:
    fail(cloud, times=2)
    sent("stored later.txt", b"1", source="admin")
    left = sent("waiting.txt", b"1", source="admin")
    sent("stored later.txt", b"1", source="admin")
    assert failed_rows(UploadLog.objects.all()) == ([left], False)


def lost(cloud: EmulatorServer, count: int) -> list[UploadLog]:
    """Rows of which nobody knows whether the file is stored; it is, so its bytes can be had."""
    cloud.script({"on": "put_object", "do": "drop_reply", "times": count})
    return [sent(f"lost {n}.txt", b"hello", source="admin") for n in range(count)]


@pytest.mark.parametrize(("most", "shown", "more"), [(1, 1, True), (2, 2, False), (3, 2, False)])
def test_no_more_than_the_limit_wait_and_that_there_are_more_is_said(
    cloud: EmulatorServer, most: int, shown: int, more: bool
) -> None:
    rows = lost(cloud, 2)
    found = waiting(UploadLog.objects.all(), most)
    assert [one.row for one in found.ready] == rows[::-1][:shown]
    assert found.more == more


def test_rows_whose_bytes_are_gone_do_not_stand_before_those_that_can_be_sent(
    cloud: EmulatorServer,
) -> None:
    [row] = lost(cloud, 1)
    fail(cloud, times=3)
    gone = [sent(f"{n}.txt", b"1", source="admin") for n in range(3)]
    found = waiting(UploadLog.objects.all(), 1)
    assert [one.row for one in found.ready] == [row]
    assert [one.row for one in found.refused] == gone[::-1]
    assert not found.more


def test_the_walk_over_failed_rows_is_bounded(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.log.retry.WALKED", 1)
    fail(cloud, times=2)
    rows = [sent(f"{n}.txt", b"1", source="admin") for n in range(2)]
    assert failed_rows(UploadLog.objects.all())[1]
    assert failed_rows(UploadLog.objects.filter(pk=rows[0].pk)) == ([rows[0]], False)
    assert waiting(UploadLog.objects.all(), 10).more
