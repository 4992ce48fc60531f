"""GET of a public address: streamed, past the caches, its length checked."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable

import pytest

from wx_static_store.clients.site import SiteClient
from wx_static_store.clients.transport import Transport
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ProtocolError, Remedy, WeChatBusy, WeChatThrottled

from .conftest import LIMIT, PLENTY, ScriptedServer, answer

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def site(transport: Transport) -> SiteClient:
    return SiteClient(transport)


def test_the_body_is_streamed_into_the_sink(site: SiteClient, emulator: EmulatorServer) -> None:
    content = b"0123456789" * LIMIT
    emulator.put_object("a b/文.bin", content)
    sink = io.BytesIO()
    address = emulator.site_url() + "/a%20b/%E6%96%87.bin"
    assert site.fetch(address, sink, deadline=PLENTY)
    assert sink.getvalue() == content


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_page_is_false_with_an_empty_sink(
    serve: Serve, site: SiteClient, status: int
) -> None:
    sink = io.BytesIO(b"of an earlier try")
    assert site.fetch(serve(answer(status, b"no")).url + "/a", sink, deadline=PLENTY) is None
    assert sink.getvalue() == b""


def test_a_fetch_empties_the_sink_of_an_earlier_try(serve: Serve, site: SiteClient) -> None:
    sink = io.BytesIO(b"of an earlier try")
    sink.seek(5)
    site.fetch(serve(answer(body=b"new")).url + "/a", sink, deadline=PLENTY)
    assert sink.getvalue() == b"new"


ZIPPED = {"Content-Encoding": "gzip"}


def test_gzip_that_was_not_asked_for_is_opened(serve: Serve, site: SiteClient) -> None:
    """An edge may send what was stored as gzip to a client that takes none."""
    body, sink = b"0123456789" * LIMIT, io.BytesIO()
    packed = answer(body=gzip.compress(body), headers=ZIPPED)
    server = serve(packed, packed)
    site.fetch(server.url + "/a", sink, deadline=PLENTY)
    assert sink.getvalue() == body
    assert site.look(server.url + "/a", deadline=PLENTY).body == body
    asked = {request.headers["accept-encoding"] for request in server.requests}
    assert asked == {"identity"}


def test_damaged_gzip_is_an_error(serve: Serve, site: SiteClient) -> None:
    server = serve(answer(body=b"no gzip", headers=ZIPPED))
    with pytest.raises(ProtocolError, match="no gzip"):
        site.fetch(server.url + "/a", io.BytesIO(), deadline=PLENTY)


def test_no_more_gzip_is_opened_than_a_look_may_read(
    site: SiteClient, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.clients.site.PAGE_LIMIT", 1024**2)
    emulator.script({"on": "get_object", "do": "gzip_bomb", "megabytes": 50})
    with pytest.raises(ProtocolError, match="longer than 1048576"):
        site.look(f"{emulator.site_url()}/a", deadline=PLENTY)


def test_a_look_can_ask_for_gzip(serve: Serve, site: SiteClient) -> None:
    server = serve(answer())
    site.look(server.url + "/a", deadline=PLENTY, gzip=True)
    assert server.requests[0].headers["accept-encoding"] == "gzip"


def test_each_fetch_has_a_query_of_its_own(serve: Serve, site: SiteClient) -> None:
    server = serve(answer(), answer())
    for _ in range(2):
        site.fetch(server.url + "/a.css", io.BytesIO(), deadline=PLENTY)
    first, second = (request.target for request in server.requests)
    assert first.startswith("/a.css?_=")
    assert second.startswith("/a.css?_=")
    assert first != second


def test_a_stale_copy_of_the_cdn_is_passed_by(site: SiteClient, emulator: EmulatorServer) -> None:
    emulator.quirks.update({"site_stale_seconds": 600.0})
    emulator.put_object("a", b"old")
    emulator.put_object("a", b"new")
    sink = io.BytesIO()
    site.fetch(emulator.site_url() + "/a", sink, deadline=PLENTY)
    assert sink.getvalue() == b"new"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_site_in_trouble_is_waited_for(serve: Serve, site: SiteClient, status: int) -> None:
    with pytest.raises(WeChatThrottled if status == 429 else WeChatBusy) as caught:
        site.fetch(serve(answer(status)).url + "/a", io.BytesIO(), deadline=PLENTY)
    assert caught.value.remedy is Remedy.WAIT
    assert (caught.value.stage, caught.value.http_status) == ("verify", status)


@pytest.mark.parametrize("status", [206, 302, 401, 403, 418])
def test_an_unexpected_answer_gives_up_and_names_the_address(
    serve: Serve, site: SiteClient, status: int
) -> None:
    address = serve(answer(status, headers={"Location": "/elsewhere"})).url + "/a.css"
    with pytest.raises(ProtocolError) as caught:
        site.fetch(address, io.BytesIO(), deadline=PLENTY)
    assert caught.value.remedy is Remedy.CHANGE
    assert address in str(caught.value)
    assert "base_url" in str(caught.value)


def test_a_body_that_breaks_off_is_no_success(site: SiteClient, emulator: EmulatorServer) -> None:
    emulator.put_object("a", b"whole content")
    emulator.script({"on": "get_object", "do": "short_body"})
    with pytest.raises(ProtocolError) as caught:
        site.fetch(emulator.site_url() + "/a", io.BytesIO(), deadline=PLENTY)
    assert caught.value.remedy is Remedy.WAIT


def test_the_query_of_a_fetch_is_64_random_bits(serve: Serve, site: SiteClient) -> None:
    server = serve(answer())
    site.fetch(server.url + "/a.css", io.BytesIO(), deadline=PLENTY)
    assert re.fullmatch(r"/a\.css\?_=[0-9a-f]{16}", server.requests[0].target)


def test_a_look_shows_whatever_the_plain_address_answers(serve: Serve, site: SiteClient) -> None:
    server = serve(answer(302, b"moved", headers={"Location": "/b"}))
    reply = site.look(server.url + "/a", deadline=PLENTY)
    assert (reply.status, reply.body, reply.headers["Location"]) == (302, b"moved", "/b")
    [request] = server.requests
    assert request.line == "GET /a HTTP/1.1"
    assert request.headers["user-agent"].startswith("wx_static_store/")


def test_a_look_may_be_that_of_a_browser(serve: Serve, site: SiteClient) -> None:
    server = serve(answer())
    site.look(server.url + "/a", browser=True, deadline=PLENTY)
    [request] = server.requests
    assert request.headers["user-agent"].startswith("Mozilla/")
    assert request.headers["sec-fetch-mode"] == "navigate"
    assert "text/html" in request.headers["accept"]


def test_a_look_may_go_past_the_caches(serve: Serve, site: SiteClient) -> None:
    server = serve(answer())
    site.look(server.url + "/a", past_caches=True, deadline=PLENTY)
    assert server.requests[0].target.startswith("/a?_=")


def test_a_look_at_the_headers_alone_has_no_body(
    site: SiteClient, emulator: EmulatorServer
) -> None:
    emulator.put_object("a.css", b"a", headers={"Cache-Control": "no-cache"})
    reply = site.look(emulator.site_url() + "/a.css", head=True, deadline=PLENTY)
    assert (reply.body, reply.headers["Cache-Control"]) == (b"", "no-cache")
