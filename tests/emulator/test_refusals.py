"""What is refused before a call is looked at: its body and its parameters."""

from __future__ import annotations

import json

import pytest

from .conftest import ENV, Client, raw


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b'{"env": "\xff"}', 47001),
        (b"{}", 40101),
        (json.dumps({"env": ENV}).encode(), 40101),
    ],
)
def test_a_malformed_or_incomplete_body_is_refused(
    client: Client, body: bytes, errcode: int
) -> None:
    """Empty, not JSON, not an object, not UTF-8, or without a required field."""
    assert raw(client, body=body)["errcode"] == errcode
