"""What went wrong, in the words of the API: a code, a status, and no more than one may know."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.test import APIClient

from tests.api.conftest import ALL, Client, post, put
from wx_static_store import exceptions
from wx_static_store.api import problems
from wx_static_store.api.base import View
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.policy import rules

pytestmark = pytest.mark.django_db


def errcode(code: int) -> dict[str, Any]:
    return {"on": "staticuploadfile", "do": "errcode", "errcode": code, "times": None}


def cos(status: int, code: str) -> dict[str, Any]:
    return {"on": "put_object", "do": "cos_error", "status": status, "code": code, "times": None}


# What happens on the wire, and what the client is told: status, code, Retry-After, row.
FAULTS = {
    "the daily quota is used up": (errcode(45009), 503, "busy", None, "failed"),
    "too many calls in a minute": (errcode(45011), 503, "busy", "60", "failed"),
    "the cloud is slow": (errcode(-501003), 503, "busy", "2", "failed"),
    "WeChat is busy": (errcode(-1), 503, "busy", "60", "failed"),
    "a refused token": (errcode(42001), 503, "busy", "60", "failed"),
    "refused arguments": (errcode(40097), 502, "upstream", None, "failed"),
    "an unknown code": (errcode(99999), 502, "upstream", None, "failed"),
    "no cloud hosting": (errcode(85088), 500, "configuration", None, "failed"),
    "an address not on the whitelist": (errcode(61004), 500, "configuration", None, "failed"),
    "COS allows no more": (cos(503, "SlowDown"), 503, "busy", "2", "failed"),
    "COS refuses": (cos(403, "AccessDenied"), 502, "upstream", None, "failed"),
    "no JSON": (
        {"on": "staticuploadfile", "do": "html", "times": None},
        *(502, "upstream", None, "failed"),
    ),
    "a lost answer": (
        {"on": "put_object", "do": "drop_reply", "times": None},
        *(504, "unknown", None, "unknown"),
    ),
}


@pytest.fixture
def hasty(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_cloud_has_its_status(
    client: APIClient, cloud: EmulatorServer, send: Any, fault: str
) -> None:
    script, status, code, retry_after, row_status = FAULTS[fault]
    cloud.script(script)
    response = send(client)
    told = response.json()
    row = UploadLog.objects.get()
    assert (response.status_code, told["status"], told["code"]) == (status, status, code)
    assert response.headers.get("Retry-After") == retry_after
    assert response["Content-Type"] == "application/problem+json"
    assert (told["upload_id"], row.status) == (row.pk, row_status)


def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": 0.3})
    cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": 5, "times": None})
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (504, "timeout")
    assert UploadLog.objects.get().status == "failed"


def test_a_store_that_cannot_be_asked_is_told_without_a_row(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (502, "upstream")
    assert response.json()["upload_id"] is None
    assert not UploadLog.objects.exists()


# --- who is told what -----------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_who_may_read_the_log_is_told_errcode_hint_and_rid(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script(errcode(45009))
    told = put(client).json()
    row = UploadLog.objects.get()
    assert (told["errcode"], told["rid"]) == (45009, row.rid)
    assert "quota" in told["hint"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", FAULTS)
def test_who_may_not_is_told_neither(client_of: Client, cloud: EmulatorServer, fault: str) -> None:
    cloud.script(FAULTS[fault][0])
    told = put(client_of("upload")).json()
    assert set(told) == {"title", "status", "code", "detail", "upload_id"}
    row = UploadLog.objects.get()
    secrets = [row.rid, str(row.errcode or "-"), "scripted", "staticuploadfile", "127.0.0.1"]
    assert not [secret for secret in secrets if secret and secret in told["detail"]]


@pytest.mark.usefixtures("hasty")
def test_wrong_settings_are_told_to_nobody(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None}, STORAGES={
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    })  # fmt: skip
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "TOKEN" not in response.json()["detail"]


@pytest.mark.parametrize("path", ["stores/", "uploads/", "stores/default/files/"])
def test_an_option_that_is_none_is_told_to_nobody(
    client: APIClient, settings: Any, path: str
) -> None:
    settings.WX_STATIC_STORE = {"APP_SERCET": "x"}
    response = client.get(f"/wx/{path}")
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "SERCET" not in response.json()["detail"]


# --- the table ------------------------------------------------------------------------------------


def kinds(of: type[Exception]) -> list[type[Exception]]:
    return [of, *(inner for kind in of.__subclasses__() for inner in kinds(kind))]


@pytest.mark.parametrize("kind", kinds(exceptions.WxStaticStoreError))
def test_every_error_of_ours_has_a_code(kind: type[Exception]) -> None:
    assert problems._code(kind("x")) in problems.PROBLEMS


@pytest.mark.parametrize(
    "rule", [rule for rule in vars(rules).values() if isinstance(rule, rules.Rule)]
)
def test_every_rule_of_the_policy_has_a_code(rule: rules.Rule) -> None:
    assert rule.code in problems.PROBLEMS


# --- errors of a project's own authentication -----------------------------------------------------


class Expired(AuthenticationFailed):
    """As packages for tokens have them: a code of their own, and a dictionary."""

    default_code = "token_not_valid"

    def __init__(self) -> None:
        super().__init__({"detail": "The token has expired", "messages": ["x"]})


def of_status(status: int) -> APIException:
    error = APIException("So says the project", "some_code")
    error.default_code, error.status_code = "some_code", status
    return error


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (Expired(), 401, "authentication_failed", "The token has expired"),
        (PermissionDenied(), 403, "forbidden", None),
        (of_status(400), 400, "parse_error", "So says the project"),
        (of_status(401), 401, "authentication_failed", "So says the project"),
        (of_status(418), 403, "forbidden", "So says the project"),
        (of_status(429), 429, "throttled", "So says the project"),
        (of_status(500), 503, "busy", "So says the project"),
        (OperationalError("secret"), 503, "busy", None),
    ],
)
def test_an_error_of_the_projects_authentication_has_a_code_of_ours(
    client: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
    detail: str | None,
) -> None:
    class Theirs(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            raise error

    monkeypatch.setattr(View, "authentication_classes", [Theirs])
    response = client.get("/wx/stores/")
    told = response.json()
    assert (response.status_code, told["code"]) == (status, code)
    assert told["detail"] == detail or (detail is None and "secret" not in told["detail"])
    assert response["Content-Type"] == "application/problem+json"


def test_a_form_that_is_too_large_is_told_before_anybody_knows_whose_it_is(
    client_of: Client, configure: Any
) -> None:
    """Of a session, whose CSRF token may stand in the form."""
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 1000})
    client_of(*ALL)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.get())
    client.cookies["csrftoken"] = "a" * 32
    response = post(client, CONTENT_LENGTH="5000000")
    assert (response.status_code, response.json()["code"]) == (413, "size")


# --- what breaks on this side ---------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/retry/"])
def test_a_log_that_cannot_be_read_is_told(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: Any, path: str
) -> None:
    path = "/wx/uploads/" + path.format(id=put(client).json()["id"])
    monkeypatch.setattr(UploadLog._meta, "db_table", "no_such_table")
    response = client.post(path) if "retry" in path else client.get(path)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert response["Retry-After"] == "60"
    assert "no_such_table" in caplog.text
    assert "no_such_table" not in response.text


@pytest.mark.parametrize(
    ("send", "file"),
    [
        (put, "wx_static_store.api.body.SpooledTemporaryFile"),
        (post, "django.core.files.uploadhandler.TemporaryUploadedFile"),
    ],
)
def test_a_full_disk_is_told(
    client: APIClient,
    cloud: EmulatorServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
    send: Any,
    file: str,
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0

    def full(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, full)
    response = send(client)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
    assert "No space left" in caplog.text
    assert cloud.calls("put_object") == []


@pytest.mark.parametrize(("send", "status"), [(put, 413), (post, 400)])
def test_a_length_of_thousands_of_digits_is_refused(
    client: APIClient, send: Any, status: int
) -> None:
    """Django reads nothing of such a body, so that the form is empty."""
    assert send(client, CONTENT_LENGTH="9" * 5000).status_code == status


def test_the_operator_is_told_what_the_client_is_not(
    client_of: Client, cloud: EmulatorServer, caplog: Any
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    assert put(client_of("upload")).status_code == 502
    [line] = [r for r in caplog.records if r.name == "wx_static_store.api"]
    assert line.levelname == "ERROR"
    assert re.search(r"errcode 40097.*rid \S+", line.getMessage())


@pytest.mark.usefixtures("cloud")
def test_the_operator_is_told_which_setting_is_wrong(
    client: APIClient, settings: Any, caplog: Any
) -> None:
    settings.WX_STATIC_STORE = {"APP_SERCET": "x"}
    assert client.get("/wx/stores/").status_code == 500
    assert any(
        r.name == "wx_static_store.api" and "SERCET" in r.getMessage()
        for r in caplog.records
        if r.levelname == "ERROR"
    )


def test_an_error_that_nobody_expects_is_left_to_django(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.api.sending.recorders.record", lambda *args: [][0])
    client.raise_request_exception = False
    assert put(client).status_code == 500
    assert problems.answer(IndexError(), {}) is None


def test_too_many_fields_are_told(client_of: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    response = post(client_of(*ALL), a="1", b="2")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_fields_that_are_too_long_are_told(client_of: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    response = post(client_of(*ALL), a="1" * 100)
    assert (response.status_code, response.json()["code"]) == (413, "size")
    assert RequestDataTooBig in dict(problems._KINDS)
