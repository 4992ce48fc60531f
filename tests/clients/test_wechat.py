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
from wx_static_store.clients.calls import LIST_LIMIT
from wx_static_store.clients.transport import Reply, Transport
from wx_static_store.clients.wechat import (
    FreshToken,
    ListPage,
    StaticStore,
    WeChatClient,
)
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import SignedLink
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ProtocolError,
    Remedy,
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
    assert found == StaticStore("d.example", "b", "ap-1", "online")


@pytest.mark.parametrize("store", [{}, {"domain": None, "bucket": "", "region": None}])
def test_a_member_that_a_store_lacks_is_empty(ask: Ask, store: dict[str, Any]) -> None:
    found = ask(as_json({"errcode": 0, "data": [store]}), "describe")
    assert found == StaticStore("", "", "", "")


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
