"""Whether there is a token, and WeChat accepts it."""

from typing import Any

import pytest

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_that_wechat_accepts_is_well(examined: Examine) -> None:
    assert marks(examined())["token.accepted"] == "✓"


def test_a_spent_token_is_wrong_and_the_setting_is_named(examined: Examine, configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    assert "ACCESS_TOKEN is spent" in said(examined()["token.accepted"])
