"""Where the documents are silent or differ, the emulator can do either: we live with both."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.core.files.base import ContentFile

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import quirk_names
from wx_static_store.exceptions import ConfigurationError, UploadFailed, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

# What must make no difference at all to what a user sees.
HARMLESS: list[dict[str, Any]] = [
    {"data_key": "data"},
    {"region_key": "region"},
    {"describe_empty": "[]"},
    {"list_empty": "null"},
    {"list_empty": "missing"},
    {"truncated_as": "string", "page_size": 1},
    {"marker": "inclusive", "page_size": 2},
    {"page_size": 1},
    {"list_md5": "multipart"},
    {"errcode_as": "string"},
    {"content_type": "text/plain"},
    {"check_signature_at": "end"},
    {"site_stale_seconds": 600},
    {"cors": True},
    {"latency_api": 0.01, "latency_put": 0.01},
    {"crc64_limit": 0},
    {"link_seconds": 5},
    {"pushing": False},
    {"token_seconds": 1},  # of fetched tokens; the given one stays
    {"attachment": "all"},
    {"notice_page": "302"},
    {"folder_without_slash": "404"},
    {"edge": "eo", "edge_gzip": "decoded"},
    {"error_page": "404.html", "error_status": "200"},
    {"cdn_cache_control": "max-age=600"},
    {"cors": True, "cors_methods": "GET", "cors_headers": "range"},
    {"api_date_skew": -3600, "cos_date_skew": 3600},
    # of calls that no storage makes
    {"quota_knows_cloud": False, "quota_rates": "null", "quota_as": "zeros"},
    {"quota_lag_seconds": 60, "rid_lag_seconds": 5, "rid_foreign": True, "period_seconds": 10},
    {"envs_as": "null", "env_condition": "HALTED", "unavailable_calls": 3, "more_envs": 3000},
    {"source_type": "required", "most_appids": 1, "unshared_appid": "null"},
    {"authorizer_token": "access_token", "authorizer_order": "turning"},
    {"authorizer_refresh_token": False, "pay_as_you_go": False, "store_becomes": "process"},
]
# These have a test of their own below.
REPORTED = {
    "allowed_ip",
    "batch_opened",
    "daily_limit",
    "domain",
    "grace_seconds",
    "link_base",
    "link_seconds",
    "list_lag_seconds",
    "minute_limit",
    "site_cache_busting",
    "store_delay",
    "store_status",
    "ticket_seconds",
}


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2, "DEADLINE": 20})
    return server


@pytest.mark.parametrize("quirks", HARMLESS, ids=str)
def test_a_file_is_saved_listed_read_and_deleted_under_every_quirk(
    cloud: EmulatorServer, quirks: dict[str, Any]
) -> None:
    cloud.quirks.update(quirks)
    storage = WxStorage(location="m")
    names = [storage.save(f"d/{n}.txt", ContentFile(f"file {n}")) for n in "abc"]
    assert [cloud.objects()[f"m/{name}"].body for name in names] == [
        b"file a",
        b"file b",
        b"file c",
    ]
    assert storage.listdir("d") == ([], ["a.txt", "b.txt", "c.txt"])
    assert (storage.size("d/a.txt"), storage.exists("d/none.txt")) == (6, False)
    assert storage.url("d/a.txt") == f"{cloud.site_url()}/m/d/a.txt"
    with storage.open("d/b.txt") as file:
        assert file.read() == b"file b"
    storage.delete("d/a.txt")
    assert storage.listdir("d") == ([], ["b.txt", "c.txt"])
    assert set(UploadLog.objects.values_list("status", flat=True)) == {"stored"}


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    """Start an emulator whose clock runs."""
    with EmulatorServer(envs=(ENV, "tenant-b")) as server:
        yield server


def test_every_quirk_has_a_test() -> None:
    assert {name for quirks in HARMLESS for name in quirks} | REPORTED == {*quirk_names()}


# --- switches that a user must know of ---------------------------------------------------------


@pytest.mark.parametrize(
    ("quirks", "text"),
    [
        ({"allowed_ip": "203.0.113.7"}, r"errcode 61004.*127\.0\.0\.1.*whitelist"),
        ({"daily_limit": 1}, "errcode 45009.*clear_quota"),
        ({"minute_limit": 1}, "errcode 45011.*fewer calls"),
        ({"batch_opened": False}, "errcode 85088"),
    ],
    ids=str,
)
def test_a_limit_of_the_platform_is_reported_with_what_to_do(
    cloud: EmulatorServer, quirks: dict[str, Any], text: str
) -> None:
    cloud.quirks.update(quirks)
    storage = WxStorage(file_overwrite=True, deadline=1.0)
    if "minute_limit" in quirks or "daily_limit" in quirks:
        storage.save("within the limit", ContentFile(b"x"))
    with pytest.raises(WxStaticStoreError, match=text):
        storage.save("a", ContentFile(b"x"))


def test_a_link_that_is_too_old_is_fetched_anew(cloud: EmulatorServer) -> None:
    cloud.quirks.link_seconds = 0.01
    cloud.quirks.latency_put = 0.05
    with pytest.raises(UploadFailed, match="60 seconds"):
        WxStorage(file_overwrite=True).save("a", ContentFile(b"x"))
    assert len(cloud.calls("staticuploadfile")) == 2


def test_a_cdn_cache_that_no_query_passes_is_reported(cloud: EmulatorServer) -> None:
    cloud.quirks.site_stale_seconds, cloud.quirks.site_cache_busting = 600, False
    storage = WxStorage(file_overwrite=True)
    for content in (b"old", b"new"):
        storage.save("a.txt", ContentFile(content))
        requests.get(storage.url("a.txt"), timeout=5).close()
    with pytest.raises(WxStaticStoreError, match="CDN"):
        storage.open("a.txt")


def test_a_new_file_is_readable_before_a_list_that_lags_shows_it(cloud: EmulatorServer) -> None:
    cloud.quirks.list_lag_seconds = 600
    storage = WxStorage()
    storage.save("a.txt", ContentFile(b"x"))
    with storage.open("a.txt") as file:
        assert file.read() == b"x"
    assert storage.listdir("") == ([], [])
    cloud.advance(600)
    assert storage.listdir("") == ([], ["a.txt"])


def test_a_link_to_another_host_is_not_used(cloud: EmulatorServer) -> None:
    cloud.quirks.link_base = "https://{bucket}.cos.{region}.myqcloud.com.evil.example"
    with pytest.raises(UploadFailed, match="upload_hosts"):
        WxStorage(file_overwrite=True).save("a", ContentFile(b"x"))
    assert cloud.calls("put_object") == []


def test_the_address_is_the_domain_that_wechat_names(cloud: EmulatorServer) -> None:
    cloud.quirks.domain = "www.example.com"
    assert WxStorage().url("a b") == "https://www.example.com/a%20b"


def test_hosting_that_is_not_online_yet_is_a_matter_of_settings(cloud: EmulatorServer) -> None:
    cloud.quirks.store_delay = 600
    cloud.add_env("tenant-c", status="none")
    store = get_store(env="tenant-c")
    with pytest.raises(ConfigurationError, match="not enabled"):
        store.root()
    address = f"{cloud.api_url}/componenttcb/createstaticstore?access_token={cloud.access_token}"
    assert requests.post(address, json={"env": "tenant-c"}, timeout=5).json()["errcode"] == 0
    with pytest.raises(UploadFailed, match="-501005"):
        WxStorage(env="tenant-c", file_overwrite=True).save("a", ContentFile(b"x"))
    cloud.advance(600)
    WxStorage(env="tenant-c", file_overwrite=True).save("a", ContentFile(b"x"))
    assert "a" in cloud.objects("tenant-c")


def test_a_store_in_an_unknown_state_has_an_address_all_the_same(cloud: EmulatorServer) -> None:
    cloud.quirks.store_status = "thawing"
    assert WxStorage().url("a") == f"{cloud.site_url()}/a"


def component(cloud: EmulatorServer) -> dict[str, Any]:
    return {
        "ENV": ENV,
        "API_BASE_URL": cloud.api_url,
        "COMPONENT_APPID": "wx0000000000000001",
        "COMPONENT_APPSECRET": "emulator-appsecret",
        "VERIFY_TICKET": lambda: "emulator-ticket",
        "TOKEN_MIN_INTERVAL": 1e-6,
    }


def test_the_old_token_serves_within_its_grace_only(cloud: EmulatorServer, settings: Any) -> None:
    settings.WX_STATIC_STORE = component(cloud)
    storage = WxStorage(file_overwrite=True)
    storage.save("a", ContentFile(b"x"))
    cloud.expire_token()
    cloud.advance(cloud.quirks.grace_seconds + 1)
    storage.save("a", ContentFile(b"y"))
    assert len(cloud.calls("api_component_token")) == 2


def test_an_expired_ticket_is_reported(cloud: EmulatorServer, settings: Any) -> None:
    settings.WX_STATIC_STORE = component(cloud)
    cloud.advance(cloud.quirks.ticket_seconds + 1)
    with pytest.raises(UploadFailed, match=r"errcode 6100[56].*12 hours"):
        WxStorage(file_overwrite=True).save("a", ContentFile(b"x"))
