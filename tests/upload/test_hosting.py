"""What all processes remember of the static hosting of environments."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache

from wx_static_store.clients.wechat import StaticStore
from wx_static_store.conf import platform_options
from wx_static_store.upload.hosting import DAY, NEVER_OPENED, Hosting, Hostings

BROKEN = {"default": {"BACKEND": "tests.callback.conftest.BrokenCache"}}


def hostings() -> Hostings:
    return Hostings(platform_options())


def store(status: str = "online", domain: str = "a.example.com") -> StaticStore:
    return StaticStore(domain, status)


def test_address_state_and_time_are_read_by_another_process() -> None:
    kept = hostings().keep("a", store())
    assert kept.asked == pytest.approx(time.time(), abs=5)
    assert (kept.root, kept.status) == ("https://a.example.com/", "online")
    assert hostings().get("a") == kept


def test_each_of_many_environments_has_an_answer() -> None:
    hostings().keep("a", store("offline"))
    found = hostings().get_many(["a", "b"])
    assert [found["a"].status, found["b"]] == ["offline", Hosting()]


@pytest.mark.parametrize("found", [store(), store(""), store("process"), store("offline"), None])
def test_each_state_is_kept_for_a_day(found: Any) -> None:
    before = time.time()
    hostings().keep("a", found)
    [end] = cache._expire_info.values()  # type: ignore[attr-defined]
    assert before + DAY <= end <= time.time() + DAY


@pytest.mark.parametrize("found", [None, store("", ""), store("online", "")])
def test_hosting_that_was_never_opened_has_a_state_and_no_address(found: Any) -> None:
    kept = hostings().keep("a", found)
    assert (kept.root, kept.status) == ("", NEVER_OPENED)


def test_a_cache_that_fails_remembers_nothing(settings: Any) -> None:
    settings.CACHES = BROKEN
    assert hostings().keep("a", store()).root == "https://a.example.com/"
    assert hostings().get("a") == Hosting()
    assert hostings().get_many(["a"]) == {"a": Hosting()}
