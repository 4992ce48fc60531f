"""The actions of the log, as an editor presses them."""

import re
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
from tests.rows import with_cause
from wx_static_store.admin import base
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.log import retry as again
from wx_static_store.models import UploadLog, key_digest

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
    facts = with_cause({"status": "stored"} | facts)
    return UploadLog.objects.bulk_create(
        UploadLog(env=ENV, key=f"{n}", key_digest=key_digest(f"{n}"), name=f"{n}", **facts)
        for n in range(count)
    )


# --- upload again and compare: a page, which does it in steps ------------------------------------


@pytest.mark.parametrize("action", ["upload_again", "compare"])
def test_the_action_shows_the_rows_and_does_nothing_yet(
    cloud: EmulatorServer, operator: Client, action: str
) -> None:
    rows = plain_rows(3)
    text = press(operator, action, *rows).content.decode()
    assert text.count('<tr id="wx-row-') == 3
    assert "Still to be done: 3 rows." in text
    assert (cloud.journal, UploadLog.objects.count()) == ([], 3)


def test_a_key_is_compared_once_and_a_refused_name_never(
    cloud: EmulatorServer, operator: Client
) -> None:
    plain_rows(1)
    [newer] = plain_rows(1)
    refused = UploadLog.objects.create(env=ENV, key="", name="/a.txt", status="failed")
    text = press(operator, "compare", *UploadLog.objects.all()).content.decode()
    assert re.findall(r'<tr id="wx-row-(\d+)', text) == [str(newer.pk)]
    assert press(operator, "compare", refused).status_code == 302


@pytest.mark.parametrize("action", ["upload_again", "compare"])
def test_too_many_rows_are_refused(cloud: EmulatorServer, operator: Client, action: str) -> None:
    rows = plain_rows(base.LIMIT + 1)
    answer = press(operator, action, rows[0], select_across="1")
    [(level, text)] = shown(answer)
    assert (level, "At most 200 rows" in text) == ("error", True)
    assert cloud.journal == []
    assert UploadLog.objects.count() == len(rows)


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
    operator.post(f"{LOG}upload-again/", {"rows": row.pk})
    assert "a.txt" not in b"".join(press(operator, "export_csv", row)).decode()
    assert newest("a.txt") == row


@pytest.mark.django_db(transaction=True)
def test_rows_are_written_outside_the_requests_transaction(
    cloud: EmulatorServer,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = failed(cloud, "a.txt")
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    caplog.set_level("INFO", "wx_static_store.uploads")
    operator.post(f"{LOG}upload-again/", {"rows": row.pk})
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
