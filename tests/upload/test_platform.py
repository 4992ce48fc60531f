"""What the stores of one platform share, and what a child process may not share with its parent."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends import locmem
from django.core.files.base import ContentFile

from tests.conftest import ENV
from wx_static_store import conf
from wx_static_store.clients.platform import PlatformClient, Quota
from wx_static_store.clients.wechat import LINKS, LIST
from wx_static_store.conf.options import Options
from wx_static_store.core.notes import own_memory
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    ProtocolError,
    UploadFailed,
    WeChatThrottled,
    WxStaticStoreError,
)
from wx_static_store.storage import WxStorage
from wx_static_store.upload import limiters, platform, store
from wx_static_store.upload.platform import Platform, platform_for
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

FORK = """
import os, sys
from wx_static_store.conf.options import Options
from wx_static_store.upload.platform import platform_for
from wx_static_store.core.secrets import Secret

options = Options(env="env-1", access_token=Secret("token"))
of_the_parent = platform_for(options)
assert platform_for(options) is of_the_parent
if (child := os.fork()) == 0:
    os._exit(7 if platform_for(options).transport is of_the_parent.transport else 0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_makes_a_session_of_its_own() -> None:
    """Measured, M15: on a shared connection half of the answers are another process's."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fault", "narrow"),
    [
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 45011}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -501003}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -501004}, (1, math.inf)),
        ({"on": "staticuploadfile", "do": "status", "status": 429}, (1, math.inf)),
        ({"on": "put_object", "do": "cos_error", "code": "SlowDown", "status": 503}, (20, 1)),
        ({"on": "staticuploadfile", "do": "errcode", "errcode": -1}, (20, math.inf)),
        ({"on": "put_object", "do": "reset"}, (20, math.inf)),
    ],
    ids=lambda value: str(next(reversed(value.values()))) if isinstance(value, dict) else "",
)
def test_a_throttle_of_one_environment_slows_all_of_the_platform(
    configure: Any, fault: dict[str, Any], narrow: tuple[float, float]
) -> None:
    """The calls where WeChat throttles, the PUTs where COS does."""
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    cloud.script(fault)
    get_uploader(env=ENV).transfer(UploadItem("a.txt", open=lambda: BytesIO(b"hello")))
    other = get_uploader(env="tenant-b").store.platform
    assert (other.api_limiter.width, other.put_limiter.width) == narrow


def options(token: str = "token", **more: Any) -> Options:
    return Options(env="env-1", access_token=Secret(token), **more)


def test_stores_of_equal_options_share_a_platform_and_others_do_not() -> None:
    first = platform_for(options())
    assert platform_for(options(location="other/")) is first
    assert platform_for(options(api_base_url="https://proxy.example.com")) is not first


def test_the_oldest_of_thirty_two_platforms_gives_way_to_the_next() -> None:
    made = [platform_for(options(f"{number}")) for number in range(32)]
    assert [platform_for(options(f"{number}")) for number in range(32)] == made
    platform_for(options("next"))
    assert platform_for(options("1")) is made[1]
    assert platform_for(options("0")) is not made[0]


@pytest.mark.parametrize(
    ("host", "outcome"), [("own.example", DeadlineExceeded), ("a.example", ProtocolError)]
)
def test_signed_links_may_point_at_the_upload_hosts_of_the_options_only(
    host: str, outcome: type[Exception]
) -> None:
    """Nothing is called: there is no time left for it."""
    transport = platform_for(options(upload_hosts=("own.example",))).transport
    with pytest.raises(outcome):
        transport.exchange(
            "PUT", Secret(f"https://{host}/a"), stage="put", deadline=Deadline(0), key="a"
        )


# --- limits -----------------------------------------------------------------------------------


BROKEN = {"default": {"BACKEND": "tests.callback.conftest.BrokenCache"}}
EMPTY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
PROXY, APPID = "https://proxy.example.com", "wx0000000000000002"


def answer(token: Secret, *, deadline: Deadline) -> None:
    """Stand for a call that succeeds."""


def throttle(token: Secret, *, deadline: Deadline) -> None:
    raise WeChatThrottled


def ask(found: Platform, call: Callable[..., None] = answer, **more: Any) -> None:
    """Ask when no time is left: nobody waits."""
    found.ask(call, deadline=Deadline(0), max_attempts=1, **more)


@pytest.mark.parametrize(
    ("given", "width"),
    [({}, 20), ({"max_workers": 8}, 8), ({"max_workers": 8, "api_concurrency": 3}, 3)],
)
def test_max_workers_limits_the_calls_where_api_concurrency_is_not_set(
    given: dict[str, int], width: int
) -> None:
    assert platform_for(options(**given)).api_limiter.width == width


@pytest.mark.parametrize(
    ("given", "is_slowed"),
    [
        ({"read_timeout": 5.0}, True),
        ({"api_base_url": PROXY}, False),
        ({"component_appid": APPID}, False),
    ],
)
def test_a_throttle_slows_stores_of_other_options_but_no_other_platform(
    settings: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], is_slowed: bool
) -> None:
    """The process remembers it for itself, where the cache keeps nothing."""
    settings.CACHES = EMPTY
    monkeypatch.setattr(limiters, "LOOK", 0.0)
    one, other = platform_for(options()), platform_for(options(**given))
    ask(other)
    with pytest.raises(WeChatThrottled):
        ask(one, throttle)
    ask(other)
    assert (other.api_limiter.width < 20) is is_slowed


def test_a_process_keeps_api_rate_by_itself_while_the_cache_fails(settings: Any) -> None:
    settings.CACHES = BROKEN
    own_memory().clear()
    found = platform_for(options(api_rate=0.01))
    ask(found)
    with pytest.raises(DeadlineExceeded, match="API_RATE"):
        ask(found)


@pytest.mark.parametrize("about", [{}, {"env": "env-1"}])
def test_an_error_of_a_call_names_the_environment_that_it_was_about(about: dict[str, str]) -> None:
    with pytest.raises(WeChatThrottled) as caught:
        ask(platform_for(options()), throttle, **about)
    assert caught.value.env == about.get("env", "")


# --- tokens -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "provider",
    [
        "tests.upload.test_platform.OwnProvider",
        "tests.upload.test_platform.own_function",
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
    made = r"token_provider cannot be made \(ModuleNotFoundError: No module named 'no'\)"
    with pytest.raises(ConfigurationError, match=made):
        upload()


class NoProvider:
    """Neither a function nor a provider."""


def test_an_object_that_gives_no_token_is_a_configuration_error(configure: Any) -> None:
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": f"{__name__}.NoProvider"})
    with pytest.raises(ConfigurationError, match="token_provider gives NoProvider"):
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


@pytest.mark.parametrize(("errcode", "discarded"), [(40001, ["token"]), (40097, [])])
def test_a_call_hands_a_token_back_only_if_it_was_refused(
    configure: Any,
    emulator: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    errcode: int,
    discarded: list[str],
) -> None:
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": OwnProvider})
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": errcode})
    monkeypatch.setenv("WX_TEST_TOKEN", "token")
    monkeypatch.setattr(OwnProvider, "discarded", [])
    with pytest.raises(WxStaticStoreError, match=str(errcode)):
        quota()
    assert OwnProvider.discarded == discarded


def test_a_call_that_refuses_access_token_says_that_nobody_refreshes_it(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": 40001})
    with pytest.raises(WxStaticStoreError, match="40001") as caught:
        quota()
    assert caught.value.cause == "token.fixed"


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


def test_a_fetched_token_is_shared_by_processes_and_sealed_in_the_cache(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator))
    upload()
    platform._platforms.clear()  # another process
    store._store.cache_clear()
    upload()
    assert len(emulator.calls("api_component_token")) == 1
    kept = b"".join(caches["default"]._cache.values())  # type: ignore[attr-defined]
    assert str(emulator.access_token).encode() not in kept


def test_the_ticket_that_was_pushed_is_used_where_none_is_set(
    configure: Any, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "_ticket_reader", None)
    asked = []

    def reader(appid: str) -> str:
        asked.append(appid)
        return "emulator-ticket"

    platform.offer_tickets(reader)
    configure(WX_STATIC_STORE=component(emulator, VERIFY_TICKET=None))
    upload()
    assert asked == ["wx0000000000000001"]


def test_a_ticket_that_is_neither_pushed_nor_set_is_missing(
    configure: Any, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "_ticket_reader", None)
    configure(WX_STATIC_STORE=component(emulator, VERIFY_TICKET=None))
    with pytest.raises(WxStaticStoreError, match="Nothing receives the verify ticket"):
        upload()


def test_a_ticket_may_be_a_fixed_text(configure: Any, emulator: EmulatorServer) -> None:
    configure(WX_STATIC_STORE=component(emulator, VERIFY_TICKET=Secret("emulator-ticket")))
    upload()
    assert "a.txt" in emulator.objects()


def test_a_ticket_may_come_from_the_function_at_a_dotted_path(
    configure: Any, emulator: EmulatorServer
) -> None:
    path = "tests.conf.options.test_validators.newest"
    configure(WX_STATIC_STORE=component(emulator, VERIFY_TICKET=path))
    upload()
    assert "a.txt" in emulator.objects()


def test_a_token_that_another_system_retired_is_fetched_again(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator, TOKEN_MIN_INTERVAL=1e-6))
    upload()
    emulator.expire_token()
    upload()
    assert len(emulator.calls("api_component_token")) == 2


def test_a_new_token_that_is_refused_as_well_names_the_settings_and_the_errcode(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE=component(emulator))
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40001, "times": None})
    with pytest.raises(UploadFailed, match="COMPONENT_APPID and API_BASE_URL") as caught:
        upload()
    assert caught.value.errcode == 40001
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


@pytest.mark.parametrize("given", [{}, {"component_appsecret": Secret("secret")}])
def test_without_any_source_of_tokens_the_error_names_the_settings(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="ACCESS_TOKEN, or a token_provider"):
        platform_for(Options(env="env-1", **given))


# --- how many calls WeChat allows ----------------------------------------------------------------


def quota(path: str = LINKS) -> Quota:
    options = conf.options_for("default")
    found = platform_for(options)
    client = PlatformClient(found.transport, options.api_base_url)

    def ask() -> Quota:
        return found.ask(
            client.quota,
            path,
            deadline=Deadline.after(10),
            max_attempts=1,
        )

    return found.quota(path, ask)


def test_what_was_asked_is_not_asked_again(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    emulator.quirks.update({"daily_limit": 100})
    assert quota() == quota() == Quota(daily_limit=100, remain=100)
    assert len(emulator.calls("quota_get")) == 1


@pytest.mark.parametrize(("seconds", "calls"), [(590, 1), (610, 2)])
def test_a_quota_is_asked_for_again_after_ten_minutes(
    configure: Any,
    emulator: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    calls: int,
) -> None:
    configure()
    quota()
    clock = SimpleNamespace(time=lambda: time.time() + seconds)
    monkeypatch.setattr(locmem, "time", clock)
    quota()
    assert len(emulator.calls("quota_get")) == calls


def test_each_call_has_a_quota_of_its_own(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    quota(LINKS)
    quota(LIST)
    assert len(emulator.calls("quota_get")) == 2


@pytest.mark.parametrize("errcode", [76021, 76022, 45009])
def test_a_path_without_a_figure_is_not_asked_again(
    configure: Any, emulator: EmulatorServer, errcode: int
) -> None:
    configure()
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": errcode, "times": None})
    assert quota() == quota() == Quota()
    assert len(emulator.calls("quota_get")) == 1


def test_another_refusal_is_raised_and_asked_again(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": 40097})
    with pytest.raises(WxStaticStoreError, match="40097"):
        quota()
    assert quota() == Quota()


def test_without_a_cache_it_is_asked_each_time(configure: Any, emulator: EmulatorServer) -> None:
    configure(CACHES=BROKEN)
    quota()
    quota()
    assert len(emulator.calls("quota_get")) == 2
