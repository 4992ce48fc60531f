"""The newest refused push, in a cache that callback and doctor share."""

import time
from unittest.mock import Mock

import pytest
from django.core.cache import cache

from wx_static_store.core.notes import Notes
from wx_static_store.core.pushes import (
    EVERY,
    HINTS,
    KEPT,
    RefusedPush,
    keep_refused,
    newest_refused,
)

APPID = "wx0000000000000001"


def expires(name: str) -> float:
    key = Notes("refused", "default", seconds=1, about=APPID)._key(name)
    seconds: float = cache._expire_info[cache.make_key(key)]  # type: ignore[attr-defined]
    return seconds


def test_the_newest_refused_push_has_its_reason_and_its_time() -> None:
    keep_refused("default", APPID, "signature", now=lambda: 100.0)
    keep_refused("default", APPID, "padding", now=lambda: 200.0)
    assert newest_refused("default", APPID) == RefusedPush("padding", 200.0)


def test_each_platform_has_refused_pushes_of_its_own() -> None:
    keep_refused("default", APPID, "signature")
    assert newest_refused("default", "wx2") is None


def test_a_flood_of_refused_pushes_is_one_write() -> None:
    for second in range(EVERY):
        keep_refused("default", APPID, "signature", now=lambda at=second: float(at))  # type: ignore[misc]
    assert newest_refused("default", APPID) == RefusedPush("signature", 0.0)


@pytest.mark.parametrize("reason", ["padding", "length", "appid", "xml", "base64"])
def test_a_signed_push_costs_one_write_whatever_it_is_refused_for(reason: str) -> None:
    """Else a reason that is new in this minute would take longer than the others."""
    asked = Mock()
    for _ in range(2):
        keep_refused(lambda: asked, APPID, reason, signed=True)
    assert [name for name, *_ in asked.method_calls] == ["set", "set"]


def test_a_refused_push_is_kept_for_a_day() -> None:
    before = time.time()
    keep_refused("default", APPID, "signature")
    forgotten = expires("newest")
    assert before + KEPT <= forgotten <= time.time() + KEPT
    assert KEPT == 24 * 3600


def test_a_reason_is_kept_again_after_its_minute() -> None:
    before = time.time()
    keep_refused("default", APPID, "signature")
    again = expires("signature")
    assert before + EVERY <= again <= time.time() + EVERY


def test_a_flood_at_one_platform_does_not_hide_the_push_of_another() -> None:
    keep_refused("default", "wx2", "signature")
    keep_refused("default", APPID, "signature", now=lambda: 100.0)
    assert newest_refused("default", APPID) == RefusedPush("signature", 100.0)


@pytest.mark.parametrize("reason", ["method", "parameters", "xml", "size"])
def test_a_reason_that_no_setting_mends_is_not_kept(reason: str) -> None:
    keep_refused("default", APPID, reason)
    assert reason not in HINTS
    assert newest_refused("default", APPID) is None


def test_a_signed_push_that_no_setting_repairs_is_not_shown() -> None:
    keep_refused("default", APPID, "xml", signed=True)
    assert newest_refused("default", APPID) is None


def test_a_cache_that_fails_keeps_nothing_and_raises_nothing() -> None:
    keep_refused("missing", APPID, "signature")
    assert newest_refused("missing", APPID) is None
