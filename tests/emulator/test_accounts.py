"""The list of authorized accounts."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import NOON, Client

APPIDS = [f"wxfake0000000000{number:02}" for number in range(5)]


def ask(client: Client, name: str = "access_token", **changes: Any) -> dict[str, Any]:
    fields = {"component_appid": client.server.state.account.appid, "offset": 0, "count": 500}
    params = {name: client.server.access_token}
    path = "/cgi-bin/component/api_get_authorizer_list"
    return client.post(path, fields | changes, params=params)


def page(client: Client, offset: int, count: int) -> list[str]:
    return [row["authorizer_appid"] for row in ask(client, offset=offset, count=count)["list"]]


@pytest.fixture(autouse=True)
def _authorized(client: Client) -> None:
    for appid in APPIDS:
        client.server.state.authorize(appid)


def test_a_success_has_no_errcode(client: Client) -> None:
    assert ask(client, count=1) == {
        "total_count": 5,
        "list": [
            {
                "authorizer_appid": APPIDS[0],
                "refresh_token": f"refreshtoken@@@emulator-{APPIDS[0]}",
                "auth_time": int(NOON),
            }
        ],
    }


def test_the_accounts_come_in_pages(client: Client) -> None:
    assert [page(client, offset, 2) for offset in (0, 2, 4, 6)] == [
        APPIDS[:2], APPIDS[2:4], APPIDS[4:], [],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["access_token", "component_access_token"])
def test_the_token_may_have_either_name(client: Client, name: str) -> None:
    assert ask(client, name)["total_count"] == 5


@pytest.mark.parametrize("name", ["access_token", "component_access_token"])
def test_a_quirk_takes_one_name_of_the_token_only(client: Client, name: str) -> None:
    client.server.quirks.authorizer_token = name
    names = ("access_token", "component_access_token")
    codes = {each: ask(client, each).get("errcode", 0) for each in names}
    assert codes == {each: 0 if each == name else 41001 for each in names}


def test_no_other_call_takes_the_other_name_of_the_token(client: Client) -> None:
    params = {"component_access_token": client.server.access_token}
    assert client.post("/componenttcb/describeenvs", {}, params=params)["errcode"] == 41001


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"count": 501}, 40097),
        ({"count": 0}, 40097),
        ({"offset": -1}, 40097),
        ({"offset": "0"}, 40097),
        ({"component_appid": "wx1"}, 40013),
    ],
)
def test_a_wrong_parameter_of_the_list_is_refused(
    client: Client, changes: dict[str, Any], errcode: int
) -> None:
    assert ask(client, **changes)["errcode"] == errcode


def test_a_list_without_its_count_is_refused(client: Client) -> None:
    fields = {"component_appid": client.server.state.account.appid, "offset": 0}
    answer = client.post("/cgi-bin/component/api_get_authorizer_list", fields)
    assert answer["errcode"] == 40101


def test_a_quirk_lists_accounts_without_refresh_token(client: Client) -> None:
    client.server.quirks.authorizer_refresh_token = False
    assert sorted(ask(client)["list"][0]) == ["auth_time", "authorizer_appid"]


def test_a_quirk_turns_the_order_round_with_each_page(client: Client) -> None:
    client.server.quirks.authorizer_order = "turning"
    pages = [page(client, offset, 2) for offset in (0, 2, 4)]
    assert pages == [APPIDS[:2], APPIDS[2:0:-1], APPIDS[4:]]
