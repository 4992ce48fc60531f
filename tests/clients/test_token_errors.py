"""What keeps a token from being fetched now."""

from collections.abc import Callable

import pytest

from wx_static_store.clients.token_errors import NO_CACHE, never_worked, slow, too_soon
from wx_static_store.exceptions import Remedy, WxStaticStoreError


@pytest.mark.parametrize("make", [lambda: too_soon(59.6, NO_CACHE), slow])
def test_a_fetch_that_has_to_wait_is_tried_again_later(
    make: Callable[[], WxStaticStoreError],
) -> None:
    error = make()
    assert (error.remedy, error.stage, error.stops_batch) == (Remedy.WAIT, "token", True)


def test_a_fetch_that_comes_too_soon_says_when_it_may_be() -> None:
    error = too_soon(59.6, NO_CACHE)
    assert error.pause == 59.6
    assert "in 60 s" in str(error)
    assert str(NO_CACHE) in str(error)


def test_a_token_that_never_worked_is_not_fetched_again() -> None:
    assert never_worked(40001).remedy is Remedy.GIVE_UP
    assert "COMPONENT_APPID and API_BASE_URL" in str(never_worked(40001))
