"""No planted secret is in anything that an upload leaves behind, however it fails."""

import faulthandler
import logging
import traceback
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.test import RequestFactory
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

import wx_static_store
from tests.conftest import slow
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

TOKEN = "planted-access-token"
APPSECRET = "planted-appsecret"
TICKET = "planted-ticket"
SECURITY_TOKEN = "planted-security-token"
ROBOT = "planted-robot-key"
SECRETS = (TOKEN, APPSECRET, TICKET, ROBOT, SECURITY_TOKEN, "q-signature", "q-ak")

LINK, PUT, TOKEN_CALL = "staticuploadfile", "put_object", "api_component_token"
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "errcode": {"on": LINK, "do": "errcode", "errcode": 40097},
    "errmsg with the token": {
        "on": LINK, "do": "errcode", "errcode": 40001, "errmsg": f"bad access_token={TOKEN}",
    },
    "link answer is html": {"on": LINK, "do": "html"},
    "link answer is cut": {"on": LINK, "do": "truncate_json"},
    "link answer is short": {"on": LINK, "do": "short_body"},
    "link without its token": {"on": LINK, "do": "merge", "drop": ["token"]},
    "link to another host": {"on": LINK, "do": "link", "host": "evil.example"},
    "link connection reset": {"on": LINK, "do": "reset"},
    "link redirected": {"on": LINK, "do": "redirect", "status": 302, "location": "http://x.invalid"},
    "link status": {"on": LINK, "do": "status", "status": 502, "headers": {}, "body": ""},
    "put connection reset": {"on": PUT, "do": "reset"},
    "put reply lost": {"on": PUT, "do": "drop_reply"},
    "put hangs": {"on": PUT, "do": "hang", "seconds": 5},
    "put refused": {"on": PUT, "do": "cos_error", "code": "AccessDenied", "status": 403},
    "put redirected": {"on": PUT, "do": "redirect", "status": 307, "location": "http://x.invalid"},
    "put with another etag": {"on": PUT, "do": "etag", "value": "0" * 32},
    "token refused": {"on": TOKEN_CALL, "do": "errcode", "errcode": 40125},
    "token answer is cut": {"on": TOKEN_CALL, "do": "truncate_json"},
    "token connection reset": {"on": TOKEN_CALL, "do": "reset"},
}  # fmt: skip


@pytest.fixture
def cloud(configure: Any, emulator: EmulatorServer) -> EmulatorServer:
    account = {"appsecret": APPSECRET, "ticket": TICKET, "security_token": SECURITY_TOKEN}
    with EmulatorServer(envs=("env-1",), access_token=TOKEN, **account) as planted:
        configure(
            WX_STATIC_STORE={
                "ENV": "env-1",
                "API_BASE_URL": planted.api_url,
                "ACCESS_TOKEN": TOKEN,
                "COMPONENT_APPSECRET": APPSECRET,
                "COMPONENT_APPID": "wx0000000000000001",
                "VERIFY_TICKET": TICKET,
                "ALERT_WECOM_URL": f"https://robot.example/send?key={ROBOT}",
                "MAX_ATTEMPTS": 2,
                "DEADLINE": 1.0,
            }
        )
        yield planted


def upload() -> BaseException | None:
    item = UploadItem("a.txt", open=lambda: BytesIO(b"hello"))
    try:
        get_uploader().upload(item, UploadContext(source="test"))
    except WxStaticStoreError as error:
        return error
    return None


def everything_shown_of(error: BaseException) -> str:
    """Return text, arguments, chain, traceback with locals, and Django's error page."""
    report = ExceptionReporter(
        RequestFactory().get("/"), type(error), error, error.__traceback__
    )  # shows the locals of each frame
    return "\n".join(
        [
            str(error),
            repr(error),
            repr(error.args),
            repr(vars(error)),
            repr(error.__cause__),
            repr(error.__context__),
            *traceback.TracebackException.from_exception(error, capture_locals=True).format(),
            report.get_traceback_html(),
            report.get_traceback_text(),
        ]
    )


