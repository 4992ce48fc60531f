"""The envelope of every call: what is an answer, what its errcode and its rid say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables import each
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import SignedLink
from wx_static_store.exceptions import (
    ConfigurationError,
    ProtocolError,
    Remedy,
    TokenRejected,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
)

from .conftest import (
    ENV,
    LIMIT,
    PLENTY,
    TOKEN,
    Ask,
    Serve,
    answer,
    as_json,
    failure,
    leaks,
)

# --- the envelope ---------------------------------------------------------------------------


def test_a_slash_at_the_end_of_the_address_counts_for_nothing(
    serve: Serve, transport: Transport
) -> None:
    server = serve(as_json({"errcode": 0}))
    WeChatClient(transport, server.url + "/").describe(Secret(TOKEN), ENV, deadline=PLENTY)
    assert server.requests[0].target.startswith("/componenttcb/")


def test_the_members_of_a_call_are_posted_as_json_in_real_utf8(
    serve: Serve, transport: Transport
) -> None:
    server = serve(as_json({"signed_url": "https://x", "token": "t"}))
    WeChatClient(transport, server.url).upload_link(Secret(TOKEN), ENV, "图.png", deadline=PLENTY)
    [request] = server.requests
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert request.body == f'{{"env": "{ENV}", "filename": "图.png"}}'.encode()


def test_a_witness_sees_each_answer_that_is_an_object_with_path_and_headers(
    serve: Serve, transport: Transport
) -> None:
    seen: list[tuple[str, dict[str, Any], str]] = []
    wechat = WeChatClient(
        transport,
        serve(as_json({"errcode": 0, "new": 1}), answer(body="[]")).url,
        lambda path, members, headers: seen.append((path, members, headers["Content-Type"])),
    )
    wechat.describe(Secret(TOKEN), ENV, deadline=PLENTY)
    with pytest.raises(ProtocolError):
        wechat.describe(Secret(TOKEN), ENV, deadline=PLENTY)
    assert seen == [
        ("/componenttcb/describestaticstore", {"errcode": 0, "new": 1}, "application/json")
    ]


@pytest.mark.parametrize("errcode", [0, "0", None])
def test_an_answer_is_a_success_if_errcode_is_zero_or_missing(ask: Ask, errcode: Any) -> None:
    members = {"signed_url": "https://x/a.css", "token": "t"}
    link = ask(as_json(members if errcode is None else members | {"errcode": errcode}))
    assert link == SignedLink("a.css", Secret("https://x/a.css"), Secret("t"))


@each("errcode", [True, False, None, 1.0, 0.0, "", "ok", "1.5", [], {}, 10**9])
def test_an_errcode_that_is_no_whole_number_is_no_answer(ask: Ask, errcode: Any) -> None:
    error = failure(
        ask, as_json({"errcode": errcode, "signed_url": "https://x/a.css", "token": "t"})
    )
    assert isinstance(error, ProtocolError)
    assert error.errcode is None


@pytest.mark.parametrize("body", ["[]", "1", '"ok"', "null", "true"])
def test_json_that_is_no_object_is_no_answer(ask: Ask, body: str) -> None:
    assert isinstance(failure(ask, answer(body=body)), ProtocolError)


@each(
    "body",
    [
        "",
        '{"errcode": 0, "signed_u',
        "NaN",
        '{"errcode": NaN}',
        "[" * 20_000,
        "9" * 6_000,
        "\ufeff",
        "<Error/>",
        "ok",
    ],
)
def test_broken_json_may_be_asked_for_again(ask: Ask, body: str) -> None:
    error = failure(ask, answer(body=body))
    assert isinstance(error, ProtocolError)
    assert (error.remedy, error.http_status, error.errcode) == (Remedy.WAIT, 200, None)
    assert not error.once
    assert str(error.message) == "staticuploadfile answered with no JSON"


def test_a_page_of_a_proxy_is_named_and_may_be_asked_for_again_once(ask: Ask) -> None:
    error = failure(ask, answer(body="<!DOCTYPE html>\n<HTML><body>Log in</body></HTML>"))
    assert isinstance(error, ProtocolError)
    assert error.once
    assert "proxy or firewall" in str(error)
    assert "Log in" not in str(error)


@each(
    ("status", "expected", "remedy"),
    [
        (500, WeChatBusy, Remedy.WAIT),
        (502, WeChatBusy, Remedy.WAIT),
        (503, WeChatBusy, Remedy.WAIT),
        (504, WeChatBusy, Remedy.WAIT),
        (429, WeChatThrottled, Remedy.WAIT),
        (302, ProtocolError, Remedy.GIVE_UP),
        (400, ProtocolError, Remedy.GIVE_UP),
        (404, ProtocolError, Remedy.GIVE_UP),
        (201, ProtocolError, Remedy.GIVE_UP),
    ],
)
def test_only_http_200_is_an_answer_of_wechat(
    ask: Ask, status: int, expected: type[WxStaticStoreError], remedy: Remedy
) -> None:
    """Even if the body looks like one."""
    members = {"errcode": 0, "signed_url": "https://x/a.css", "token": "t"}
    error = failure(ask, as_json(members, status=status))
    assert type(error) is expected
    assert (error.remedy, error.http_status, error.errcode) == (remedy, status, None)
    assert str(error.message) == "staticuploadfile was not answered by WeChat itself"


def test_a_busy_wechat_pauses_as_long_as_it_asks(ask: Ask) -> None:
    assert failure(ask, answer(503, headers={"Retry-After": "7"})).pause == 7


def test_an_answer_other_than_a_list_is_cut_at_the_usual_limit(ask: Ask) -> None:
    error = failure(ask, answer(body="x" * (LIMIT + 1)))
    assert f"longer than {LIMIT} bytes" in str(error)


def test_invalid_utf8_in_errmsg_does_not_hide_the_errcode(ask: Ask) -> None:
    error = failure(ask, answer(body=b'{"errcode": 40014, "errmsg": "bad \xff\xfe token"}'))
    assert error.errcode == 40014


def test_the_rid_is_taken_out_of_errmsg(ask: Ask) -> None:
    error = failure(ask, as_json({"errcode": -1, "errmsg": "busy rid: 65535f00-1a2b3c4d-0f1e2d3c"}))
    assert (error.errmsg, error.rid) == ("busy", "65535f00-1a2b3c4d-0f1e2d3c")
    assert error.http_status == 200


def test_the_last_rid_of_an_errmsg_is_the_rid(ask: Ask) -> None:
    errmsg = "bad rid: x rid: 65535f00-1a2b3c4d-0f1e2d3c"
    error = failure(ask, as_json({"errcode": -1, "errmsg": errmsg}))
    assert (error.errmsg, error.rid) == ("bad rid: x", "65535f00-1a2b3c4d-0f1e2d3c")


def test_a_refusal_without_errmsg_has_neither_errmsg_nor_rid(ask: Ask) -> None:
    error = failure(ask, as_json({"errcode": -1}))
    assert (error.errmsg, error.rid) == ("", "")


def test_the_rid_survives_a_long_errmsg(ask: Ask) -> None:
    errmsg = "x" * 5_000 + " rid: 65535f00-1a2b3c4d-0f1e2d3c"
    error = failure(ask, as_json({"errcode": -1, "errmsg": errmsg}))
    assert error.rid == "65535f00-1a2b3c4d-0f1e2d3c"
    assert len(error.errmsg) <= 500


@each(
    "errmsg", [None, 5, ["a"], {"a": 1}, "", " " * 60_000, "rid: " * 9_000, "token:" + " " * 60_000]
)
def test_any_errmsg_is_read_and_cut_to_500_characters(ask: Ask, errmsg: Any) -> None:
    error = failure(ask, as_json({"errcode": 40097, "errmsg": errmsg}))
    assert error.errcode == 40097
    assert len(error.errmsg) <= 500


def test_a_secret_in_errmsg_is_masked(ask: Ask) -> None:
    error = failure(ask, as_json({"errcode": 40001, "errmsg": f"bad access_token={TOKEN} x"}))
    assert TOKEN not in str(error)
    assert leaks(error) == []


def test_an_unknown_errcode_gives_up_and_shows_all_that_wechat_said(ask: Ask) -> None:
    errmsg = "strange rid: 65535f00-1a2b3c4d-0f1e2d3c"
    error = failure(ask, as_json({"errcode": 123456, "errmsg": errmsg}))
    assert error.remedy is Remedy.GIVE_UP
    for part in ("123456", "strange", "65535f00-1a2b3c4d-0f1e2d3c", "staticuploadfile"):
        assert part in str(error)


@pytest.mark.parametrize(("errcode", "place"), [(40014, "40014"), (123456, "other")])
def test_a_refusal_names_the_place_in_the_documentation_of_its_errcode(
    ask: Ask, errcode: int, place: str
) -> None:
    assert failure(ask, as_json({"errcode": errcode})).docs == f"errcode-{place}"


def test_a_refusal_with_the_tcbcode_of_a_missing_environment_names_it_and_stops_a_batch(
    ask: Ask,
) -> None:
    errmsg = "resource not found, TcbCode: [ResourceNotFound.Env]"
    error = failure(ask, as_json({"errcode": -501000, "errmsg": errmsg}))
    assert f"There is no environment '{ENV}'" in str(error.hint)
    assert error.stops_batch


def test_an_error_has_the_stage_of_its_call(ask: Ask) -> None:
    refused = as_json({"errcode": 40014, "errmsg": ""})
    assert failure(ask, refused).stage == "link"
    assert failure(ask, refused, "token").stage == "token"
    assert failure(ask, b"", "token").stage == "token", "also of one that got no answer"


def test_errcode_40001_means_the_token_and_on_the_token_call_the_appsecret(ask: Ask) -> None:
    refused = as_json({"errcode": 40001, "errmsg": ""})
    assert type(failure(ask, refused)) is TokenRejected
    error = failure(ask, refused, "token")
    assert type(error) is ConfigurationError
    assert error.errcode == 40001
    assert "COMPONENT_APPSECRET" in str(error)


@pytest.mark.parametrize(
    ("errmsg", "shown"),
    [
        ("not registered requestIP: 2001:db8::7 rid: x", "(2001:db8::7)"),
        ("no address", "(the public one, from which it reaches WeChat)"),
    ],
)
def test_the_hint_of_61004_names_the_address_that_wechat_saw(
    ask: Ask, errmsg: str, shown: str
) -> None:
    assert shown in str(failure(ask, as_json({"errcode": 61004, "errmsg": errmsg})).hint)
