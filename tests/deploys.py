"""Trees of files, and deploys of them as the entries make them: by one pool, under the lock."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.deploy.locks import deploying
from wx_static_store.deploy.plan import Plan, make_plan
from wx_static_store.deploy.publish import Publication
from wx_static_store.deploy.report import Report
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload import sources
from wx_static_store.upload.uploader import Uploader
from wx_static_store.upload.workers import WorkerPool

CONTEXT = UploadContext(source="wx_deploy", source_ref="v1")
TREE = {
    "index.html": b"<script src=assets/index-BfYjkO2m.js></script><img src=logo.svg>",
    "assets/index-BfYjkO2m.js": b"console.log('tea')",
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


def item(name: str, content: bytes = b"", **details: Any) -> UploadItem:
    return UploadItem(name, open=lambda: BytesIO(content), size=len(content), **details)


def items(**files: bytes) -> list[UploadItem]:
    """`a_js=b"…"` is ``a.js``, `d__a_js=b"…"` is ``d/a.js``."""
    return [
        item(name.replace("__", "/").replace("_", "."), content) for name, content in files.items()
    ]


def plan_of(uploader: Uploader, files: Iterable[UploadItem], **how: Any) -> Plan:
    with WorkerPool(uploader.options.max_workers) as pool:
        return make_plan(uploader, files, pool=pool, **how)


def deploy(
    uploader: Uploader,
    files: Iterable[UploadItem],
    *,
    last: Callable[[], UploadItem] | None = None,
    **how: Any,
) -> Report:
    """Plan and publish them; `last` is the file ``m.json``."""
    name = "m.json" if last else ""
    with (
        deploying(uploader, wait=False) as lock,
        WorkerPool(uploader.options.max_workers) as pool,
    ):
        plan = make_plan(uploader, files, pool=pool, last=name)
        return Publication(uploader, plan, CONTEXT, lock, last=last, **how).run(pool)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def run(*args: object, **options: Any) -> str:
    """Return what ``wx_deploy`` prints; `--yes` unless something else is said."""
    out = StringIO()
    call_command("wx_deploy", *map(str, args), stdout=out, **{"yes": True} | options)
    return out.getvalue()


def fails(*args: object, code: int, **options: Any) -> str:
    """Return what it prints, and the error that it ends with."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("wx_deploy", *map(str, args), stdout=out, **{"yes": True} | options)
    assert caught.value.returncode == code
    return f"{out.getvalue()}{caught.value}"


def configure_storages(**more: dict[str, Any]) -> dict[str, Any]:
    static = "wx_static_store.staticfiles.WxManifestStaticFilesStorage"
    return {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
        "staticfiles": {"BACKEND": static, "OPTIONS": {"location": "static"}},
        "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
        **{
            alias: {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": options}
            for alias, options in more.items()
        },
    }


def configure_releases(folder: Path) -> dict[str, Any]:
    """Return settings by which the bytes of releases are kept in this folder."""
    files = "django.core.files.storage.FileSystemStorage"
    kept = {"BACKEND": files, "OPTIONS": {"location": str(folder)}}
    return {
        "WX_STATIC_STORE": {"RELEASE_STORAGE": "releases"},
        "STORAGES": configure_storages() | {"releases": kept},
    }


def tenants(number: int, cloud: EmulatorServer) -> list[str]:
    envs = [f"tenant-{n:02}" for n in range(number)]
    for env in envs:
        cloud.add_env(env)
    return envs


def names(part: Iterable[UploadItem]) -> list[str]:
    return [item.name for item in part]


def bodies(cloud: EmulatorServer, env: str | None = None) -> dict[str, bytes]:
    return {key: found.body for key, found in cloud.objects(env).items()}


def sent(cloud: EmulatorServer) -> list[str]:
    return [call.key for call in cloud.calls("put_object")]


def lists(cloud: EmulatorServer) -> int:
    """How often the list was asked."""
    return len(cloud.calls("staticfilelist"))


@contextmanager
def ctrl_c() -> Iterator[Callable[[], None]]:
    """
    Give the key to press, from any thread.

    It is heard even if the suite runs in the background of a shell that ignores it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident or 0
    try:
        yield lambda: signal.pthread_kill(main, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


class _Refusing:
    def __init__(self, why: str, skip: int, times: float) -> None:
        self.why, self.skip, self.times = why, skip, times

    def __call__(self, execute: Any, sql: str, *args: Any) -> Any:
        if not (sql.startswith("INSERT") and "_uploadlog" in sql):
            return execute(sql, *args)
        self.skip -= 1
        if self.skip >= 0 or self.skip < -self.times:
            return execute(sql, *args)
        raise OperationalError(self.why)


def refusing_rows(
    why: str = "database is locked", *, skip: int = 0, times: float = math.inf
) -> Any:
    """Return a database that takes no row of an upload: after so many writes, so many times."""
    return connection.execute_wrapper(_Refusing(why, skip, times))


def count_hashes(monkeypatch: pytest.MonkeyPatch, note: Callable[[str], object]) -> None:
    """Note the path of each file of the disk that is hashed before it is sent."""
    digest, read_small = sources.digest, sources._read_small

    def noted(file: Any, *how: Any) -> str:
        note(str(file.name))
        return digest(file, *how)

    def noted_small(path: str, flags: int) -> Any:
        facts, block = read_small(path, flags)
        if len(block) == facts.st_size:
            note(path)
        return facts, block

    monkeypatch.setattr(sources, "digest", noted)
    monkeypatch.setattr(sources, "_read_small", noted_small)
