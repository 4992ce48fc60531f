"""What went wrong, in the words of the API: a code, a status, and no more than one may know."""

from __future__ import annotations

import re
from hashlib import md5
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.utils.translation import override
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.test import APIClient

from tests.api.conftest import ALL, PNG, Client, post, put
from tests.conftest import ENV, lost_table
from tests.tables import each
from wx_static_store import exceptions
from wx_static_store.api import problems
from wx_static_store.api.base import View
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.submit import rules

pytestmark = pytest.mark.django_db


def errcode(code: int) -> dict[str, Any]:
    return {"on": "staticuploadfile", "do": "errcode", "errcode": code, "times": None}


def cos(status: int, code: str) -> dict[str, Any]:
    return {"on": "put_object", "do": "cos_error", "status": status, "code": code, "times": None}


def later(on: str, status: int) -> dict[str, Any]:
    """Let the server's answer have a Retry-After of its own."""
    headers = {"Retry-After": "7"}
    return {"on": on, "do": "status", "status": status, "headers": headers, "times": None}


# What happens on the wire, and what the client gets: status, code, Retry-After, row.
FAULTS = {
    "the daily quota is used up": (errcode(45009), 503, "busy", None, "failed"),
    "too many calls in a minute": (errcode(45011), 503, "busy", "60", "failed"),
    "the cloud is slow": (errcode(-501003), 503, "busy", "2", "failed"),
    "WeChat is busy": (errcode(-1), 503, "busy", "60", "failed"),
    "a refused token": (errcode(42001), 503, "busy", None, "failed"),
    "refused arguments": (errcode(40097), 502, "upstream", None, "failed"),
    "an unknown code": (errcode(99999), 502, "upstream", None, "failed"),
    "no cloud hosting": (errcode(85088), 500, "configuration", None, "failed"),
    "an address not on the whitelist": (errcode(61004), 500, "configuration", None, "failed"),
    "COS allows no more": (cos(503, "SlowDown"), 503, "busy", "2", "failed"),
    "WeChat's gateway asks to wait": (later("staticuploadfile", 503), 503, "busy", "7", "failed"),
    "COS is out of order": (cos(500, "InternalError"), 502, "upstream", "60", "failed"),
    "a gateway before COS fails": (later("put_object", 500), 504, "unknown", None, "unknown"),
    "COS refuses": (cos(403, "AccessDenied"), 502, "upstream", None, "failed"),
    "no JSON": (
        {"on": "staticuploadfile", "do": "html", "times": None},
        *(502, "upstream", "60", "failed"),
    ),
    "a lost answer": (
        {"on": "put_object", "do": "drop_reply", "times": None},
        *(504, "unknown", None, "unknown"),
    ),
}


@pytest.fixture
def hasty(configure: Any, cloud: EmulatorServer) -> None:
    server = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    server.quirks.list_md5 = "multipart"  # so that a list settles nothing


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_cloud_has_its_status(
    client: APIClient, cloud: EmulatorServer, send: Any, fault: str
) -> None:
    script, status, code, retry_after, row_status = FAULTS[fault]
    cloud.script(script)
    response = send(client)
    reply = response.json()
    row = UploadLog.objects.get()
    assert (response.status_code, reply["status"], reply["code"]) == (status, status, code)
    assert response.headers.get("Retry-After") == retry_after
    assert response["Content-Type"] == "application/problem+json"
    assert (reply["upload_id"], row.status) == (row.pk, row_status)


def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": 0.3})
    cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": 5, "times": None})
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (504, "timeout")
    assert UploadLog.objects.get().status == "failed"


