"""docs/howto/tokens.rst: its recipes are run as they are printed."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.management import call_command

from tests.conftest import ENV, ci_package, slow
from tests.docs.conftest import SECRET, TokenService
from tests.docs.fresh_project import FreshProject, block, typed
from tests.tokens.harness import CacheServer, is_installed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.signals import event_received
from wx_static_store.storage import WxStorage

PAGE = "howto/tokens"
CLIENT = "config/tokens.py"
# What the settings of the tutorial have: a store whose files may wait, and a fixed token.
TUTORIAL = """
INSTALLED_APPS += ["wx_static_store", "wx_static_store.health"]
STORAGES = {{
    "default": {{
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {{"location": "media", "wait": "outage"}},
    }},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    "waiting": {{
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {{"location": BASE_DIR / "waiting", "file_permissions_mode": 0o600}},
    }},
}}
WX_STATIC_STORE = {{
    "ENV": "prod-1a2b3c",
    "API_BASE_URL": "{}",
    "ACCESS_TOKEN": "of-yesterday",
    "WAITING_STORAGE": "waiting",
    "TOKEN_MIN_INTERVAL": 1e-6,  # not of the tutorial: a token of this second may be replaced
}}
"""


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `project(name)`: the recipe as a module `tokens_of_project`."""

    def make(name: str) -> ModuleType:
        module = ModuleType("tokens_of_project")
        module.__dict__["WX_STATIC_STORE"] = {}
        code = compile(block(PAGE, name).text, f"docs/howto/tokens.rst, {name}", "exec")
        exec(code, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return make


def upload() -> str:
    return WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))


