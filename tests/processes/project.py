"""
A project that runs in processes of its own: its settings, and a site that saves what it is sent.

`Project` in ``conftest.py`` says through the environment what to do. A process can be ordered to
halt at a point of its work: it says so through one pipe and waits for a word on another.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest, HttpResponse
from django.urls import path

# --- settings ---------------------------------------------------------------------------------

GIVEN: dict[str, Any] = json.loads(os.environ["WX_TEST_PROJECT"])
FOLDER, SHARED = GIVEN["folder"], GIVEN["shared"]

SECRET_KEY = "planted-django-secret-key"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "wx_static_store",
    "tests.processes.project.Sabotaged",
]
ROOT_URLCONF = "tests.processes.project"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{SHARED}/db.sqlite3",
        "OPTIONS": {
            "timeout": GIVEN.get("timeout", 30),
            "init_command": "PRAGMA synchronous = OFF",
        },
    }
}
if GIVEN.get("replica"):  # a copy to read from, which the test brings up to date
    DATABASES["replica"] = DATABASES["default"] | {"NAME": f"{SHARED}/replica.sqlite3"}
    DATABASE_ROUTERS = ["tests.processes.project.ReadFromReplica"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": f"{SHARED}/cache",
    }
}
STATIC_URL = "/static/"
STATIC_ROOT = f"{FOLDER}/static_root"
STATICFILES_DIRS = [f"{FOLDER}/source"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "replacing": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"file_overwrite": True},
    },
    "waiting": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"file_overwrite": True, "wait": "always", "location": "media"},
    },
    "kept": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{SHARED}/kept"},
    },
    "old": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{FOLDER}/source"},
    },
    "staticfiles": {
        "BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage",
        "OPTIONS": {"location": "static", "max_workers": 4},
    },
    "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
}
WX_STATIC_STORE = {"WAITING_STORAGE": "kept", **GIVEN["options"]}
LOGGING = {  # everything, so that a secret has every chance to be seen
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "DEBUG"},
}

# A runner in the background hands down a deaf ear for Ctrl-C; a shell does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ReadFromReplica:
    """As Django's documents route a primary database and a copy of it."""

    def db_for_read(self, *args: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, *args: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


# --- the site ---------------------------------------------------------------------------------


def save(request: HttpRequest, name: str) -> HttpResponse:
    """Store the body, and answer with what is public then."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    stored = default_storage.save(name, ContentFile(request.body))
    with default_storage.open(stored) as file:
        return HttpResponse(file.read(), headers={"X-Worker": str(os.getpid()), "X-Name": stored})


def replace(request: HttpRequest, name: str) -> HttpResponse:
    from django.core.files.base import ContentFile
    from django.core.files.storage import storages

    return HttpResponse(storages["replacing"].save(name, ContentFile(request.body)))


urlpatterns = [path("save/<path:name>", save), path("replace/<path:name>", replace)]


def make_application() -> Callable[..., Any]:
    """For ``gunicorn --preload``: token, address and connections are warm before the fork."""
    from django.core.wsgi import get_wsgi_application
    from django.db import connections

    application = get_wsgi_application()
    request = HttpRequest()
    request._body = b"warm"
    save(request, "warm.txt")
    connections.close_all()
    return application


# --- halts and sabotage -----------------------------------------------------------------------


class Sabotaged(AppConfig):
    """Patches the app once it is loaded, if the test wants it."""

    name = "tests.processes"

    def wx_takes_gzip(self, env: str) -> bool:
        """Return what a probe of the doctor would have seen, for the option `compress`."""
        return True

    def ready(self) -> None:
        if GIVEN.get("halt"):
            HALTS[GIVEN["halt"]]()
        if GIVEN.get("keep_session"):
            _keep_session()
        if {"lease", "last_put"} & GIVEN.keys():
            _shorten_waits()
        if GIVEN.get("longest"):
            _shorten_leases()


def _halt() -> None:
    os.write(GIVEN["reached"], b".")
    os.read(GIVEN["go"], 1)


def _is_big(*args: Any) -> bool:
    return "big" in args[-1]


def _halt_before(owner: Any, name: str, concerns: Callable[..., bool] = lambda *a: True) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def halting(*args: Any, **kwargs: Any) -> Any:
        if concerns(*args):
            _halt()
        return original(*args, **kwargs)

    setattr(owner, name, halting)


def _halt_after(owner: Any, name: str, concerns: Callable[..., bool]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def halting(*args: Any, **kwargs: Any) -> Any:
        done = original(*args, **kwargs)
        if concerns(*args):
            _halt()
        return done

    setattr(owner, name, halting)


def _before_link() -> None:
    from wx_static_store.clients.wechat import WeChatClient

    _halt_before(WeChatClient, "upload_link", _is_big)


def _after_link() -> None:
    from wx_static_store.clients.wechat import WeChatClient

    _halt_after(WeChatClient, "upload_link", _is_big)


def _mid_body() -> None:
    """Between the blocks of the only file that has more than one."""
    from wx_static_store.upload.sources import Source

    original = Source.__iter__

    def halting(self: Source) -> Iterator[bytes]:
        for number, block in enumerate(original(self)):
            if number:
                _halt()
            yield block

    Source.__iter__ = halting  # type: ignore[method-assign]


def _body_handed_over() -> None:
    """When a worker has handed the last block of a file to the system."""
    from wx_static_store.upload.sources import Source

    original = Source.__iter__

    def halting(self: Source) -> Iterator[bytes]:
        yield from original(self)
        if threading.current_thread() is not threading.main_thread():
            _halt()

    Source.__iter__ = halting  # type: ignore[method-assign]


def _reply_received() -> None:
    from wx_static_store.clients.cos import CosClient

    _halt_after(CosClient, "put_object", lambda _self, link, *rest: _is_big(link.key))


def _in_insert() -> None:
    """Once, when objects are stored whose rows the database has not got."""
    from wx_static_store.upload import recorder

    first = iter([True])
    _halt_before(recorder, "_insert", lambda *args: next(first, False))


def _rows_written() -> None:
    from wx_static_store.staticfiles import WxManifestStaticFilesStorage

    _halt_before(WxManifestStaticFilesStorage, "save_manifest")


def _in_manifest() -> None:
    """When half of it is in its file."""
    original = Path.write_bytes

    def halting(self: Path, data: bytes) -> int:
        if self.name == "staticfiles.json.new":
            original(self, data[: len(data) // 2])
            _halt()
        return original(self, data)

    Path.write_bytes = halting  # type: ignore[assignment, method-assign]


def _bytes_kept() -> None:
    from wx_static_store.upload import waiting

    _halt_after(waiting, "write_bytes", lambda *args: True)


def _row_inserted() -> None:
    """Before the caller's transaction is committed."""
    from wx_static_store.upload import waiting

    _halt_after(waiting, "put", lambda *args: True)


def _bytes_freed() -> None:
    """When the row of the newer content is committed, or that of what was sent is gone."""
    from wx_static_store.upload import waiting

    _halt_before(waiting, "free_bytes")


def _row_claimed() -> None:
    from wx_static_store.upload import push

    _halt_before(push, "find")


def _bytes_opened() -> None:
    from wx_static_store.upload import push

    _halt_after(push, "open_row", lambda *args: True)


def _row_recorded() -> None:
    from wx_static_store.upload import push

    _halt_after(push, "record_one", lambda *args: True)


HALTS: dict[str, Callable[[], None]] = {
    "bytes_kept": _bytes_kept,
    "row_inserted": _row_inserted,
    "bytes_freed": _bytes_freed,
    "row_claimed": _row_claimed,
    "bytes_opened": _bytes_opened,
    "row_recorded": _row_recorded,
    "before_link": _before_link,
    "after_link": _after_link,
    "mid_body": _mid_body,
    "body_handed_over": _body_handed_over,
    "reply_received": _reply_received,
    "in_insert": _in_insert,
    "rows_written": _rows_written,
    "in_manifest": _in_manifest,
}


def _keep_session() -> None:
    """Every process takes itself for its parent: what was warm there is used on."""
    from wx_static_store.upload import platform, store

    parent = SimpleNamespace(getpid=lambda: 0)
    platform.os = store.os = parent  # type: ignore[attr-defined, assignment]


def _shorten_waits() -> None:
    from wx_static_store.deploy import locks

    locks.LEASE = GIVEN.get("lease", locks.LEASE)
    locks.LAST_PUT = GIVEN.get("last_put", locks.LAST_PUT)


def _shorten_leases() -> None:
    from wx_static_store.upload import push

    push.longest = lambda store, size: float(GIVEN["longest"])  # type: ignore[assignment]
