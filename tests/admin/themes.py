"""
Our pages under another theme of the admin: ``python -m tests.admin.themes unfold`` prints them.

With the path of a database behind it, which is made anew, they are served until the process is
ended, and the line that it prints has their addresses and a cookie of the superuser.

A process of its own, because a theme replaces Django's templates when the apps are loaded.
"""

import json
import sys
from time import time
from typing import Any

import django
from django.conf import settings
from django.urls import path

from tests import settings as suite
from wx_static_store.emulator import EmulatorServer

ENV = "demo-1a2b3c"
OTHERS = (40001, 40097, 41001, 45011, 85088, 48001, 44002, 61007)  # errcodes of failures
THEMES = {  # apps before the admin
    "admin": [],
    "admin_interface": ["admin_interface", "colorfield"],
    "grappelli": ["grappelli"],
    "jazzmin": ["jazzmin"],
    "simpleui": ["simpleui"],
    "unfold": ["unfold"],
}
UPLOADS = "admin:wx_static_store_uploadlog"
WAITING = "admin:wx_static_store_waitingfile"
DEPLOYMENTS = "admin:wx_static_store_deployment"
ROLLOUTS = "admin:wx_static_store_rollouts_rollout"
FOLDERS, FILES = 12, 30  # in the cloud

urlpatterns: list[Any] = []