def test_a_timeout_has_no_retry_after(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": 0.3})
    cloud.script({"on": "put_object", "do": "hang", "seconds": 5, "times": None})
    response = put(client)
    assert response.status_code == 504
    assert "Retry-After" not in response


def test_an_unknown_result_has_no_retry_after(
    client: APIClient, cloud: EmulatorServer, configure: Any
) -> None:
    """Also where the last answer was that COS allows no more."""
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    cloud.quirks.list_md5 = "multipart"  # settles nothing
    cloud.script({"on": "put_object", "do": "drop_reply"}, cos(503, "SlowDown"))
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (504, "unknown")
    assert "Retry-After" not in response


def test_the_detail_is_in_the_language_that_the_client_accepts(
    client: APIClient, settings: Any
) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    texts = {}
    for language in ("en", "zh-CN"):
        with override(None):  # the middleware leaves its language to what this thread does next
            body = client.get("/wx/uploads/0/", headers={"accept-language": language}).json()
        texts[language] = body["detail"]
    assert texts == {
        "en": "There is nothing here that you may see.",
        "zh-CN": "此处没有您可以查看的内容。",
    }


# --- a cloud that cannot be asked whether the name is free ----------------------------------------


def listing(do: str, **values: Any) -> dict[str, Any]:
    return {"on": "staticfilelist", "do": do, "times": None, **values}


# What happens on the wire; status, code and errcode of the answer; the row's stage.
OUTAGES = {
    "an address not on the whitelist": (
        listing("errcode", errcode=40164),
        *(500, "configuration", 40164, "name"),
    ),
    "a permission is missing": (
        listing("errcode", errcode=61007),
        *(500, "configuration", 61007, "name"),
    ),
    "WeChat is busy": (listing("errcode", errcode=-1), 503, "busy", -1, "name"),
    "a refused token": (listing("errcode", errcode=42001), 503, "busy", 42001, "name"),
    "refused arguments": (listing("errcode", errcode=40097), 502, "upstream", 40097, "name"),
    "the network": (listing("reset"), 504, "timeout", None, "name"),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("send", [post, put])
@pytest.mark.parametrize("outage", OUTAGES)
def test_an_upload_that_met_an_outage_before_it_began_has_a_row(
    client: APIClient, cloud: EmulatorServer, send: Any, outage: str
) -> None:
    script, status, code, number, stage = OUTAGES[outage]
    cloud.script(script)
    response = send(client)
    reply, row = response.json(), UploadLog.objects.get()
    assert (response.status_code, reply["code"], reply["upload_id"]) == (status, code, row.pk)
    assert (row.status, row.stage, row.errcode, row.attempts) == ("failed", stage, number, 0)
    assert (row.source, row.user and row.user.username) == ("api", "ann")
    assert (row.env, row.key, row.name) == (ENV, "uploads/a.png", "uploads/a.png")
    assert (row.size, row.md5) == (len(PNG), md5(PNG).hexdigest())
    assert cloud.calls("put_object") == []


@pytest.mark.usefixtures("cloud")
def test_an_upload_without_a_token_has_a_row(client: APIClient, configure: Any) -> None:
    def dead() -> str:
        raise ConnectionError("the token server is down")

    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": dead, "MAX_ATTEMPTS": 1})
    response = put(client)
    row = UploadLog.objects.get()
    assert (response.status_code, response.json()["upload_id"]) == (503, row.pk)
    assert (row.status, row.stage, row.errcode) == ("failed", "name", None)


def test_an_upload_that_the_projects_own_check_could_not_judge_has_no_row(
    client: APIClient, configure: Any
) -> None:
    """As what it refuses: the cloud was not asked for anything."""

    def broken(user: Any, name: str, file: Any) -> None:
        raise OSError("the scanner is down")

    cloud = configure(WX_STATIC_STORE={"UPLOAD_CHECK": broken})
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "upload_id" not in response.json()
    assert not UploadLog.objects.exists()
    assert cloud.calls() == []


# --- who gets which members -----------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_a_reader_of_the_log_gets_errcode_hint_and_rid(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script(errcode(45009))
    reply = put(client).json()
    row = UploadLog.objects.get()
    assert (reply["errcode"], reply["rid"]) == (45009, row.rid)
    assert "quota" in reply["hint"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", FAULTS)
def test_other_users_get_neither_errcode_nor_hint_nor_rid(
    client_of: Client, cloud: EmulatorServer, fault: str
) -> None:
    cloud.script(FAULTS[fault][0])
    reply = put(client_of("upload")).json()
    always = {"title", "status", "code", "detail", "request_id"}
    assert set(reply) == always | {"upload_id", "stage", "advice"}
    row = UploadLog.objects.get()
    secrets = [row.rid, str(row.errcode or "-"), "scripted", "staticuploadfile", "127.0.0.1"]
    assert not [
        secret for secret in secrets if secret and secret in reply["detail"] + reply["advice"]
    ]


def test_the_hint_of_our_own_policy_is_for_everybody(client_of: Client) -> None:
    reply = put(client_of("upload"), "elsewhere/a.png").json()
    assert (reply["code"], reply["stage"]) == ("folder", "policy")
    assert "Choose a folder" in reply["hint"]


@pytest.mark.usefixtures("hasty")
def test_the_code_of_cos_is_for_readers_of_the_log(
    client: APIClient, client_of: Client, cloud: EmulatorServer
) -> None:
    cloud.script(cos(403, "AccessDenied"))
    reply = put(client).json()
    assert (reply["stage"], reply["cos_code"]) == ("put", "AccessDenied")
    assert "cos_code" not in put(client_of("upload", name="eve"), "uploads/e.png").json()


# --- the page that says more ----------------------------------------------------------------------

DOCS = "https://docs.example/en/"


@pytest.fixture
def documented(configure: Any, cloud: EmulatorServer) -> None:
    configure(WX_STATIC_STORE={"DOCS_URL": DOCS, "MAX_ATTEMPTS": 1})


@pytest.mark.usefixtures("documented")
def test_the_type_of_a_problem_is_the_page_of_its_cause(
    client: APIClient, cloud: EmulatorServer
) -> None:
    cloud.script(errcode(85088))
    assert put(client).json()["type"] == f"{DOCS}troubleshooting/errcodes.html#errcode-85088"


@pytest.mark.usefixtures("documented")
def test_who_may_not_read_the_log_gets_the_page_of_the_code(
    client_of: Client, cloud: EmulatorServer
) -> None:
    cloud.script(errcode(85088))
    shown = put(client_of("upload")).json()["type"]
    assert shown == f"{DOCS}reference/rest-api.html#problem-configuration"


@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize(
    ("path", "code"), [("uploads/99/", "not-found"), ("stores/nowhere/files/", "store")]
)
def test_the_type_of_another_problem_is_the_page_of_its_code(
    client: APIClient, path: str, code: str
) -> None:
    shown = client.get(f"/wx/{path}").json()["type"]
    assert shown == f"{DOCS}reference/rest-api.html#problem-{code}"


# --- the id of the request ------------------------------------------------------------------------


def test_a_problem_has_the_id_that_the_request_came_with(client: APIClient) -> None:
    reply = client.get("/wx/uploads/99/", HTTP_X_REQUEST_ID="abc-1").json()
    assert reply["request_id"] == "abc-1"


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "<b>", "茶"])
def test_a_request_id_that_is_not_harmless_is_replaced(client: APIClient, given: str) -> None:
    reply = client.get("/wx/uploads/99/", HTTP_X_REQUEST_ID=given).json()
    assert re.fullmatch("[0-9a-f]{32}", reply["request_id"])


def test_an_upload_that_failed_has_the_id_of_its_request(
    client: APIClient, cloud: EmulatorServer, caplog: Any
) -> None:
    """So does its line in the log, and its row."""
    cloud.script(errcode(40097))
    reply = put(client, HTTP_X_REQUEST_ID="abc-1").json()
    assert reply["request_id"] == "abc-1"
    [line] = [r for r in caplog.records if r.name == "wx_static_store.uploads"]
    assert line.upload["source_ref"] == "request abc-1"
    assert UploadLog.objects.get().source_ref == "request abc-1"


@pytest.mark.usefixtures("hasty")
def test_wrong_settings_are_shown_to_nobody(client: APIClient, configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None}, STORAGES={
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    })  # fmt: skip
    response = put(client)
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "TOKEN" not in response.json()["detail"]


