"""The actions of the log, as an editor presses them."""

import re
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from tests.admin.conftest import Editor
from tests.conftest import ENV
from wx_static_store.admin import actions
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.log import retry as again
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload.claims import claim
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

LOG = "/admin/wx_static_store/uploadlog/"
FAILING = LOG + "failing/"
EXPORTS = ["export_csv", "export_json"]
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FAULT = {"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403}


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return server


@pytest.fixture
def operator(editor: Editor) -> Client:
    return editor("view_uploadlog", "retry")


def press(client: Client, action: str, *rows: UploadLog, **more: Any) -> HttpResponse:
    chosen = {"action": action, "index": "0", ACTION_CHECKBOX_NAME: [row.pk for row in rows]}
    answer: HttpResponse = client.post(LOG, chosen | more)
    return answer


def shown(answer: HttpResponse) -> list[tuple[str, str]]:
    """Level and text of each message."""
    request: Any = answer.wsgi_request  # type: ignore[attr-defined]
    return [(message.level_tag, str(message)) for message in get_messages(request)]


def newest(key: str) -> UploadLog:
    return UploadLog.objects.newest(ENV, [key])[key]


def failed(cloud: EmulatorServer, name: str, body: bytes = b"hello") -> UploadLog:
    """Make a row whose file can be had: it is stored, and storing it once more failed."""
    default_storage.save(name, ContentFile(body))
    cloud.script(FAULT)
    [one] = again.retry_uploads([newest(name)])
    assert one.outcome == "failed"
    cloud.put_object(name, body)
    return newest(name)


def gone(cloud: EmulatorServer, name: str) -> UploadLog:
    """Make a row whose bytes were never stored and never kept."""
    cloud.script(FAULT)
    with pytest.raises(UploadFailed):
        default_storage.save(name, ContentFile(b"hello"))
    return newest(name)


def plain_rows(count: int, **facts: Any) -> list[UploadLog]:
    return UploadLog.objects.bulk_create(
        UploadLog(**{"env": ENV, "key": f"{n}", "name": f"{n}", "status": "stored"} | facts,
                  key_digest=key_digest(f"{n}"))
        for n in range(count)
    )  # fmt: skip


# --- upload again ------------------------------------------------------------------------------


def test_upload_again_stores_the_bytes_and_adds_a_row(
    cloud: EmulatorServer, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    cloud.delete_object("a.txt")
    cloud.put_object("a.txt", b"hello")
    answer = press(operator, "upload_again", row)
    assert shown(answer) == [("success", "1 file was uploaded again.")]
    last = newest("a.txt")
    assert (last.status, last.source_ref) == ("stored", f"row {row.pk}")
    assert last.user_id == int(operator.session["_auth_user_id"])
    assert cloud.objects()["a.txt"].body == b"hello"


def test_a_store_that_is_closed_for_uploads_is_sent_to_again(
    cloud: EmulatorServer, operator: Client, configure: Any
) -> None:
    row = failed(cloud, "a.txt")
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"UPLOAD_STORES": []})
    assert shown(press(operator, "upload_again", row)) == [
        ("success", "1 file was uploaded again.")
    ]


def test_gone_bytes_are_reported_with_the_reason(cloud: EmulatorServer, operator: Client) -> None:
    row = gone(cloud, "<b>.txt")
    [(level, text)] = shown(press(operator, "upload_again", row))
    assert level == "warning"
    assert "1 file cannot be uploaded again from here." in text
    assert "&lt;b&gt;.txt: The bytes came from a program that has ended" in text
    assert "<b>" not in text


