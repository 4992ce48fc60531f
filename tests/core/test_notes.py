"""A cache that fails costs one question, and nothing else; what all processes note in it."""

import time
from collections.abc import Callable
from dataclasses import fields
from threading import Thread
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from tests.callback.conftest import BROKEN
from tests.notes import plant, planted
from wx_static_store import exceptions
from wx_static_store.clients.platform import Quota, RefusedCall
from wx_static_store.core.notes import FORM, REST_SECONDS, Notes, SharedCache
from wx_static_store.core.pushes import RefusedPush
from wx_static_store.core.types import RemoteFile
from wx_static_store.environments import _Tenant
from wx_static_store.upload.hosting import Hosting

# What is noted as tuples or dicts of its fields.
NOTED = (Hosting, Quota, RefusedCall, RefusedPush, RemoteFile, _Tenant)


class Cache(dict[str, Any]):
    """Keep what it is given while it works; count what it is asked."""

    works, asked = True, 0

    def get(self, key: str, *args: Any) -> Any:
        self.asked += 1
        if not self.works:
            raise ConnectionError(f"no answer for {key}")
        return super().get(key, *args)


def test_the_shared_cache_returns_what_the_cache_returns() -> None:
    assert SharedCache(lambda: Cache(a=1)).get("a") == 1
    assert SharedCache(lambda: Cache()).get("a", 2) == 2


def test_a_failing_cache_is_reported_and_left_alone_for_a_while() -> None:
    cache, reported, clock = Cache(a=1), [], [1000.0]
    shared = SharedCache(lambda: cache, reported.append, lambda: clock[0])
    cache.works = False
    assert [shared.get("a") for _ in range(5)] == [None] * 5
    assert shared.get("a", []) == []
    assert (reported, cache.asked) == (["ConnectionError"], 1)
    cache.works = True
    clock[0] += REST_SECONDS
    assert shared.get("a") == 1


def test_a_cache_that_failed_in_one_thread_rests_for_all_who_ask_its_alias(settings: Any) -> None:
    settings.CACHES = BROKEN
    thread = Thread(target=SharedCache("default").get, args=["a"])
    thread.start()
    thread.join(10)
    assert SharedCache("default").rests
    assert Notes("kind", "default", seconds=60).rests
    assert not SharedCache("another").rests


def test_each_who_asks_a_resting_cache_reports_the_failure_once(settings: Any) -> None:
    settings.CACHES = BROKEN
    reported: list[str] = []
    for who in ("one", "other"):
        shared = SharedCache("default", lambda why, who=who: reported.append(f"{who}: {why}"))  # type: ignore[misc]
        assert [shared.get("a"), shared.get("b")] == [None, None]
    assert reported == ["one: ConnectionError", "other: ConnectionError"]


def test_a_clock_that_is_set_back_does_not_prolong_the_pause_of_the_cache() -> None:
    clock = [1000.0]
    shared = SharedCache(lambda: Cache(a=1), now=lambda: clock[0])
    shared.rest("it keeps nothing")
    assert shared.rests
    clock[0] -= 3600
    assert shared.get("a") == 1


def test_a_cache_that_is_not_configured_is_one_that_fails() -> None:
    reported: list[str] = []
    assert SharedCache("missing", reported.append).get("a") is None
    assert reported == ["InvalidCacheBackendError"]


def test_an_interruption_is_no_failure_of_the_cache() -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SharedCache(interrupt).get("a")


def test_any_method_of_the_shared_cache_reaches_the_cache() -> None:
    cache = LocMemCache("named", {})
    SharedCache(lambda: cache).set("a", 1, timeout=0)
    assert cache.get("a") is None


# --- notes ----------------------------------------------------------------------------------------


@pytest.fixture
def notes() -> Notes:
    return Notes("kind", "default", seconds=60)


def test_a_value_is_read_by_another_process(notes: Notes) -> None:
    notes.write("a", {"b": [1, None]})
    assert planted("kind", "a") == {"b": [1, None]}


def test_values_of_another_kind_or_about_another_thing_are_apart(notes: Notes) -> None:
    notes.write("a", 1)
    assert planted("another", "a") is None
    assert planted("kind", "a", about="tenant-b") is None


@pytest.mark.parametrize("name", ["a" * 500, "a b", "茶馆/页面.html"])
def test_a_name_may_be_longer_than_a_key_of_memcached_and_in_any_language(
    notes: Notes, name: str
) -> None:
    notes.write(name, 1)
    assert notes.read(name) == 1


