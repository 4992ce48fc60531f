"""What did WeChat receive? The part of the page of a refused upload, and its button."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import Editor, Rows, cell, detail
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

OLD = "5a000000-0a0b0c0d-01020304"
BUTTON = "What did WeChat receive?"


@pytest.fixture
def reader(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog", "diagnose")


def refused(cloud: EmulatorServer, call: str = "staticuploadfile") -> UploadLog:
    """Return the row of an upload whose call is refused."""
    cloud.script({"on": call, "do": "errcode", "errcode": 40097})
    with pytest.raises(OSError, match="40097"):
        default_storage.save("a.txt", ContentFile(b"tea"))
    return UploadLog.objects.get()


def address(row: UploadLog) -> str:
    return reverse("admin:wx_static_store_uploadlog_diagnosis", args=[row.pk])


def ask(client: Client, row: UploadLog) -> str:
    answer = client.post(address(row))
    assert answer.status_code == 200
    return answer.content.decode()


def part(html: str) -> str:
    """Return the texts of what the page says about the call."""
    _before, found, after = html.partition("What WeChat received")
    text = re.sub(r"<[^>]*>", " ", after.partition("</fieldset>")[0]) if found else ""
    return " ".join(unescape(text).split())


def test_the_button_shows_the_call_as_wechat_received_it(
    reader: Client, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    html = ask(reader, row)
    moment = timezone.localtime(datetime.fromtimestamp(int(row.rid[:8], 16), UTC))
    assert cell(html, "received").startswith(f"{moment:%Y-%m-%d %H:}")
    assert re.fullmatch(r"\d+ ms", cell(html, "took"))
    assert cell(html, "client_ip") == "127.0.0.1"
    assert cell(html, "request_url") == "?access_token=***"
    assert '"filename": "media/a.txt"' in cell(html, "request_body")
    assert f"rid: {row.rid}" in cell(html, "response_body")
    assert BUTTON not in html


def test_the_page_has_a_button_that_sends_the_page_s_own_form(
    reader: Client, admin_site: EmulatorServer
) -> None:
    html = detail(reader, row := refused(admin_site))
    [form] = re.findall(r'<form[^>]*id="uploadlog_form".*?</form>', html, re.DOTALL)
    assert "csrfmiddlewaretoken" in form
    [target] = re.findall(r'<button type="submit" class="button wx-ask" formaction="([^"]*)"', form)
    assert target == f"{address(row)}#wx-received"
    assert 'id="wx-received"' in ask(reader, row)


def test_without_the_csrf_token_nothing_is_asked(
    reader: Client, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = reader.cookies
    assert strict.post(address(row)).status_code == 403
    assert admin_site.calls("rid_get") == []


def test_a_reload_shows_the_answer_and_costs_no_call(
    reader: Client, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    first = part(ask(reader, row))
    assert [part(ask(reader, row)), part(detail(reader, row))] == [first, first]
    assert len(admin_site.calls("rid_get")) == 1


@pytest.mark.parametrize("given", [("view_uploadlog",), ("view_uploadlog", "retry", "upload")])
def test_without_the_permission_there_is_neither_button_nor_answer(
    reader: Client, editor: Editor, admin_site: EmulatorServer, given: tuple[str, ...]
) -> None:
    row = refused(admin_site)
    ask(reader, row)
    client = editor(*given)
    assert part(detail(client, row)) == ""
    assert client.post(address(row)).status_code == 403


def test_who_may_not_see_the_log_may_not_ask_here(
    editor: Editor, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    assert editor("diagnose").post(address(row)).status_code == 403
    assert admin_site.calls("rid_get") == []


def test_a_row_of_an_environment_that_is_not_offered_is_not_asked_about(
    reader: Client, admin_site: EmulatorServer, settings: Any
) -> None:
    row = refused(admin_site)
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    assert reader.post(address(row)).status_code == 404
    assert admin_site.calls("rid_get") == []


@pytest.mark.parametrize(
    "columns", [{"rid": ""}, {"rid": OLD, "status": "stored"}], ids=["no rid", "stored"]
)
def test_the_page_of_an_upload_that_was_not_refused_says_nothing(
    reader: Client, rows: Rows, columns: dict[str, Any]
) -> None:
    [row] = rows("media/a.txt", **{"status": "failed"} | columns)
    assert part(detail(reader, row)) == ""


@pytest.mark.parametrize(
    ("key", "rid", "reason"),
    [
        ("media/a.txt", OLD, "This call is older than seven days. WeChat keeps"),
        ("media/a.txt", "x", "The rid of this upload is malformed. A rid has three groups"),
        ("elsewhere", OLD, "No store in STORAGES writes to this key. Only a store"),
    ],
)
def test_what_is_known_without_a_call_is_said_at_once(
    reader: Client, admin_site: EmulatorServer, rows: Rows, key: str, rid: str, reason: str
) -> None:
    name = {"name": "a.txt"} if key == "media/a.txt" else {"name": "../x"}
    [row] = rows(key, rid=rid, status="failed", **name)
    html = detail(reader, row)
    assert reason in part(html)
    assert BUTTON not in html
    assert admin_site.journal == []


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (76001, "WeChat did not keep this call (errcode 76001)."),
        (76003, "Another account made this call (errcode 76003)."),
        (76004, "This call is older than seven days (errcode 76004)."),
    ],
)
def test_what_wechat_cannot_say_is_shown_without_a_button(
    reader: Client, admin_site: EmulatorServer, errcode: int, reason: str
) -> None:
    row = refused(admin_site)
    UploadLog.objects.update(rid=f"{int(row.rid[:8], 16) - 3600:08x}{row.rid[8:]}")
    admin_site.script({"on": "rid_get", "do": "errcode", "errcode": errcode})
    html = ask(reader, row)
    assert reason in part(html)
    assert "wx-ask" not in html


def test_a_passing_error_leaves_a_button_to_ask_again(
    reader: Client, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    admin_site.script({"on": "rid_get", "do": "errcode", "errcode": 45009})
    html = ask(reader, row)
    assert "rid/get was refused" in part(html)
    assert "Ask again" in part(html)
    assert BUTTON in detail(reader, row)


def test_what_is_no_json_is_described_by_its_length(
    reader: Client, admin_site: EmulatorServer
) -> None:
    row = refused(admin_site)
    call = admin_site.state.refused_calls[row.rid].request
    call |= {"request_body": "token=x", "response_body": "", "invoke_time": None, "client_ip": "x"}
    html = ask(reader, row)
    assert cell(html, "request_body") == "7 characters that are no JSON"
    assert cell(html, "response_body") == "empty"
    assert (cell(html, "received"), cell(html, "client_ip")) == ("-", "-")


def test_markup_in_a_call_stays_text(reader: Client, admin_site: EmulatorServer) -> None:
    row = refused(admin_site)
    call = admin_site.state.refused_calls[row.rid].request
    call["response_body"] = '{"errmsg": "<script>alert(1)</script>"}'
    html = ask(reader, row)
    assert "<script>alert" not in html
    assert "<script>alert(1)</script>" in cell(html, "response_body")


@pytest.mark.parametrize("call", ["staticuploadfile", "staticfilelist", "api_component_token"])
def test_no_secret_is_on_the_page_or_in_the_log(
    reader: Client,
    admin_site: EmulatorServer,
    rows: Rows,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    account = admin_site.state.account
    row = _refused_by(call, admin_site, rows, settings)
    secrets = [account.access_token, account.appsecret, account.ticket, account.security_token]
    assert [each for each in secrets if each in str(admin_site.state.refused_calls[row.rid])]
    said = f"{ask(reader, row)} {detail(reader, row)} {caplog.text}"
    assert '"errcode": 40097' in unescape(said)
    assert [each for each in secrets if each in said] == []


def _refused_by(call: str, cloud: EmulatorServer, rows: Rows, settings: Any) -> UploadLog:
    """Return a row with the rid of such a call; the storage's list leaves none."""
    if call == "staticuploadfile":
        return refused(cloud)
    account, before = cloud.state.account, settings.WX_STATIC_STORE
    if call == "api_component_token":
        fetch = {"COMPONENT_APPSECRET": account.appsecret, "VERIFY_TICKET": account.ticket}
        fetch |= {"ACCESS_TOKEN": None, "COMPONENT_APPID": account.appid}
        settings.WX_STATIC_STORE = before | fetch
    cloud.script({"on": call, "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError) as caught:
        get_store().find("media/a.txt")
    settings.WX_STATIC_STORE = before
    [row] = rows("media/a.txt", name="a.txt", rid=caught.value.rid, status="failed", stage="name")
    return row