@pytest.mark.parametrize("path", ["stores/", "uploads/", "stores/default/files/"])
def test_an_unknown_option_is_shown_to_nobody(client: APIClient, settings: Any, path: str) -> None:
    settings.WX_STATIC_STORE = {"APP_SERCET": "x"}
    response = client.get(f"/wx/{path}")
    assert (response.status_code, response.json()["code"]) == (500, "configuration")
    assert "SERCET" not in response.json()["detail"]


@pytest.mark.usefixtures("hasty")
def test_members_of_a_problem_that_do_not_apply_are_left_out(
    client: APIClient, cloud: EmulatorServer
) -> None:
    """Nobody answered, so there is neither an errcode nor a rid; a refusal has no row."""
    cloud.script({"on": "staticuploadfile", "do": "reset", "times": None})
    always = {"title", "status", "code", "detail", "request_id"}
    assert {*put(client).json()} == always | {"upload_id", "stage", "cause", "advice", "hint"}
    assert {*put(client, "elsewhere%3F.png").json()} == always | {"stage", "cause", "hint"}
    assert {*client.get("/wx/uploads/99/").json()} == always


# --- the table ------------------------------------------------------------------------------------


def kinds(of: type[Exception]) -> list[type[Exception]]:
    return [of, *(inner for kind in of.__subclasses__() for inner in kinds(kind))]


