"""What fails on the way to a server: each cause is named, with the host and a remedy of its own."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from urllib3.exceptions import NewConnectionError

from tests.certificates import self_signed, shown_by_server
from tests.tables import each
from wx_static_store.causes import CAUSES
from wx_static_store.causes.wire import TABLE, of_status
from wx_static_store.clients.cos import CosClient
from wx_static_store.clients.site import SiteClient
from wx_static_store.clients.transport import Reply, Transport, _cause
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.naming import content_headers
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import SignedLink, UploadItem
from wx_static_store.exceptions import (
    ConfigurationError,
    ConnectFailed,
    CosRefused,
    CosThrottled,
    DeadlineExceeded,
    ProtocolError,
    Remedy,
    ResponseLost,
    TlsFailed,
    WxStaticStoreError,
)

from .conftest import (
    APPSECRET,
    PLENTY,
    SECURITY,
    TOKEN,
    Body,
    MakeTransport,
    Peer,
    ScriptedServer,
    Serve,
    answer,
    leaks,
    post,
    signed,
)
from .test_transport import unused_port

HINTS = {entry.id: str(entry.operator) for entry in TABLE}
Proxied = Callable[[ScriptedServer | int], str]


def failed(transport: Transport, url: str, **more: object) -> WxStaticStoreError:
    with pytest.raises(WxStaticStoreError) as caught:
        post(transport, url, **more)
    assert leaks(caught.value) == []
    return caught.value


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def bad_tls(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`bad_tls(fault)`: the address of a server whose certificate has this fault, and no other."""

    def start(fault: str) -> str:
        path = self_signed(tmp_path, fault)
        if fault:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
        return serve(answer(), tls=shown_by_server(path)).url

    return start


