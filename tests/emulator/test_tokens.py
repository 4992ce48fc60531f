"""Which tokens and tickets are valid, and for how long."""

from __future__ import annotations

import pytest

from .conftest import Client


def test_a_fetched_token_is_accepted_and_is_the_newest(client: Client) -> None:
    """A fetched token works and is what the emulator calls its token."""
    token = client.token().json()["component_access_token"]
    assert client.server.access_token == token
    assert client.call("staticfilelist").json()["errcode"] == 0


def test_an_old_token_is_valid_for_five_minutes_after_a_new_one(client: Client) -> None:
    """The one before is good for 300 seconds, then it is `not latest`."""
    old = {"access_token": client.server.access_token}
    client.token()
    client.server.advance(299)
    assert client.call("staticfilelist", params=old).json()["errcode"] == 0
    client.server.advance(1)
    assert client.call("staticfilelist", params=old).json()["errcode"] == 40001


def test_a_token_expires_after_two_hours(client: Client) -> None:
    """A fetched token that nobody replaced is expired, not invalid."""
    client.token()
    client.server.advance(7200)
    assert client.call("staticfilelist").json()["errcode"] == 42001


def test_the_first_token_does_not_expire_by_age(client: Client) -> None:
    """A demo that is left open overnight still works; a fetch ends it all the same."""
    given = {"access_token": client.server.access_token}
    client.server.advance(30 * 86400)
    assert client.call("staticfilelist", params=given).json()["errcode"] == 0
    client.server.push_ticket("emulator-ticket")
    client.token()
    client.server.advance(300)
    assert client.call("staticfilelist", params=given).json()["errcode"] == 40001


def test_expire_token_ends_the_first_token(client: Client) -> None:
    """At once, whatever its age."""
    given = {"access_token": client.server.access_token}
    client.server.expire_token()
    assert client.call("staticfilelist", params=given).json()["errcode"] == 40001


def test_expire_token_replaces_the_token_at_once(client: Client) -> None:
    """The old token is refused at once, the new one is at hand."""
    old = {"access_token": client.server.access_token}
    client.server.expire_token()
    assert client.call("staticfilelist", params=old).json()["errcode"] == 40001
    assert client.call("staticfilelist").json()["errcode"] == 0


@pytest.mark.parametrize(
    ("params", "errcode"),
    [
        ({}, 41001),
        ({"access_token": ""}, 41001),
        ({"component_access_token": "emulator-access-token"}, 41001),
        ({"access_token": "never-given"}, 40014),
    ],
)
def test_a_missing_or_unknown_token_has_its_errcode(
    client: Client, params: dict[str, str], errcode: int
) -> None:
    """The token goes into a query parameter named access_token, and must be known."""
    assert client.call("staticfilelist", params=params).json()["errcode"] == errcode


def test_a_ticket_expires_after_twelve_hours_until_the_next_push(client: Client) -> None:
    """An old ticket is refused as expired; a pushed one works."""
    client.server.advance(12 * 3600)
    assert client.token().json()["errcode"] == 61005
    client.server.push_ticket("fresh")
    answer = client.token(component_verify_ticket="fresh").json()
    assert "component_access_token" in answer
