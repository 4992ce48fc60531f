"""What no script of the emulator can do: the network, the token, the file, the log, the cache."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.core.cache.backends.base import BaseCache

from wx_static_store.conf import options_for
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.uploader import Uploader

if TYPE_CHECKING:
    from tests.faults.harness import Scene

NOWHERE = "https://api.wx-static-store.invalid"
PLANTED = {
    "access_token": "planted-access-token",
    "appsecret": "planted-appsecret",
    "ticket": "planted-ticket",
    "security_token": "planted-security-token",
}
PROXY_PASSWORD = "planted-proxy-password"
ROBOT_KEY = "planted-robot-key"

Hook = Callable[..., Any]
HOOKS: dict[str, Hook] = {}


def hook(function: Callable[..., Iterator[None]]) -> Callable[..., Iterator[None]]:
    HOOKS[function.__name__] = contextmanager(function)
    return function


@hook
def dns(scene: "Scene") -> Iterator[None]:
    """Call a host that no resolver knows."""
    scene.api_url = NOWHERE
    yield


@hook
def refuse(scene: "Scene") -> Iterator[None]:
    """Call a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        scene.api_url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        yield


@contextmanager
def _blackhole() -> Iterator[str]:
    """Fill a listener's queue: a new connection gets no answer, as behind a firewall."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            visitor = stack.enter_context(socket.socket())
            visitor.setblocking(False)
            visitor.connect_ex(full.getsockname())
        yield f"127.0.0.1:{full.getsockname()[1]}"


@hook
def blackhole_api(scene: "Scene") -> Iterator[None]:
    with _blackhole() as address:
        scene.api_url = f"http://{address}"
        yield


@hook
def blackhole_cos(scene: "Scene", times: str = "") -> Iterator[None]:
    with _blackhole() as address:
        scene.emulator.script(
            {"on": "staticuploadfile", "do": "link", "host": address,
             "times": int(times) if times else None}
        )  # fmt: skip
        yield


@hook
def proxy(scene: "Scene", status: str) -> Iterator[None]:
    """Send all through a proxy that answers with this status."""
    with EmulatorServer(envs=[]) as server:
        server.script(
            {"on": "*", "do": "status", "status": int(status), "headers": {"Connection": "close"},
             "times": None}
        )  # fmt: skip
        scene.api_url = NOWHERE
        address = server.api_url.removeprefix("http://")
        way = {"HTTPS_PROXY": f"http://user:{PROXY_PASSWORD}@{address}"}
        with patch.dict(os.environ, way):
            yield


@hook
def warm(scene: "Scene") -> Iterator[None]:
    """Use connections that served before."""

    def serve() -> None:
        item = UploadItem("warm.txt", open=lambda: scene.open(scene.source, "rb"))
        assert Uploader(options_for("default")).transfer(item).status == "stored"

    scene.before.append(serve)
    yield


@hook
def component(scene: "Scene") -> Iterator[None]:
    """We fetch the token ourselves."""
    scene.wx |= {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": "wx0000000000000001",
        "COMPONENT_APPSECRET": PLANTED["appsecret"],
        "VERIFY_TICKET": PLANTED["ticket"],
        "TOKEN_MIN_INTERVAL": 1e-6,  # a token of this second is replaced as any other
    }
    yield


@hook
def refreshed_elsewhere(scene: "Scene") -> Iterator[None]:
    """Another system fetched a token: the one that we have counts no longer."""
    scene.emulator.expire_token()
    yield


@hook
def rewritten(scene: "Scene", what: str) -> Iterator[None]:
    """``how`` or ``how/times``: somebody writes into the file between its measuring and sending."""
    how, _, times = what.partition("/")
    left = [int(times or 1 << 30)]

    def token() -> str:
        # The provider is asked when the file was measured and before it is sent.
        if left[0]:
            left[0] -= 1
            for path in scene.copies:
                path.write_bytes(_CHANGES[how](path.read_bytes()))
                moved = time.time_ns() + left[0]
                os.utime(path, ns=(moved, moved))
        return PLANTED["access_token"]

    scene.wx["TOKEN_PROVIDER"] = token
    yield


_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "changes": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "grows": lambda content: content + b"more",
    "shrinks": lambda content: content[: len(content) // 2],
}


@hook
def opening(scene: "Scene", error: str) -> Iterator[None]:
    """Refuse to open the file."""

    def fails(*args: object) -> None:
        raise {kind.__name__: kind for kind in OSError.__subclasses__()}[error](error)

    scene.open = fails
    yield


@hook
def pipe(scene: "Scene") -> Iterator[None]:
    """Give the file as a stream that cannot be rewound."""

    class Pipe:
        def __init__(self, *args: Any) -> None:
            self._file = open(*args)  # noqa: SIM115

        def read(self, size: int) -> bytes:
            return self._file.read(size)

        def seekable(self) -> bool:
            return False

        def close(self) -> None:
            self._file.close()

    scene.open = Pipe
    yield


@hook
def disk_full(scene: "Scene") -> Iterator[None]:
    """No room for the copy of a stream."""
    full = OSError(28, "No space left on device")
    with patch("tempfile.SpooledTemporaryFile.write", side_effect=full):
        yield


@hook
def database(scene: "Scene", error: str) -> Iterator[None]:
    """Every query of the log fails like this."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError, ProgrammingError, connection

    texts = {
        "down": OperationalError("server closed the connection unexpectedly"),
        "no_table": OperationalError("no such table: wx_static_store_uploadlog"),
        "no_relation": ProgrammingError('relation "wx_static_store_uploadlog" does not exist'),
        "none": ImproperlyConfigured("settings.DATABASES is improperly configured"),
        "deadlock": OperationalError("deadlock detected"),
    }

    def fails(*args: object) -> None:
        raise texts[error]

    with connection.execute_wrapper(fails):
        yield


@hook
def broken_transaction(scene: "Scene") -> Iterator[None]:
    """Break the caller's transaction: it can only be rolled back."""
    from django.db import transaction

    with transaction.atomic():
        transaction.set_rollback(True)
        yield
        transaction.set_rollback(False)


@hook
def rolled_back(scene: "Scene") -> Iterator[None]:
    """Roll the caller's transaction back afterwards."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class DeadCache(BaseCache):
    """A cache whose server is gone."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        raise ConnectionError("the cache is gone")

    def set(self, *args: Any, **kwargs: Any) -> None:
        raise ConnectionError("the cache is gone")


@hook
def dead_cache(scene: "Scene") -> Iterator[None]:
    """Fail at each use of the token's cache."""
    scene.django["CACHES"] = {"default": {"BACKEND": "tests.faults.hooks.DeadCache"}}
    yield


@hook
def dead_log(scene: "Scene") -> Iterator[None]:
    """Fill the disk of the log file."""

    class Full:
        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            """Do nothing: nothing was written."""

    handler = logging.StreamHandler(Full())
    logger = logging.getLogger("wx_static_store.uploads")
    before, logger.level = logger.level, logging.DEBUG
    logger.addHandler(handler)
    try:
        # Else Python shows the handler's own trouble on stderr.
        with patch("logging.raiseExceptions", False):
            yield
    finally:
        logger.removeHandler(handler)
        logger.level = before
