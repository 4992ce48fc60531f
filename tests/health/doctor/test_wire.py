"""
What fails on the way to WeChat, COS or the site: row, exception and finding say the same cause.

Each row plays one fault on a socket of this machine, for an upload and for the doctor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override

from tests.certificates import self_signed, shown_by_server
from tests.clients.conftest import Peer, ScriptedServer, answer
from tests.clients.test_transport import unused_port
from wx_static_store.causes import CAUSES
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPID, APPSECRET, TICKET
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Finding, Mark, Result
from wx_static_store.health.doctor.report import as_dict, lines
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.models import UploadLog
from wx_static_store.upload import get_uploader

from .faults import SHARED
from .test_faults import is_english

# Past the suite's own guard: the proxies stand on this machine, and lead nowhere.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wx_real]

PASSWORD = "planted-password"
PAGE = b"<!doctype html><html><title>Sign in</title></html>"


@dataclass
class Scene:
    serve: Callable[..., ScriptedServer]
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def over_tls(self, fault: str) -> str:
        path = self_signed(self.folder, fault)
        if fault:
            self.monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
        return self.serve(*[answer(body=b"{}")] * 9, tls=shown_by_server(path)).url

    def by_proxy(self, port: int) -> str:
        way = f"http://user:{PASSWORD}@127.0.0.1:{port}"
        self.monkeypatch.setenv("HTTPS_PROXY", way)
        self.monkeypatch.setenv("NO_PROXY", "localhost")
        return f"https://by-{port}.example"

    def answering(self, status: int, body: bytes = PAGE, **headers: str) -> str:
        return self.serve(*[answer(status, body, headers)] * 99).url

    def refusing(self, status: int) -> str:
        return self.by_proxy(self.serve(*[answer(status)] * 99).port)


def talk_plain(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@dataclass(frozen=True)
class Row:
    """A cause, the address at which it is met, the HTTP status, and the peer that is named."""

    cause: str
    address: Callable[[Scene], str]
    status: int | None = None
    peer: str = "{address}"


PROXY = "proxy 127.0.0.1:{port}, on the way to {address}"
ROWS = {
    "certificate expired": Row("tls.expired", lambda scene: scene.over_tls("expired")),
    "certificate not yet valid": Row("tls.early", lambda scene: scene.over_tls("early")),
    "certificate of another name": Row("tls.name", lambda scene: scene.over_tls("name")),
    "certificate of an unknown authority": Row("tls.issuer", lambda scene: scene.over_tls("")),
    "no TLS": Row(
        "tls.broken", lambda scene: scene.serve(greet=talk_plain).url.replace("http:", "https:")
    ),
    "proxy away": Row("proxy.away", lambda scene: scene.by_proxy(unused_port()), peer=PROXY),
    "proxy refuses": Row("proxy.refused", lambda scene: scene.refusing(403), 403, PROXY),
    "proxy without a way": Row("proxy.gateway", lambda scene: scene.refusing(502), 502, PROXY),
    "proxy wants a password": Row("proxy.password", lambda scene: scene.refusing(407), 407, PROXY),
    "proxy hangs": Row(
        "proxy.hangs", lambda scene: scene.by_proxy(scene.serve(greet=Peer.wait).port), peer=PROXY
    ),
    "gateway 502": Row("http.gateway", lambda scene: scene.answering(502), 502),
    "gateway 503": Row("http.gateway", lambda scene: scene.answering(503), 503),
    "throttled": Row("http.throttled", lambda scene: scene.answering(429), 429),
    "redirected": Row(
        "http.redirect",
        lambda scene: scene.answering(302, Location=f"https://sso.example/?t={PASSWORD}"),
        302,
        "{address} was redirected to sso.example",
    ),
    "another site": Row("http.page", lambda scene: scene.answering(404), 404),
    "page with 200": Row("http.portal", lambda scene: scene.answering(200), 200),
}


@pytest.fixture
def scene(
    serve: Callable[..., ScriptedServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    return Scene(serve, tmp_path, monkeypatch)


@pytest.fixture
def play(configure: Any, scene: Scene) -> Callable[[Row], str]:
    """`play(row)`: send everything to the address of the row; return the peer it should name."""

    def start(row: Row) -> str:
        address = row.address(scene)
        asked = {"API_BASE_URL": address, "CONNECT_TIMEOUT": 0.5, "MAX_ATTEMPTS": 1}
        configure(WX_STATIC_STORE=asked)
        port = address.rpartition("-")[2].removesuffix(".example")
        return row.peer.format(address=address, port=port)

    return start


def texts(cause: str) -> tuple[str, str]:
    return str(CAUSES[cause].title), str(CAUSES[cause].operator)


def upload() -> tuple[WxStaticStoreError, UploadLog]:
    """Return the error of an upload that fails, and its row."""
    with pytest.raises(WxStaticStoreError) as caught:
        get_uploader().upload(UploadItem("a.txt", lambda: BytesIO(b"a")), UploadContext("test"))
    return caught.value, UploadLog.objects.get()


def diagnose(**target: Any) -> dict[str, Result]:
    examined = examine(CheckTarget(**{"timeout": 5.0, **target}), CHECKS)
    return {each.check.id: each for each in examined}


def only_wrong(results: dict[str, Result], id: str) -> Finding:
    """Return the one finding that is wrong: it is of this check."""
    wrong = [each for each in results.values() if each.mark is Mark.WRONG]
    assert [each.check.id for each in wrong] == [id], [*map(lines, wrong)]
    [found] = wrong[0].findings
    return found


def no_secret(*shown: object) -> None:
    assert PASSWORD not in repr(shown)
    assert "emulator-access-token" not in repr(shown)


@pytest.mark.parametrize("name", ROWS)
def test_row_and_exception_name_the_cause(play: Callable[[Row], str], name: str) -> None:
    row = ROWS[name]
    peer, (message, hint) = play(row), texts(row.cause)
    error, logged = upload()
    for said in (str(error.what), logged.message):
        assert peer in said
        assert message in said or row.cause.startswith("http.")
    assert (error.cause, logged.cause, error.hint) == (row.cause, row.cause, hint)
    assert (error.http_status, logged.http_status) == (row.status, row.status)
    assert (logged.status, logged.stage, logged.errcode) == ("failed", "link", None)
    no_secret(str(error), logged.message)


@pytest.mark.parametrize("name", ROWS)
def test_the_doctor_names_the_cause(play: Callable[[Row], str], name: str) -> None:
    row = ROWS[name]
    peer, (message, hint) = play(row), texts(row.cause)
    results = diagnose()
    found = only_wrong(results, "token.accepted")
    assert peer in str(found.text)
    assert message in str(found.text) or row.cause.startswith("http.")
    assert (found.cause, found.hint) == (row.cause, hint)
    assert found.data.get("http_status") == row.status
    assert (f"(HTTP {row.status})" in str(found.text)) is (row.status not in (None, 200))
    no_secret(json.dumps(as_dict([*results.values()])))


def test_a_token_that_cannot_be_fetched_names_status_and_address(
    configure: Any, play: Callable[[Row], str]
) -> None:
    """The process that asked, and those that wait for the next fetch."""
    own = {"COMPONENT_APPID": APPID, "COMPONENT_APPSECRET": APPSECRET, "ACCESS_TOKEN": None}
    address = play(ROWS["another site"])
    configure(
        WX_STATIC_STORE=own | {"API_BASE_URL": address, "VERIFY_TICKET": lambda: TICKET},
        CACHES=SHARED,
    )
    for _ in range(2):
        [found] = diagnose()["token.source"].findings
        assert f"api_component_token of {address} was not answered by WeChat" in str(found.text)
        assert "(HTTP 404)" in str(found.text)
        assert found.hint == texts("http.page")[1]
        assert found.data["http_status"] == 404


# --- COS and the public site ----------------------------------------------------------------------

CERTIFICATES = [name for name in ROWS if name.startswith("certificate")]


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_of_cos_is_named_by_row_exception_and_doctor(
    name: str, configure: Any, emulator: EmulatorServer, scene: Scene
) -> None:
    address, (message, hint) = ROWS[name].address(scene), texts(ROWS[name].cause)
    emulator.quirks.update({"link_base": address})
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    error, row = upload()
    assert str(error.message) == row.message == f"{message}: {address}"
    assert (row.status, row.stage, error.hint) == ("failed", "put", hint)
    found = only_wrong(diagnose(), "browser.cors")
    assert (str(found.text), found.hint) == (f"{message}: {address}", hint)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_of_the_public_site_is_named_by_the_probe(
    name: str, configure: Any, scene: Scene
) -> None:
    address, (message, hint) = ROWS[name].address(scene), texts(ROWS[name].cause)
    configure(WX_STATIC_STORE={"BASE_URL": f"{address}/", "MAX_ATTEMPTS": 1})
    [found] = diagnose(probe=True)["probe.public"].findings
    assert (str(found.text), found.hint) == (f"{message}: {address}", hint)


@pytest.mark.parametrize(
    ("status", "cause", "ends"),
    [(502, "http.gateway", "unknown"), (429, "http.throttled", "unknown"),
     (403, "http.page", "unknown"), (302, "http.redirect", "failed")],
)  # fmt: skip
def test_who_answers_in_place_of_cos_is_no_trouble_of_the_object_store(
    status: int, cause: str, ends: str, configure: Any, emulator: EmulatorServer
) -> None:
    headers = {"Location": f"https://sso.example/?t={PASSWORD}"} if status == 302 else {}
    fault = {"on": "put_object", "do": "status", "status": status, "headers": headers}
    emulator.script(fault | {"times": None, "body": PAGE.decode()})
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    error, row = upload()
    assert (error.hint, error.http_status, row.http_status) == (texts(cause)[1], status, status)
    assert (row.status, row.stage) == (ends, "put")
    if status == 302:
        assert "at sso.example, which is not done" in row.message
    no_secret(str(error), row.message)


def test_a_site_that_redirects_says_where_to(configure: Any, scene: Scene) -> None:
    address = ROWS["redirected"].address(scene)
    configure(WX_STATIC_STORE={"BASE_URL": f"{address}/", "MAX_ATTEMPTS": 1})
    [found] = diagnose(probe=True, timeout=1.0)["probe.public"].findings
    assert "redirects to sso.example (HTTP status 302)" in str(found.text)
    no_secret(str(found.text), found.data)


# --- in Chinese -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("whole_catalogue")
def test_a_chinese_reader_gets_each_cause_in_chinese() -> None:
    with override("zh-hans"):
        said = [text for row in ROWS.values() for text in texts(row.cause)]
    assert [text for text in said if is_english(text)] == []
