"""A server that answers by a test's script over a real loopback socket, and clients of it."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import pickle
import shutil
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache

from wx_static_store.clients.transport import Transport
from wx_static_store.clients.wechat import WeChatClient
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import WxStaticStoreError

# Planted in what is sent; no error, log line or traceback may show them.
TOKEN = "canary-access-token"
SECURITY = "canary-security-token"
SIGN = "canary-q-signature"
APPSECRET = "canary-appsecret"
TICKET = "canary-ticket"
CANARIES = (TOKEN, SECURITY, SIGN, APPSECRET, TICKET)

LIMIT = 64 * 1024  # bytes of an answer that are read (design, D9)
ENV = "demo-1a2b3c4d5e6f7g8h"
HOST = "b8b3-static-demo-1300000000.cos.ap-shanghai.myqcloud.com"

Ask = Callable[..., Any]


@dataclass(frozen=True)
class Received:
    """One request as it came in: its first line, its headers in lower case, its body."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Act = Callable[["Peer"], object]


def answer(
    status: int = 200, body: bytes | str = b"", headers: dict[str, str] | None = None
) -> bytes:
    """Write a whole HTTP answer; its Content-Length is true unless `headers` say another one."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(content)), **(headers or {})}
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    head += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*head, "", ""]).encode() + content


def as_json(members: Any, **more: Any) -> bytes:
    return answer(body=json.dumps(members), headers={"Content-Type": "application/json"}, **more)


@dataclass
class Peer:
    """The server's end of one connection, for an answer that is more than bytes."""

    sock: socket.socket
    over: threading.Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait(self) -> None:
        """Say nothing more until the test is over, or the other side went away."""
        self.sock.settimeout(0.02)
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.sock.recv(65536):
                    return

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def pour(self, block: bytes) -> int:
        """Send the block again and again until the other side hangs up; the bytes that went."""
        self.sock.settimeout(5)
        sent = 0
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                self.sock.sendall(block)
                sent += len(block)
        return sent