# A fixed access token makes no token call, so the faults of that call need the component's.
CASES = [
    pytest.param(credentials, fault, marks=[slow] * (credentials == "component" and is_other))
    for credentials in ("access token", "component")
    for fault, script in FAULTS.items()
    for is_other in [script.get("on") != TOKEN_CALL]
    if credentials == "component" or is_other
]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("credentials", "fault"), CASES)
def test_no_secret_is_left_behind(
    cloud: EmulatorServer,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    credentials: str,
    fault: str,
) -> None:
    if credentials == "component":
        settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ACCESS_TOKEN": None}
    if FAULTS[fault]:
        cloud.script(FAULTS[fault] | {"times": None})
    with caplog.at_level(logging.DEBUG):
        error = upload()
    assert (error is None) == (fault == "none")
    left = [caplog.text, *(str(record.__dict__) for record in caplog.records)]
    left.append(serializers.serialize("json", UploadLog.objects.all()))
    left += [everything_shown_of(error)] if error else []
    found = {secret for secret in SECRETS for text in left if secret in text}
    assert found == set()


@pytest.mark.parametrize(
    "mistake",
    [
        {"MAX_WORKERS": "many"},
        {"MAX_WORKER": 3},
        {"ENV": "no such id!"},
        {"TOKEN_PROVIDER": "no.such.module"},
        {"COMPONENT_APPID": 5},
    ],
    ids=str,
)
def test_an_error_of_the_settings_shows_no_secret(
    cloud: EmulatorServer, settings: Any, mistake: dict[str, Any]
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | mistake
    error = upload()
    assert error is not None
    assert not {secret for secret in SECRETS if secret in everything_shown_of(error)}


def test_a_secret_among_the_options_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        WxStorage(access_token=SECRETS[0])
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    package = Path(wx_static_store.__file__).parent
    of_ours = [frame for frame in frames.stack if package in Path(frame.filename).parents]
    assert of_ours
    assert not [frame for frame in of_ours if SECRETS[0] in str(frame.locals)]


def test_the_libraries_log_addresses_without_their_query(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    """They log the addresses: so the scan above can fail."""
    with caplog.at_level(logging.DEBUG):
        upload()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]
    assert any('"POST /componenttcb/staticuploadfile HTTP/1.1"' in line for line in lines)
    assert any('"PUT /a.txt HTTP/1.1"' in line for line in lines)


def test_the_debug_level_of_http_client_shows_no_secret(
    cloud: EmulatorServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ACCESS_TOKEN": None}
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 2)
    assert upload() is None
    printed = capsys.readouterr().out
    assert "POST /cgi-bin/component/api_component_token HTTP/1.1" in printed
    assert "PUT /a.txt HTTP/1.1" in printed
    assert [secret for secret in (*SECRETS, "access_token=") if secret in printed] == []


def test_the_stacks_that_faulthandler_writes_show_no_secret(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    cloud.script({"on": PUT, "do": "hang", "seconds": 0.6})
    with open(tmp_path / "stacks", "w+") as stacks:
        faulthandler.dump_traceback_later(0.3, file=stacks)
        upload()
        faulthandler.cancel_dump_traceback_later()
        stacks.seek(0)
        written = stacks.read()
    assert "_perform" in written
    assert [secret for secret in SECRETS if secret in written] == []


def test_django_s_error_mail_shows_no_secret(cloud: EmulatorServer, settings: Any) -> None:
    """The mail is about an uncaught error, with the page that shows local variables."""
    settings.ADMINS = ["root@example.com"]
    sent: list[str] = []

    class Kept(AdminEmailHandler):
        def send_mail(self, subject: str, message: str, *args: Any, **more: Any) -> None:
            sent.extend([message, more["html_message"]])

    cloud.script({"on": PUT, "do": "reset", "times": None})
    error = upload()
    assert error
    trouble = (type(error), error, error.__traceback__)
    Kept(include_html=True).emit(
        logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", None, trouble)
    )
    mails = "".join(sent)
    assert str(error.message) in mails
    assert [secret for secret in SECRETS if secret in mails] == []