def test_a_failure_is_reported_with_its_hint(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    [(level, text)] = shown(press(operator, "upload_again", row))
    assert (level, "errcode 45009" in text, "quota is used up" in text) == ("error", True, True)
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
    [(level, text)] = shown(press(operator, "upload_again", row))
    assert (level, "static/a.css: The file is another one by now" in text) == ("warning", True)
    assert cloud.objects() == {}


def test_other_bytes_are_replaced_by_whoever_may_replace(
    cloud: EmulatorServer, editor: Editor, operator: Client
) -> None:
    row = failed(cloud, "a.txt", b"")
    cloud.put_object("a.txt", b"published by somebody else")
    [(level, text)] = shown(press(operator, "upload_again", row))
    assert (level, "a.txt: There is a file a.txt already" in text) == ("warning", True)
    assert cloud.objects()["a.txt"].body == b"published by somebody else"


def test_a_file_that_is_being_uploaded_is_not_sent(cloud: EmulatorServer, operator: Client) -> None:
    row = failed(cloud, "a.txt")
    elsewhere = Thread(target=claim, args=(get_uploader().options, "a.txt"))
    elsewhere.start()
    elsewhere.join()
    [(level, text)] = shown(press(operator, "upload_again", row))
    assert (level, "Another upload of a.txt is running" in text) == ("warning", True)
    assert len(cloud.calls("put_object")) == 2


def test_each_outcome_has_a_message_of_its_own(cloud: EmulatorServer, operator: Client) -> None:
    rows = [failed(cloud, "a.txt"), gone(cloud, "b.txt"), failed(cloud, "c.txt")]
    levels = [level for level, _text in shown(press(operator, "upload_again", *rows))]
    assert levels == ["success", "warning"]


def test_a_message_names_only_some_of_many_files(cloud: EmulatorServer, operator: Client) -> None:
    rows = plain_rows(30, status="failed", source="api", md5="0" * 32)
    [(_level, text)] = shown(press(operator, "upload_again", *rows))
    assert text.count("came through the API") == actions.DETAILS
    assert "and 10 more" in text


@pytest.mark.parametrize("action", ["upload_again", "compare"])
def test_too_many_rows_are_refused(cloud: EmulatorServer, operator: Client, action: str) -> None:
    rows = plain_rows(actions.LIMIT + 1)
    answer = press(operator, action, rows[0], select_across="1")
    [(level, text)] = shown(answer)
    assert (level, "At most 200 rows" in text) == ("error", True)
    assert cloud.journal == []
    assert UploadLog.objects.count() == len(rows)


# --- compare -----------------------------------------------------------------------------------


def test_the_compare_action_shows_a_page(cloud: EmulatorServer, operator: Client) -> None:
    for name in ("same.txt", "differs.txt", "missing.txt"):
        default_storage.save(name, ContentFile(b"hello"))
    cloud.put_object("differs.txt", b"jello")
    cloud.delete_object("missing.txt")
    answer = press(operator, "compare", *UploadLog.objects.all())
    text = re.sub(r"\s+", " ", answer.content.decode())
    for line in ("The same: 1", "Differs: 1", "Missing, or deleted: 1"):
        assert line in text
    assert "manage.py wx_reconcile --fix corrects the log" in text


def test_a_comparison_that_finds_nothing_wrong_names_no_remedy(
    cloud: EmulatorServer, operator: Client
) -> None:
    default_storage.save("same.txt", ContentFile(b"hello"))
    text = press(operator, "compare", *UploadLog.objects.all()).content.decode()
    assert "The same: 1" in text
    assert "wx_reconcile" not in text


def test_rows_that_the_comparison_did_not_reach_are_shown_as_such(
    cloud: EmulatorServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = failed(cloud, "a.txt")
    short = partial(actions.compare_uploads, seconds=0)
    monkeypatch.setattr(actions, "compare_uploads", short)
    text = press(operator, "compare", row).content.decode()
    assert "Not reached" in text
    assert "nothing" not in text


def test_a_comparison_without_a_store_is_a_message(
    cloud: EmulatorServer, operator: Client, settings: Any
) -> None:
    rows = plain_rows(1)
    settings.STORAGES = STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    [(level, text)] = shown(press(operator, "compare", *rows))
    assert (level, "No store in STORAGES" in text) == ("error", True)


def test_a_comparison_whose_list_fails_is_a_message(
    cloud: EmulatorServer, operator: Client
) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088})
    [(level, text)] = shown(press(operator, "compare", newest("a.txt")))
    assert (level, "85088" in text) == ("error", True)


# --- export ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", EXPORTS)
def test_an_export_across_all_pages_has_every_row(operator: Client, action: str) -> None:
    rows = plain_rows(150)
    answer: Any = press(operator, action, rows[0], select_across="1")
    assert answer.streaming
    assert answer.getvalue().decode().count(ENV) == 150


@pytest.mark.parametrize("action", EXPORTS)
def test_an_export_of_chosen_rows_has_exactly_those_rows(operator: Client, action: str) -> None:
    rows = plain_rows(5)
    answer: Any = press(operator, action, *rows[:2])
    assert answer.getvalue().decode().count(ENV) == 2


# --- who may -----------------------------------------------------------------------------------


def test_a_forged_action_without_the_permission_is_forbidden(
    cloud: EmulatorServer, editor: Editor
) -> None:
    row = failed(cloud, "a.txt")
    assert press(editor("view_uploadlog"), "upload_again", row).status_code == 403
    assert newest("a.txt") == row


@pytest.mark.parametrize("action", ["compare", *EXPORTS])
def test_the_log_is_for_those_who_may_view_it(editor: Editor, action: str) -> None:
    assert press(editor("retry"), action, *plain_rows(1)).status_code == 403


def test_a_post_without_the_csrf_token_is_forbidden(cloud: EmulatorServer, admin_user: Any) -> None:
    row = failed(cloud, "a.txt")
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(FAILING, {"retry": row.pk}).status_code == 403
    assert newest("a.txt") == row


def test_rows_of_other_environments_are_neither_shown_nor_sent(
    cloud: EmulatorServer, configure: Any, operator: Client
) -> None:
    row = failed(cloud, "a.txt")
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    assert "a.txt" not in operator.get(FAILING).content.decode()
    operator.post(FAILING, {"retry": row.pk})
    press(operator, "upload_again", row)
    assert "a.txt" not in b"".join(press(operator, "export_csv", row)).decode()
    assert newest("a.txt") == row


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "form"), [(LOG, {"action": "upload_again", "index": "0"}), (FAILING, {})]
)
def test_rows_are_written_outside_the_requests_transaction(
    cloud: EmulatorServer,
    operator: Client,
    path: str,
    form: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = failed(cloud, "a.txt")
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    caplog.set_level("INFO", "wx_static_store.uploads")
    operator.post(path, form | {"retry": row.pk, ACTION_CHECKBOX_NAME: [row.pk]})
    shown: Any = caplog.records[-1]
    assert (shown.upload["status"], shown.upload["in_atomic"]) == ("stored", False)


@pytest.mark.parametrize("page", ["compare", "failing"])
def test_a_page_runs_under_a_strict_policy(
    cloud: EmulatorServer, operator: Client, page: str
) -> None:
    row = failed(cloud, "a.txt")
    answer = operator.get(FAILING) if page == "failing" else press(operator, "compare", row)
    text = answer.content.decode()
    assert "a.txt" in text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)[^>]*>", text)