@dataclass
class ScriptedServer:
    """Give each request one answer of the script, keep the requests, then hang up."""

    script: list[bytes | Act]
    read_body: bool = True
    tls: ssl.SSLContext | None = None
    greet: Act | None = None  # in place of reading a request
    requests: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self._connections)

    def stop(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._connections.append(sock)
                thread = threading.Thread(
                    target=self._serve, args=(sock, len(self._connections)), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            if self.greet:
                self.greet(Peer(sock, self._over))
            elif self.tls:
                with self.tls.wrap_socket(sock, server_side=True) as wrapped:
                    self._answer(wrapped, number)
            else:
                self._answer(sock, number)
            sock.close()

    def _answer(self, sock: socket.socket, number: int) -> None:
        with sock.makefile("rb") as stream:
            while self.script and (request := self._read(stream, number)):
                self.requests.append(request)
                says = self.script.pop(0)
                if callable(says):
                    says(Peer(sock, self._over))
                else:
                    sock.sendall(says)

    def _read(self, stream: Any, number: int) -> Received | None:
        if not (line := stream.readline()):
            return None
        headers = {}
        while (header := stream.readline().rstrip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0")) if self.read_body else 0
        return Received(line.decode("ascii").rstrip(), headers, stream.read(length), number)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """`serve(answer, …)`: a server with this script, until the end of the test."""
    servers: list[ScriptedServer] = []

    def start(*script: bytes | Act, **more: Any) -> ScriptedServer:
        servers.append(ScriptedServer(list(script), **more))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def make_transport() -> Iterator[Callable[..., Transport]]:
    """Make transports that may talk to this machine; close their connections after the test."""
    made: list[Transport] = []

    def make(**changes: Any) -> Transport:
        values = {"connect_timeout": 5.0, "read_timeout": 5.0, "pool_size": 4, "loopback": True}
        values["upload_hosts"] = (".myqcloud.com", ".tencentcos.cn")
        made.append(Transport(**(values | changes)))
        return made[-1]

    yield make
    for transport in made:
        transport._pools.close()


@pytest.fixture
def transport(make_transport: Callable[..., Transport]) -> Transport:
    return make_transport()


PLENTY = Deadline(math.inf)  # of an exchange that is in no hurry


def signed(server: ScriptedServer, path: str = "/a.css") -> Secret:
    """Build a link as WeChat gives it, whose host is the server."""
    return Secret(f"{server.url}{path}?sign=q-sign-algorithm%3Dsha1%26q-signature%3D{SIGN}")


_TESTS = str(Path(__file__).parents[1])


def leaks(error: BaseException) -> list[str]:
    """Where a canary shows: in the error's texts, its chain, its traceback or the locals there."""
    # The tests' own frames hold the canaries by design: they are not looked at.
    walked = traceback.walk_tb(error.__traceback__)
    frames = [(f, line) for f, line in walked if not f.f_code.co_filename.startswith(_TESTS)]
    places = {
        "str": str(error),
        "repr": repr(error),
        "args": repr(error.args),
        "dict": repr(vars(error)),
        "cause": repr(error.__cause__),
        "context": repr(error.__context__),
        "traceback": "".join(traceback.format_exception(error)),
        "locals": "".join(traceback.StackSummary.extract(frames, capture_locals=True).format()),
        "pickle": repr(pickle.dumps(copy.copy(error))),
    }
    return [place for place, text in places.items() if any(canary in text for canary in CANARIES)]


class Body:
    """The bytes of one attempt, as `sources.Source` gives them."""

    def __init__(self, *blocks: bytes, md5: str = "") -> None:
        self.blocks = blocks
        self.handed_over = False
        self._md5 = md5

    def __len__(self) -> int:
        return sum(map(len, self.blocks))

    def __iter__(self) -> Iterator[bytes]:
        for number, block in enumerate(self.blocks, 1):
            self.handed_over = number == len(self.blocks)
            yield block

    def md5(self) -> str:
        return self._md5


Serve = Callable[..., ScriptedServer]


MakeTransport = Callable[..., Transport]


def put(transport: Transport, url: Secret, body: Any = b"hello", **more: Any) -> Any:
    values = {"stage": "put", "deadline": PLENTY, "key": "a.css", "body": body}
    values["headers"] = {"x-cos-security-token": Secret(SECURITY)}
    return transport.exchange("PUT", url, **(values | more))


def post(transport: Transport, base: str, **more: Any) -> Any:
    values = {"stage": "link", "deadline": PLENTY}
    values["body"] = Secret(f'{{"component_appsecret": "{APPSECRET}"}}')
    url = Secret(f"{base}/componenttcb/staticuploadfile?access_token={TOKEN}")
    return transport.exchange("POST", url, **(values | more))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a self-signed certificate for 127.0.0.1, with its key in the same file."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("the openssl command makes the certificate, and there is none")
    folder = tmp_path_factory.mktemp("tls")
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([openssl, *command.split(), *names], cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted_tls(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """Return the TLS of a server whose certificate the environment trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return tls


@pytest.fixture(autouse=True)
def no_ca_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Time:
    """A clock that moves when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class TimedCache(LocMemCache):
    """A cache whose entries age by that clock; it may be down."""

    def __init__(self, name: str, time: Time) -> None:
        super().__init__(name, {})
        self.time, self.down = time, False

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float:
        return self.time.now() + timeout

    def _has_expired(self, key: str) -> bool:
        return self._expire_info.get(key, 0) <= self.time.now()

    def validate_key(self, key: str) -> None:
        """Asked first by each method."""
        if self.down:
            raise ConnectionError(f"no route to the cache for {key}: {self._cache}")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cache(request: pytest.FixtureRequest, time: Time) -> TimedCache:
    cache = TimedCache(request.node.name, time)
    cache.clear()
    return cache


@pytest.fixture
def ask(serve: Callable[..., ScriptedServer], transport: Transport) -> Ask:
    """`ask(answer, call=…)`: the outcome of one call, which is for a link unless it says other."""

    def one(says: bytes, call: str = "link", **more: Any) -> Any:
        wechat = WeChatClient(transport, serve(says).url)
        token = Secret(TOKEN)
        return {
            "link": lambda: wechat.upload_link(token, ENV, "a.css", deadline=PLENTY),
            "list": lambda: wechat.list_page(
                token, ENV, "", more.get("marker", ""), deadline=PLENTY
            ),
            "describe": lambda: wechat.describe(token, ENV, deadline=PLENTY),
            "token": lambda: wechat.component_token(
                "wx1", Secret(APPSECRET), Secret(TICKET), deadline=PLENTY
            ),
        }[call]()

    return one


def failure(ask: Ask, says: bytes, call: str = "link") -> WxStaticStoreError:
    with pytest.raises(WxStaticStoreError) as caught:
        ask(says, call)
    return caught.value
