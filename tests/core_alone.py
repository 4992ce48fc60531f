"""A project with the core alone: no rollouts, no health. Run it: it prints the pages it opened."""

from __future__ import annotations

import sys

import django
from django.apps import apps
from django.conf import settings

from tests import settings as whole

LEFT_OUT = tuple(f"wx_static_store.{app}" for app in ("callback", "health", "rollouts"))
PAGES = (
    *("", "wx_static_store/", "wx_static_store/uploadlog/", "wx_static_store/deployment/"),
    *("wx_static_store/uploadlog/upload/", "wx_static_store/uploadlog/files/"),
    *("wx_static_store/uploadlog/failing/", "wx_static_store/deployment/publish/"),
    *("wx_static_store/uploadlog/1/change/", "wx_static_store/deployment/1/change/"),
    "wx_static_store/waitingfile/",
)
ADDRESSES = (
    *("uploads/", "uploads/1/", "deployments/", "deployments/1/", "releases/1/", "stores/"),
    "waiting/",
)
COMMANDS = ("wx_deploy", "wx_explain", "wx_import_media", "wx_prune", "wx_push", "wx_reconcile")


def configure() -> None:
    names = {name: getattr(whole, name) for name in dir(whole) if name.isupper()}
    names["INSTALLED_APPS"] = [name for name in whole.INSTALLED_APPS if name not in LEFT_OUT]
    names["DATABASES"] = {"default": whole.database("sqlite")}
    settings.configure(**names | {"ROOT_URLCONF": "tests.core_alone_urls"})
    django.setup()


def visit() -> None:
    """Open each page and address, and ask each command for its help."""
    from django.contrib.auth.models import User
    from django.core.management import call_command, get_commands, load_command_class
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("makemigrations", "wx_static_store", check=True, dry_run=True, verbosity=0)
    add_rows()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    for address in (*(f"/admin/{page}" for page in PAGES), *(f"/api/{one}" for one in ADDRESSES)):
        answer = client.get(address)
        sys.stdout.write(f"{answer.status_code} {address}\n")
    found = {name: app for name, app in get_commands().items() if app.startswith("wx_static_store")}
    assert sorted(found) == sorted(COMMANDS), found
    for name, app in found.items():
        load_command_class(app, name).create_parser("manage.py", name).format_help()


def add_rows() -> None:
    """Add an upload, a release and its deployment, each with the id 1."""
    from wx_static_store.core.releases import pack
    from wx_static_store.models import Deployment, Release, UploadLog, key_digest

    packed = pack([])
    columns = {"digest": "a" * 64, "files": packed.files, "count": 0, "size": 0}
    release = Release.objects.create(**columns)
    Deployment.objects.create(env="env-1", using="staticfiles", outcome="done", release=release)
    UploadLog.objects.create(env="env-1", key="a.txt", name="a.txt", key_digest=key_digest("a.txt"))


if __name__ == "__main__":
    configure()
    visit()
    assert not any(apps.is_installed(name) for name in LEFT_OUT)
    loaded = sorted(name for name in sys.modules if name.startswith(LEFT_OUT))
    sys.stdout.write("\n".join(loaded))
