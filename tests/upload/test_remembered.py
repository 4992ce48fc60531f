"""What all processes remember of a platform."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from django.core.cache import cache

from wx_static_store.clients.platform import Quota, RefusedCall
from wx_static_store.conf import platform_options
from wx_static_store.core.shared_cache import FORM
from wx_static_store.core.types import RemoteFile
from wx_static_store.environments import _Tenant
from wx_static_store.upload.hosting import Hosting
from wx_static_store.upload.remembered import Remembered

KEPT = (Hosting, Quota, RefusedCall, RemoteFile, _Tenant)  # as tuples or dicts of their fields
BROKEN = {"default": {"BACKEND": "tests.callback.conftest.BrokenCache"}}


def remembered() -> Remembered:
    return Remembered(platform_options())


def test_a_value_is_read_by_another_process() -> None:
    remembered().write("a", {"b": [1]}, 60)
    assert remembered().read("a") == {"b": [1]}


@pytest.mark.parametrize(
    "keep",
    [
        lambda kept: kept.write("a", 1, 60),
        lambda kept: kept.claim("a", 60),
        lambda kept: kept.count("a", 0, 60),
    ],
    ids=["value", "claim", "count"],
)
def test_what_is_kept_ends_after_its_seconds(keep: Callable[[Remembered], object]) -> None:
    before = time.time()
    keep(remembered())
    [end] = cache._expire_info.values()  # type: ignore[attr-defined]
    assert before + 60 <= end <= time.time() + 60


def test_what_was_never_written_is_nothing() -> None:
    assert remembered().read("a") is None


def test_a_value_in_another_form_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered().write("a", 1, 60)
    monkeypatch.setattr("wx_static_store.upload.remembered.FORM", FORM + 1)
    assert remembered().read("a") is None


def test_fields_that_lie_in_the_cache_change_with_the_form() -> None:
    kept = {kind.__name__: [field.name for field in fields(kind)] for kind in KEPT}
    assert (FORM, kept) == (
        1,
        {
            "Hosting": ["root", "status", "asked"],
            "Quota": ["daily_limit", "used", "remain", "calls", "seconds"],
            "RefusedCall": [
                *("time", "cost_ms", "client_ip", "request_url", "request_body", "response_body")
            ],
            "RemoteFile": ["key", "size", "md5", "last_modified"],
            "_Tenant": ["env", "alias", "appids", "withdrawn"],
        },
    ), "raise FORM in core/shared_cache.py, and write the new fields here"


def test_another_platform_remembers_apart(settings: Any) -> None:
    remembered().write("a", 1, 60)
    other = {"COMPONENT_APPID": "wx0000000000000009"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | other
    assert remembered().read("a") is None


def test_each_number_of_a_count_is_given_once_to_all_processes() -> None:
    assert [remembered().count("a", 0, 60) for _process in range(3)] == [1, 2, 3]


def test_a_count_begins_above_what_has_passed_for_whoever_is_first() -> None:
    assert [remembered().count("a", passed, 60) for passed in (7, 9)] == [8, 9]


def test_there_is_no_number_while_the_cache_fails(settings: Any) -> None:
    settings.CACHES = BROKEN
    assert remembered().count("a", 0, 60) is None


def test_one_of_many_gets_a_claim() -> None:
    assert [remembered().claim("a", 60) for _number in range(3)] == [True, False, False]


def test_a_cache_that_fails_remembers_nothing_and_lets_each_ask(settings: Any) -> None:
    settings.CACHES = BROKEN
    remembered().write("a", 1, 60)
    assert remembered().read("a") is None
    assert [remembered().claim("a", 60) for _number in range(2)] == [True, True]


def test_what_is_forgotten_can_be_claimed_again() -> None:
    remembered().claim("a", 60)
    remembered().forget("a")
    assert remembered().claim("a", 60)
