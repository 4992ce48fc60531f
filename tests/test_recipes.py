"""The recipes of docs/howto/tokens.rst, run as they are printed there."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from tests.conftest import ENV, ci_package
from tests.tokens.harness import CacheServer, is_installed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.storage import WxStorage

PAGE = (Path(__file__).parent.parent / "docs" / "howto" / "tokens.rst").read_text(encoding="utf-8")


def recipe(name: str) -> str:
    """Return the code block of that name."""
    found = re.search(rf":name: {name}\n\n((?:    .*\n|\n)+)", PAGE)
    assert found, f"docs/howto/tokens.rst has no code block named {name}"
    return textwrap.dedent(found[1])


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `project(name)`: the recipe as a module `tokens_of_project`."""

    def make(name: str) -> ModuleType:
        module = ModuleType("tokens_of_project")
        exec(compile(recipe(name), f"docs/howto/tokens.rst, {name}", "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return make


def upload() -> str:
    return WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))


class TokenService(ThreadingHTTPServer):
    """Another service: gives the emulator's newest token to a client that knows its secret."""

    def __init__(self, emulator: EmulatorServer) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.emulator, self.asked = emulator, 0


class _Answer(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer shared-secret"
        self.server.asked += 1
        body = {"component_access_token": self.server.emulator.access_token} if known else {}
        content = json.dumps(body).encode()
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def service(emulator: EmulatorServer) -> Iterator[TokenService]:
    with TokenService(emulator) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_token_service_is_asked_once_and_again_after_a_refusal(
    configure: Any, project: Any, settings: Any, emulator: EmulatorServer, service: TokenService
) -> None:
    settings.TOKEN_SERVICE_URL = f"http://127.0.0.1:{service.server_port}/"
    settings.TOKEN_SERVICE_SECRET = "shared-secret"
    project("token-service")
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": "tokens_of_project.TokenService"})
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
    settings.PLATFORM_APPID = account.appid
    settings.PLATFORM_APPSECRET = account.appsecret
    settings.PLATFORM_TOKEN, settings.PLATFORM_AES_KEY = "token", "k" * 43
    settings.REDIS_URL = redis.settings["LOCATION"]
    api = f"{emulator.api_url}/cgi-bin"
    monkeypatch.setattr(wechatpy.BaseWeChatComponent, "API_BASE_URL", api)
    component = project("wechatpy-session").component
    component.session.set("component_verify_ticket", account.ticket)
    configure(WX_STATIC_STORE={"TOKEN_PROVIDER": "tokens_of_project.WeChatPySession"})
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
    _python, _manage, *command = shlex.split(recipe("print-the-token"))
    call_command(*command)
    monkeypatch.setenv("WX_ACCESS_TOKEN", capsys.readouterr().out.strip())
    monkeypatch.setenv("WX_ENV", ENV)
    fixed = project("fixed-token").WX_STATIC_STORE
    settings.WX_STATIC_STORE = fixed | {"API_BASE_URL": emulator.api_url}
    upload()
    assert len(emulator.calls("api_component_token")) == 1
    assert len(emulator.calls("put_object")) == 1
