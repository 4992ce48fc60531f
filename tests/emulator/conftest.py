"""A running emulator, and a client too simple to be wrong with it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer

from .receiver import NEVER, Pushed, Receiver

ENV = "demo-1a2b3c4d5e6f7g8h"
NOON = 1700000000.0  # the time of the wire samples


class Client:
    """Talks to one emulator over real sockets."""

    def __init__(self, server: EmulatorServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, name: str, fields: Any = None, **more: Any) -> requests.Response:
        """POST a call of static hosting; `fields` gets the environment."""
        params = more.pop("params", {"access_token": self.server.access_token})
        fields = {"env": ENV, **(fields or {})}
        url = f"{self.server.api_url}/componenttcb/{name}"
        return self.session.post(url, params=params, json=fields, timeout=10, **more)

    def post(self, path: str, fields: Any, **more: Any) -> dict[str, Any]:
        """POST a call with a token; return the JSON of the answer."""
        params = more.pop("params", {"access_token": self.server.access_token})
        url = f"{self.server.api_url}{path}"
        answer = self.session.post(url, params=params, json=fields, timeout=10, **more)
        assert answer.status_code == 200
        result: dict[str, Any] = answer.json()
        return result

    def token(self, **changes: Any) -> requests.Response:
        """Fetch a component_access_token."""
        account = self.server.state.account
        fields = {
            "component_appid": account.appid,
            "component_appsecret": account.appsecret,
            "component_verify_ticket": account.ticket,
            **changes,
        }
        url = f"{self.server.api_url}/cgi-bin/component/api_component_token"
        return self.session.post(url, json=fields, timeout=10)

    def link(self, key: str, **fields: Any) -> tuple[str, dict[str, str]]:
        """Ask for a signed link; return it with the header that goes with it."""
        answer = self.call("staticuploadfile", {"filename": key, **fields}).json()
        return answer["signed_url"], {"x-cos-security-token": answer["token"]}

    def put(self, key: str, body: Any = b"123456789", **headers: str) -> requests.Response:
        """Link and PUT."""
        url, own = self.link(key)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.put(url, data=body, headers={**own, **headers}, timeout=10)

    def get(self, path: str, **more: Any) -> requests.Response:
        """Get a key as a browser does."""
        return self.session.get(self.server.site_url() + path, timeout=10, **more)

    def control(self, method: str, page: str, **more: Any) -> requests.Response:
        """Call the control plane."""
        url = f"{self.server.api_url}/__emulator__/{page}"
        return self.session.request(method, url, timeout=10, **more)


class Clock:
    """A clock that stands."""

    now = NOON

    def __call__(self) -> float:
        return self.now


def connect(url: str) -> socket.socket:
    """Open a bare connection to the host of a URL."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)


def head(method: str, url: str, headers: dict[str, str]) -> bytes:
    """Return a request's head as bytes."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while block := connection.recv(65536):
        received += block
    return received


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    """Start an emulator whose clock stands at the time of the wire samples."""
    with EmulatorServer(envs=[ENV], clock=Clock()) as server:
        yield server


@pytest.fixture
def client(emulator: EmulatorServer) -> Iterator[Client]:
    """Return a client of the emulator."""
    client = Client(emulator)
    yield client
    client.session.close()


def own(client: Client, path: str, **fields: Any) -> dict[str, Any]:
    """Call the platform without a token."""
    url = f"{client.server.api_url}/cgi-bin/component/{path}"
    fields = {"component_appid": client.server.state.account.appid, **fields}
    answer: dict[str, Any] = client.session.post(url, json=fields, timeout=10).json()
    return answer


def raw(client: Client, method: str = "POST", body: bytes = b"", name: str = "") -> dict[str, Any]:
    """Send a call whose body is bytes."""
    url = f"{client.server.api_url}/componenttcb/{name or 'staticuploadfile'}"
    params = {"access_token": client.server.access_token}
    answer = client.session.request(method, url, params=params, data=body, timeout=10)
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    return result


def clear(client: Client, secret: str = "emulator-appsecret") -> dict[str, Any]:
    """Call clear_quota v2."""
    return own(client, "clear_quota/v2", appsecret=secret)


def code(text: str) -> str:
    """Return the code of an XML error."""
    found = re.search("<Code>(.*)</Code>", text)
    return found[1] if found else ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def pushing(receiver: Receiver) -> Iterator[EmulatorServer]:
    """Start an emulator that pushed its first ticket and pushes the next on request only."""
    server = EmulatorServer(envs=[ENV], clock=Clock(), push_url=receiver.url, push_seconds=NEVER)
    with server:
        wait_for(lambda: len(server.pushes) == 1)
        yield server


@pytest.fixture
def first(emulator: EmulatorServer, receiver: Receiver) -> Pushed:
    """Return the first push."""
    return receiver.next()
