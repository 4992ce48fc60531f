"""The calls about the platform itself: what is made of each answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tables import each
from wx_static_store.clients.platform import Environment, PlatformClient, Quota, RefusedCall
from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ProtocolError, WxStaticStoreError

from .conftest import (
    APPSECRET,
    CANARIES,
    ENV,
    PLENTY,
    SECURITY,
    SIGN,
    TICKET,
    TOKEN,
    ScriptedServer,
    answer,
    as_json,
    leaks,
)

LINKS = "/componenttcb/staticuploadfile"


@pytest.fixture
def emulated(transport: Transport, emulator: EmulatorServer) -> PlatformClient:
    return PlatformClient(transport, emulator.api_url)


@pytest.fixture
def scripted(
    transport: Transport, serve: Callable[..., ScriptedServer]
) -> Callable[[bytes], PlatformClient]:
    return lambda says: PlatformClient(transport, serve(says).url)


def environments(client: PlatformClient) -> tuple[Environment, ...]:
    return client.environments(Secret(TOKEN), deadline=PLENTY)


def test_the_environments_of_the_platform_are_listed(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    token = Secret(emulator.access_token)
    first, *_others = emulated.environments(token, deadline=PLENTY)
    assert (first.env, first.status) == (ENV, "NORMAL")


@pytest.mark.parametrize("form", ["null", "[]", "missing"])
def test_a_platform_without_environments_has_an_empty_list(
    emulated: PlatformClient, emulator: EmulatorServer, form: str
) -> None:
    emulator.quirks.update({"envs_as": form})
    token = Secret(emulator.access_token)
    assert emulated.environments(token, deadline=PLENTY) == ()


def test_a_list_of_three_thousand_environments_is_read_whole(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"more_envs": 3000})
    token = Secret(emulator.access_token)
    assert len(emulated.environments(token, deadline=PLENTY)) > 3000


def test_an_environment_has_an_id_an_alias_and_a_status(scripted: Any) -> None:
    client = scripted(as_json({"info_list": [{"status": "NORMAL", "alias": "shop", "env": "a"}]}))
    assert environments(client) == (Environment("a", "shop", "NORMAL"),)


def test_an_entry_without_an_id_is_left_out(scripted: Any) -> None:
    client = scripted(as_json({"info_list": [{"alias": "a"}, {"env": "b"}]}))
    assert environments(client) == (Environment("b", "", ""),)


@pytest.mark.parametrize("odd", ['"a"', "1", '["a"]', '{"a": 1}'])
def test_a_list_of_another_shape_is_refused(scripted: Any, odd: str) -> None:
    with pytest.raises(ProtocolError, match="a list of another shape"):
        environments(scripted(answer(body=f'{{"info_list": {odd}}}')))


def shares(client: PlatformClient, token: str = TOKEN, *, typed: bool = True) -> Any:
    appids = ["wxfake00000000000a", "wxfake00000000000b"]
    return client.shared_with(Secret(token), appids, typed=typed, deadline=PLENTY)


@pytest.mark.parametrize("typed", [True, False])
def test_the_environments_of_an_account_are_listed_and_an_unknown_account_is_left_out(
    emulated: PlatformClient, emulator: EmulatorServer, typed: bool
) -> None:
    emulator.add_env(ENV, appids=["wxfake00000000000a"])
    found = shares(emulated, emulator.access_token, typed=typed)
    assert found == {"wxfake00000000000a": (ENV,)}


@pytest.mark.parametrize("form", ["missing", "null", "[]"])
def test_an_account_without_an_environment_is_no_error(
    emulated: PlatformClient, emulator: EmulatorServer, form: str
) -> None:
    emulator.quirks.update({"unshared_appid": form})
    emulator.state.authorize("wxfake00000000000a")
    found = shares(emulated, emulator.access_token)
    assert found == ({} if form == "missing" else {"wxfake00000000000a": ()})


@pytest.mark.parametrize(("typed", "more"), [(True, {"source_type": 0}), (False, {})])
def test_the_environments_of_accounts_are_asked_for_with_a_source_type_if_that_is_wanted(
    transport: Transport, serve: Any, typed: bool, more: dict[str, int]
) -> None:
    server = serve(as_json({"relation_data": []}))
    shares(PlatformClient(transport, server.url), typed=typed)
    appids = ["wxfake00000000000a", "wxfake00000000000b"]
    assert server.requests[0].json == {"appids": appids} | more


def test_an_account_in_two_rows_has_the_environments_of_both(scripted: Any) -> None:
    rows = [{"appid": "a", "env_list": ["x"]}, {"appid": "a", "env_list": ["y"]}]
    assert shares(scripted(as_json({"relation_data": rows}))) == {"a": ("x", "y")}


def test_no_relation_at_all_is_an_empty_answer(scripted: Any) -> None:
    assert shares(scripted(as_json({"relation_data": None}))) == {}


@pytest.mark.parametrize("odd", ['"a"', "1", '["a"]', '[{"appid": "a", "env_list": "b"}]'])
def test_relations_of_another_shape_are_refused(scripted: Any, odd: str) -> None:
    with pytest.raises(ProtocolError, match="a list of another shape"):
        shares(scripted(answer(body=f'{{"relation_data": {odd}}}')))


def test_a_quota_has_the_figures_of_the_day_and_of_the_period(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"daily_limit": 1000, "minute_limit": 60, "period_seconds": 30})
    found = emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert found == Quota(daily_limit=1000, used=0, remain=1000, calls=60, seconds=30)


def test_a_quota_has_what_was_used_of_it(scripted: Any) -> None:
    client = scripted(as_json({"quota": {"daily_limit": 9, "used": 2, "remain": 7}}))
    assert client.quota(Secret(TOKEN), LINKS, deadline=PLENTY) == Quota(9, used=2, remain=7)


@pytest.mark.parametrize(
    "quirks",
    [{"quota_as": "string"}, {"quota_rates": "missing"}, {"quota_rates": "null"}],
    ids=["texts", "no rates", "null in place of rates"],
)
def test_a_quota_is_read_in_each_form(
    emulated: PlatformClient, emulator: EmulatorServer, quirks: dict[str, Any]
) -> None:
    emulator.quirks.update({"daily_limit": 1000} | quirks)
    found = emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert (found.daily_limit, found.remain, found.calls) == (1000, 1000, 0)


@pytest.mark.parametrize("given", [None, -1, 1.5, "many", [], {}])
def test_what_is_no_number_is_no_figure(scripted: Any, given: Any) -> None:
    client = scripted(as_json({"quota": {"daily_limit": given}, "rate_limit": given}))
    assert client.quota(Secret(TOKEN), LINKS, deadline=PLENTY) == Quota()


def test_a_path_that_wechat_knows_no_quota_of_is_refused_with_its_code(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"quota_knows_cloud": False})
    with pytest.raises(WxStaticStoreError) as caught:
        emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert caught.value.errcode == 76021
    assert str(caught.value.message) == "quota/get was refused"


# --- refused calls --------------------------------------------------------------------------

RID = "66f00000-0a0b0c0d-01020304"
LINK = f"https://x.myqcloud.com/a.css?sign=q-sign-algorithm%3Dsha1%26q-signature%3D{SIGN}"
CALL = {
    "invoke_time": 1727004672,
    "cost_in_ms": 30,
    "request_url": f"/componenttcb/staticuploadfile?access_token={TOKEN}",
    "request_body": json.dumps({"env": ENV, "filename": "a.css"}),
    "response_body": json.dumps({"errcode": 45009, "errmsg": f"reach max rid: {RID}"}),
    "client_ip": "192.0.2.10",
}


def refused(client: PlatformClient, token: str = TOKEN, rid: str = RID) -> RefusedCall:
    return client.refused_call(Secret(token), rid, deadline=PLENTY)


def test_a_refused_call_has_its_time_cost_address_request_and_reply(scripted: Any) -> None:
    call = refused(scripted(as_json({"request": CALL})))
    assert call.time == datetime(2024, 9, 22, 11, 31, 12, tzinfo=UTC)
    assert (call.cost_ms, call.client_ip) == (30, "192.0.2.10")
    assert call.request_url == "/componenttcb/staticuploadfile?access_token=***"
    assert json.loads(str(call.request_body)) == {"env": ENV, "filename": "a.css"}
    assert json.loads(str(call.response_body)) == json.loads(CALL["response_body"])  # type: ignore[arg-type]


def test_the_call_is_asked_for_by_its_rid(transport: Transport, serve: Any) -> None:
    server = serve(as_json({"request": CALL}))
    refused(PlatformClient(transport, server.url))
    [request] = server.requests
    assert request.target.startswith("/cgi-bin/openapi/rid/get?access_token=")
    assert request.json == {"rid": RID}


BODIES = {
    "token": {"component_access_token": TOKEN, "expires_in": 7200},
    "secrets": {"component_appsecret": APPSECRET, "component_verify_ticket": TICKET},
    "link": {"errcode": 0, "signed_url": LINK, "token": SECURITY, "cos_file_id": SECURITY},
    "unknown members": {"new": TOKEN, "more": [{"deep": {"er": APPSECRET}}]},
    "errmsg": {"errcode": 40001, "errmsg": f"access_token={TOKEN} of {LINK}"},
    "JSON in JSON": {"errmsg": json.dumps({"a": json.dumps({"access_token": TOKEN})})},
    "a secret as name": {TOKEN: 1, SIGN: 2},
    "a list": [TOKEN],
    "a text": TOKEN,
}


@each("member", ["request_body", "response_body", "request_url"])
@each("body", BODIES.values())
def test_no_secret_is_left_in_a_refused_call(scripted: Any, member: str, body: Any) -> None:
    call = refused(scripted(as_json({"request": CALL | {member: json.dumps(body)}})))
    assert not [canary for canary in CANARIES if canary in repr(call)]


@pytest.mark.parametrize("address", [f"access_token={TOKEN}", TOKEN, f"/{TOKEN.upper()}/x", LINK])
def test_of_the_address_only_path_and_names_are_left(scripted: Any, address: str) -> None:
    call = refused(scripted(as_json({"request": CALL | {"request_url": address}})))
    assert "canary" not in call.request_url.lower()


def test_what_is_no_json_is_described_by_its_length(scripted: Any) -> None:
    call = refused(scripted(as_json({"request": CALL | {"request_body": f"token={TOKEN}"}})))
    assert call.request_body == len(f"token={TOKEN}")


@each(
    ("member", "given", "read"),
    [
        ("invoke_time", None, ("time", None)),
        ("invoke_time", 10**11, ("time", None)),
        ("invoke_time", "1727004672", ("time", datetime(2024, 9, 22, 11, 31, 12, tzinfo=UTC))),
        ("cost_in_ms", "many", ("cost_ms", 0)),
        ("client_ip", "2001:db8::7", ("client_ip", "2001:db8::7")),
        ("client_ip", f"fe80::1%{TOKEN}", ("client_ip", "fe80::1")),
        ("client_ip", TOKEN, ("client_ip", "")),
        ("request_url", None, ("request_url", "")),
        ("request_body", None, ("request_body", 0)),
        ("response_body", None, ("response_body", 0)),
        ("request_body", {"env": "a"}, ("request_body", '{\n  "env": "a"\n}')),
    ],
)
def test_a_member_of_another_form_is_read_or_left_out(
    scripted: Any, member: str, given: Any, read: tuple[str, Any]
) -> None:
    call = refused(scripted(as_json({"request": CALL | {member: given}})))
    assert getattr(call, read[0]) == read[1]


@pytest.mark.parametrize("given", [None, [], TOKEN, 1])
def test_an_answer_without_a_call_is_refused_without_its_content(scripted: Any, given: Any) -> None:
    with pytest.raises(ProtocolError, match="rid/get answered with no request") as caught:
        refused(scripted(as_json({"request": given})))
    assert leaks(caught.value) == []


def test_a_reading_that_breaks_off_leaves_nothing_in_the_traceback(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of a traceback are what error reporters send away."""

    def broken_off(value: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("wx_static_store.clients.platform.redacted_json", broken_off)
    secrets = {"request_body": json.dumps(BODIES["secrets"]), "request_url": TOKEN}
    with pytest.raises(KeyboardInterrupt) as caught:
        refused(scripted(as_json({"request": CALL | secrets})))
    assert leaks(caught.value) == []


@pytest.mark.parametrize("call", ["staticuploadfile", "staticfilelist", "api_component_token"])
def test_what_the_emulator_keeps_of_a_refused_call_comes_without_its_secrets(
    transport: Transport, emulator: EmulatorServer, emulated: PlatformClient, call: str
) -> None:
    emulator.script({"on": call, "do": "errcode", "errcode": 40097})
    account, wechat = emulator.state.account, WeChatClient(transport, emulator.api_url)
    token, appsecret, ticket = map(
        Secret, (emulator.access_token, account.appsecret, account.ticket)
    )
    with pytest.raises(WxStaticStoreError) as caught:
        {
            "staticuploadfile": lambda: wechat.upload_link(token, ENV, "a.css", deadline=PLENTY),
            "staticfilelist": lambda: wechat.list_page(token, ENV, "a", deadline=PLENTY),
            "api_component_token": lambda: wechat.component_token(
                account.appid, appsecret, ticket, deadline=PLENTY
            ),
        }[call]()
    kept = emulator.state.refused_calls[caught.value.rid].request
    found = refused(emulated, emulator.access_token, caught.value.rid)
    secrets = [emulator.access_token, account.appsecret, account.ticket, account.security_token]
    assert [each for each in secrets if each in str(kept)]
    assert [each for each in secrets if each in repr(found)] == []
    assert '"errcode": 40097' in str(found.response_body)


@pytest.mark.parametrize(("rid", "errcode"), [("x", 76002), (RID, 76004)])
def test_a_rid_that_wechat_does_not_know_is_refused_with_its_code(
    emulated: PlatformClient, emulator: EmulatorServer, rid: str, errcode: int
) -> None:
    with pytest.raises(WxStaticStoreError) as caught:
        refused(emulated, emulator.access_token, rid)
    assert caught.value.errcode == errcode
