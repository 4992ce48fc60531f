"""How each row of a long action ended, as its line says it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.admin.conftest import Editor
from tests.admin.log.test_actions import (
    FAILING,
    STORAGES,
    cloud,
    failed,
    gone,
    newest,
    operator,
    plain_rows,
)
from tests.admin.log.test_steps import step, text_of
from tests.conftest import ENV
from wx_static_store.admin.log import step_results, steps
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.uploader import get_uploader

__all__ = ["cloud", "operator"]

pytestmark = pytest.mark.django_db


def limit_request(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for module in (steps, step_results):
        monkeypatch.setattr(module, "REQUEST", seconds)


def again(client: Client, *rows: UploadLog) -> str:
    return text_of(step(client, "upload_again", rows))


def compared(client: Client, *rows: UploadLog) -> str:
    return text_of(step(client, "compare", rows))


# --- upload again ------------------------------------------------------------------------------


def test_upload_again_stores_the_bytes_and_adds_a_row(
    cloud: EmulatorServer, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    html = step(operator, "upload_again", [row]).content.decode()
    last = newest("a.txt")
    assert "1 file was uploaded again." in html
    assert f"/uploadlog/{last.pk}/change/" in html
    assert (last.status, last.source_ref) == ("stored", f"row {row.pk}")
    assert last.user_id == int(operator.session["_auth_user_id"])
    assert cloud.objects()["a.txt"].body == b"hello"


def test_a_row_that_is_no_longer_the_newest_is_refused(
    cloud: EmulatorServer, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    again(operator, row)
    puts = len(cloud.calls("put_object"))
    assert "A newer upload of this file is in the log" in again(operator, row)
    assert len(cloud.calls("put_object")) == puts


def test_a_store_that_is_closed_for_uploads_is_sent_to_again(
    cloud: EmulatorServer, operator: Client, configure: Any
) -> None:
    row = failed(cloud, "a.txt")
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"UPLOAD_STORES": []})
    assert "1 file was uploaded again." in again(operator, row)


def test_gone_bytes_are_reported_with_the_reason(cloud: EmulatorServer, operator: Client) -> None:
    row = gone(cloud, "<b>.txt")
    html = step(operator, "upload_again", [row]).content.decode()
    assert "1 file cannot be uploaded again from here." in html
    assert "&lt;b&gt;.txt" in html
    assert "The bytes came from a program that has ended" in html
    assert "<b>.txt" not in html


def test_a_failure_is_reported_with_its_hint(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    text = again(operator, row)
    assert "1 file failed again." in text
    assert "45009 The quota of the day is used up" in text
    assert "calls to WeChat are used up for today." in text
    assert "For the site's operator" in text
    assert "quota is used up" in text
    assert not re.search(r"stage|\benv\b|attempts", text)


def test_a_file_that_changed_since_is_not_sent(
    cloud: EmulatorServer, operator: Client, configure: Any, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.css").write_bytes(b"as it is now")
    static = {
        "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
        "OPTIONS": {"location": "static"},
    }
    configure(STORAGES=STORAGES | {"staticfiles": static}, STATIC_ROOT=str(root))
    facts = {"status": "failed", "source": "collectstatic", "md5": "0" * 32, "size": 3}
    row = UploadLog.objects.create(
        env=ENV, key="static/a.css", key_digest=key_digest("static/a.css"), name="a.css", **facts
    )
    assert "The file is another one by now" in operator.get(FAILING).content.decode()
    assert "The file is another one by now" in again(operator, row)
    assert cloud.objects() == {}


def test_other_bytes_are_replaced_by_whoever_may_replace(
    cloud: EmulatorServer, editor: Editor, operator: Client
) -> None:
    row = failed(cloud, "a.txt", b"")
    cloud.put_object("a.txt", b"published by somebody else")
    assert "There is a file a.txt already" in again(operator, row)
    assert cloud.objects()["a.txt"].body == b"published by somebody else"


def test_a_file_that_is_being_uploaded_is_not_sent(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    Claim().take(get_uploader().options, "a.txt")
    assert "Another upload of a.txt is running" in again(operator, row)
    assert len(cloud.calls("put_object")) == 2


def test_each_outcome_has_a_sentence_of_its_own(cloud: EmulatorServer, operator: Client) -> None:
    rows = [failed(cloud, "a.txt"), gone(cloud, "b.txt"), failed(cloud, "c.txt")]
    counts = "2 files were uploaded again. 1 file cannot be uploaded again from here."
    assert counts in again(operator, *rows)


@pytest.mark.parametrize("slow", ["staticuploadfile", "put_object"])
def test_a_file_that_is_too_slow_for_a_request_fails_and_its_line_says_what_helps(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    row = failed(cloud, "a.txt")
    limit_request(monkeypatch, 1)
    cloud.script({"on": slow, "do": "delay", "seconds": 30})
    began = time.monotonic()
    text = again(operator, row)
    assert time.monotonic() - began < 5
    assert "1 file failed again." in text or "the answer never came" in text
    assert "A worker of Celery gives it the time that it needs" in text
    assert newest("a.txt").pk > row.pk


@pytest.mark.parametrize(
    ("more", "said"), [(["replace"], "1 file failed again."), ([], "1 file cannot be uploaded")]
)
def test_a_file_that_gets_no_slot_in_time_is_not_sent(
    cloud: EmulatorServer,
    editor: Editor,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    said: str,
) -> None:
    row = failed(cloud, "a.txt")
    puts = len(cloud.calls("put_object"))
    limit_request(monkeypatch, 1)
    monkeypatch.setattr(get_uploader().store.platform.api_limiter, "width", 0)
    text = again(editor("retry", *more), row)
    assert said in text
    assert "A worker of Celery gives it the time that it needs" in text
    assert len(cloud.calls("put_object")) == puts


# --- compare -----------------------------------------------------------------------------------


def test_a_comparison_says_what_the_cloud_has(cloud: EmulatorServer, operator: Client) -> None:
    for name in ("same.txt", "differs.txt", "missing.txt"):
        default_storage.save(name, ContentFile(b"hello"))
    cloud.put_object("differs.txt", b"jello")
    cloud.delete_object("missing.txt")
    text = compared(operator, *UploadLog.objects.all())
    assert (
        "The same: 1 · Differs: 1 · Missing, or deleted: 1 · manage.py wx_reconcile --fix" in text
    )
    assert "The log says: stored · 5 bytes · " in text
    assert text.count("The cloud has: 5 bytes · ") == 2
    assert "The cloud has: nothing" in text


def test_a_comparison_that_finds_nothing_wrong_names_no_remedy(
    cloud: EmulatorServer, operator: Client
) -> None:
    default_storage.save("same.txt", ContentFile(b"hello"))
    text = compared(operator, *UploadLog.objects.all())
    assert "The same: 1" in text
    assert "wx_reconcile" not in text


def test_many_rows_are_compared_by_one_list(cloud: EmulatorServer, operator: Client) -> None:
    assert "Missing, or deleted: 30" in compared(operator, *plain_rows(30))
    assert len(cloud.calls("staticfilelist")) == 1


def test_a_comparison_without_a_store_says_so(
    cloud: EmulatorServer, operator: Client, settings: Any
) -> None:
    rows = plain_rows(1)
    settings.STORAGES = STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    text = compared(operator, *rows)
    assert "No store in STORAGES" in text
    assert "Still to be done: 1 row." in text


def test_a_comparison_whose_list_fails_says_why(cloud: EmulatorServer, operator: Client) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088})
    assert "85088" in compared(operator, newest("a.txt"))


def test_a_comparison_is_over_in_the_time_of_a_request(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = plain_rows(30)
    limit_request(monkeypatch, 1)
    cloud.script({"on": "staticfilelist", "do": "delay", "seconds": 30, "times": None})
    began = time.monotonic()
    text = compared(operator, *rows)
    assert time.monotonic() - began < 7
    assert "Still to be done: 30 rows." in text
    assert "The time allowed was over" in text