def configure(emulator: EmulatorServer, theme: str, path: str = "") -> None:
    own = {name: value for name, value in vars(suite).items() if name.isupper()}
    changed: dict[str, Any] = {
        "INSTALLED_APPS": [*THEMES[theme], *suite.INSTALLED_APPS],
        "DATABASES": {"default": suite.database("sqlite") | ({"NAME": path} if path else {})},
        "ALLOWED_HOSTS": ["*"],
        "ROOT_URLCONF": __name__,
        "MIDDLEWARE": [*suite.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"],
        "STORAGES": {
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
        },
        "WX_STATIC_STORE": suite.WX_STATIC_STORE
        | {
            "ENV": ENV,
            "ACCESS_TOKEN": emulator.access_token,
            "API_BASE_URL": emulator.api_url,
            "BASE_URL": "https://site.example/",
        },
    }
    settings.configure(**(own | changed))
    django.setup()


def addresses() -> dict[str, str]:
    """Fill the database; return the path of each page."""
    from django.apps import apps
    from django.contrib import admin
    from django.core.management import call_command
    from django.urls import include, reverse

    from tests.bookshop.models import Book
    from wx_static_store.forms import WxAdminMixin
    from wx_static_store.health.doctor.findings import Result, wrong
    from wx_static_store.health.doctor.latest import keep
    from wx_static_store.health.doctor.table import CHECKS

    class BookAdmin(WxAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
        fields = ("title", "file")

    admin.site.register(Book, BookAdmin)
    urlpatterns.append(path("admin/", admin.site.urls))
    # What grappelli and admin_interface ask for.
    urlpatterns.append(path("i18n/", include("django.conf.urls.i18n")))
    if apps.is_installed("grappelli"):
        urlpatterns.append(path("grappelli/", include("grappelli.urls")))
    call_command("migrate", run_syncdb=True, verbosity=0)
    upload, deployment, book = rows()
    keep([Result(CHECKS[0], (wrong("Spent"),))])
    number, waiting = rollout(), wait()
    return {
        "list": reverse(f"{UPLOADS}_changelist"),
        "detail": reverse(f"{UPLOADS}_change", args=[upload]),
        "upload": reverse(f"{UPLOADS}_upload"),
        "still failing": reverse(f"{UPLOADS}_failing"),
        "files": reverse(f"{UPLOADS}_files"),
        "waiting": reverse(f"{WAITING}_changelist"),
        "waiting file": reverse(f"{WAITING}_change", args=[waiting]),
        "deployments": reverse(f"{DEPLOYMENTS}_changelist"),
        "deployment": reverse(f"{DEPLOYMENTS}_change", args=[deployment]),
        "publish": reverse(f"{DEPLOYMENTS}_publish"),
        "compare": reverse(f"{DEPLOYMENTS}_compare", args=[deployment]),
        "rollback": reverse(f"{DEPLOYMENTS}_rollback", args=[deployment]),
        "rollouts": reverse(f"{ROLLOUTS}_changelist"),
        "rollout": reverse(f"{ROLLOUTS}_change", args=[number]),
        "rollout back": reverse(f"{ROLLOUTS}_rollback", args=[number]),
        "overview": reverse("admin:wx_static_store_rollouts_overview_changelist"),
        "environment": reverse("admin:wx_static_store_rollouts_overview_environment", args=[ENV]),
        "health": reverse("admin:wx_static_store_health_health_changelist"),
        "index": reverse("admin:index"),
        "app": reverse("admin:app_list", args=["wx_static_store"]),
        "widget": reverse("admin:bookshop_book_change", args=[book]),
    }


def superuser() -> Any:
    """Return a client, logged in."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("demo", password="demo"))
    return client


def serve(pages: dict[str, str]) -> None:
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    class Silent(WSGIRequestHandler):
        def log_message(self, *args: Any) -> None: ...

    server = ThreadedWSGIServer(("127.0.0.1", 0), Silent)
    server.set_app(StaticFilesHandler(WSGIHandler()))
    address = f"http://127.0.0.1:{server.server_port}"
    session = superuser().cookies["sessionid"].value
    cookie = {"name": "sessionid", "value": session, "url": address}
    served = {name: f"{address}{path}" for name, path in pages.items()}
    sys.stdout.write(json.dumps([served, cookie]) + "\n")
    sys.stdout.flush()
    server.serve_forever()


def rows() -> tuple[int, int, int]:
    from tests.bookshop.models import Book
    from wx_static_store.core.releases import ReleaseFile, pack
    from wx_static_store.core.types import NO_HEADERS, UploadContext, UploadResult, UploadStatus
    from wx_static_store.exceptions import WeChatRefused, WeChatThrottled
    from wx_static_store.models import Deployment, Release
    from wx_static_store.upload import recorder

    packed = pack([ReleaseFile("a.txt", 1, "a" * 32, "b" * 64, NO_HEADERS)])
    columns = {name: getattr(packed, name) for name in ("digest", "files", "count", "size")}
    where = {"env": ENV, "using": "default", "source": "wx_deploy"}
    deployment, _live = (
        Deployment.objects.create(**where, release=release, **more)
        for release, more in [
            (Release.objects.create(**columns), {"label": "spring", "outcome": "failed"}),
            (Release.objects.create(**columns | {"digest": "d" * 64}), {"outcome": "done"}),
        ]
    )
    error = WeChatThrottled("staticuploadfile was refused", cause="45009", errcode=45009)
    failed = UploadResult(
        "books/a.txt", "books/a.txt", UploadStatus.FAILED, ENV,
        error=error, errcode=45009, rid=f"{int(time()):08x}-0a0b0c0d-01020304",
    )  # fmt: skip
    upload = recorder.record_one(failed, UploadContext("wx_deploy", deployment_id=deployment.pk))
    for code in OTHERS:
        error = WeChatRefused("staticuploadfile was refused", cause=str(code), errcode=code)
        key = f"books/{code}.txt"
        failed = UploadResult(key, key, UploadStatus.FAILED, ENV, error=error, errcode=code)
        recorder.record_one(failed, UploadContext("admin"))
    book = Book.objects.create(title="A book")
    Book.objects.update(file="books/a.txt")
    assert upload
    return upload, deployment.pk, book.pk


def rollout() -> int:
    from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

    found = Rollout.objects.create(using="default", label="summer", waves="100%", state="stopped")
    row = RolloutEnvironment(rollout=found, env=ENV, position=0, wave=1, state="failed")
    row.errcode, row.cause = 85088, "85088"
    row.save()
    return found.pk


def wait() -> int:
    """Let a file wait, and another one for a person."""
    from django.utils import timezone

    from wx_static_store.models import WaitingFile

    moments = dict.fromkeys(("next_at", "created", "changed"), timezone.now())
    where = {"env": ENV, "using": "default", "source": "storage", "kind": "save", "size": 99}
    WaitingFile.objects.create(key="books/c.txt", state="due", **where | moments)
    why = {"cause": "45009", "errcode": 45009, "message": "quota", "attempts": 1}
    parked = where | moments | why | {"key_digest": "b", "state": "parked"}
    return int(WaitingFile.objects.create(key="books/b.txt", name="books/b.txt", **parked).pk)


if __name__ == "__main__":
    with EmulatorServer(envs=(ENV,)) as emulator:
        configure(emulator, *sys.argv[1:])
        for number in range(FOLDERS):
            emulator.put_object(f"folder-{number}/tea.txt", b"tea")
        for number in range(FILES):
            emulator.put_object(f"price-list-of-tea-{number}.txt", b"tea")
        paths = addresses()
        if sys.argv[2:]:
            serve(paths)
        client = superuser()
        answers = {name: client.get(path) for name, path in paths.items()}
    found = {name: (a.status_code, a.content.decode()) for name, a in answers.items()}
    json.dump(found, sys.stdout)
