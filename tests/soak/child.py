"""
Perform a random list of operations, one after another: ``python -m tests.soak.child``.

A line that begins with ``@`` is for the parent: when the work begins, and where a deploy begins
and ends, so that it is known in which one the process was when it was ended.
"""

import random
import signal
import sys
import time
from argparse import ArgumentParser
from importlib import import_module
from typing import Any
from uuid import uuid4

import django

OPERATIONS = {
    "deploy": 8,
    "save": 4,
    "delete": 1,
    "read": 2,
    "admin": 2,
    "api": 2,
    "reconcile": 1,
}
NAMES = 4  # files that are saved, so that processes meet at the same key
PREFIX = "site"  # folder that is deployed
EDITOR = "editor"
WORKING = 10.0  # seconds after which nothing more is begun


def main() -> None:
    """Do what the arguments say; an error that nobody expects ends the process."""
    parser = ArgumentParser()
    parser.add_argument("--name", default="")
    parser.add_argument("--seed", default="")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--only", choices=OPERATIONS)
    parser.add_argument("--set-up", action="store_true")
    options = parser.parse_args()
    # A shell starts background processes with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    django.setup()
    import_module("wx_static_store.management.commands.wx_deploy")  # a signal meets it at work
    if options.set_up:
        set_up()
    else:
        Worker(options.name, random.Random(options.seed), options.only).run(options.count)


def set_up() -> None:
    """Make the tables, and the user of the admin and the API."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_superuser(EDITOR)


def say(text: str) -> None:
    """Print a line for the parent, at once."""
    sys.stdout.write(f"@ {text}\n")
    sys.stdout.flush()


class Worker:
    """One process at its work."""

    def __init__(self, name: str, rng: random.Random, only: str | None) -> None:
        from django.conf import settings

        self.name, self.rng, self.only = name, rng, only
        given: dict[str, Any] = settings.GIVEN  # type: ignore[misc]
        self.trees, self.unique_sizes = given["trees"], given["unique_sizes"]
        self.step = 0

    def run(self, count: int) -> None:
        """Perform so many operations; what is expected of a bad day does not end it."""
        from django.core.management.base import CommandError
        from django.db import DatabaseError

        from wx_static_store.exceptions import WxStaticStoreError

        say("is ready")
        until = time.monotonic() + WORKING
        for self.step in range(count):
            if time.monotonic() > until:
                break
            kind = self.only or self.rng.choices([*OPERATIONS], [*OPERATIONS.values()])[0]
            # Django's own tables, and the log that a reconciliation is about, may be away.
            away = DatabaseError if kind in ("admin", "api", "reconcile") else CommandError
            try:
                result = getattr(self, kind)()
            except (WxStaticStoreError, CommandError, OSError, away) as error:
                result = f"{type(error).__name__}: {str(error).splitlines()[:1]}"
            sys.stdout.write(f"{kind}: {result}\n")

    def deploy(self) -> Any:
        """Deploy one of the trees: a change, a roll back, or what is there already."""
        from django.core.management import CommandError, call_command

        label = f"{self.name}.{self.step}"
        arguments = [self.rng.choice(self.trees), PREFIX, "--using=site", "--yes", "--verbosity=0"]
        # One that does not wait while another one runs ends at once.
        arguments += ["--wait"] * (self.rng.random() < 0.8)
        arguments += ["--verify"] * (self.rng.random() < 0.2)
        code = 0
        say(f"begins {label}")
        try:
            call_command("wx_deploy", *arguments, f"--label={label}")
        except CommandError as error:
            code = error.returncode
        say(f"ends {label} with code {code}")
        return code

    def save(self) -> Any:
        from django.core.files.base import ContentFile
        from django.core.files.storage import default_storage

        return default_storage.save(self._name(), ContentFile(self._body()))

    def delete(self) -> Any:
        from django.core.files.storage import default_storage

        return default_storage.delete(self._name())

    def read(self) -> Any:
        from django.core.files.storage import default_storage

        with default_storage.open(self._name()) as file:
            return file.read()[:20]

    def admin(self) -> Any:
        """Upload through the page of the admin, as its script does."""
        from django.conf import settings
        from django.contrib.auth.models import User
        from django.core.files.uploadedfile import SimpleUploadedFile
        from django.test import Client

        client = Client(headers={"Accept": "application/json"})
        client.force_login(User.objects.get(username=EDITOR))
        folder, _slash, name = self._name().rpartition("/")
        form = {
            "store": f"default@{settings.WX_STATIC_STORE['ENV']}",
            "folder": folder,
            "file": SimpleUploadedFile(name, self._body()),
            "overwrite": "on",
            "form_id": str(uuid4()),
        }
        answer = client.post("/admin/wx_static_store/uploadlog/upload/", form)
        return answer.status_code, answer.content[:300]

    def api(self) -> Any:
        from django.contrib.auth.models import User
        from rest_framework.test import APIClient

        client = APIClient()
        client.force_authenticate(User.objects.get(username=EDITOR))
        url = f"/wx/uploads/default/{self._name()}?overwrite=true"
        answer = client.put(url, self._body(), content_type="application/octet-stream")
        return answer.status_code, answer.content[:300]

    def reconcile(self) -> Any:
        from django.core.management import call_command

        return call_command("wx_reconcile", "--fix")

    def _name(self) -> str:
        return f"uploads/n{self.rng.randrange(NAMES)}.txt"

    def _body(self) -> bytes:
        """Return one of few texts, or one whose size hardly ever comes again."""
        if self.unique_sizes:
            return b"." * self.rng.randrange(1, 20_000)
        return b"" if self.rng.random() < 0.1 else b"text %d" % self.rng.randrange(4)


if __name__ == "__main__":
    main()
