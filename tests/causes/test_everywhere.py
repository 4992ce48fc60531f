"""Play each cause by which an upload can end: everybody who shows it says the same."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from time import time
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings
from django.test.client import RequestFactory
from django.urls import include, path, reverse
from django.utils.translation import override
from rest_framework.request import Request

from tests.certificates import self_signed
from tests.conftest import ENV, slow
from tests.faults.harness import forget, skipping_clock
from tests.tables import each, none_of
from wx_static_store.api import problems
from wx_static_store.callback.tickets import save
from wx_static_store.causes import CAUSES, LOOK, hint
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, TICKET
from wx_static_store.health.doctor.findings import Result
from wx_static_store.health.doctor.probe import CHECKS
from wx_static_store.health.doctor.report import lines
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.models import UploadLog
from wx_static_store.upload import get_uploader, store
from wx_static_store.upload.platform import platform_for
from wx_static_store.upload.release_storage import open_kept
from wx_static_store.upload.uploader import to_raise
from wx_static_store.upload.waiting_bytes import open_bytes

pytestmark = pytest.mark.django_db

urlpatterns = [
    path("admin/", admin.site.urls),
    path("wx/", include("wx_static_store.api.urls")),
]
PROBE = next(check for check in CHECKS if check.id == "probe.upload")
CONTEXT = UploadContext("storage")


# --- how an upload comes to each end --------------------------------------------------------------


class Play(NamedTuple):
    """What the emulator does, the settings, the file, and what is on the way."""

    fault: Mapping[str, Any] = {}
    wx: Mapping[str, Any] = {}
    name: str = "a.txt"
    open: Callable[[], Any] = partial(BytesIO, b"tea")
    environ: Mapping[str, str] = {}
    certificate: str | None = None  # what is wrong with that of the server
    proxy: Mapping[str, Any] | None = None  # what the proxy does


FAR = {"API_BASE_URL": "https://api.wx-static-store.invalid"}
FETCHED = {"VERIFY_TICKET": "the newest"}  # we fetch the token ourselves


def link(do: str, wx: Mapping[str, Any] = {}, **facts: Any) -> Play:
    return Play({"on": "staticuploadfile", "do": do, **facts}, wx)


def put(do: str, **facts: Any) -> Play:
    return Play({"on": "put_object", "do": do, **facts})


def refused(status: int, code: str, **facts: Any) -> Play:
    return put("cos_error", status=status, code=code, **facts)


def broken(*args: object) -> Any:
    raise OSError("the disk is away")


def after_another() -> BytesIO:
    """Open the file, when another one has used up the rate of calls."""
    get_uploader().transfer(UploadItem("b.txt", open=BytesIO))
    return BytesIO(b"tea")


def after_a_discard() -> BytesIO:
    """Open the file, when somebody discarded the token of another one."""
    tokens = platform_for(get_uploader().options).tokens
    tokens.invalidate(tokens.get())
    return BytesIO(b"tea")


def after_another_key() -> BytesIO:
    """Open the file, when the newest ticket is one that another SECRET_KEY sealed."""
    with override_settings(SECRET_KEY="another"):
        save(APPID, Secret(TICKET), int(time()))
    return BytesIO(b"tea")


class Shrinking(BytesIO):
    """A file that became empty after it was measured."""

    def read(self, size: int | None = -1) -> bytes:
        return b"" if size else super().read(size)


SPECIAL: list[tuple[str, Play]] = [
    ("errcode", link("errcode", errcode=123456)),
    ("ResourceNotFound", link("errcode", errcode=-501000, errmsg="TcbCode: [ResourceNotFound.E]")),
    ("cos", refused(400, "NeverHeardOf")),
    ("CosError", refused(500, "InternalError")),
    ("BadDigest", put("etag", value="0" * 32)),
    ("token.fixed", link("errcode", errcode=40001)),
    ("40001", link("errcode", {"TOKEN_PROVIDER": lambda: "token"}, errcode=40001)),
    ("token.provider", Play(wx={"TOKEN_PROVIDER": broken})),
    ("token.form", Play(wx={"TOKEN_PROVIDER": lambda: ""})),
    ("TokenUnavailable", Play(wx={"VERIFY_TICKET": lambda: ""})),
    ("61005", Play(wx={"VERIFY_TICKET": lambda: "old"})),
    ("ticket.key", Play(wx={"VERIFY_TICKET": None}, open=after_another_key)),
    ("token.new", link("errcode", FETCHED, errcode=40001)),
    ("token.discarded", Play(wx=FETCHED, open=after_a_discard)),
    ("answer.odd", link("truncate_json")),
    ("answer.odd", link("short_body")),
    ("ProtocolError", link("merge", json={"errcode": "none"})),
    ("ConnectFailed", Play(wx={"API_BASE_URL": "http://127.0.0.1:9"})),
    ("link.refused", link("link", host="elsewhere.example")),
    ("tls.broken", link("link", scheme="https")),
    ("tls.expired", Play(certificate="expired")),
    ("tls.early", Play(certificate="early")),
    ("tls.name", Play(certificate="name")),
    ("tls.other", Play(certificate="purpose")),
    ("tls.issuer", Play(certificate="")),
    ("tls.store", Play(certificate="", environ={"REQUESTS_CA_BUNDLE": "/nowhere.pem"})),
    ("proxy.away", Play(wx=FAR, environ={"HTTPS_PROXY": "http://127.0.0.1:9"})),
    ("proxy.unusable", Play(wx=FAR, environ={"HTTPS_PROXY": "gopher://127.0.0.1:9"})),
    ("proxy.hangs", Play(wx=FAR, proxy={"on": "connection", "do": "accept_then_close"})),
    ("proxy.refused", Play(wx=FAR, proxy={"on": "*", "do": "status", "status": 403})),
    ("proxy.password", Play(wx=FAR, proxy={"on": "*", "do": "status", "status": 407})),
    ("proxy.gateway", Play(wx=FAR, proxy={"on": "*", "do": "status", "status": 502})),
    ("http.gateway", link("status", status=503)),
    ("http.throttled", link("status", status=429)),
    ("http.redirect", link("redirect")),
    ("http.page", link("status", status=404)),
    ("http.portal", link("html")),
    ("ResponseLost", link("reset")),
    ("ResponseLost", put("drop_reply")),
    ("DeadlineExceeded", link("hang", {"DEADLINE": 0.2}, seconds=3)),
    ("slots", Play(wx={"API_RATE": 0.01, "DEADLINE": 5}, open=after_another)),
    ("NameRejected", Play(name="../a.txt")),
    ("SourceError", Play(open=broken)),
    ("SourceChanged", Play(open=partial(Shrinking, b"tea"))),
    ("SourceGone", Play(open=partial(open_bytes, "0" * 32, "0" * 64))),
    ("source.kept", Play(open=partial(open_kept, "0" * 64))),
]
# By no upload, and why.
ELSEWHERE = {
    "76001 76002 76003 76004 76021 48006": "WeChat is asked about a rid, or about quotas",
    "WxStaticStoreError TokenError WeChatError TransportError TlsFailed": "a base class",
    "WeChatBusy WeChatThrottled WeChatRefused TokenRejected": "each errcode has an entry",
    "LinkExpired CosThrottled CosRefused IntegrityError": "each code of COS has one",
    "ConfigurationError": "its message alone says what to correct",
    "UploadFailed": "it has the entry of its cause",
    "PolicyRejected": "our policy refuses before anything is sent",
    "waiting.taken waiting.unpublished": "a file that waits is not sent, and needs a person",
    "token.wait token.others token.cache": "another process or system plays a part",
    "release.unknown": "there is nothing to send",
    "ticket.database": "without its database, the log has no row",
    "cloud": "the log is compared with the cloud",
    "interrupted": "the program ended: nobody gets an exception",
}
UNPLAYED = {*" ".join(ELSEWHERE).split()}
STATUSES = {"SlowDown": 503, "PaymentRequired": 402, "NoSuchBucket": 404}


def plays() -> Iterator[tuple[str, Play]]:
    """Yield all: most entries are a code of an answer."""
    yield from SPECIAL
    for id, entry in CAUSES.items():
        if id != entry.id or id in UNPLAYED or id in dict(SPECIAL):
            continue
        if entry.page == "errcodes":
            yield id, link("errcode", errcode=int(id))
        elif entry.page == "cos":
            yield id, refused(STATUSES.get(id, 403), id)


def test_each_entry_by_which_an_upload_can_end_is_played() -> None:
    listed = {*dict(plays()), *UNPLAYED}
    none_of(
        f"Play {id} in SPECIAL, or say in ELSEWHERE why no upload ends so"
        for id, entry in CAUSES.items()
        if id == entry.id and id not in listed
    )
    assert listed <= CAUSES.keys(), "of no entry"


# --- what is said of it ---------------------------------------------------------------------------


@pytest.fixture
def cloud(configure: Any, monkeypatch: pytest.MonkeyPatch) -> EmulatorServer:
    """Start the emulator; an upload is tried once, and nobody waits."""
    monkeypatch.setattr(store, "Clock", skipping_clock)
    server: EmulatorServer = configure(
        ROOT_URLCONF=__name__,
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "releases": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        },
        WX_STATIC_STORE={
            "MAX_ATTEMPTS": 1,
            "RELEASE_STORAGE": "releases",
            "WAITING_STORAGE": "releases",
        },
    )
    return server


@contextmanager
def playing(play: Play, cloud: EmulatorServer, folder: Path) -> Iterator[None]:
    """Let everything be as the play wants it."""
    cloud.reset()
    if play.fault:
        cloud.script({"times": None, **play.fault})
    wx, account = {**settings.WX_STATIC_STORE, **play.wx}, cloud.state.account
    if play.wx.keys() & {"TOKEN_PROVIDER", "VERIFY_TICKET"}:
        wx["ACCESS_TOKEN"] = None
    if "VERIFY_TICKET" in play.wx:
        wx |= {"COMPONENT_APPID": account.appid, "COMPONENT_APPSECRET": account.appsecret}
    if play.wx == FETCHED:
        wx["VERIFY_TICKET"] = account.ticket
    environ = {"NO_PROXY": ""}
    with ExitStack() as running:
        if play.certificate is not None:
            path = self_signed(folder, play.certificate)
            server = running.enter_context(EmulatorServer(envs=[ENV], tls=(path, path)))
            wx["API_BASE_URL"] = server.api_url
            environ |= {"REQUESTS_CA_BUNDLE": str(path)} if play.certificate else {}
        if play.proxy:
            server = running.enter_context(EmulatorServer(envs=[]))
            server.script({"times": None, **play.proxy})
            environ["HTTPS_PROXY"] = server.api_url
        running.enter_context(patch.dict(os.environ, environ | play.environ))
        running.enter_context(override_settings(WX_STATIC_STORE=wx))
        forget()
        running.callback(forget)
        yield


@slow
@pytest.mark.wx_real  # past the suite's own guard: each proxy stands on this machine
@each(("id", "play"), plays())
def test_everybody_says_the_same_of_a_failure(
    id: str,
    play: Play,
    cloud: EmulatorServer,
    admin_client: Client,
    admin_user: User,
    tmp_path: Path,
) -> None:
    with playing(play, cloud, tmp_path):
        uploader = get_uploader()
        result, pk = uploader.attempt(UploadItem(play.name, open=play.open), CONTEXT)
        # It sends a file of its own.
        finding = diagnosed() if play[2:4] == Play()[2:4] else None
    row = UploadLog.objects.get(pk=pk)
    assert row.cause == id
    for language in ("en", "zh-hans"):
        with override(language):
            found = [*differences(row, result, finding, admin_client, admin_user)]
            assert not found, "\n".join(found)
    UploadLog.objects.all().delete()


def diagnosed() -> Result:
    """Return what the doctor finds when it publishes a file."""
    return Result(PROBE, tuple(PROBE.ask(CheckTarget(probe=True, timeout=1.0))))


def differences(
    row: UploadLog, result: UploadResult, finding: Result | None, client: Client, user: User
) -> Iterator[str]:
    """Yield what a place does not say as the table does."""
    entry = CAUSES[row.cause]
    unsure = row.status == "unknown" and entry.error != "IntegrityError"
    said = {
        "title": plain(entry.title),
        "advice": plain(LOOK if unsure else entry.editor),
        "hint": plain(hint(row.cause, row.message, row.env)),
        "again": plain(entry.remedy.label),
        "more": f"manage.py wx_explain {row.cause}",
    }
    assert all(said.values()), said
    for place, (text, names) in places(row, result, finding, client, user).items():
        for name in names.split():
            if said[name] not in plain(text):
                yield f"{place}: its {name} is not {said[name]!r} in {plain(text)[-800:]!r}"


def plain(text: object) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(text))).split())


def places(
    row: UploadLog, result: UploadResult, finding: Result | None, client: Client, user: User
) -> dict[str, tuple[object, str]]:
    """Return the text of each place, and what of an entry belongs there."""
    error, request = to_raise(result), Request(RequestFactory().get("/"))
    request.user = user
    problem = problems.of_upload(result, request, row.pk).data
    told = client.get(f"/wx/uploads/{row.pk}/").json()
    assert {told["cause"], problem["cause"], error.cause} == {row.cause}
    assert told["again"] == error.remedy.value
    call_command("wx_explain", str(row.pk), "--row", stdout=(explained := StringIO()))
    found: dict[str, tuple[object, str]] = {
        "the page of the row": (page(client, "change", row.pk), "title advice hint again"),
        "Still failing": (page(client, "failing"), "title advice hint again"),
        "wx_explain": (explained.getvalue(), "title advice hint again"),
        "API, the row": ([*told.values()], "title advice hint"),
        "API, the problem": ([*problem.values()], "advice hint more"),
        "the exception": (f"{error} {error.advice(row.status)}", "advice hint more"),
    }
    if finding:
        found["the doctor"] = ("\n".join(lines(finding)), "hint more")
    return found


def page(client: Client, name: str, *args: int) -> str:
    answer = client.get(reverse(f"admin:wx_static_store_uploadlog_{name}", args=args))
    return answer.content.decode()
