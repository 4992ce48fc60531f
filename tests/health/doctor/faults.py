"""
The fault table: what is broken, and what the doctor must say of it.

A row says which checks are wrong (✗) or doubtful (!), and words of the line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import time
from typing import Any
from unittest.mock import patch

from celery import Celery, _state
from django.conf import settings
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from tests.conftest import ENV
from tests.elsewhere import ALIAS, Elsewhere, Router, forget
from tests.rows import add_waiting
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.callback.tickets import save
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator.server import APPID, APPSECRET, TICKET
from wx_static_store.health.doctor import services
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.models import UploadLog
from wx_static_store.rollouts.models import Rollout

NO_BUCKET = {
    "status": 404,
    "body": "<Error><Code>NoSuchBucket</Code></Error>",
    "headers": {"x-cos-request-id": "id"},
}
NOWHERE = "http://127.0.0.1:9"


class Shared(BaseCache):
    """A cache that all processes share, as far as the checks can see."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._kept = LocMemCache(f"faults-{name}", params)

    def __getattribute__(self, name: str) -> Any:
        if name in ("get", "set", "add", "touch", "delete", "clear", "has_key"):
            return getattr(object.__getattribute__(self, "_kept"), name)
        return object.__getattribute__(self, name)


class Dead(BaseCache):
    """A cache whose server is away."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://user:planted@cache.example/0")

    get = set = add = delete = touch = _fail


SHARED = {"default": {"BACKEND": f"{__name__}.Shared"}}
DEAD = {"default": {"BACKEND": f"{__name__}.Dead"}}
DUMMY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
WITHOUT_CALLBACK = [app for app in settings.INSTALLED_APPS if app != "wx_static_store.callback"]
# Below a file, no user can make a folder.
UNWRITABLE = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": f"{__file__}/kept", "file_permissions_mode": 0o600},
}
WX_STORAGE = {"BACKEND": "wx_static_store.storage.WxStorage"}


def failing() -> str:
    raise LookupError("no answer of https://joe:planted@tokens.example/")


def old_ticket(hours: float) -> Callable[[], None]:
    """Let the newest ticket that the callback kept be that old."""

    def keep() -> None:
        save(APPID, Secret(TICKET), int(time() - hours * 3600))
        then = timezone.now() - timedelta(hours=hours)
        VerifyTicket.objects.update(received=then)

    return keep


def foreign_ticket() -> None:
    """Keep a ticket that another SECRET_KEY sealed."""
    with override_settings(SECRET_KEY="another"):
        save(APPID, Secret(TICKET), int(time()))


@contextmanager
def database(folder: Path, **entry: Any) -> Iterator[None]:
    """Let the tables of the app lie in a database of their own, which was never migrated."""
    forget()
    Elsewhere(folder / "other.sqlite3").set_up(**entry)
    with override_settings(DATABASE_ROUTERS=[Router()]):
        yield
    forget()


@contextmanager
def without_tickets(folder: Path) -> Iterator[None]:
    """Drop the table of the callback behind the back of its migrations."""
    with database(folder):
        call_command("migrate", database=ALIAS, verbosity=0)
        Elsewhere(folder / "other.sqlite3").execute(
            "DROP TABLE wx_static_store_callback_verifyticket"
        )
        yield


@contextmanager
def locked(folder: Path, *, seconds: float) -> Iterator[None]:
    """Lock the database against every reader, who waits for so long."""
    with database(folder, OPTIONS={"timeout": seconds}):
        holder = sqlite3.connect(folder / "other.sqlite3", isolation_level=None)
        holder.execute("CREATE TABLE held (id)")
        holder.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            holder.close()


def forgotten() -> None:
    """Let a rollout have waited for a worker since yesterday."""
    row = Rollout.objects.create(using="default", state="running", wave=1, waves="100%")
    since = timezone.now() - timedelta(days=1)
    row.environments.create(env=ENV, position=0, wave=1, state="queued", since=since)


@contextmanager
def celery(folder: Path, *, broker: str) -> Iterator[None]:
    """Give the project a Celery app with this broker; its workers have little time to answer."""
    before, default = _state._tls.current_app, _state.default_app
    app = Celery("shop", broker=broker, set_as_current=True)
    try:
        with patch.object(services, "PATIENCE", 0.2):
            yield
    finally:
        app.close()
        _state._tls.current_app = before
        _state.set_default_app(default)


def spent(count: int, call: str = "upload_link", *args: str) -> Callable[[], None]:
    """Let that many links have been asked for today, or another call have been made so often."""

    def ask() -> None:
        target = CheckTarget()
        for _number in range(count):
            target.ask(getattr(target.wechat, call), *(args or (ENV, "a")))

    return ask


def fetched(**changes: Any) -> dict[str, Any]:
    """Return the settings of a platform that fetches its token."""
    own = {"COMPONENT_APPID": APPID, "COMPONENT_APPSECRET": APPSECRET, "ACCESS_TOKEN": None}
    return own | changes


def from_the_log(user: Any) -> dict[str, str]:
    """Offer the environments to which somebody uploaded."""
    return {env: env for env in UploadLog.objects.values_list("env", flat=True).distinct()}


def tenants(user: Any) -> dict[str, str]:
    return {ENV: "A", "gone-0fake0fake01": "B"}


@dataclass(frozen=True)
class Fault:
    """What is broken, and what the doctor must say of it."""

    words: str
    wrong: str = ""  # ids of checks
    doubtful: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # of WX_STATIC_STORE
    django: Mapping[str, Any] = field(default_factory=dict)  # others of Django
    quirks: Mapping[str, Any] = field(default_factory=dict)
    script: tuple[dict[str, Any], ...] = ()
    before: Callable[[], object] | None = None
    around: Callable[[Path], AbstractContextManager[None]] = nullcontext  # a folder is given
    target: Mapping[str, Any] = field(default_factory=dict)


def wechat(do: str, on: str = "describeenvs", **more: Any) -> tuple[dict[str, Any], ...]:
    return ({"on": on, "do": do, "times": None, **more},)


FAULTS = {
    # --- settings ---------------------------------------------------------------------------
    "an unknown option": Fault(
        "WX_STATIC_STORE has no option 'LOCATON'",
        "settings.checks",
        settings={"LOCATON": "a/"},
    ),
    "no store": Fault(
        "STORAGES has no alias",
        "settings.stores",
        django={"STORAGES": {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}},
    ),
    "a storage of media for static files": Fault(
        "would upload each file on its own",
        "settings.checks",
        django={
            "STORAGES": {
                "default": WX_STORAGE,
                "staticfiles": WX_STORAGE | {"OPTIONS": {"location": "s"}},
            }
        },
    ),
    "two stores at one place": Fault(
        "write to one environment at one location",
        doubtful="settings.checks",
        django={"STORAGES": {"default": WX_STORAGE, "other": WX_STORAGE}},
    ),
    "a provider that does not import": Fault(
        "token_provider cannot be imported",
        "settings.checks",
        settings={"TOKEN_PROVIDER": "nowhere.token", "ACCESS_TOKEN": None},
    ),
    "no source of a token": Fault(
        "no source of a component_access_token",
        "settings.checks",
        settings={"ACCESS_TOKEN": None},
    ),
    "a token in a cache of each process": Fault(
        "each process's own",
        "settings.checks",
        settings=fetched(VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": LOCAL},
    ),
    "a push that has no address": Fault(
        "No address of ROOT_URLCONF leads to",
        doubtful="settings.checks",
        django={"ROOT_URLCONF": "tests.api.urls"},
    ),
    # --- database and cache -------------------------------------------------------------------
    "a cache that is away": Fault(
        "ConnectionError",
        doubtful="cache.works",
        django={"CACHES": DEAD},
    ),
    "a cache that is away, and a token to share": Fault(
        "ConnectionError",
        "cache.works",
        settings=fetched(VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": DEAD},
    ),
    "a cache that keeps nothing": Fault(
        "keeps nothing",
        doubtful="cache.works",
        django={"CACHES": DUMMY},
    ),
    "a database that was never migrated": Fault(
        "wx_static_store_callback.0001_initial",
        "database.tables",
        settings=fetched(),
        django={"CACHES": SHARED},
        around=database,
    ),
    "a database that is down": Fault(
        "The database 'elsewhere' cannot be asked (OperationalError: unable to open",
        "database.tables",
        settings=fetched(),
        django={"CACHES": SHARED},
        around=partial(database, NAME="/nowhere/db.sqlite3"),
    ),
    "a table of the callback that is gone": Fault(
        "Tables are missing: wx_static_store_callback_verifyticket",
        "database.tables",
        settings=fetched(),
        django={"CACHES": SHARED},
        around=without_tickets,
    ),
    "a database that is locked": Fault(
        "Another process holds the lock",
        "database.tables",
        settings=fetched(),
        django={"CACHES": SHARED},
        around=partial(locked, seconds=0),
    ),
    "a database that hangs": Fault(
        "No answer came within 2 seconds",
        "database.tables",
        settings=fetched(ENVIRONMENTS=from_the_log),
        django={"CACHES": SHARED},
        around=partial(locked, seconds=3),
        target={"timeout": 1.0},
    ),
    # --- private storages and Celery ------------------------------------------------------------
    "a release storage that cannot be written": Fault(
        "RELEASE_STORAGE ('kept') cannot be written: NotADirectoryError",
        "storages.writable",
        settings={"RELEASE_STORAGE": "kept"},
        django={"STORAGES": {"default": WX_STORAGE, "kept": UNWRITABLE}},
    ),
    "a waiting storage that cannot be written": Fault(
        "WAITING_STORAGE ('kept') cannot be written: NotADirectoryError",
        "storages.writable",
        "settings.checks",  # it is a folder of this machine
        settings={"WAITING_STORAGE": "kept"},
        django={"STORAGES": {"default": WX_STORAGE, "kept": UNWRITABLE}},
    ),
    "a broker that is down": Fault(
        "The broker of Celery cannot be reached",
        "workers.answer",
        around=partial(celery, broker="amqp://127.0.0.1:9//"),
    ),
    "waiting files that nobody sends": Fault(
        "Files are due (1), but no wx_push ran for 10 minutes.",
        "waiting.nobody",
        django={"CACHES": SHARED},
        before=add_waiting,
    ),
    "a file that waits for long": Fault(
        "Files wait for over 15 minutes (1). First: a.txt.",
        doubtful="waiting.old",
        before=lambda: add_waiting(next_at=timezone.now() + timedelta(minutes=5), cause="45009"),
    ),
    "a waiting file that needs a person": Fault(
        "Waiting files need a person (1): a.txt.",
        doubtful="waiting.parked",
        before=lambda: add_waiting(state="parked"),
    ),
    "a rollout without a worker": Fault(
        "has waited for Celery's workers since", "workers.waiting", before=forgotten
    ),
    "a rollout in a project without workers": Fault(
        "No worker of Celery answers within",
        "workers.answer",
        before=forgotten,
        around=partial(celery, broker="memory://"),
    ),
    "a project without workers": Fault(
        "No worker of Celery answers within",
        "workers.answer",
        around=partial(celery, broker="memory://"),
    ),
    # --- token ----------------------------------------------------------------------------------
    "a spent token": Fault(
        "ACCESS_TOKEN is wrong or has expired",
        "token.accepted",
        settings={"ACCESS_TOKEN": "planted-spent"},
    ),
    "a provider that fails": Fault(
        "LookupError", "token.source", settings={"TOKEN_PROVIDER": failing, "ACCESS_TOKEN": None}
    ),
    "a provider that gives junk": Fault(
        "no usable token",
        "token.source",
        settings={"TOKEN_PROVIDER": lambda: None, "ACCESS_TOKEN": None},
    ),
    "a wrong appsecret": Fault(
        "COMPONENT_APPSECRET",
        "token.source",
        settings=fetched(COMPONENT_APPSECRET="planted-wrong", VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": SHARED},
    ),
    "a wrong appid": Fault(
        "COMPONENT_APPID",
        "token.source",
        settings=fetched(COMPONENT_APPID="wx0123456789abcdef", VERIFY_TICKET=lambda: TICKET),
        django={"CACHES": SHARED},
    ),
    "no ticket": Fault(
        "No push was accepted yet",
        "token.pushes",
        settings=fetched(),
        django={"CACHES": SHARED},
    ),
    "a ticket of thirteen hours": Fault(
        "The newest push was accepted 13 hours ago",
        "token.pushes",
        settings=fetched(),
        django={"CACHES": SHARED},
        before=old_ticket(13),
    ),
    "a ticket that another SECRET_KEY sealed": Fault(
        "SECRET_KEY_FALLBACKS",
        "token.ticket",
        settings=fetched(),
        django={"CACHES": SHARED},
        before=foreign_ticket,
    ),
    "no callback": Fault(
        "has no source of the component_verify_ticket",
        "settings.checks",
        settings=fetched(),
        django={"CACHES": SHARED, "INSTALLED_APPS": WITHOUT_CALLBACK},
    ),
    "a function that gives no ticket": Fault(
        "LookupError",
        "token.ticket",
        settings=fetched(VERIFY_TICKET=failing),
        django={"CACHES": SHARED},
    ),
    "no push for two hours": Fault(
        "The newest push was accepted 2 hours ago",
        "token.pushes",
        "token.ticket",
        settings=fetched(),
        django={"CACHES": SHARED},
        before=old_ticket(2),
    ),
    "an address that is not on the whitelist": Fault(
        "127.0.0.1", "token.accepted", quirks={"allowed_ip": "192.0.2.1"}
    ),
    "a WeChat that is busy": Fault(
        "errcode -1",
        "token.accepted",
        script=wechat("errcode", errcode=-1),
        settings={"MAX_ATTEMPTS": 1},
    ),
    "a WeChat that hangs": Fault(
        "waiting for the answer",
        "token.accepted",
        script=wechat("hang", seconds=20),
        target={"timeout": 1.0},
    ),
    "a WeChat that cannot be reached": Fault(
        "could not be reached",
        "token.accepted",
        settings={"API_BASE_URL": NOWHERE, "MAX_ATTEMPTS": 1},
    ),
    # --- clocks ---------------------------------------------------------------------------------
    "a clock that is behind": Fault(
        "seconds behind that of WeChat", doubtful="clock", quirks={"api_date_skew": 90}
    ),
    "a clock that is ahead": Fault(
        "seconds ahead of that of WeChat", doubtful="clock", quirks={"api_date_skew": -90}
    ),
    "a clock that COS does not share": Fault(
        "seconds behind that of COS", doubtful="clock", quirks={"cos_date_skew": 90}
    ),
    "a clock that is wrong while WeChat is busy": Fault(
        "seconds behind that of 127.0.0.1",
        "token.accepted",
        "clock",
        quirks={"api_date_skew": 3600},
        script=wechat("status", status=502),
        settings={"MAX_ATTEMPTS": 1},
    ),
    "a clock that is wrong while the address is not on the whitelist": Fault(
        "seconds behind that of WeChat",
        "token.accepted",
        "clock",
        quirks={"api_date_skew": 3600, "allowed_ip": "192.0.2.1"},
    ),
    # --- environments ---------------------------------------------------------------------------
    "cloud development that is not opened": Fault(
        "85088", "environments.listed", quirks={"batch_opened": False}
    ),
    "a misspelt environment": Fault(
        f"Did you mean {ENV}?",
        "environments.known",
        target={"envs": [ENV[:-1]]},
    ),
    "an environment that ENVIRONMENTS offers in vain": Fault(
        "gone-0fake0fake01", "environments.known", settings={"ENVIRONMENTS": tenants}
    ),
    "an environment that is stopped": Fault(
        "HALTED", "environments.usable", quirks={"env_condition": "HALTED"}
    ),
    "an environment that is not initialised": Fault(
        "UNAVAILABLE", "environments.usable", quirks={"env_condition": "UNAVAILABLE"}
    ),
    "an environment of an unknown condition": Fault(
        "ISOLATED", "environments.usable", quirks={"env_condition": "ISOLATED"}
    ),
    "more environments than anybody knows of": Fault(
        "502", doubtful="environments.listed", quirks={"more_envs": 500}
    ),
    "hosting that is being opened": Fault(
        "process", doubtful="environments.hosting", quirks={"store_status": "process"}
    ),
    "hosting that is closed": Fault(
        "offline", "environments.hosting", quirks={"store_status": "offline"}
    ),
    "hosting that failed": Fault(
        "create_fail", "environments.hosting", quirks={"store_status": "create_fail"}
    ),
    "hosting of an unknown state": Fault(
        "sleeping", doubtful="environments.hosting", quirks={"store_status": "sleeping"}
    ),
    # --- quota ----------------------------------------------------------------------------------
    "a quota that is used up": Fault(
        "No call of staticuploadfile is left today: all 20 are used",
        "quota.calls",
        quirks={"daily_limit": 20},
        before=spent(20),
    ),
    "a quota that is nearly used up": Fault(
        "Few calls of staticuploadfile are left today: 1 of 20",
        doubtful="quota.calls",
        quirks={"daily_limit": 20},
        before=spent(19),
    ),
    "links that are used up where WeChat gives no figure": Fault(
        "(errcode 45009)",
        "browser.cors",
        script=wechat("errcode", "staticuploadfile", errcode=45009),
    ),
    "links that are used up where WeChat gives no figure, with a probe": Fault(
        "(errcode 45009)",
        "browser.cors",
        script=wechat("errcode", "staticuploadfile", errcode=45009),
        target={"probe": True},
    ),
    "a description that is used up": Fault(
        "No call of describestaticstore is left today: all 20 are used",
        "quota.calls",
        quirks={"daily_limit": 20},
        before=spent(20, "describe", ENV),
    ),
    "links that come too fast": Fault(
        "45011",
        doubtful="browser.cors",
        script=wechat("errcode", "staticuploadfile", errcode=45011),
        settings={"MAX_ATTEMPTS": 1},
    ),
    "a list that WeChat refuses": Fault(
        "48001",
        "environments.files",
        script=wechat("errcode", "staticfilelist", errcode=48001),
    ),
    "an environment whose files WeChat refuses": Fault(
        "errcode -501005",
        "environments.files",
        script=(
            *wechat("errcode", "staticfilelist", errcode=-501005),
            *wechat("errcode", "staticuploadfile", errcode=-501005),
        ),
    ),
    "a list that WeChat refuses, with a probe": Fault(
        "48001",
        "environments.files",
        script=wechat("errcode", "staticfilelist", errcode=48001),
        target={"probe": True},
    ),
    # --- browser --------------------------------------------------------------------------------
    "a CORS rule that lacks a header": Fault(
        "x-cos-security-token",
        doubtful="browser.cors",
        quirks={"cors": True, "cors_headers": "content-type"},
    ),
    # --- probe ----------------------------------------------------------------------------------
    "a bucket that refuses the file": Fault(
        "AccessDenied",
        "probe.upload",
        script=wechat("cos_error", "put_object", code="AccessDenied", status=403),
        target={"probe": True},
    ),
    "a list without MD5": Fault(
        "MD5", doubtful="probe.list", quirks={"list_md5": "multipart"}, target={"probe": True}
    ),
    "files that are downloads": Fault(
        "downloads", doubtful="probe.public", quirks={"attachment": "all"}, target={"probe": True}
    ),
    "a notice before the pages": Fault(
        "notice",
        doubtful="probe.notice probe.public",
        quirks={"notice_page": "302"},
        target={"probe": True},
    ),
    "a site that drops Cache-Control": Fault(
        "Cache-Control",
        doubtful="probe.public",
        quirks={"cdn_cache_control": "none"},
        target={"probe": True},
    ),
    "a site that decodes no gzip": Fault(
        "Nothing is sent as gzip",
        doubtful="probe.gzip",
        settings={"COMPRESS": "gzip"},
        target={"probe": True},
    ),
    "an object store that cannot be reached": Fault(
        "could not be reached",
        "browser.cors",
        quirks={"link_base": NOWHERE},
        settings={"MAX_ATTEMPTS": 1},
        target={"probe": True},
    ),
    "an object store that refuses browsers and files": Fault(
        "NoSuchBucket",
        "browser.cors",
        script=(
            *wechat("status", "other", **NO_BUCKET),
            *wechat("cos_error", "put_object", code="NoSuchBucket", status=404),
        ),
        target={"probe": True},
    ),
    "a site where nobody listens": Fault(
        "could not be reached",
        "probe.public",
        settings={"BASE_URL": NOWHERE, "MAX_ATTEMPTS": 1},
        target={"probe": True},
    ),
    "a site of somebody else": Fault(
        "does not serve what was uploaded",
        "probe.public",
        script=({"on": "get_object", "do": "status", "status": 404, "times": None},),
        target={"probe": True, "timeout": 1.0},
    ),
    "a site that is busy": Fault(
        "does not serve what was uploaded",
        "probe.public",
        script=({"on": "get_object", "do": "status", "status": 503, "times": None},),
        target={"probe": True, "timeout": 1.0},
    ),
    "a proxy that takes the token of a link away": Fault(
        "the header x-cos-security-token did not arrive",
        "probe.upload",
        script=wechat("cos_error", "put_object", code="InvalidAccessKeyId", status=403),
        target={"probe": True},
    ),
}
