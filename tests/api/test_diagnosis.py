"""What did WeChat receive? The API's answer, for those who may ask."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.api.conftest import Client, add, put
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db

OLD = "5a000000-0a0b0c0d-01020304"


@pytest.fixture(autouse=True)
def hasty(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})


def refused(client: APIClient, cloud: EmulatorServer, call: str = "staticuploadfile") -> UploadLog:
    """Return the row of an upload whose call is refused."""
    cloud.script({"on": call, "do": "errcode", "errcode": 40097})
    put(client)
    return UploadLog.objects.get()


def ask(client: APIClient, row: UploadLog) -> Response:
    answer: Response = client.get(f"/wx/uploads/{row.pk}/diagnosis/")
    return answer


def test_a_refused_call_is_shown_as_wechat_received_it(
    client: APIClient, cloud: EmulatorServer
) -> None:
    row = refused(client, cloud)
    response = ask(client, row)
    reply = response.json()
    assert response.status_code == 200
    assert (reply["client_ip"], reply["request_url"]) == ("127.0.0.1", "?access_token=***")
    assert '"filename": "uploads/a.png"' in reply["request_body"]
    assert f"rid: {row.rid}" in reply["response_body"]
    assert reply["time"]


def test_the_permission_diagnose_is_enough(client_of: Client, cloud: EmulatorServer) -> None:
    row = refused(client_of("upload", name="bob"), cloud)
    assert ask(client_of("diagnose"), row).status_code == 200


def test_without_the_permission_wechat_is_not_asked(
    client_of: Client, cloud: EmulatorServer
) -> None:
    row = refused(client_of("upload", name="bob"), cloud)
    response = ask(client_of("upload", "view_uploadlog", "retry"), row)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert cloud.calls("rid_get") == []


def test_a_second_request_costs_no_call(client: APIClient, cloud: EmulatorServer) -> None:
    row = refused(client, cloud)
    assert ask(client, row).json() == ask(client, row).json()
    assert len(cloud.calls("rid_get")) == 1


@pytest.mark.parametrize(
    ("rid", "detail"),
    [
        ("", "This upload has no rid"),
        ("x-1", "The rid of this upload is malformed"),
        (OLD, "This call is older than seven days"),
    ],
)
def test_a_row_that_cannot_be_asked_about_is_a_problem_without_a_call(
    client: APIClient, cloud: EmulatorServer, rid: str, detail: str
) -> None:
    response = ask(client, add("a.png", status="failed", rid=rid))
    reply = response.json()
    assert (response.status_code, reply["code"]) == (404, "no_diagnosis")
    assert reply["detail"] == detail
    assert reply["hint"]
    assert "Retry-After" not in response
    assert cloud.journal == []


@pytest.mark.parametrize("errcode", [76001, 76002, 76003, 76004])
def test_what_wechat_cannot_say_is_a_problem_with_its_code(
    client: APIClient, cloud: EmulatorServer, errcode: int
) -> None:
    row = refused(client, cloud)
    UploadLog.objects.update(rid=f"{int(row.rid[:8], 16) - 3600:08x}{row.rid[8:]}")
    cloud.script({"on": "rid_get", "do": "errcode", "errcode": errcode})
    reply = ask(client, row).json()
    assert (reply["status"], reply["code"], reply["errcode"]) == (404, "no_diagnosis", errcode)


@pytest.mark.parametrize(
    ("errcode", "status", "code"),
    [(-1, 503, "busy"), (40097, 502, "upstream"), (61004, 500, "configuration")],
)
def test_another_error_is_answered_as_elsewhere(
    client: APIClient, cloud: EmulatorServer, errcode: int, status: int, code: str
) -> None:
    row = refused(client, cloud)
    cloud.script({"on": "rid_get", "do": "errcode", "errcode": errcode})
    response = ask(client, row)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_row_of_an_environment_that_is_not_offered_is_not_found(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    row = refused(client, cloud)
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    cloud.state.journal.clear()
    assert ask(client, row).json()["code"] == "not_found"
    assert cloud.journal == []


@pytest.mark.parametrize("call", ["staticuploadfile", "staticfilelist", "api_component_token"])
def test_no_secret_is_in_the_answer_or_the_log(
    client: APIClient,
    cloud: EmulatorServer,
    configure: Any,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    account = cloud.state.account
    if call == "api_component_token":
        fetch = {"COMPONENT_APPSECRET": account.appsecret, "VERIFY_TICKET": account.ticket}
        fetch |= {"ACCESS_TOKEN": None, "COMPONENT_APPID": account.appid}
        configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1, **fetch})
    row = refused(client, cloud, call)
    configure()
    response = ask(client, row)
    secrets = [cloud.access_token, account.appsecret, account.ticket, account.security_token]
    assert [each for each in secrets if each in str(cloud.state.refused_calls[row.rid])]
    assert response.status_code == 200
    said = f"{response.content.decode()} {response.headers} {caplog.text}"
    assert [each for each in secrets if each in said] == []