def test_many_values_are_one_question(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.write("a", 1)
    monkeypatch.setattr(LocMemCache, "get", None)
    monkeypatch.setattr(LocMemCache, "get_many", lambda self, keys: {keys[0]: "1"})
    assert notes.read_many(["a", "b"]) == {"a": 1, "b": None}


@pytest.mark.parametrize(
    ("keep", "seconds"),
    [
        (lambda notes: notes.write("a", 1), 60),
        (lambda notes: notes.write("a", 1, 4.2), 5),
        (lambda notes: notes.write("a", 1, 0), 1),
        (lambda notes: notes.first("a"), 60),
        (lambda notes: notes.first("a", seconds=30), 30),
        (lambda notes: notes.count("a", 0, 30), 30),
        (lambda notes: notes.write("a", 1, 5) or notes.prolong("a"), 60),
    ],
)
def test_what_is_noted_ends_after_its_seconds(
    notes: Notes, keep: Callable[[Notes], object], seconds: int
) -> None:
    before = time.time()
    keep(notes)
    [end] = cache._expire_info.values()  # type: ignore[attr-defined]
    assert before + seconds <= end <= time.time() + seconds


@pytest.mark.parametrize("junk", [5.5, b"\xff", "no JSON", {"a": 1}])
def test_what_is_no_json_is_nothing(notes: Notes, junk: Any) -> None:
    cache.set(notes._key("a"), junk)
    assert notes.read("a") is None


def test_a_value_in_another_form_is_nothing(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.write("a", 1)
    monkeypatch.setattr("wx_static_store.core.notes.FORM", FORM + 1)
    assert notes.read("a") is None


def test_what_is_noted_changes_with_the_form() -> None:
    noted = {kind.__name__: [field.name for field in fields(kind)] for kind in NOTED}
    kinds = exceptions._KINDS.items()
    errors = {name for name, kind in kinds if kind.__module__ == exceptions.__name__}
    assert (FORM, noted, errors) == (
        1,
        {
            "Hosting": ["root", "status", "asked"],
            "Quota": ["daily_limit", "used", "remain", "calls", "seconds"],
            "RefusedCall": [
                *("time", "cost_ms", "client_ip", "request_url", "request_body", "response_body")
            ],
            "RefusedPush": ["reason", "at"],
            "RemoteFile": ["key", "size", "md5", "last_modified"],
            "_Tenant": ["env", "alias", "appids", "withdrawn"],
        },
        {
            *("ConfigurationError", "ConnectFailed", "CosError", "CosRefused", "CosThrottled"),
            *("DeadlineExceeded", "IntegrityError", "LinkExpired", "NameRejected", "ProtocolError"),
            *("ResponseLost", "SourceChanged", "SourceError", "TlsFailed", "TokenError"),
            *("TokenRejected", "TokenUnavailable", "TransportError", "UploadFailed", "WeChatBusy"),
            *("WeChatError", "WeChatRefused", "WeChatThrottled", "WxStaticStoreError"),
        },
    ), "raise FORM in core/notes.py, and write the new fields or errors here"


def test_the_first_of_many_is_told_from_the_others(notes: Notes) -> None:
    assert [notes.first("a", number) for number in range(3)] == [True, False, False]
    assert notes.read("a") == 0


def test_one_of_many_takes_a_value(notes: Notes) -> None:
    notes.write("a", 1)
    assert [notes.take("a") for _number in range(3)] == [True, False, False]


def test_what_is_forgotten_is_nothing(notes: Notes) -> None:
    plant("kind", "a", 1)
    plant("kind", "b", 1)
    notes.forget("a", "b")
    assert notes.read_many(["a", "b"]) == {"a": None, "b": None}


def test_each_number_of_a_count_is_given_once_to_all_processes(notes: Notes) -> None:
    assert [notes.count("a", 0, 60) for _process in range(3)] == [1, 2, 3]


def test_a_count_begins_above_what_has_passed_for_whoever_is_first(notes: Notes) -> None:
    assert [notes.count("a", passed, 60) for passed in (7, 9)] == [8, 9]


def test_nothing_is_noted_while_the_cache_fails(notes: Notes, settings: Any) -> None:
    settings.CACHES = BROKEN
    notes.write("a", 1)
    notes.forget("a")
    assert notes.read("a") is None
    assert notes.read_many(["a"]) == {"a": None}
    assert (notes.first("a"), notes.count("a", 0, 60), notes.take("a")) == (None, None, False)
