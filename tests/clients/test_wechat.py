"""The four static-store calls and the token call, and what is made of odd answers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.tables import each
from wx_static_store.clients.transport import Reply, Transport
from wx_static_store.clients.wechat import (
    LIST_LIMIT,
    FreshToken,
    ListPage,
    StaticStore,
    WeChatClient,
)
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import SignedLink
from wx_static_store.emulator import EmulatorServer
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
    APPSECRET,
    CANARIES,
    ENV,
    LIMIT,
    PLENTY,
    SECURITY,
    SIGN,
    TICKET,
    TOKEN,
    Ask,
    ScriptedServer,
    Serve,
    answer,
    as_json,
    failure,
    leaks,
)

# --- what is sent ---------------------------------------------------------------------------


def test_names_are_sent_as_real_utf8(
    serve: Callable[..., ScriptedServer], transport: Transport
) -> None:
    """Some calls of the family refuse the escapes of JSON (40033)."""
    server = serve(as_json({"signed_url": "https://x", "token": "t"}))
    wechat = WeChatClient(transport, server.url)
    wechat.upload_link(Secret(TOKEN), ENV, "文档/图 1.png", deadline=PLENTY)
    assert '"文档/图 1.png"'.encode() in server.requests[0].body
    assert server.requests[0].json == {"env": ENV, "filename": "文档/图 1.png"}
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_token_is_quoted_into_the_query(
    serve: Callable[..., ScriptedServer], transport: Transport
) -> None:
    server = serve(as_json({"errcode": 0}))
    WeChatClient(transport, server.url + "/").describe(Secret("a&b=c/+d"), ENV, deadline=PLENTY)
    assert (
        server.requests[0].target
        == "/componenttcb/describestaticstore?access_token=a%26b%3Dc%2F%2Bd"
    )
    assert server.requests[0].json == {"env": ENV}


@pytest.mark.parametrize(("marker", "more"), [([], {}), (["a/b"], {"marker": "a/b"})])
def test_a_page_of_the_list_is_asked_for_by_prefix_and_marker(
    serve: Callable[..., ScriptedServer],
    transport: Transport,
    marker: list[str],
    more: dict[str, str],
) -> None:
    server = serve(as_json({"errcode": 0, "contents": []}))
    wechat = WeChatClient(transport, server.url)
    wechat.list_page(Secret(TOKEN), ENV, "a/", *marker, deadline=PLENTY)
    assert server.requests[0].json == {"env": ENV, "prefix": "a/"} | more


def test_the_token_call_has_no_query_and_its_secrets_in_the_body(
    serve: Callable[..., ScriptedServer], transport: Transport
) -> None:
    server = serve(as_json({"component_access_token": "t", "expires_in": 7200}))
    wechat = WeChatClient(transport, server.url)
    wechat.component_token("wx1", Secret(APPSECRET), Secret(TICKET), deadline=PLENTY)
    assert server.requests[0].target == "/cgi-bin/component/api_component_token"
    assert server.requests[0].json == {
        "component_appid": "wx1",
        "component_appsecret": APPSECRET,
        "component_verify_ticket": TICKET,
    }


# --- each answer ----------------------------------------------------------------------------


def test_a_link_knows_the_key_that_it_is_for(ask: Ask) -> None:
    link = ask(as_json({"errcode": 0, "signed_url": "https://x/a.css", "token": "t"}))
    assert link == SignedLink("a.css", Secret("https://x/a.css"), Secret("t"))


@each(
    "members",
    [
        {},
        {"signed_url": "https://x/a"},
        {"token": "t"},
        {"signed_url": "", "token": "t"},
        {"signed_url": None, "token": "t"},
        {"signed_url": 5, "token": "t"},
        {"signed_url": ["https://x/a"], "token": "t"},
        {"signed_url": "https://x/a", "token": ""},
        {"signed_url": "https://x/a", "token": 5},
        {"signed_url": "https://x/a", "token": "a b"},
        {"signed_url": "https://x/a", "token": "a\r\nX-Evil: 1"},
        {"signed_url": "https://x/a", "token": "令牌"},
        {"signed_url": "https://x/a", "token": "t" * 4097},
    ],
)
def test_a_link_without_a_usable_url_and_token_may_be_asked_for_again_once(
    ask: Ask, members: dict[str, Any]
) -> None:
    error = failure(ask, as_json({"errcode": 0} | members))
    assert isinstance(error, ProtocolError)
    assert (error.remedy, error.once) == (Remedy.WAIT, True)


@pytest.mark.parametrize("token", [None, "", 5, "a b", "令牌", "a\n", "t" * 4097])
def test_a_token_answer_without_a_usable_token_is_refused(ask: Ask, token: Any) -> None:
    answered = as_json({"component_access_token": token, "expires_in": 7200})
    assert isinstance(failure(ask, answered, "token"), ProtocolError)


@pytest.mark.parametrize(
    ("given_", "read"), [(7200, 7200), ("600", 600), (None, 7200), (True, 7200), ("soon", 7200)]
)
def test_a_lifetime_that_is_no_number_is_the_usual_two_hours(
    ask: Ask, given_: Any, read: int
) -> None:
    answered = as_json({"component_access_token": "t", "expires_in": given_})
    assert ask(answered, "token") == FreshToken(Secret("t"), read)


@pytest.mark.parametrize(
    "store",
    [
        {"domain": "d.example", "bucket": "b", "regoin": "ap-1", "status": "online"},
        {"Domain": "d.example", "Bucket": "b", "Region": "ap-1", "Status": "online"},
    ],
)
@pytest.mark.parametrize("data", ["data", "Data"])
def test_a_store_is_read_in_each_spelling(ask: Ask, data: str, store: dict[str, str]) -> None:
    found = ask(as_json({"errcode": 0, data: [store]}), "describe")
    assert found == StaticStore("d.example", "online")


@pytest.mark.parametrize("store", [{}, {"domain": None, "bucket": "", "region": None}])
def test_a_member_that_a_store_lacks_is_empty(ask: Ask, store: dict[str, Any]) -> None:
    found = ask(as_json({"errcode": 0, "data": [store]}), "describe")
    assert found == StaticStore("", "")


@pytest.mark.parametrize("stores", [[], None, {}, "", 0])
def test_an_answer_without_a_store_gives_none(ask: Ask, stores: Any) -> None:
    assert ask(as_json({"errcode": 0, "data": stores}), "describe") is None


@pytest.mark.parametrize("stores", [["x"], [None], {"a": 1}, "x", 5])
def test_stores_of_another_shape_are_refused(ask: Ask, stores: Any) -> None:
    answered = as_json({"errcode": 0, "Data": stores})
    assert isinstance(failure(ask, answered, "describe"), ProtocolError)


def entry(key: Any = "a", **changes: Any) -> dict[str, Any]:
    usual = {"key": key, "md5": "0cc175b9c0f1b6a831c399e269772661", "size": "1"}
    return usual | {"last_modified": "2020-12-04T08:56:59.000Z"} | changes


def page(ask: Ask, *entries: Any, more: Any = False, marker: str = "") -> ListPage:
    members = {"errcode": 0, "contents": list(entries), "is_truncated": more}
    return ask(as_json(members), "list", marker=marker)


@pytest.mark.parametrize(
    ("md5", "read"),
    [
        ("0CC175B9C0F1B6A831C399E269772661", "0cc175b9c0f1b6a831c399e269772661"),
        ('"0cc175b9c0f1b6a831c399e269772661"', "0cc175b9c0f1b6a831c399e269772661"),
        ("0cc175b9c0f1b6a831c399e269772661-1", None),
        ("0cc175b9c0f1b6a831c399e26977266", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_only_a_bare_md5_of_the_list_is_an_md5(ask: Ask, md5: Any, read: str | None) -> None:
    assert page(ask, entry(md5=md5)).files[0].md5 == read


def test_a_time_of_the_list_is_read_with_its_time_zone(ask: Ask) -> None:
    moment = page(ask, entry()).files[0].last_modified
    assert moment == datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2020-12-04T08:56:59", "2020-12-04T16:56:59+08:00"])
def test_a_time_of_the_list_is_in_utc_also_without_a_zone(ask: Ask, text: str) -> None:
    moment = page(ask, entry(last_modified=text)).files[0].last_modified
    assert moment == datetime(2020, 12, 4, 8, 56, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_of_the_list_that_cannot_be_read_is_none(ask: Ask, text: str | None) -> None:
    assert page(ask, entry(last_modified=text)).files[0].last_modified is None


@pytest.mark.parametrize("more", [True, "true", "True"])
def test_the_last_key_asks_for_the_next_page(ask: Ask, more: Any) -> None:
    assert page(ask, entry("a"), entry("b"), more=more).marker == "b"


def test_a_folder_object_is_left_out_but_may_be_the_marker(ask: Ask) -> None:
    found = page(ask, entry("a"), entry("b/", size="0"), more=True)
    assert [file.key for file in found.files] == ["a"]
    assert found.marker == "b/"


@pytest.mark.parametrize(
    ("entries", "marker"), [([], ""), ([], "a"), ([entry("a")], "a"), ([entry("A")], "a")]
)
def test_a_list_that_goes_on_without_a_further_key_is_refused(
    ask: Ask, entries: list[Any], marker: str
) -> None:
    """It would be asked for ever, or half of it be taken for the whole."""
    with pytest.raises(ProtocolError, match="goes on, but without a further key"):
        page(ask, *entries, more=True, marker=marker)


def test_a_list_that_does_not_say_whether_it_goes_on_is_the_last(ask: Ask) -> None:
    found = ask(as_json({"errcode": 0, "contents": [entry("a")]}), "list")
    assert (len(found.files), found.marker) == (1, None)


@pytest.mark.parametrize("contents", [None, []])
def test_a_list_without_contents_is_empty(ask: Ask, contents: Any) -> None:
    assert ask(as_json({"errcode": 0, "contents": contents}), "list") == ListPage((), None)


def test_a_last_page_may_repeat_its_marker(ask: Ask) -> None:
    assert page(ask, entry("a"), marker="a") == ListPage((), None)


def test_keys_advance_in_the_order_of_utf8_not_of_code_units(ask: Ask) -> None:
    assert page(ask, entry("\U0001f600"), more=True, marker="\uffee").marker == "\U0001f600"


@each(
    "odd",
    [
        None,
        "a",
        5,
        [],
        {},
        {"key": "a"},
        entry(5),
        entry(None),
        entry(["a"]),
        entry("\ud800"),
        entry(size="large"),
        entry(size=None),
        entry(size=""),
        entry(last_modified="2020-13-45T00:00:00Z"),
    ],
)
def test_entries_of_another_shape_are_refused(ask: Ask, odd: Any) -> None:
    with pytest.raises(ProtocolError, match="contents of another shape"):
        page(ask, odd)


def test_a_size_that_overflows_is_refused(ask: Ask) -> None:
    body = '{"errcode": 0, "contents": [{"key": "a", "size": 1e999}]}'
    assert isinstance(failure(ask, answer(body=body), "list"), ProtocolError)


@pytest.mark.parametrize("contents", ["abc", 5, {"key": "a"}, True])
def test_a_list_whose_contents_are_not_an_array_is_refused(ask: Ask, contents: Any) -> None:
    answered = as_json({"errcode": 0, "contents": contents})
    assert isinstance(failure(ask, answered, "list"), ProtocolError)


def test_a_page_of_the_list_may_be_longer_than_other_answers(ask: Ask) -> None:
    """1,000 entries are about 150 KB."""
    entries = [entry(f"{number:04}" + "x" * 60) for number in range(1000)]
    assert len(json.dumps(entries)) > LIMIT
    assert len(page(ask, *entries).files) == 1000


def test_a_page_of_the_list_is_cut_at_its_own_limit(
    transport: Transport, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "staticfilelist", "do": "huge", "bytes": LIST_LIMIT + 1})
    wechat = WeChatClient(transport, emulator.api_url)
    with pytest.raises(ProtocolError, match=f"longer than {LIST_LIMIT} bytes"):
        wechat.list_page(Secret(emulator.access_token), ENV, "", deadline=PLENTY)


@pytest.mark.parametrize("quirk", ["exclusive", "inclusive"])
def test_all_pages_give_every_key_once(
    transport: Transport, emulator: EmulatorServer, quirk: str
) -> None:
    """Against the emulator, whose pages may or may not repeat their marker."""
    emulator.quirks.update({"page_size": 2, "marker": quirk, "truncated_as": "string"})
    keys = ["a", "a/b", "b", "文", "\U0001f600"]
    for key in reversed(keys):
        emulator.put_object(key, key.encode())
    wechat, found, marker = WeChatClient(transport, emulator.api_url), [], ""
    while marker is not None:
        token = Secret(emulator.access_token)
        got = wechat.list_page(token, ENV, "", marker, deadline=PLENTY)
        found += [file.key for file in got.files]
        marker = got.marker
    assert found == keys


# --- anything at all ------------------------------------------------------------------------


class Answering:
    """In place of a transport: 400 exchanges over sockets would take seconds."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def exchange(self, *args: Any, **kwargs: Any) -> Reply:
        return Reply(200, {}, self.body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["errcode", "errmsg", "signed_url", "token", "data", "contents", "key", "size"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@examples(200)
@given(_JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60))
def test_any_answer_is_a_value_or_an_error_of_ours(body: bytes) -> None:
    """H8, for each of the four calls."""
    wechat = WeChatClient(Answering(body), "http://127.0.0.1")  # type: ignore[arg-type]
    token = Secret(TOKEN)
    calls: list[tuple[Callable[[], Any], Any]] = [
        (lambda: wechat.upload_link(token, ENV, "a", deadline=PLENTY), SignedLink),
        (lambda: wechat.list_page(token, ENV, "", deadline=PLENTY), ListPage),
        (lambda: wechat.describe(token, ENV, deadline=PLENTY), StaticStore | None),
        (lambda: wechat.component_token("wx1", token, token, deadline=PLENTY), FreshToken),
    ]
    for call, kind in calls:
        with contextlib.suppress(WxStaticStoreError):
            assert isinstance(call(), kind)


def test_no_frame_shows_an_answer_that_holds_secrets(ask: Ask) -> None:
    """A wrong token kind: the answer has a link in it, and is refused all the same."""
    members = {"errcode": 0, "signed_url": f"https://x/?sign={SIGN}", "token": f"{SECURITY} x"}
    error = failure(ask, as_json(members))
    assert leaks(error) == []
    assert not [canary for canary in CANARIES if canary in repr(error)]


# --- the envelope of every call ------------------------------------------------------------------


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
    assert (error.errcode, error.remedy, error.once) == (None, Remedy.CHANGE, False)


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
        (302, ProtocolError, Remedy.CHANGE),
        (400, ProtocolError, Remedy.CHANGE),
        (404, ProtocolError, Remedy.CHANGE),
        (201, ProtocolError, Remedy.CHANGE),
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
    assert str(error.message).startswith("staticuploadfile of http://127.0.0.1:")
    assert str(error.message).endswith(
        "redirected to another address" if status == 302 else "not answered by WeChat itself"
    )


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
    assert error.remedy is Remedy.CHANGE
    for part in ("123456", "strange", "65535f00-1a2b3c4d-0f1e2d3c", "staticuploadfile"):
        assert part in str(error)


@pytest.mark.parametrize(("errcode", "cause"), [(40014, "40001"), (123456, "errcode")])
def test_a_refusal_has_the_cause_of_its_errcode(ask: Ask, errcode: int, cause: str) -> None:
    assert failure(ask, as_json({"errcode": errcode})).cause == cause


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


def test_the_hint_of_61004_names_the_address_that_wechat_saw(ask: Ask) -> None:
    errmsg = "not registered requestIP: 2001:db8::7 rid: x"
    assert "(2001:db8::7)" in str(failure(ask, as_json({"errcode": 61004, "errmsg": errmsg})).hint)
