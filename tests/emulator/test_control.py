"""The control plane, as curl sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables import each

from .conftest import ENV, NOON, Client


def error(client: Client, page: str, **more: Any) -> str:
    """Return the text of a refusal."""
    answer = client.control("POST", page, **more)
    assert answer.status_code == 400
    text: str = answer.json()["error"]
    return text


@pytest.mark.parametrize("page", ["", "../__emulator__"])
def test_the_root_of_the_control_plane_is_the_manual(client: Client, page: str) -> None:
    """The root explains everything in plain text, with and without its last slash."""
    answer = client.control("GET", page)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    for word in ("curl", "/__emulator__/faults", "stop_reading", "link_seconds"):
        assert word in answer.text


def test_the_state_shows_addresses_token_time_counts_and_quirks(client: Client) -> None:
    """Addresses, token, time, counts and quirks."""
    client.server.put_object("a", b"x")
    state = client.control("GET", "state").json()
    assert state["api_base_url"] == client.server.api_url
    assert state["access_token"] == client.server.access_token
    assert state["now"] == NOON
    assert state["quirks"]["page_size"] == 1000
    (env,) = state["envs"]
    assert (env["env"], env["url"], env["objects"]) == (ENV, client.server.site_url(), 1)


def test_the_journal_can_be_filtered_and_emptied(client: Client) -> None:
    """All requests, or those of a name or key; it can be emptied."""
    client.put("a")
    client.get("/b")
    assert len(client.control("GET", "journal").json()) == 3
    (entry,) = client.control("GET", "journal", params={"name": "put_object"}).json()
    assert (entry["key"], entry["status"]) == ("a", 200)
    assert len(client.control("GET", "journal", params={"key": "b"}).json()) == 1
    client.control("DELETE", "journal")
    assert client.control("GET", "journal").json() == []


def test_objects_are_shown_with_size_and_headers(client: Client) -> None:
    """Keys with sizes and headers, of one environment."""
    client.put("a.css", b"abc", Content_Type="text/css")
    objects = client.control("GET", "objects").json()
    assert objects["a.css"]["size"] == 3
    assert objects["a.css"]["headers"] == {"Content-Type": "text/css"}
    answer = client.control("GET", "objects", params={"env": "demo"})
    assert answer.status_code == 400


def test_an_object_is_put_damaged_and_deleted_without_wechat(client: Client) -> None:
    """What the console or another program does; the headers of a known object stay."""
    client.put("a.css", b"abc", Content_Type="text/css")
    at = {"params": {"key": "a.css", "env": ENV}}
    damaged = client.control("PUT", "objects", data=b"damaged", **at).json()
    assert (damaged["size"], damaged["headers"]) == (7, {"Content-Type": "text/css"})
    assert client.get("/a.css").content == b"damaged"
    client.control("PUT", "objects", params={"key": "b"}, data=b"new")
    assert [*client.control("DELETE", "objects", **at).json()] == ["b"]
    assert client.get("/a.css").status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_object_is_named_by_its_key(client: Client, method: str) -> None:
    assert "?key=static/a.css" in client.control(method, "objects").json()["error"]


def test_an_object_that_is_not_there_cannot_be_deleted(client: Client) -> None:
    client.put("a.css", b"abc")
    answer = client.control("DELETE", "objects", params={"key": "b.css"})
    assert "did you mean 'a.css'" in answer.json()["error"]


def test_faults_can_be_added_shown_and_cleared(client: Client) -> None:
    """One or several, seen and cleared."""
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": -1}
    client.control("POST", "faults", json=fault)
    client.control("POST", "faults", json=[fault, fault])
    assert client.call("staticuploadfile", {"filename": "a"}).json()["errcode"] == -1
    assert [item["times"] for item in client.control("GET", "faults").json()] == [0, 1, 1]
    client.control("DELETE", "faults")
    assert client.control("GET", "faults").json() == []


def test_quirks_are_set_all_or_none(client: Client) -> None:
    """Several at once: all or none."""
    client.control("POST", "quirks", json={"page_size": 2, "data_key": "data"})
    assert (client.server.quirks.page_size, client.server.quirks.data_key) == (2, "data")
    assert "data_key is 'Data' or 'data'" in error(
        client, "quirks", json={"page_size": 3, "data_key": "DATA"}
    )
    assert client.server.quirks.page_size == 2


def test_the_clock_only_goes_forward(client: Client) -> None:
    """Time moves on."""
    assert client.control("POST", "clock", json={"advance": 61}).json()["now"] == NOON + 61
    assert "only goes forward" in error(client, "clock", json={"advance": -1})


@each(
    "seconds", ["1e400", "-1e400", "NaN", "1" + "0" * 400, "1e300", "4e9", "true", "null", '"60"']
)
def test_the_clock_takes_sensible_numbers_only(client: Client, seconds: str) -> None:
    """Infinite, huge or no number: refused with an example, and the time stands."""
    text = error(client, "clock", data=f'{{"advance": {seconds}}}')
    assert "'advance'" in text
    assert "60" in text
    assert client.control("GET", "state").json()["now"] == NOON


def test_all_steps_of_the_clock_together_are_at_most_100_years(client: Client) -> None:
    """Many steps cannot lead where one cannot."""
    assert client.control("POST", "clock", json={"advance": 3e9}).status_code == 200
    assert "100 years in all" in error(client, "clock", json={"advance": 3e9})


@pytest.mark.parametrize("body", [b'{"page_size": 1e400}', b'{"latency_api": NaN}'])
def test_a_quirk_is_a_finite_number(client: Client, body: bytes) -> None:
    """Numbers that JSON cannot hold, but Python's reader lets through."""
    assert "takes a" in error(client, "quirks", data=body)


