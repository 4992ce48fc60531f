"""The newest refused push, in a cache that callback and doctor share."""

import json
import time
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.cache import cache

from tests.tables import each
from wx_static_store.core.pushes import (
    EVERY,
    HINTS,
    KEPT,
    RefusedPush,
    keep_refused,
    newest_refused,
)
from wx_static_store.core.shared_cache import SharedCache

APPID = "wx0000000000000001"
KEY = f"wx_static_store:refused:{APPID}"


@pytest.fixture
def shared() -> SharedCache:
    return SharedCache(lambda: cache)


def test_the_newest_refused_push_has_its_reason_and_its_time(shared: SharedCache) -> None:
    keep_refused(shared, APPID, "signature", now=lambda: 100.0)
    keep_refused(shared, APPID, "padding", now=lambda: 200.0)
    assert newest_refused(shared, APPID) == RefusedPush("padding", 200.0)


def test_each_platform_has_refused_pushes_of_its_own(shared: SharedCache) -> None:
    keep_refused(shared, APPID, "signature")
    assert newest_refused(shared, "wx2") is None


def test_a_flood_of_refused_pushes_is_one_write(shared: SharedCache) -> None:
    for second in range(EVERY):
        keep_refused(shared, APPID, "signature", now=lambda at=second: float(at))  # type: ignore[misc]
    assert newest_refused(shared, APPID) == RefusedPush("signature", 0.0)


@pytest.mark.parametrize("reason", ["padding", "length", "appid", "xml", "base64"])
def test_a_signed_push_costs_one_write_whatever_it_is_refused_for(reason: str) -> None:
    """Else a reason that is new in this minute would take longer than the others."""
    asked = Mock()
    for _ in range(2):
        keep_refused(SharedCache(lambda: asked), APPID, reason, signed=True)
    assert [name for name, *_ in asked.method_calls] == ["set", "set"]


def test_a_refused_push_is_kept_for_a_day(shared: SharedCache) -> None:
    before = time.time()
    keep_refused(shared, APPID, "signature")
    forgotten = cache._expire_info[cache.make_key(KEY)]  # type: ignore[attr-defined]
    assert before + KEPT <= forgotten <= time.time() + KEPT
    assert KEPT == 24 * 3600


def test_a_reason_is_kept_again_after_its_minute(shared: SharedCache) -> None:
    before = time.time()
    keep_refused(shared, APPID, "signature")
    again = cache._expire_info[cache.make_key(f"{KEY}:signature")]  # type: ignore[attr-defined]
    assert before + EVERY <= again <= time.time() + EVERY


def test_a_flood_at_one_platform_does_not_hide_the_push_of_another(shared: SharedCache) -> None:
    keep_refused(shared, "wx2", "signature")
    keep_refused(shared, APPID, "signature", now=lambda: 100.0)
    assert newest_refused(shared, APPID) == RefusedPush("signature", 100.0)


@pytest.mark.parametrize("reason", ["method", "parameters", "xml", "size"])
def test_a_reason_that_no_setting_mends_is_not_kept(reason: str, shared: SharedCache) -> None:
    keep_refused(shared, APPID, reason)
    assert reason not in HINTS
    assert newest_refused(shared, APPID) is None


@each(
    "junk",
    [
        5,
        b"\xff",
        "no JSON",
        "[]",
        "{}",
        json.dumps({"reason": "signature"}),
        json.dumps({"reason": "signature", "at": "noon"}),
        json.dumps({"reason": "signature", "at": 10**400}),
        json.dumps({"reason": ["signature"], "at": 1}),
        json.dumps({"reason": "another", "at": 1}),
    ],
)
def test_junk_in_the_cache_is_no_refused_push(junk: Any, shared: SharedCache) -> None:
    cache.set(KEY, junk)
    assert newest_refused(shared, APPID) is None


def test_a_signed_push_that_no_setting_repairs_is_not_shown(shared: SharedCache) -> None:
    keep_refused(shared, APPID, "xml", signed=True)
    assert newest_refused(shared, APPID) is None


def test_a_cache_that_fails_keeps_nothing_and_raises_nothing() -> None:
    broken = SharedCache(lambda: {}["missing"])
    keep_refused(broken, APPID, "signature")
    assert newest_refused(broken, APPID) is None
