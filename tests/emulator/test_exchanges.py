"""One exchange: what all answers have in common."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
import requests

from .conftest import NOON, Client


def ahead(answer: requests.Response) -> float:
    """Return how far the Date of an answer is ahead, in seconds."""
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() - NOON


@pytest.mark.parametrize("skew", [0, 45, -45])
def test_a_quirk_moves_the_date_of_wechat_s_answers(client: Client, skew: int) -> None:
    client.server.quirks.api_date_skew = skew
    assert ahead(client.call("staticfilelist")) == skew
    assert (ahead(client.put("a")), ahead(client.get("/a"))) == (0, 0)


@pytest.mark.parametrize("skew", [45, -45])
def test_a_quirk_moves_the_date_of_cos_and_the_site(client: Client, skew: int) -> None:
    client.server.quirks.cos_date_skew = skew
    assert (ahead(client.put("a")), ahead(client.get("/a"))) == (skew, skew)
    assert ahead(client.call("staticfilelist")) == 0
