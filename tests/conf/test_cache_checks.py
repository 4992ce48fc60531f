"""The cache of the platform's token: it works, all processes share it, and it is sealed."""

import sys
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import WARNING

from wx_static_store.conf import cache_checks

from .conftest import CREDENTIALS, LOCMEM, ids, messages


@pytest.mark.parametrize(
    "backend",
    ["locmem.LocMemCache", "dummy.DummyCache", "filebased.FileBasedCache", "db.DatabaseCache"],
)
def test_a_cache_that_cannot_share_a_token_is_named_and_an_error_at_deployment(
    project: Any, backend: str
) -> None:
    """T08: one message for the cache, however many stores use it."""
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "x"}
    project(CACHE=cache, ACCESS_TOKEN=None, **CREDENTIALS)
    assert ids() == ["wx_static_store.W007"]
    assert ids(deploy=True) == ["wx_static_store.W007", "wx_static_store.E009"]


def test_a_rate_that_each_process_would_keep_for_itself_is_a_warning(project: Any) -> None:
    project(CACHE={"BACKEND": LOCMEM}, API_RATE=100)
    [message] = messages()
    assert (message.id, message.level) == ("wx_static_store.W029", WARNING)
    assert message.msg == (
        "Each process keeps API_RATE for itself: they do not count in one cache 'default'."
    )


def test_a_rate_that_is_counted_in_redis_is_well(project: Any) -> None:
    project(API_RATE=100)
    assert ids() == []


def test_a_token_cache_that_is_not_configured_is_named(project: Any) -> None:
    project(TOKEN_CACHE="tokens", ACCESS_TOKEN=None, **CREDENTIALS)
    assert [m.msg for m in messages()] == [
        "The cache 'tokens' cannot hold the platform's token: it is not in CACHES."
    ]
    assert ids(deploy=True) == ["wx_static_store.E019"]


class OwnCache(LocMemCache):
    """A project's own, with a key of its own."""


def test_a_cache_of_the_project_s_own_is_checked_by_its_class(project: Any) -> None:
    cache = {"BACKEND": "tests.conf.test_cache_checks.OwnCache"}
    project(CACHE=cache, ACCESS_TOKEN=None, **CREDENTIALS)
    assert ids() == ["wx_static_store.W007"]


@pytest.mark.parametrize("cache", [{"BACKEND": "no.such.Cache"}, {"BACKEND": None}, {}, None])
def test_a_token_cache_that_cannot_be_made_is_an_error(project: Any, cache: Any) -> None:
    project(CACHE=cache, ACCESS_TOKEN=None, **CREDENTIALS)
    assert ids() == ["wx_static_store.E019"]


@pytest.mark.parametrize(
    ("backend", "library"),
    [
        ("redis.RedisCache", "redis"),
        ("memcached.PyMemcacheCache", "pymemcache"),
        ("memcached.PyLibMCCache", "pylibmc"),
    ],
)
def test_a_token_cache_whose_library_is_missing_is_an_error(
    project: Any, monkeypatch: pytest.MonkeyPatch, backend: str, library: str
) -> None:
    """Django's backends import it when they are used first: that would be the first upload."""
    monkeypatch.setitem(sys.modules, library, None)
    cache = {"BACKEND": f"django.core.cache.backends.{backend}"}
    project(CACHE=cache, ACCESS_TOKEN=None, **CREDENTIALS)
    [message] = messages()
    assert message.id == "wx_static_store.E019"
    assert f"the package {library} is not installed" in message.msg
    assert message.hint.startswith(f"Run pip install {library}.")


def test_a_token_that_nothing_seals_is_a_warning(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_checks, "is_available", lambda: False)
    project(ACCESS_TOKEN=None, **CREDENTIALS)
    (message,) = messages()
    assert (message.id, message.level) == ("wx_static_store.W022", WARNING)
    assert "wx_static_store[callback]" in str(message.hint)


def test_a_fixed_token_needs_no_seal(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_checks, "is_available", lambda: False)
    project()
    assert ids() == []


def test_a_fixed_token_needs_no_shared_cache(project: Any) -> None:
    project(CACHE={"BACKEND": LOCMEM})
    assert ids(deploy=True) == []
