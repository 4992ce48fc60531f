"""The CORS preflight of a browser: what is sent, and what is read in the answer."""

from __future__ import annotations

import pytest

from tests.clients.conftest import (
    CANARIES,
    PLENTY,
    SECURITY,
    MakeTransport,
    ScriptedServer,
    Serve,
    answer,
    signed,
)
from wx_static_store.clients.transport import Transport
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import SignedLink
from wx_static_store.exceptions import ProtocolError, WxStaticStoreError
from wx_static_store.health.doctor import browser
from wx_static_store.health.doctor.browser import Preflight

RULE = {
    "x-cos-request-id": "id",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, put",
    "Access-Control-Allow-Headers": "Content-Type, X-COS-Security-Token",
}


def preflight(transport: Transport, server: ScriptedServer) -> Preflight:
    link = SignedLink("a.css", signed(server), Secret(SECURITY))
    return browser.preflight(transport, link, deadline=PLENTY)


def test_the_host_of_the_link_is_asked_without_its_signature(
    transport: Transport, serve: Serve
) -> None:
    server = serve(answer(headers=RULE))
    preflight(transport, server)
    [request] = server.requests
    assert request.line == "OPTIONS /doctor-probe HTTP/1.1"
    assert request.headers["access-control-request-method"] == "PUT"
    assert request.headers["access-control-request-headers"] == "content-type,x-cos-security-token"
    assert not any(canary in str(request) for canary in CANARIES)


def test_a_rule_that_names_everything_lets_a_browser_put(
    transport: Transport, serve: Serve
) -> None:
    assert preflight(transport, serve(answer(headers=RULE))).allows


def test_a_rule_may_name_all_headers_by_a_star(transport: Transport, serve: Serve) -> None:
    star = RULE | {"Access-Control-Allow-Headers": "*"}
    assert preflight(transport, serve(answer(headers=star))).allows


def test_an_answer_without_an_error_has_no_code(transport: Transport, serve: Serve) -> None:
    assert preflight(transport, serve(answer(headers=RULE))).code == ""


@pytest.mark.parametrize(
    ("headers", "lacking"),
    [
        ({"Access-Control-Allow-Origin": "https://other.example"}, ("Origin",)),
        ({"Access-Control-Allow-Methods": "GET"}, ("PUT",)),
        ({"Access-Control-Allow-Headers": "content-type"}, ("x-cos-security-token",)),
    ],
    ids=["origin", "method", "header"],
)
def test_what_the_rule_does_not_name_is_lacking(
    transport: Transport, serve: Serve, headers: dict[str, str], lacking: tuple[str, ...]
) -> None:
    found = preflight(transport, serve(answer(headers=RULE | headers)))
    assert found.lacking == lacking
    assert not found.allows


def test_a_refusal_has_the_code_of_cos(transport: Transport, serve: Serve) -> None:
    body = "<Error><Code>AccessForbidden</Code></Error>"
    server = serve(answer(403, body, headers={"x-cos-request-id": "id"}))
    found = preflight(transport, server)
    assert (found.status, found.code, found.lacking) == (403, "AccessForbidden", ())


def test_an_answer_without_a_request_id_is_not_of_cos(transport: Transport, serve: Serve) -> None:
    found = preflight(transport, serve(answer(200, "<html>Sign in</html>")))
    assert not found.from_cos
    assert not found.allows


def test_a_host_that_is_not_allowed_is_not_asked(transport: Transport) -> None:
    link = SignedLink("a", Secret("https://elsewhere.example/a?sign=x"), Secret(SECURITY))
    with pytest.raises(ProtocolError, match="upload_hosts"):
        browser.preflight(transport, link, deadline=PLENTY)


def test_a_host_that_does_not_answer_is_an_error_of_the_stage_put(
    make_transport: MakeTransport, serve: Serve
) -> None:
    server = serve(b"")
    with pytest.raises(WxStaticStoreError) as caught:
        preflight(make_transport(), server)
    assert caught.value.stage == "put"
