"""The calls of the open platform: who may call."""

from __future__ import annotations

from .conftest import ENV, Client, raw


def test_a_get_of_a_call_is_refused(client: Client) -> None:
    """GET is 43002."""
    assert raw(client, "GET")["errcode"] == 43002


def test_an_unknown_call_is_404(client: Client) -> None:
    """Another API is not emulated, and says so."""
    answer = client.call("batchdeletefile")
    assert answer.status_code == 404
    assert client.server.journal[-1].name == "other"


def test_each_call_is_in_the_journal(client: Client) -> None:
    """Name, environment, key, verdict and headers of each call."""
    client.call("staticuploadfile", {"filename": "a/b.css"})
    (entry,) = client.server.calls("staticuploadfile", key="a/b.css")
    assert (entry.number, entry.env, entry.method, entry.status) == (1, ENV, "POST", 200)
    assert entry.errcode == 0
    assert entry.headers["content-type"] == "application/json"
    assert entry.body_size == int(entry.headers["content-length"])
