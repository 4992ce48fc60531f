"""Claims: who may take a name, between the look and the PUT."""

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from wx_static_store.conf import options_for
from wx_static_store.conf.options import Options
from wx_static_store.upload import claims
from wx_static_store.upload.claims import Claim, drop_claim

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
from wx_static_store.upload.claims import Claim
from wx_static_store.conf import options_for
assert Claim().take(options_for("default"), "a.txt")
"""


@pytest.fixture
def options(configure: Any) -> Options:
    configure()
    return options_for("default")


def claim(options: Options, key: str) -> bool:
    """Return whether a new save may claim the key."""
    return Claim().take(options, key)


def test_a_key_is_claimed_by_one_save_at_a_time_even_in_one_thread(options: Options) -> None:
    assert claim(options, "a.txt")
    assert not claim(options, "a.txt")


def test_a_save_may_claim_its_key_again(options: Options) -> None:
    save = Claim()
    assert save.take(options, "a.txt")
    assert save.take(options, "a.txt")


def test_a_claim_is_of_one_key_of_one_environment(options: Options) -> None:
    claim(options, "a.txt")
    assert claim(options, "b.txt")
    assert claim(options.for_env("tenant-b"), "a.txt")


def test_a_released_key_can_be_claimed_by_others(options: Options) -> None:
    save = Claim()
    save.take(options, "a.txt")
    save.take(options, "b.txt")
    save.release("a.txt")
    assert claim(options, "a.txt")
    assert not claim(options, "b.txt")
    save.release()
    assert claim(options, "b.txt")


def test_nobody_releases_the_claim_of_another(options: Options) -> None:
    first, second = Claim(), Claim()
    first.take(options, "a.txt")
    second.take(options, "a.txt")
    second.release()
    assert not claim(options, "a.txt")


def test_a_claim_that_ended_by_itself_is_not_released_for_its_next_holder(
    options: Options,
) -> None:
    first = Claim()
    first.take(options, "a.txt")
    drop_claim(options, "a.txt")
    claim(options, "a.txt")
    first.release()
    assert not claim(options, "a.txt")


def test_another_process_claims_through_a_shared_cache(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SCOPE", "")
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
        claim(options, "a.txt")
        assert claim(options, "a.txt")
        assert not claim(options, "a.txt")


@pytest.mark.parametrize("backend", ["dummy.DummyCache", "redis.RedisCache"])
def test_where_the_cache_keeps_nothing_every_claim_holds(options: Options, backend: str) -> None:
    nowhere = {
        "BACKEND": f"django.core.cache.backends.{backend}",
        "LOCATION": "redis://127.0.0.1:9",
    }
    with override_settings(CACHES={"default": nowhere}):
        assert claim(options, "a.txt")
        assert claim(options, "a.txt")


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
