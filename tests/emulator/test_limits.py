"""Who may call and how often: allow-list, counters, and the calls that need no token."""

from __future__ import annotations

import pytest

from .conftest import Client, clear

UPLOAD = {"filename": "a"}


def codes(client: Client, count: int) -> list[int]:
    """Return the errcodes of some upload calls."""
    return [client.call("staticuploadfile", UPLOAD).json()["errcode"] for _ in range(count)]


def test_the_daily_limit_holds_for_each_api_and_each_day(client: Client) -> None:
    """45009 after that many calls of one API; another API and the next day are free."""
    client.server.quirks.daily_limit = 2
    assert codes(client, 3) == [0, 0, 45009]
    assert client.call("staticfilelist").json()["errcode"] == 0
    client.server.advance(86400)
    assert codes(client, 1) == [0]


def test_the_minute_limit_holds_until_the_next_minute(client: Client) -> None:
    """45011 until the next minute."""
    client.server.quirks.minute_limit = 1
    assert codes(client, 2) == [0, 45011]
    client.server.advance(60)
    assert codes(client, 1) == [0]


def test_the_daily_limit_begins_anew_at_midnight_in_beijing(client: Client) -> None:
    """NOON is 06:13 there: the day ends 17:47 hours later."""
    client.server.quirks.daily_limit = 1
    assert codes(client, 1) == [0]
    client.server.advance(17 * 3600)
    assert codes(client, 1) == [45009]
    client.server.advance(3600)
    assert codes(client, 1) == [0]


def test_the_token_call_is_limited_too(client: Client) -> None:
    """The deadlock of the field: without a token, clear_quota v2 is the way out."""
    client.server.quirks.daily_limit = 1
    client.token()
    assert client.token().json()["errcode"] == 45009
    assert clear(client) == {"errcode": 0, "errmsg": "ok"}
    assert "component_access_token" in client.token().json()


@pytest.mark.parametrize(
    ("allowed", "errcode"),
    [("", 0), ("127.0.0.1", 0), ("10.0.0.1, 127.0.0.1", 0), ("10.0.0.1", 61004), (" ", 0)],
)
def test_a_call_from_an_address_off_the_allow_list_is_refused(
    client: Client, allowed: str, errcode: int
) -> None:
    """Single addresses; none means any."""
    client.server.quirks.allowed_ip = allowed
    assert codes(client, 1) == [errcode]


def test_errcode_61004_names_the_caller_s_address(client: Client) -> None:
    """The token call, too, says who it was that called."""
    client.server.quirks.allowed_ip = "10.0.0.1"
    answer = client.token().json()
    assert answer["errcode"] == 61004
    assert "requestIP: 127.0.0.1 rid: " in answer["errmsg"]


def test_reset_forgets_the_counters(client: Client) -> None:
    """Calls and clears."""
    for _ in range(10):
        clear(client)
    client.server.reset()
    assert clear(client)["errcode"] == 0
