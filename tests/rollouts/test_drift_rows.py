"""Show when an environment is as it was deployed."""

import pytest

from wx_static_store.rollouts.models import Drift


@pytest.mark.parametrize(
    ("found", "clean"),
    [
        ({}, True),
        ({"unlogged": 3}, True),
        ({"missing": 1}, False),
        ({"differs": 1}, False),
        ({"message": "WeChat refused"}, False),
    ],
)
def test_clean_is_where_all_that_is_live_is_there(found: dict[str, int], clean: bool) -> None:
    assert Drift(env="shop-a", using="site", **found).is_clean is clean
