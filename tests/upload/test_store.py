"""`get_store`: one store for each environment; what is in it, and its addresses."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, ClassVar

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from tests.conftest import ENV
from wx_static_store.core.types import DELETED, RemoteFile
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    TokenRejected,
    WeChatThrottled,
)
from wx_static_store.upload import store
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


# --- aliases and environments -----------------------------------------------------------------


def test_the_same_alias_gives_the_same_store(cloud: EmulatorServer) -> None:
    assert get_store() is get_store()
    assert get_store("staticfiles") is not get_store()


def test_an_alias_of_another_storage_is_refused_with_ours_named(cloud: EmulatorServer) -> None:
    with pytest.raises(ConfigurationError, match="Aliases with such a storage: default"):
        get_store("nope")


def test_the_argument_env_addresses_another_environment(cloud: EmulatorServer) -> None:
    assert get_store(env="tenant-b").env == "tenant-b"
    assert get_store(env="tenant-b").root() == cloud.site_url("tenant-b") + "/"


def test_tenants_and_aliases_share_the_token_provider(cloud: EmulatorServer) -> None:
    assert get_store(env="tenant-b").tokens is get_store().tokens
    assert get_store("staticfiles").tokens is get_store().tokens


def test_threads_that_start_cold_share_one_token_provider(cloud: EmulatorServer) -> None:
    start = threading.Barrier(16)

    def ask(n: int) -> Any:
        start.wait(10)
        return get_store(env=f"tenant-{n % 4}").tokens

    with ThreadPoolExecutor(16) as pool:
        assert len(set(map(id, pool.map(ask, range(16))))) == 1


def test_changed_settings_give_another_store(cloud: EmulatorServer) -> None:
    before = get_store()
    with override_settings(WX_STATIC_STORE={"ENV": "tenant-b", "ACCESS_TOKEN": "t"}):
        assert get_store().env == "tenant-b"
    assert get_store() is before


# --- addresses --------------------------------------------------------------------------------


def test_the_address_of_the_site_is_asked_once_and_cached(cloud: EmulatorServer) -> None:
    for env in ("tenant-b", "tenant-b", ENV, ENV):
        get_store(env=env).url("a b.txt")
        store._store.cache_clear()  # another process, which shares the cache
    assert len(cloud.calls("describestaticstore")) == 2


class NotedCache(LocMemCache):
    """A cache that notes for how long it is to keep what it is given."""

    seconds: ClassVar[list[Any]] = []

    def set(self, key: str, value: Any, timeout: Any = None, **options: Any) -> None:
        self.seconds.append(timeout)
        super().set(key, value, timeout, **options)


def test_the_address_of_the_site_is_cached_for_a_day(configure: Any) -> None:
    configure(CACHES={"default": {"BACKEND": f"{__name__}.NotedCache", "LOCATION": "noted"}})
    get_store().root()
    assert NotedCache.seconds == [24 * 3600]


@pytest.mark.parametrize("cache", ["DeadCache", "ReadOnlyCache"])
def test_a_cache_that_fails_costs_a_call_and_nothing_else(configure: Any, cache: str) -> None:
    cloud = configure(CACHES={"default": {"BACKEND": f"tests.upload.test_store.{cache}"}})
    assert get_store().url("a.txt") == f"{cloud.site_url()}/a.txt"


class DeadCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("no cache here")

    set = delete = get


class ReadOnlyCache(DeadCache):
    def get(self, *args: Any, **kwargs: Any) -> Any:
        return None


@pytest.mark.parametrize("stores", [None, [{"domain": ""}]])
def test_hosting_that_is_off_is_a_configuration_error(cloud: EmulatorServer, stores: Any) -> None:
    cloud.script({"on": "describestaticstore", "do": "merge", "json": {"Data": stores}})
    with pytest.raises(ConfigurationError, match="not enabled"):
        get_store(env="tenant-b").root()


def test_an_address_is_known_once_it_was_asked_for(cloud: EmulatorServer) -> None:
    assert get_store().known_url("a.txt") == ""
    assert cloud.journal == []
    url = get_store().url("a.txt")
    store._store.cache_clear()  # another process, which shares the cache
    assert get_store().known_url("a.txt") == url
    assert len(cloud.calls("describestaticstore")) == 1


def test_an_absolute_media_url_is_the_address(cloud: EmulatorServer) -> None:
    with override_settings(MEDIA_URL="https://m.example.com/media/"):
        assert get_store().url("a.txt") == "https://m.example.com/media/a.txt"
    assert cloud.journal == []


def test_an_address_below_an_absolute_url_is_known_and_says_nothing_of_the_site(
    configure: Any,
) -> None:
    cloud = configure(STATIC_URL="https://s.example.com/x/")
    at = get_store("staticfiles")
    assert at.known_url("static/a.txt") == at.url("a.txt") == "https://s.example.com/x/a.txt"
    assert cloud.journal == []
    assert at.root() == f"{cloud.site_url()}/"


def test_an_address_beside_the_location_of_a_store_is_below_the_site(
    cloud: EmulatorServer,
) -> None:
    at = get_store("staticfiles")
    assert at.key_url("static/a b.txt") == f"{cloud.site_url()}/static/a%20b.txt"
    assert at.key_url("other/static/") == f"{cloud.site_url()}/other/static/"
    assert at.known_url("other/a.txt") == f"{cloud.site_url()}/other/a.txt"


def test_an_absolute_url_that_ends_with_the_location_is_the_site_s_address(configure: Any) -> None:
    cloud = configure(STATIC_URL="https://s.example.com/static/")
    at = get_store("staticfiles")
    assert (at.root(), at.url("a.txt")) == (
        "https://s.example.com/",
        "https://s.example.com/static/a.txt",
    )
    assert cloud.journal == []


def test_base_url_is_the_site_s_address(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"BASE_URL": "https://www.example.com"})
    assert get_store().url("a.txt") == "https://www.example.com/a.txt"
    assert cloud.journal == []


def test_a_site_beyond_this_machine_is_addressed_by_https(cloud: EmulatorServer) -> None:
    stores = [{"domain": "d.example.com"}]
    cloud.script({"on": "describestaticstore", "do": "merge", "json": {"Data": stores}})
    assert get_store().root() == "https://d.example.com/"


# --- what is in the cloud ---------------------------------------------------------------------


def test_an_object_is_found_by_its_exact_key(cloud: EmulatorServer) -> None:
    cloud.put_object("A.txt.zip", b"other")
    assert get_store().find("A.txt") is None
    cloud.put_object("A.txt", b"hello")
    found = get_store().find("A.txt")
    assert found
    assert (found.key, found.size, found.md5) == ("A.txt", 5, "5d41402abc4b2a76b9719d911017c592")


def test_an_object_is_looked_for_at_the_environment_of_the_store(cloud: EmulatorServer) -> None:
    cloud.put_object("A.txt", b"hello", env="tenant-b")
    assert get_store().find("A.txt") is None
    assert get_store(env="tenant-b").find("A.txt")


def test_all_objects_below_a_prefix_but_the_deleted_ones_are_listed(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"page_size": 2})
    for key in ("A/1", "A/2", "A/4", "A/5", "B"):
        cloud.put_object(key, b"hello")
    cloud.put_object("A/3", DELETED)
    assert [file.key for file in get_store().sweep("A/")] == ["A/1", "A/2", "A/4", "A/5"]
    assert len(cloud.calls("staticfilelist")) == 3


@pytest.mark.parametrize(
    ("body", "deleted"),
    [(DELETED, True), (b"x" * len(DELETED), False), (DELETED[:-1], False), (b"", False)],
)
@pytest.mark.parametrize("md5", ["plain", "multipart"])
def test_an_object_of_the_deletion_marker_s_bytes_is_deleted(
    cloud: EmulatorServer, body: bytes, deleted: bool, md5: str
) -> None:
    """The site is asked where the list gives no MD5."""
    cloud.quirks.update({"list_md5": md5})
    cloud.put_object("A.txt", body)
    [file] = get_store().page("A.txt", "").files
    assert get_store().is_deleted(file) is deleted


def test_an_object_that_the_site_does_not_have_is_not_deleted(cloud: EmulatorServer) -> None:
    assert not get_store().is_deleted(RemoteFile("gone.txt", len(DELETED), None, None))


def test_the_public_bytes_of_a_key_are_fetched(cloud: EmulatorServer) -> None:
    cloud.put_object("static/a b.txt", b"hello")
    at, sink = get_store("staticfiles"), BytesIO()
    assert at.fetch("static/a b.txt", sink)
    assert sink.getvalue() == b"hello"
    assert at.fetch("static/other.txt", sink) is None


@pytest.mark.usefixtures("no_pauses")
def test_a_fetch_is_tried_again(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    cloud.put_object("a.txt", b"hello")
    busy = {"on": "get_object", "do": "status", "status": 503, "times": 2}
    cloud.script(busy | {"times": 1})
    assert get_store().fetch("a.txt", BytesIO())
    cloud.script(busy)
    with pytest.raises(OSError, match="503"):
        get_store().fetch("a.txt", BytesIO())
    assert len(cloud.calls("get_object")) == 4


def test_a_fetch_ends_with_the_deadline(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 0.5})
    cloud.put_object("a.txt", b"hello")
    cloud.script({"on": "get_object", "do": "hang", "seconds": 30})
    with pytest.raises(DeadlineExceeded):
        get_store().fetch("a.txt", BytesIO())


# --- questions and their time -----------------------------------------------------------------


def test_an_error_of_a_question_names_the_environment(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with pytest.raises(WeChatThrottled) as caught:
        get_store().find("a.txt")
    assert (caught.value.env, caught.value.stage) == (ENV, "name")


class Provider:
    discarded: ClassVar[list[str]] = []

    def get(self) -> str:
        return "stale"

    def invalidate(self, token: str) -> None:
        self.discarded.append(token)


def test_a_token_that_a_question_is_refused_for_is_discarded(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"TOKEN_PROVIDER": Provider, "MAX_ATTEMPTS": 2})
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with pytest.raises(WeChatThrottled):
        get_store().find("a.txt")
    assert Provider.discarded == []
    with pytest.raises(TokenRejected):
        get_store().find("a.txt")
    assert Provider.discarded == ["stale", "stale"]


@pytest.mark.parametrize(("deadline", "seconds"), [(None, 25), (10, 10)])
def test_a_question_has_25_seconds_or_the_deadline(
    configure: Any, deadline: float | None, seconds: float
) -> None:
    configure(WX_STATIC_STORE={"DEADLINE": deadline})
    at = get_store()
    assert at.interactive_deadline().left() == pytest.approx(seconds, abs=0.5)
    assert at.interactive_deadline().clock is at.clock