FAULTS = {
    "expired": ("tls.expired", "The certificate has expired", "clock of this machine"),
    "early": ("tls.early", "The certificate is not valid yet", "it is probably behind"),
    "name": ("tls.name", "The certificate is for another host name", "login page of a network"),
    "": ("tls.issuer", "from an authority that this machine does not trust", "REQUESTS_CA_BUNDLE"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_certificate_failure_says_which_one_it_is(
    bad_tls: Callable[[str], str], make_transport: MakeTransport, fault: str
) -> None:
    url = bad_tls(fault)
    cause, text, hint = FAULTS[fault]
    error = failed(make_transport(), url)
    assert isinstance(error, TlsFailed)
    assert text in str(error.message)
    assert url in str(error.message)
    assert error.hint == HINTS[cause]
    assert hint in HINTS[cause]
    assert (error.remedy, error.stops_batch) == (Remedy.CHANGE, True)


def test_a_certificate_of_another_host_name_is_for_another_name(
    bad_tls: Callable[[str], str], make_transport: MakeTransport
) -> None:
    url = bad_tls("name").replace("127.0.0.1", "localhost")
    assert failed(make_transport(), url).hint == HINTS["tls.name"]


def test_a_certificate_that_is_refused_for_another_reason_says_it_in_openssl_s_words(
    serve: Serve, make_transport: MakeTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = self_signed(tmp_path, "purpose")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    url = serve(answer(), tls=shown_by_server(path)).url
    error = failed(make_transport(), url)
    assert (error.cause, error.hint) == ("tls.other", HINTS["tls.other"])
    assert "purpose" in error.errmsg
    assert str(error.what) == f"The server's certificate is not valid: {url}: {error.errmsg}"


def test_the_public_site_and_cos_name_a_certificate_in_the_same_way(
    bad_tls: Callable[[str], str], make_transport: MakeTransport
) -> None:
    url, transport = bad_tls("expired"), make_transport()
    with pytest.raises(TlsFailed) as of_site:
        SiteClient(transport).fetch(f"{url}/a.css", BytesIO(), deadline=PLENTY)
    with pytest.raises(TlsFailed) as of_cos:
        put_object(transport, Secret(f"{url}/a.css?sign=x"))
    for caught, stage in ((of_site, "verify"), (of_cos, "put")):
        assert str(caught.value.message) == f"The certificate has expired: {url}"
        assert (caught.value.hint, caught.value.stage) == (HINTS["tls.expired"], stage)
        assert not caught.value.maybe_stored


def test_a_broken_handshake_is_named_with_the_host(serve: Serve, transport: Transport) -> None:
    server = serve(greet=lambda peer: (peer.sock.recv(65536), peer.send(b"HTTP/1.1 400 No\r\n")))
    url = f"https://127.0.0.1:{server.port}"
    error = failed(transport, url)
    assert str(error.message) == f"The TLS connection broke: {url}"
    assert (error.hint, error.remedy) == (HINTS["tls.broken"], Remedy.WAIT)


# --- a proxy --------------------------------------------------------------------------------------


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Proxied:
    """`proxied(proxy)`: an address that is asked through the proxy, which needs a password."""

    def through(proxy: ScriptedServer | int) -> str:
        url = f"http://127.0.0.1:{proxy}" if isinstance(proxy, int) else proxy.url
        monkeypatch.setenv("HTTPS_PROXY", url.replace("//", f"//user:{APPSECRET}@"))
        monkeypatch.setenv("NO_PROXY", "localhost")
        return f"https://by-{url.rpartition(':')[2]}.example"

    return through


def of_proxy(cause: str, port: int) -> str:
    way = f"proxy 127.0.0.1:{port}, on the way to https://by-{port}.example"
    return f"{CAUSES[cause].title}: {way}"


@pytest.mark.wx_real  # past the suite's own guard: nobody listens at the proxy
def test_a_proxy_that_is_away_is_named_in_place_of_the_server(
    transport: Transport, proxied: Proxied
) -> None:
    port = unused_port()
    error = failed(transport, proxied(port))
    assert isinstance(error, ConnectFailed)
    assert str(error.message) == of_proxy("proxy.away", port)
    assert (error.hint, error.remedy) == (HINTS["proxy.away"], Remedy.WAIT)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine and refuses
@pytest.mark.parametrize(
    ("status", "cause", "remedy"),
    [
        (302, "proxy.refused", Remedy.CHANGE),
        (403, "proxy.refused", Remedy.CHANGE),
        (502, "proxy.gateway", Remedy.WAIT),
        (503, "proxy.gateway", Remedy.WAIT),
    ],
)
def test_a_proxy_that_gives_no_tunnel_is_named_with_its_status(
    serve: Serve, transport: Transport, proxied: Proxied, status: int, cause: str, remedy: Remedy
) -> None:
    proxy = serve(answer(status))
    error = failed(transport, proxied(proxy))
    assert isinstance(error, ConnectFailed)
    assert str(error.message) == of_proxy(cause, proxy.port)
    assert (error.hint, error.http_status) == (HINTS[cause], status)
    assert (error.code, error.remedy) == (f"HTTP {status}", remedy)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
@pytest.mark.parametrize("says", [b"", b"* OK IMAP4 ready\r\n"], ids=["nothing", "no HTTP"])
def test_a_proxy_that_hangs_up_or_speaks_no_http_gives_no_usable_answer(
    serve: Serve, transport: Transport, proxied: Proxied, says: bytes
) -> None:
    proxy = serve(greet=lambda peer: (peer.sock.recv(65536), peer.send(says)))
    error = failed(transport, proxied(proxy))
    assert str(error.message) == of_proxy("proxy.hangs", proxy.port)
    assert error.remedy is Remedy.WAIT


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine and refuses
def test_a_proxy_that_wants_a_password_is_told_so(
    serve: Serve, transport: Transport, proxied: Proxied
) -> None:
    proxy = serve(answer(407))
    error = failed(transport, proxied(proxy))
    assert isinstance(error, ConfigurationError)
    assert str(error.message) == of_proxy("proxy.password", proxy.port)
    assert (error.hint, error.http_status) == (HINTS["proxy.password"], 407)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
def test_a_proxy_that_hangs_is_named_in_place_of_the_server(
    serve: Serve, make_transport: MakeTransport, proxied: Proxied
) -> None:
    proxy = serve(greet=Peer.wait)
    error = failed(make_transport(connect_timeout=0.2), proxied(proxy))
    assert isinstance(error, ConnectFailed), "no byte of the request was sent"
    assert str(error.message) == of_proxy("proxy.hangs", proxy.port)
    assert (error.hint, error.remedy) == (HINTS["proxy.hangs"], Remedy.WAIT)


@each(
    ("name", "cause"),
    [
        ("ProxyConnectionError", "proxy.away"),
        ("GeneralProxyError", "proxy.hangs"),
        ("SOCKS5AuthError", "proxy.password"),
        ("SOCKS5Error", "proxy.gateway"),
    ],
)
def test_an_error_of_pysocks_is_the_proxy_s(name: str, cause: str) -> None:
    kinds = {type(name, (OSError,), {"__module__": "socks"}), NewConnectionError}
    assert _cause([], kinds, at_proxy=True) == (cause, None)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
def test_a_proxy_that_hangs_until_the_deadline_is_named(
    serve: Serve, transport: Transport, proxied: Proxied
) -> None:
    proxy = serve(greet=Peer.wait)
    error = failed(transport, proxied(proxy), deadline=Deadline.after(0.2))
    assert isinstance(error, DeadlineExceeded)
    assert error.cause == "proxy.hangs"
    assert f"waiting for the answer of proxy 127.0.0.1:{proxy.port}, on the way" in str(error)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
def test_a_proxy_with_a_bad_certificate_is_named_in_place_of_the_server(
    serve: Serve, make_transport: MakeTransport, proxied: Proxied, tmp_path: Path
) -> None:
    proxy = serve(answer(407), tls=shown_by_server(self_signed(tmp_path)))
    error = failed(make_transport(), proxied(proxy))
    assert str(error.message) == of_proxy("tls.issuer", proxy.port)


@pytest.mark.wx_real  # past the suite's own guard: the proxy stands on this machine
@pytest.mark.parametrize("then", [b"", b"plain\r\n"], ids=["silent", "no TLS"])
def test_what_fails_behind_the_tunnel_is_not_the_proxy_s_failure(
    serve: Serve, make_transport: MakeTransport, proxied: Proxied, then: bytes
) -> None:
    def tunnel(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.sock.recv(65536)
        peer.send(then)
        peer.wait()

    url = proxied(serve(greet=tunnel))
    error = failed(make_transport(connect_timeout=0.3), url)
    assert isinstance(error, TlsFailed if then else ResponseLost)
    assert url in str(error.message)
    assert "proxy" not in str(error.message)


# --- who answers in place of the server -----------------------------------------------------------


PAGE = b"<!doctype html><title>Not here</title>"
ANSWERS = {
    "http.gateway": answer(502, PAGE),
    "http.throttled": answer(429),
    "http.redirect": answer(302, headers={"Location": f"https://u:p@sso.example/a?t={TOKEN}"}),
    "http.page": answer(404, PAGE),
}


def link_error(serve: Serve, transport: Transport, says: bytes) -> tuple[WxStaticStoreError, str]:
    url = serve(says).url
    with pytest.raises(WxStaticStoreError) as caught:
        WeChatClient(transport, url).upload_link(Secret(TOKEN), "e", "a.css", deadline=PLENTY)
    assert leaks(caught.value) == []
    return caught.value, url


@pytest.mark.parametrize("cause", ANSWERS)
def test_an_answer_that_is_not_wechat_s_keeps_its_status_and_address(
    serve: Serve, transport: Transport, cause: str
) -> None:
    error, url = link_error(serve, transport, ANSWERS[cause])
    assert of_status(error.http_status or 0).id == error.cause == cause
    assert url in str(error.message)
    assert (error.hint, error.stage) == (HINTS[cause], "link")
    assert error.code == f"HTTP {error.http_status}"
    assert "nothing is wrong on your side" not in str(error)


def test_a_redirect_names_the_host_alone(serve: Serve, transport: Transport) -> None:
    error, url = link_error(serve, transport, ANSWERS["http.redirect"])
    assert str(error.message) == f"staticuploadfile of {url} was redirected to sso.example"


def test_a_web_page_with_status_200_names_the_address_that_was_asked(
    serve: Serve, transport: Transport
) -> None:
    error, url = link_error(serve, transport, answer(200, b"<html>Sign in</html>"))
    assert isinstance(error, ProtocolError)
    assert str(error.message) == f"staticuploadfile of {url} was not answered by WeChat itself"
    assert (error.cause, error.hint) == ("http.portal", HINTS["http.portal"])
    assert (error.http_status, error.remedy, error.once) == (200, Remedy.WAIT, True)
    assert "API_BASE_URL" in HINTS["http.portal"]


@each(
    ("location", "host"),
    [
        ("https://sso.example/login?token=secret", "sso.example"),
        ("//user:secret@sso.example:8443/", "sso.example"),
        ("/login?token=secret", "another address"),
        ("http://[::bad", "another address"),
        ("", "another address"),
        ("https://a\x1bb.example/", "a\\x1bb.example"),
    ],
)
def test_the_host_of_a_redirect_holds_no_secret(location: str, host: str) -> None:
    assert str(Reply(302, {"Location": location}, b"").redirect_host) == host


@each(
    ("status", "cause", "kind"),
    [
        (502, "http.gateway", WxStaticStoreError),
        (429, "http.throttled", CosThrottled),
        (403, "http.page", CosRefused),
        (404, "http.page", CosRefused),
        (302, "http.redirect", ProtocolError),
    ],
)
def test_an_answer_that_is_not_cos_s_gets_no_advice_about_cos(
    serve: Serve, transport: Transport, status: int, cause: str, kind: type[WxStaticStoreError]
) -> None:
    with pytest.raises(kind) as caught:
        put_object(transport, signed(serve(answer(status, PAGE))))
    assert (caught.value.hint, caught.value.http_status) == (HINTS[cause], status)


def test_a_redirect_of_the_public_site_names_the_host(serve: Serve, transport: Transport) -> None:
    url = serve(answer(302, headers={"Location": "https://sso.example/?t=secret"})).url
    with pytest.raises(ProtocolError) as caught:
        SiteClient(transport).fetch(f"{url}/a.css", BytesIO(), deadline=PLENTY)
    assert str(caught.value.message) == f"{url}/a.css redirects to sso.example"
    assert (caught.value.hint, caught.value.http_status) == (HINTS["http.redirect"], 302)


# --- answers that break off -----------------------------------------------------------------------


@each(
    ("says", "status"),
    [
        (answer(502, b"x", {"Content-Length": "9"}), 502),
        (answer(200, b"x" * 70_000), 200),
        (answer(503, headers={"Content-Encoding": "gzip"}), 503),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", 103),
    ],
)
def test_an_answer_that_cannot_be_used_keeps_its_status(
    serve: Serve, transport: Transport, says: bytes, status: int
) -> None:
    assert failed(transport, serve(says).url).http_status == status


def put_object(transport: Transport, url: Secret) -> None:
    headers = content_headers(UploadItem("a.css", BytesIO), static=True)
    link = SignedLink("a.css", url, Secret(SECURITY))
    CosClient(transport).put_object(link, Body(b"hello"), headers, md5="", deadline=PLENTY)