def test_an_environment_can_be_added_and_its_status_changed(client: Client) -> None:
    """A new environment has its own address; a known one keeps what is not given."""
    answer = client.control("POST", "envs", json={"env": "demo-2", "status": "none"}).json()
    assert (answer["status"], answer["url"]) == ("none", client.server.site_url("demo-2"))
    assert client.session.get(answer["url"] + "/a").status_code == 404
    again = client.control("POST", "envs", json={"env": "demo-2", "status": "online"}).json()
    assert (again["status"], again["url"]) == ("online", answer["url"])
    client.control("POST", "envs", json={"env": "demo-2", "status": "offline"})
    named = {"env": "demo-2", "condition": "HALTED", "appids": ["wxfake00000000000a"]}
    kept = client.control("POST", "envs", json=named).json()
    assert (kept["status"], kept["condition"]) == ("offline", "HALTED")
    assert kept["appids"] == ["wxfake00000000000a"]


def test_an_environment_takes_no_wrong_appid_and_no_wrong_type(client: Client) -> None:
    assert "is no appid" in error(client, "envs", json={"env": "demo-2", "appids": ["a"]})
    assert "HALTED" in error(client, "envs", json={"env": "demo-2", "condition": 1})


def test_an_account_can_be_authorized_and_withdrawn_without_a_push(client: Client) -> None:
    account = {"appid": "wxfake00000000000a"}
    assert client.control("POST", "accounts", json=account).json() == ["wxfake00000000000a"]
    assert client.control("GET", "state").json()["accounts"] == ["wxfake00000000000a"]
    withdrawn = {**account, "authorized": False}
    assert client.control("POST", "accounts", json=withdrawn).json() == []


def test_the_token_can_be_expired_and_a_ticket_set(client: Client) -> None:
    """Another system's refresh, and a pushed ticket."""
    token = client.control("POST", "expire-token").json()["access_token"]
    assert token == client.server.access_token
    answer = client.control("POST", "ticket", json={"ticket": "fresh"})
    assert answer.json() == {"ticket": "fresh"}
    assert "expires_in" in client.token(component_verify_ticket="fresh").json()


def test_a_reset_restores_the_start(client: Client) -> None:
    """Journal, faults, objects, clock, tokens, quirks and statuses as at the start."""
    client.put("a")
    client.token()
    client.server.script({"on": "*", "do": "reset"})
    client.server.quirks.page_size = 1
    client.server.advance(10)
    client.server.add_env(ENV, "offline")
    state = client.control("POST", "reset").json()
    assert (state["requests"], state["faults"], state["now"]) == (0, 0, NOON)
    assert state["access_token"] == "emulator-access-token"
    assert state["quirks"]["page_size"] == 1000
    assert (state["envs"][0]["objects"], state["envs"][0]["status"]) == (0, "online")


@each(
    ("page", "body", "text"),
    [
        ("fault", {}, "did you mean 'faults'"),
        ("faults", {"on": "put_object", "do": "rest"}, "did you mean 'reset'"),
        ("faults", {"on": "put_object", "do": "hang"}, "needs 'seconds'"),
        ("quirks", {"pagesize": 1}, "did you mean 'page_size'"),
        ("quirks", {"page_size": 0}, "takes a whole number such as 1000"),
        ("quirks", {"cors": 1}, "takes true or false such as False"),
        ("quirks", [], "a JSON object"),
        ("clock", {"seconds": 1}, "unknown member 'seconds'"),
        ("clock", {}, '{"advance": 60}'),
        ("envs", {"env": "../x"}, "no environment id"),
        ("envs", {"env": "x", "status": "onlin"}, "did you mean 'online'"),
        ("state", {}, "state takes GET, not POST"),
        ("push", {}, "set push_url"),
    ],
)
def test_wrong_input_is_refused_with_the_fix(
    client: Client, page: str, body: Any, text: str
) -> None:
    """400 and what would have been right."""
    assert text in error(client, page, json=body)


def test_a_body_that_is_not_json_is_named_as_such(client: Client) -> None:
    """A body that is no JSON is named as such."""
    assert "the body is not JSON" in error(client, "faults", data=b"{")
