"""``wx_import_media``: what it prints, its report, and its exit codes."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override

from tests.conftest import ENV
from tests.log.conftest import run
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db

LOCAL = "django.core.files.storage.FileSystemStorage"
OURS = "wx_static_store.storage.WxStorage"
STATIC = "wx_static_store.staticfiles.WxStaticFilesStorage"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"tea")
    return folder


@pytest.fixture
def cloud(configure: Any, old: Path) -> EmulatorServer:
    server: EmulatorServer = configure(
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1},
        STORAGES={
            "default": {"BACKEND": OURS, "OPTIONS": {"location": "media"}},
            "staticfiles": {"BACKEND": STATIC, "OPTIONS": {"location": "static"}},
            "whole": {"BACKEND": OURS},
            "old": {"BACKEND": LOCAL, "OPTIONS": {"location": str(old)}},
        },
    )
    return server


def test_it_says_how_many_files_were_sent(cloud: EmulatorServer) -> None:
    assert run("wx_import_media", "old", "--yes") == (0, f"{ENV}: sent 1\n")
    assert run("wx_import_media", "old", "--yes") == (0, f"{ENV}: unchanged 1\n")
    assert cloud.objects()["media/a.txt"].body == b"tea"


def test_an_unknown_source_is_wrong_use_and_others_are_named(cloud: EmulatorServer) -> None:
    code, said = run("wx_import_media", "olt", "--yes")
    assert (code, "STORAGES has no alias 'olt'. Did you mean old?" in said) == (2, True)


def test_an_empty_storage_is_well(cloud: EmulatorServer, old: Path) -> None:
    (old / "a.txt").unlink()
    assert run("wx_import_media", "old", "--yes") == (0, f"{ENV}: nothing\n")


def test_a_dry_run_names_the_new_files(cloud: EmulatorServer) -> None:
    assert run("wx_import_media", "old", "-n") == (0, f"new        a.txt\n{ENV}: new 1\n")


def test_another_environment_gets_the_files_with_env(cloud: EmulatorServer) -> None:
    assert run("wx_import_media", "old", "--yes", "--env", "tenant-b")[0] == 0
    assert [*cloud.objects("tenant-b")] == ["media/a.txt"]
    assert cloud.objects() == {}


def test_what_differs_is_named_and_exit_code_1(cloud: EmulatorServer) -> None:
    cloud.put_object("media/a.txt", b"other tea")
    code, said = run("wx_import_media", "old", "--yes")
    assert code == 1
    assert "differs    a.txt: 9 bytes in the cloud, 3 here\n" in said
    assert f"{ENV}: differs 1\n" in said


def test_fields_that_name_a_lost_file_are_exit_code_1(cloud: EmulatorServer) -> None:
    from tests.bookshop.models import Book

    Book.objects.create(file="gone.txt")
    code, said = run("wx_import_media", "old", "--yes", "--fields")
    Book.objects.all().delete()
    assert (code, "missing    gone.txt: bookshop.Book.file\n" in said) == (1, True)


def test_the_report_has_the_counts_and_what_is_not_well(
    cloud: EmulatorServer, old: Path, tmp_path: Path
) -> None:
    (old / "b.txt").write_bytes(b"pot")
    cloud.put_object("media/a.txt", b"other tea")
    run("wx_import_media", "old", "--yes", "--json", str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    [differs] = report.pop("files")
    assert (differs["kind"], differs["name"]) == ("differs", "a.txt")
    counts = {kind: count for kind, count in report.pop("counts").items() if count}
    assert counts == {"sent": 1, "differs": 1}
    assert report == {"version": 1, "source": "old", "using": "default", "env": ENV}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["olt"], "olt"),
        (["old", "--to", "old"], "Aliases with such a storage: default, staticfiles"),
        (["old", "--to", "staticfiles"], "--to names a store of media"),
        (["default"], "--to names a store of media"),
        (["whole"], "--to names a store of media"),
        (["old"], "add --yes"),
    ],
)
def test_wrong_use_is_exit_code_2(cloud: EmulatorServer, arguments: list[str], says: str) -> None:
    code, said = run("wx_import_media", *arguments)
    assert (code, says in said, cloud.objects()) == (2, True, {})


def test_a_storage_that_cannot_be_listed_is_exit_code_2(cloud: EmulatorServer, old: Path) -> None:
    (old / "a.txt").unlink()
    old.rmdir()
    code, said = run("wx_import_media", "old", "--yes")
    assert (code, "cannot be listed" in said) == (2, True)


def test_nothing_is_sent_if_the_answer_is_no(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert run("wx_import_media", "old") == (0, "Nothing was published.\n")
    assert (asked, cloud.objects()) == ([f"Make the files of old public in {ENV}? [y/N] "], {})


def test_an_error_of_all_files_breaks_it_off_with_its_counts(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    code, said = run("wx_import_media", "old", "--yes")
    assert (code, "Broken off, and what is done stays: failed 1" in said) == (1, True)


def test_an_interrupted_run_keeps_what_it_sent_and_its_report(
    cloud: EmulatorServer, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.media_import.PAGE", 1)
    (old / "b.txt").write_bytes(b"pot")
    sent = UploadLog.objects.filter(status="stored")

    def interrupt(**kwargs: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    from wx_static_store.signals import upload_finished

    upload_finished.connect(interrupt)
    report = tmp_path / "report.json"
    try:
        code, said = run("wx_import_media", "old", "--yes", "--json", str(report))
    finally:
        upload_finished.disconnect(interrupt)
    assert (code, "what is done stays: sent 1" in said, sent.count()) == (130, True, 1)
    assert json.loads(report.read_text())["counts"]["sent"] == 1
    assert run("wx_import_media", "old", "--yes") == (0, f"{ENV}: sent 1, unchanged 1\n")


def test_it_speaks_chinese(cloud: EmulatorServer) -> None:
    with override("zh-hans"):
        assert run("wx_import_media", "old", "--yes") == (0, f"{ENV}：已上传 1\n")
