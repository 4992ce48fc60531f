"""Quotas, and what WeChat remembers of refused calls."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import NOON, Client, clear

PATH = "/componenttcb/describeenvs"
ZEROS = {"call_count": 0, "refresh_second": 0}


def quota(client: Client, path: Any = PATH) -> dict[str, Any]:
    return client.post("/cgi-bin/openapi/quota/get", {"cgi_path": path})


def use(client: Client, times: int) -> list[int]:
    return [client.post(PATH, {})["errcode"] for _ in range(times)]


def test_the_quota_counts_the_calls_of_one_path(client: Client) -> None:
    client.server.quirks.daily_limit = 100
    client.server.quirks.minute_limit = 60
    use(client, 3)
    client.call("staticfilelist")
    assert quota(client) == {
        "errcode": 0,
        "errmsg": "ok",
        "quota": {"daily_limit": 100, "used": 3, "remain": 97},
        "rate_limit": {"call_count": 60, "refresh_second": 60},
        "component_rate_limit": ZEROS,
    }


def test_the_quota_s_daily_limit_is_enforced(client: Client) -> None:
    client.server.quirks.daily_limit = 2
    assert use(client, 3) == [0, 0, 45009]
    assert quota(client)["quota"]["remain"] == 0


def test_the_quota_s_rate_is_enforced_in_its_period(client: Client) -> None:
    client.server.quirks.minute_limit, client.server.quirks.period_seconds = 1, 10
    assert quota(client)["rate_limit"] == {"call_count": 1, "refresh_second": 10}
    assert use(client, 2) == [0, 45011]
    client.server.advance(10)
    assert use(client, 1) == [0]


def test_quota_get_has_a_quota_itself(client: Client) -> None:
    client.server.quirks.daily_limit = 1
    assert [quota(client)["errcode"] for _ in range(2)] == [0, 45009]


@pytest.mark.parametrize(
    ("path", "errcode"),
    [
        ("https://api.weixin.qq.com/componenttcb/describeenvs", 76003),
        ("componenttcb/describeenvs", 76003),
        ("/componenttcb/describeenvs?access_token=x", 76021),
        ("/componenttcb/nothing", 76021),
        ("/sns/userinfo", 76022),
        ("/wxa/commit", 76022),
        ("", 40097),
        (1, 40097),
    ],
)
def test_a_path_without_quota_is_refused(client: Client, path: Any, errcode: int) -> None:
    assert quota(client, path)["errcode"] == errcode


def test_a_quirk_hides_the_quota_of_cloud_development(client: Client) -> None:
    client.server.quirks.quota_knows_cloud = False
    assert quota(client)["errcode"] == 76021
    assert quota(client, "/cgi-bin/component/api_component_token")["errcode"] == 0


@pytest.mark.parametrize(
    ("form", "rates"),
    [("missing", {}), ("null", {"rate_limit": None, "component_rate_limit": None})],
)
def test_a_quirk_leaves_the_rates_out(client: Client, form: str, rates: dict[str, None]) -> None:
    client.server.quirks.quota_rates = form
    answer = quota(client)
    assert {name: answer[name] for name in answer if "rate" in name} == rates


@pytest.mark.parametrize(("form", "limit"), [("number", 100), ("string", "100"), ("zeros", 0)])
def test_a_quirk_gives_the_numbers_as_text_or_zero(client: Client, form: str, limit: Any) -> None:
    client.server.quirks.daily_limit, client.server.quirks.quota_as = 100, form
    assert quota(client)["quota"]["daily_limit"] == limit


def test_a_quirk_shows_calls_later(client: Client) -> None:
    client.server.quirks.quota_lag_seconds = 60
    use(client, 2)
    assert quota(client)["quota"]["used"] == 0
    client.server.advance(60)
    assert quota(client)["quota"]["used"] == 2


def test_a_quirk_shows_a_reset_later(client: Client) -> None:
    use(client, 2)
    client.server.advance(60)
    client.server.quirks.quota_lag_seconds = 60
    clear(client)
    assert quota(client)["quota"]["used"] == 2
    client.server.advance(60)
    assert quota(client)["quota"]["used"] == 0


# --- rid/get ----------------------------------------------------------------------------------


def refuse(client: Client) -> str:
    """Let a call be refused; return its rid."""
    answer = client.post("/componenttcb/describestaticstore", {"env": "none-1"})
    found = re.search(r"rid: (\S+)", answer["errmsg"])
    assert found
    return found[1]


def ask(client: Client, rid: Any) -> dict[str, Any]:
    return client.post("/cgi-bin/openapi/rid/get", {"rid": rid})


def test_a_refused_call_is_remembered_with_its_real_token(client: Client) -> None:
    """So that whoever shows it must prove that nothing secret comes through."""
    call = ask(client, rid := refuse(client))["request"]
    assert call["request_url"] == f"access_token={client.server.access_token}"
    assert json.loads(call["request_body"]) == {"env": "none-1"}
    assert json.loads(call["response_body"])["errcode"] == -501000
    assert rid in call["response_body"]
    assert (call["invoke_time"], call["cost_in_ms"]) == (int(NOON), 0)
    assert call["client_ip"] == "127.0.0.1"


def test_a_refused_token_call_is_remembered_with_the_secret(client: Client) -> None:
    found = re.search(r"rid: (\S+)", client.token(component_verify_ticket="x").json()["errmsg"])
    assert found
    body = ask(client, found[1])["request"]["request_body"]
    assert json.loads(body)["component_appsecret"] == client.server.state.account.appsecret


def test_a_scripted_error_is_remembered(client: Client) -> None:
    client.server.script({"on": "describestaticstore", "do": "errcode", "errcode": -1})
    assert json.loads(ask(client, refuse(client))["request"]["response_body"])["errcode"] == -1


def test_a_call_that_was_not_refused_is_unknown(client: Client) -> None:
    assert ask(client, f"{int(NOON):08x}-00000000-00000000")["errcode"] == 76001


@pytest.mark.parametrize("rid", ["", "x", None, 1, "66F00000-0a0b0c0d-01020304"])
def test_a_malformed_rid_is_refused(client: Client, rid: Any) -> None:
    assert ask(client, rid)["errcode"] == 76002


def test_a_rid_is_kept_seven_days(client: Client) -> None:
    rid = refuse(client)
    client.server.advance(7 * 86400)
    assert ask(client, rid)["errcode"] == 0
    client.server.advance(1)
    assert ask(client, rid)["errcode"] == 76004


def test_a_quirk_makes_refused_calls_another_account_s(client: Client) -> None:
    own = refuse(client)
    client.server.quirks.rid_foreign = True
    foreign = refuse(client)
    assert (ask(client, own)["errcode"], ask(client, foreign)["errcode"]) == (0, 76003)


def test_a_quirk_finds_a_rid_later(client: Client) -> None:
    client.server.quirks.rid_lag_seconds = 5
    rid = refuse(client)
    assert ask(client, rid)["errcode"] == 76001
    client.server.advance(5)
    assert ask(client, rid)["errcode"] == 0