@each("kind", kinds(exceptions.WxStaticStoreError))
def test_every_error_of_ours_has_a_code(kind: type[Exception]) -> None:
    assert problems._code(kind("x")) in problems.PROBLEMS


@each("rule", [rule for rule in vars(rules).values() if isinstance(rule, rules.Rule)])
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
    reply = response.json()
    assert (response.status_code, reply["code"]) == (status, code)
    assert reply["detail"] == detail or (detail is None and "secret" not in reply["detail"])
    assert response["Content-Type"] == "application/problem+json"


def test_a_too_large_form_is_refused_before_the_user_is_known(
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
def test_an_unreadable_log_is_reported(client: APIClient, caplog: Any, path: str) -> None:
    path = "/wx/uploads/" + path.format(id=put(client).json()["id"])
    with lost_table(UploadLog):
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
def test_a_full_disk_is_reported(
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


def test_the_log_has_what_the_client_does_not_get(
    client_of: Client, cloud: EmulatorServer, caplog: Any
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    assert client_of("view_uploadlog").get("/wx/stores/default/files/").status_code == 502
    [line] = [r for r in caplog.records if r.name == "wx_static_store.api"]
    assert line.levelname == "ERROR"
    assert re.search(r"errcode 40097.*rid \S+.*\(request [0-9a-f]{32}\)$", line.getMessage())


def test_the_log_has_of_an_upload_what_the_client_does_not_get(
    client_of: Client, cloud: EmulatorServer, caplog: Any
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "times": None})
    assert put(client_of("upload")).status_code == 502
    [line] = [r for r in caplog.records if r.name == "wx_static_store.uploads"]
    assert line.levelname == "ERROR"
    assert re.search(r"errcode 40097.*rid \S+", line.getMessage())


@pytest.mark.usefixtures("cloud")
def test_the_log_names_the_wrong_setting(client: APIClient, settings: Any, caplog: Any) -> None:
    settings.WX_STATIC_STORE = {"APP_SERCET": "x"}
    assert client.get("/wx/stores/").status_code == 500
    assert any(
        r.name == "wx_static_store.api" and "SERCET" in r.getMessage()
        for r in caplog.records
        if r.levelname == "ERROR"
    )


def test_an_unexpected_error_is_left_to_django(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.upload.uploader.record_one", lambda *args: [][0])
    client.raise_request_exception = False
    assert put(client).status_code == 500


def test_the_traceback_of_an_unexpected_error_has_the_id_of_the_request(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django's page has no such header; its log has the traceback."""
    monkeypatch.setattr("wx_static_store.upload.uploader.record_one", lambda *args: [][0])
    with pytest.raises(IndexError) as caught:
        put(client, HTTP_X_REQUEST_ID="order-7")
    assert caught.value.__notes__ == ["request order-7"]


@pytest.mark.usefixtures("cloud")
def test_an_address_outside_the_api_is_left_to_django(client: APIClient) -> None:
    response = client.get("/wx/nothing/")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_too_many_fields_are_reported(client_of: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    response = post(client_of(*ALL), a="1", b="2")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_too_long_fields_are_reported(client_of: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    response = post(client_of(*ALL), a="1" * 100)
    assert (response.status_code, response.json()["code"]) == (413, "size")
    assert RequestDataTooBig in dict(problems._KINDS)
