"""`get_store`: one store for each environment, and where its tokens and addresses come from."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.files.base import ContentFile
from django.test import override_settings

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, UploadFailed, WxStaticStoreError
from wx_static_store.storage import WxStorage
from wx_static_store.upload import store
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


class OwnProvider:
    """As a project writes one."""

    discarded: list[str] = []

    def get(self) -> str:
        return os.environ["WX_TEST_TOKEN"]

    def invalidate(self, token: str) -> None:
        self.discarded.append(token)


def own_function() -> str:
    return os.environ["WX_TEST_TOKEN"]


def upload() -> None:
    WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))


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
    assert len(cloud.calls("describestaticstore")) == 2


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


def test_hosting_that_is_off_is_a_configuration_error(cloud: EmulatorServer) -> None:
    cloud.script({"on": "describestaticstore", "do": "merge", "json": {"Data": None}})
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


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider",
    [
        "tests.upload.test_store.OwnProvider",
        "tests.upload.test_store.own_function",
        OwnProvider,
        own_function,
    ],
)
def test_a_project_can_bring_its_own_provider(
    configure: Any, monkeypatch: pytest.MonkeyPatch, provider: Any
) -> None:
    cloud = configure(WX_STATIC_STORE={"ACCESS_TOKEN": None, "TOKEN_PROVIDER": provider})
    monkeypatch.setenv("WX_TEST_TOKEN", cloud.access_token)
    upload()
    assert "a.txt" in cloud.objects()


def test_a_provider_that_is_not_there_is_a_configuration_error(configure: Any) -> None:
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": "no.such.module"})
    with pytest.raises(ConfigurationError, match="token_provider cannot be made"):
        upload()


def test_a_refused_token_is_handed_back_to_its_provider(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": OwnProvider})
    monkeypatch.setenv("WX_TEST_TOKEN", "stale")
    monkeypatch.setattr(OwnProvider, "discarded", [])
    with pytest.raises(WxStaticStoreError, match="40014"):
        upload()
    assert OwnProvider.discarded == ["stale", "stale"]


def component(cloud: EmulatorServer, **changes: Any) -> dict[str, Any]:
    return {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": "wx0000000000000001",
        "COMPONENT_APPSECRET": "emulator-appsecret",
        "VERIFY_TICKET": "emulator-ticket",
        **changes,
    }


def test_the_platforms_own_credentials_fetch_one_token_for_many_uploads(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator))
    for _ in range(3):
        upload()
    assert len(emulator.calls("api_component_token")) == 1


def test_a_token_that_another_system_retired_is_fetched_again(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator, TOKEN_MIN_INTERVAL=1e-6))
    upload()
    emulator.expire_token()
    upload()
    assert len(emulator.calls("api_component_token")) == 2


def test_a_new_token_that_is_refused_as_well_is_a_configuration_error(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator))
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40001, "times": None})
    with pytest.raises(ConfigurationError, match="COMPONENT_APPID and API_BASE_URL"):
        upload()
    assert len(emulator.calls("api_component_token")) == 1


def test_without_a_ticket_the_error_says_where_it_should_come_from(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator, VERIFY_TICKET=lambda: ""))
    with pytest.raises(WxStaticStoreError, match="authorization event URL"):
        upload()


def test_a_wrong_appsecret_is_an_error_that_names_its_setting(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator, COMPONENT_APPSECRET="wrong"))
    with pytest.raises(UploadFailed, match="COMPONENT_APPSECRET"):
        upload()


def test_a_wrong_appsecret_is_asked_about_once(configure: Any, emulator: EmulatorServer) -> None:
    configure(WX_STATIC_STORE=component(emulator, COMPONENT_APPSECRET="wrong"))
    for _ in range(3):
        with pytest.raises(UploadFailed, match="COMPONENT_APPSECRET"):
            upload()
    assert len(emulator.calls("api_component_token")) == 1


def test_without_any_source_of_tokens_the_error_names_the_settings(configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None})
    with pytest.raises(ConfigurationError, match="ACCESS_TOKEN, or a token_provider"):
        upload()
