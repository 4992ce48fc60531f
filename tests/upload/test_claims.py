"""Claims: who may take a name, between the look and the PUT."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from wx_static_store.conf import options_for
from wx_static_store.conf.options import Options
from wx_static_store.upload.claims import claim, release

SHARED = "django.core.cache.backends.filebased.FileBasedCache"
IN_ANOTHER_PROCESS = """
import django
from django.conf import settings
settings.configure(
    CACHES={{"default": {{"BACKEND": "{backend}", "LOCATION": "{folder}"}}}},
    STORAGES={{"default": {{"BACKEND": "wx_static_store.storage.WxStorage"}}}},
    WX_STATIC_STORE={{"ENV": "{env}", "ACCESS_TOKEN": "x"}},
)
django.setup()
from wx_static_store.upload.claims import claim
from wx_static_store.conf import options_for
assert claim(options_for("default"), "a.txt")
"""


@pytest.fixture
def options(configure: Any) -> Options:
    configure()
    return options_for("default")


def elsewhere(call: Callable[..., Any], *args: Any) -> Any:
    """Return what another thread gets."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *args).result()


def test_a_key_is_claimed_by_one_thread_at_a_time(options: Options) -> None:
    assert claim(options, "a.txt")
    assert not elsewhere(claim, options, "a.txt")


def test_whoever_claimed_a_key_may_claim_it_again(options: Options) -> None:
    assert claim(options, "a.txt")
    assert claim(options, "a.txt")


def test_a_claim_is_of_one_key_of_one_environment(options: Options) -> None:
    claim(options, "a.txt")
    assert elsewhere(claim, options, "b.txt")
    assert elsewhere(claim, options.for_env("tenant-b"), "a.txt")


def test_a_released_key_can_be_claimed_by_others(options: Options) -> None:
    claim(options, "a.txt")
    release(options, "a.txt")
    assert elsewhere(claim, options, "a.txt")


def test_nobody_releases_the_claim_of_another(options: Options) -> None:
    elsewhere(claim, options, "a.txt")
    release(options, "a.txt")
    assert not claim(options, "a.txt")


def test_another_process_claims_through_a_shared_cache(options: Options, tmp_path: Path) -> None:
    facts = {"backend": SHARED, "folder": tmp_path, "env": options.env}
    code = IN_ANOTHER_PROCESS.format(**facts)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with override_settings(CACHES={"default": {"BACKEND": SHARED, "LOCATION": str(tmp_path)}}):
        assert not claim(options, "a.txt")
        assert claim(options, "b.txt")


class Released(LocMemCache):
    """A cache whose key is released just before the first look at it."""

    seen: ClassVar[set[str]] = set()

    def get(self, key: str, *args: Any, **options: Any) -> Any:
        if key not in self.seen:
            self.seen.add(key)
            self.delete(key)
        return super().get(key, *args, **options)


def test_a_key_that_is_released_at_this_moment_is_claimed_by_one(options: Options) -> None:
    backend = {"BACKEND": f"{__name__}.Released", "LOCATION": "released"}
    with override_settings(CACHES={"default": backend}):
        elsewhere(claim, options, "a.txt")
        assert claim(options, "a.txt")
        assert not elsewhere(claim, options, "a.txt")


@pytest.mark.parametrize("backend", ["dummy.DummyCache", "redis.RedisCache"])
def test_where_the_cache_keeps_nothing_every_claim_holds(options: Options, backend: str) -> None:
    nowhere = {
        "BACKEND": f"django.core.cache.backends.{backend}",
        "LOCATION": "redis://127.0.0.1:9",
    }
    with override_settings(CACHES={"default": nowhere}):
        assert claim(options, "a.txt")
        assert elsewhere(claim, options, "a.txt")


class Noted(LocMemCache):
    """A cache that notes for how long it is to keep what it is given."""

    seconds: ClassVar[list[Any]] = []

    def add(self, key: str, value: Any, timeout: Any = None, **options: Any) -> bool:
        self.seconds.append(timeout)
        return super().add(key, value, timeout, **options)


def test_a_claim_that_nobody_releases_ends_after_a_minute(options: Options) -> None:
    backend = {"BACKEND": f"{__name__}.Noted", "LOCATION": "noted"}
    with override_settings(CACHES={"default": backend}):
        assert claim(options, "a.txt")
    assert Noted.seconds == [60]
