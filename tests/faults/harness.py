"""
Run a row of `faults.json`: an emulator, one file, a client, a witness.

Needs no pytest, so that ``make proof`` runs the same rows. A pause of the retry loop moves its
clock on instead of waiting.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.core.cache import cache as django_cache
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.faults.hooks import HOOKS, PLANTED, PROXY_PASSWORD, ROBOT_KEY
from tests.faults.rows import Case
from tests.waiting import skipping_clock
from wx_static_store.conf import options_for
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.upload import platform as platforms, recorder, store
from wx_static_store.upload.uploader import Uploader

ENV = "demo-1a2b3c4d5e6f7g8h"
KEY = "a.txt"
CONTEXT = UploadContext(source="test")
SECRETS = (*PLANTED.values(), PROXY_PASSWORD, ROBOT_KEY, "q-signature=", "q-signature%3D")
REQUEST = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_PATIENCE = 5.0  # seconds for a request that takes effect late


class Unavailable(Exception):
    """Say that this machine lacks what a row needs."""


# --- the scene --------------------------------------------------------------------------------


@dataclass
class Scene:
    """What a client gets to know, and what a hook may change before it starts."""

    case: Case
    emulator: EmulatorServer
    folder: Path
    api_url: str
    ca: str | None
    wx: dict[str, Any] = field(default_factory=dict)  # members of WX_STATIC_STORE
    django: dict[str, Any] = field(default_factory=dict)
    before: list[Callable[[], object]] = field(default_factory=list)
    open: Callable[..., Any] = open

    @property
    def source(self) -> Path:
        return self.folder / "source" / KEY

    @property
    def copies(self) -> list[Path]:
        """The file, and what `collectstatic` made of it."""
        return [path for path in (self.source, self.folder / "root" / KEY) if path.exists()]

    def settings(self) -> override_settings:
        backends = {
            "default": "storage.WxStorage",
            "staticfiles": "staticfiles.WxStaticFilesStorage",
        }
        general = {
            "ENV": ENV,
            "API_BASE_URL": self.api_url,
            "ACCESS_TOKEN": PLANTED["access_token"],
            "ALERT_WECOM_URL": f"https://robot.example/send?key={ROBOT_KEY}",
            "MAX_ATTEMPTS": 3,
            "MAX_WORKERS": 2,
            "CONNECT_TIMEOUT": 5,
            "READ_TIMEOUT": 5,
        }
        wanted: dict[str, Any] = {
            "STORAGES": {k: {"BACKEND": f"wx_static_store.{v}"} for k, v in backends.items()},
            "STATIC_ROOT": str(self.folder / "root"),
            "STATICFILES_DIRS": [str(self.folder / "source")],
            "STATICFILES_FINDERS": ["django.contrib.staticfiles.finders.FileSystemFinder"],
            "WX_STATIC_STORE": general | dict(self.case.options) | self.wx,
        }
        return override_settings(**wanted | self.django)


@dataclass(frozen=True)
class Reported:
    """What a client says of its upload."""

    ends: str
    kinds: tuple[str, ...] = ()  # the classes of its error
    text: str = ""  # all that its error tells, traceback included


Client = Callable[[Scene], Reported]


@dataclass(frozen=True)
class Seen:
    """What a client said, and what the other side saw."""

    reported: Reported
    calls: tuple[int, int]
    bytes: str
    tokens: int
    others: frozenset[str]  # calls that no upload needs

    @property
    def leaks(self) -> list[str]:
        return [secret for secret in SECRETS if secret in self.reported.text]


class Bench:
    """The emulators and certificates that all rows share; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self.certificate = cache(self._certificate)
        self._emulator = cache(self._start)

    def __enter__(self) -> "Bench":
        # What the machine's environment says of proxies and certificates is no part of a row.
        names = [n for n in os.environ if n.lower().endswith(("_proxy", "_ca_bundle"))]
        self._running.enter_context(patch.dict(os.environ))
        for name in names:
            del os.environ[name]
        self._running.enter_context(patch("socket.getaddrinfo", _loopback_only))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def observe(self, case: Case, client: Client) -> Seen:
        """Run the row with this client and look at the other side."""
        with self.scene(case) as scene:
            reported = client(scene)
        _settle(scene, until_stated=client is ours)
        return _witness(scene, reported)

    def exit_code(self, case: Case) -> tuple[int, str]:
        """Return that of a `collectstatic` under this row, and the bytes stored then."""
        with self.scene(case) as scene:
            code = collect(scene)
        _settle(scene, until_stated=True)
        return code, _bytes(scene)

    @contextmanager
    def scene(self, case: Case) -> Iterator[Scene]:
        """Prepare everything as the row wants it."""
        emulator = self._emulator("tls" if case.wire == "untrusted" else case.wire)
        emulator.reset()
        emulator.quirks.update(case.quirks)
        ca = None
        if case.wire not in ("plain", "untrusted"):
            ca = str(self.certificate(case.wire)[0])
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        scene = Scene(case, emulator, folder, emulator.api_url, ca)
        scene.source.parent.mkdir()
        scene.source.write_bytes((b"0123456789abcdef" * (case.size // 16 + 1))[: case.size])
        emulator.script(*(_addressed(fault, emulator.api_url) for fault in case.faults))
        with ExitStack() as stack:
            stack.callback(forget)
            forget()
            environment = {"REQUESTS_CA_BUNDLE": ca} if ca else {}
            stack.enter_context(patch.dict(os.environ, environment))
            for hook in case.hooks:
                name, _, argument = hook.partition(":")
                stack.enter_context(HOOKS[name](scene, *filter(None, [argument])))
            stack.enter_context(patch.object(store, "Clock", skipping_clock))
            stack.enter_context(scene.settings())
            for step in scene.before:
                step()
            yield scene

    def _start(self, wire: str) -> EmulatorServer:
        tls = None if wire == "plain" else self.certificate(wire)
        return self._running.enter_context(
            EmulatorServer(envs=[ENV], tls=tls, crc64_limit=0, **PLANTED)
        )

    def _certificate(self, kind: str) -> tuple[Path, Path]:
        """Make a self-signed certificate of 127.0.0.1 and its key for this run."""
        openssl = shutil.which("openssl")
        if openssl is None:
            raise Unavailable("the openssl command makes the certificate, and there is none")
        address = "127.0.0.2" if kind == "wrong_host" else "127.0.0.1"
        life = "-days 2"
        if kind == "expired":
            life = "-not_before 20200101000000Z -not_after 20200102000000Z"
        if kind == "early":
            life = "-not_before 20990101000000Z -not_after 20990102000000Z"
        cert, key = self._folder / f"{kind}.pem", self._folder / f"{kind}.key"
        request = f"{REQUEST} {life} -subj /CN={address} -addext subjectAltName=IP:{address}"
        files = ["-out", str(cert), "-keyout", str(key)]
        made = subprocess.run([openssl, *request.split(), *files], check=False, capture_output=True)
        if made.returncode:
            raise Unavailable(f"this openssl command makes no {kind} certificate")
        return cert, key


_resolve = socket.getaddrinfo


def _loopback_only(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Resolve as a machine without a network: no row and no client reaches another."""
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _resolve(host, *args, **kwargs)


def forget() -> None:
    """Forget connections, tokens and addresses, as in a new process."""
    for platform in platforms._platforms.values():
        platform.transport._pools.close()
    platforms._platforms.clear()
    store._store.cache_clear()
    recorder.reset()
    django_cache.clear()


def _addressed(part: Any, api_url: str) -> Any:
    """Put the emulator's address for ``{api}``, and a text beyond every limit for ``{long}``."""
    if isinstance(part, Mapping):
        return {name: _addressed(inner, api_url) for name, inner in part.items()}
    if isinstance(part, list):
        return [_addressed(inner, api_url) for inner in part]
    if not isinstance(part, str):
        return part
    return part.replace("{api}", api_url).replace("{long}", "x" * 70_000)


# --- the witness ------------------------------------------------------------------------------


def _witness(scene: Scene, reported: Reported) -> Seen:
    needed = {"staticuploadfile", "put_object", "api_component_token", "connection"}
    links, puts = _calls(scene)
    return Seen(
        reported,
        (links, puts),
        _bytes(scene),
        len(scene.emulator.calls("api_component_token")),
        frozenset(entry.name for entry in scene.emulator.journal) - needed,
    )


def _calls(scene: Scene) -> tuple[int, int]:
    calls = scene.emulator.calls
    return len(calls("staticuploadfile", key=KEY)), len(calls("put_object", key=KEY))


def _settle(scene: Scene, *, until_stated: bool) -> None:
    """Wait for a request that was given up or takes effect late: its entry comes late."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        time.sleep(0.005)
        missing = until_stated and _calls(scene) < scene.case.calls
        if not (missing or scene.emulator.state._busy):
            return


def _bytes(scene: Scene) -> str:
    stored = scene.emulator.objects().get(KEY)
    if stored is None:
        return "absent"
    return "equal" if stored.body == scene.source.read_bytes() else "other"


# --- clients ----------------------------------------------------------------------------------


class _Watched(Uploader):
    """Keeps the result whose error `upload()` wraps."""

    result: UploadResult

    def attempt(self, item: UploadItem, context: UploadContext) -> tuple[UploadResult, int | None]:
        self.result, row = super().attempt(item, context)
        return self.result, row


def ours(scene: Scene) -> Reported:
    """`Uploader.upload` of the file."""
    watched = _Watched(options_for("default"))
    item = UploadItem(KEY, open=lambda: scene.open(scene.source, "rb"))
    try:
        return Reported(watched.upload(item, CONTEXT).status.value)
    except WxStaticStoreError as error:
        cause = watched.result.error
        kinds = {kind.__name__ for kind in (*type(error).__mro__, *type(cause).__mro__)}
        ends = error.status if isinstance(error, UploadFailed) else watched.result.status.value
        return Reported(ends, tuple(sorted(kinds)), everything(error))


def collect(scene: Scene) -> int:
    """Return the exit code of a `collectstatic` of the file."""
    with patch("wx_static_store.upload.sources.open", scene.open, create=True):
        try:
            call_command("collectstatic", interactive=False, verbosity=0)
        except CommandError as error:
            return error.returncode
    return 0


def everything(error: BaseException) -> str:
    """Return what a log, a crash report or a developer's page may show of an error."""
    return "\n".join([str(error), repr(error), *traceback.format_exception(error)])


def rows() -> list[tuple[str, str, int | None, int]]:
    """Return the rows of the log, as a case states them."""
    return list(UploadLog.objects.values_list("status", "stage", "errcode", "attempts"))
