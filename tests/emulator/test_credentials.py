"""The calls with the platform's own secret."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Client, clear, own


def test_the_token_call_has_no_errcode_on_success(client: Client) -> None:
    """The answer holds the token and its life, nothing else."""
    answer = client.token().json()
    assert sorted(answer) == ["component_access_token", "expires_in"]
    assert answer["expires_in"] == 7200


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"component_appid": None}, 41002),
        ({"component_appid": "wxother"}, 40013),
        ({"component_appsecret": ""}, 41004),
        ({"component_appsecret": 1}, 40125),
        ({"component_appsecret": "wrong"}, 40001),
        ({"component_verify_ticket": "wrong"}, 61006),
        ({"component_verify_ticket": None}, 61006),
    ],
)
def test_each_wrong_credential_of_the_token_call_has_its_own_errcode(
    client: Client, changes: dict[str, Any], errcode: int
) -> None:
    """Each wrong credential has its own errcode."""
    assert client.token(**changes).json()["errcode"] == errcode


def start_push(client: Client, **fields: Any) -> dict[str, Any]:
    """api_start_push_ticket."""
    return own(client, "api_start_push_ticket", **fields)


def test_the_quota_can_be_cleared_ten_times_a_month(client: Client) -> None:
    """Then 48006, until the month is over."""
    assert [clear(client)["errcode"] for _ in range(11)] == [0] * 10 + [48006]
    client.server.advance(31 * 86400)
    assert clear(client)["errcode"] == 0


def test_a_wrong_secret_clears_no_quota(client: Client) -> None:
    """Nor does it cost a chance."""
    assert [clear(client, "wrong")["errcode"] for _ in range(11)] == [40001] * 11
    assert clear(client)["errcode"] == 0


def test_start_push_ticket_makes_an_expired_ticket_good_again(client: Client) -> None:
    """Already on; and off, once the last ticket is too old: then it is good again."""
    secret = {"component_secret": "emulator-appsecret"}
    assert start_push(client, **secret) == {"errcode": 0, "errmsg": "in a normal state"}
    client.server.advance(12 * 3600)
    assert client.token().json()["errcode"] == 61005
    assert start_push(client, **secret) == {"errcode": 0, "errmsg": "ok"}
    assert "component_access_token" in client.token().json()


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"component_appsecret": "emulator-appsecret"}, 41004),
        ({"component_appid": "wxother", "component_secret": "emulator-appsecret"}, 40013),
        ({"component_secret": "wrong"}, 40001),
    ],
)
def test_start_push_ticket_refuses_wrong_credentials(
    client: Client, fields: Any, errcode: int
) -> None:
    """Its secret has a name of its own."""
    assert start_push(client, **fields)["errcode"] == errcode
