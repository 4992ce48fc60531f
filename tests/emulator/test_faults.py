"""Faults by script: which request meets which fault."""

from __future__ import annotations

from typing import Any

from .conftest import Client


def errcodes(client: Client, *names: str) -> list[int]:
    """Return the errcode of an upload call for each key."""
    return [client.call("staticuploadfile", {"filename": name}).json()["errcode"] for name in names]


def errcode(number: int, **more: Any) -> dict[str, Any]:
    """Return a fault that is easy to see."""
    return {"on": "staticuploadfile", "do": "errcode", "errcode": number, **more}


def test_a_fault_applies_once(client: Client) -> None:
    """By default one request meets it."""
    client.server.script(errcode(-1))
    assert errcodes(client, "a", "a") == [-1, 0]


def test_a_fault_skips_requests_and_applies_several_times(client: Client) -> None:
    """Pass one, meet two, then pass."""
    client.server.script(errcode(-1, skip=1, times=2))
    assert errcodes(client, "a", "a", "a", "a") == [0, -1, -1, 0]


def test_a_fault_without_times_applies_for_ever(client: Client) -> None:
    """`times: null` never ends."""
    client.server.script(errcode(-1, times=None))
    assert errcodes(client, *"aaaa") == [-1] * 4


def test_a_fault_with_a_key_applies_to_that_key_only(client: Client) -> None:
    """The key is a glob; others pass and spend nothing."""
    client.server.script(errcode(-1, key="static/*.css"))
    assert errcodes(client, "static/a.js", "static/a.css") == [0, -1]


def test_a_fault_with_an_environment_applies_to_that_environment_only(client: Client) -> None:
    """Only the environment that was named."""
    client.server.add_env("demo-2")
    client.server.script(errcode(-1, env="demo-2"))
    assert errcodes(client, "a") == [0]
    answer = client.call("staticuploadfile", {"env": "demo-2", "filename": "a"})
    assert answer.json()["errcode"] == -1


def test_the_first_fault_that_is_not_spent_applies(client: Client) -> None:
    """Faults queue up."""
    client.server.script(errcode(-1), errcode(45011))
    assert errcodes(client, "a", "a", "a") == [-1, 45011, 0]


def test_the_journal_names_the_fault(client: Client) -> None:
    """So a test can distinguish scripted faults from others."""
    client.server.script(errcode(-1))
    errcodes(client, "a", "a")
    assert [entry.fault for entry in client.server.journal] == ["errcode", None]