def test_a_token_service_is_asked_once_and_again_after_a_refusal(
    configure: Any, project: Any, settings: Any, emulator: EmulatorServer, service: TokenService
) -> None:
    configure()
    settings.TOKEN_SERVICE_URL = f"http://127.0.0.1:{service.server_port}/"
    settings.TOKEN_SERVICE_SECRET = SECRET
    project(CLIENT)
    provider = {"TOKEN_PROVIDER": "tokens_of_project.TokenService"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | provider
    for _ in range(3):
        upload()
    assert service.asked == 1
    emulator.expire_token()
    upload()
    assert service.asked == 2
    assert emulator.calls("api_component_token") == []


@pytest.fixture
def redis() -> Iterator[CacheServer]:
    if not (is_installed("Redis") or os.environ.get("WX_REQUIRE_SERVICES")):
        pytest.skip("redis-server is not installed")
    with CacheServer("Redis") as server:
        yield server


def test_a_wechatpy_session_gives_its_token_and_fetches_after_a_refusal(
    configure: Any,
    project: Any,
    settings: Any,
    emulator: EmulatorServer,
    redis: CacheServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wechatpy = ci_package("wechatpy.component")
    account = emulator.state.account
    configure()
    settings.PLATFORM_APPID = account.appid
    settings.PLATFORM_APPSECRET = account.appsecret
    settings.PLATFORM_TOKEN, settings.PLATFORM_AES_KEY = "token", "k" * 43
    settings.REDIS_URL = redis.settings["LOCATION"]
    api = f"{emulator.api_url}/cgi-bin"
    monkeypatch.setattr(wechatpy.BaseWeChatComponent, "API_BASE_URL", api)
    component = project("wechatpy-session").component
    component.session.set("component_verify_ticket", account.ticket)
    provider = {"TOKEN_PROVIDER": "tokens_of_project.WeChatPySession"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | provider
    for _ in range(3):
        upload()
    assert len(emulator.calls("api_component_token")) == 1
    emulator.expire_token()
    upload()
    assert len(emulator.calls("api_component_token")) == 2
    component.session.redis.close()


def test_a_fixed_token_is_printed_on_the_server_and_used_in_ci(
    configure: Any,
    project: Any,
    settings: Any,
    emulator: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = emulator.state.account
    own = {"COMPONENT_APPID": account.appid, "COMPONENT_APPSECRET": account.appsecret}
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None, "VERIFY_TICKET": account.ticket, **own})
    _python, _manage, *command = shlex.split(typed(block(PAGE, "print-the-token")))
    call_command(*command)
    monkeypatch.setenv("WX_ACCESS_TOKEN", capsys.readouterr().out.strip())
    monkeypatch.setenv("WX_ENV", ENV)
    fixed = project("fixed-token").WX_STATIC_STORE
    settings.WX_STATIC_STORE = fixed | {"API_BASE_URL": emulator.api_url}
    upload()
    assert len(emulator.calls("api_component_token")) == 1
    assert len(emulator.calls("put_object")) == 1


def test_the_rehearsal_of_the_callback_has_the_secrets_of_the_emulator(
    emulator: EmulatorServer,
) -> None:
    account = emulator.state.account
    assert shlex.split(typed(block(PAGE, "callback-rehearsal")).replace("export ", "")) == [
        f"WX_ENV={ENV}",
        f"WX_APPID={account.appid}",
        f"WX_APPSECRET={account.appsecret}",
        f"WX_CALLBACK_TOKEN={PUSH_TOKEN}",
        f"WX_CALLBACK_AES_KEY={PUSH_AES_KEY}",
        "WX_BASE_URL=http://127.0.0.1:8901",
        "WX_API_BASE_URL=http://127.0.0.1:8900",
        "REDIS_URL=redis://127.0.0.1:6379/0",
    ]


@pytest.fixture
def client_of_a_site(
    configure: Any,
    project: Any,
    settings: Any,
    emulator: EmulatorServer,
    redis: CacheServer,
    tmp_path: Path,
) -> Iterator[None]:
    """Let this process upload with the token of a site: all code is pasted from the page."""
    account = emulator.state.account
    site = FreshProject(
        tmp_path / "site",
        WX_ENV=ENV,
        WX_API_BASE_URL=emulator.api_url,
        WX_APPID=account.appid,
        WX_APPSECRET=account.appsecret,
        WX_CALLBACK_TOKEN=PUSH_TOKEN,
        WX_CALLBACK_AES_KEY=PUSH_AES_KEY,
        REDIS_URL=redis.settings["LOCATION"],
        TOKEN_SERVICE_SECRET=SECRET,
    )
    site.append("config/settings.py", TUTORIAL.format(emulator.api_url))
    site.paste(block(PAGE, "config/settings.py"))
    site.paste(block(PAGE, "config/urls.py"))
    site.paste(block(PAGE, "config/token_view.py"))
    site.paste(block(PAGE, "token-view-url"), "config/urls.py")
    site.run(typed(block(PAGE, "callback-tables")))
    with site.serving() as address:
        emulator.push_to(f"{address}/wx/callback/")
        assert emulator.push().answer == "success"
        configure(WX_STATIC_STORE={"ACCESS_TOKEN": None})
        settings.TOKEN_SERVICE_URL = f"{address}/wx/token/"
        settings.TOKEN_SERVICE_SECRET = SECRET
        project(CLIENT)
        provider = {"TOKEN_PROVIDER": "tokens_of_project.TokenService"}
        settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | provider
        yield


@slow
@pytest.mark.usefixtures("client_of_a_site")
def test_a_site_fetches_its_token_by_the_pushed_ticket_and_hands_it_out(
    emulator: EmulatorServer,
) -> None:
    upload()
    assert len(emulator.calls("api_component_token")) == 1
    assert len(emulator.calls("put_object")) == 1


@slow
@pytest.mark.usefixtures("client_of_a_site")
def test_a_site_gives_its_token_to_nobody_who_does_not_know_the_secret(settings: Any) -> None:
    assert requests.get(settings.TOKEN_SERVICE_URL, timeout=5).status_code == 403


@slow
@pytest.mark.usefixtures("client_of_a_site")
def test_a_site_fetches_another_token_when_that_of_its_client_was_refused(
    emulator: EmulatorServer,
) -> None:
    upload()
    emulator.expire_token()
    upload()
    assert len(emulator.calls("api_component_token")) == 2
    assert len(emulator.calls("put_object")) == 2


def test_the_settings_of_a_client_name_the_provider_of_the_page(
    emulator: EmulatorServer, service: TokenService, tmp_path: Path
) -> None:
    client = FreshProject(
        tmp_path / "client",
        WX_ENV=ENV,
        TOKEN_SERVICE_URL=f"http://127.0.0.1:{service.server_port}/",
        TOKEN_SERVICE_SECRET=SECRET,
    )
    client.append("config/settings.py", TUTORIAL.format(emulator.api_url))
    client.paste(block(PAGE, "token-service-settings"), "config/settings.py")
    client.paste(block(PAGE, CLIENT))
    printed = client.run(typed(block(PAGE, "print-the-token")))
    assert emulator.access_token in printed


def test_the_signal_of_an_event_names_the_account(capsys: pytest.CaptureFixture[str]) -> None:
    code = block(PAGE, "other-events").text
    names: dict[str, Any] = {}
    exec(compile(code, "docs/howto/tokens.rst, other-events", "exec"), names)
    fields = {"AuthorizerAppid": "wx1"}
    event_received.send(sender=None, info_type="unauthorized", appid="wx0", fields=fields)
    event_received.disconnect(names["on_event"])
    assert capsys.readouterr().out == "The authorization was withdrawn by wx1\n"
