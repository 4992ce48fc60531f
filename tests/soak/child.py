"""
Perform a random list of operations, one after another: ``python -m tests.soak.child``.

A line that begins with ``@`` is for the parent: when the work begins; where a deploy begins and
ends, so that it is known in which one the process was when it was ended; and what the process was
told, with the two moments between which that must have been true.
"""

import datetime
import hashlib
import json
import random
import signal
import sys
import time
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

OPERATIONS = {
    "deploy": 8,
    "roll_back": 2,
    "repair": 1,
    "form": 4,
    "save": 4,
    "delete": 1,
    "read": 2,
    "admin": 2,
    "api": 2,
    "reconcile": 1,
}
NAMES = 4  # files that are saved, so that processes meet at the same key
PREFIX = "site"  # folder that is deployed
EDITOR, WRITER = "editor", "writer"  # the writer may not replace files
WORKING = 10.0  # seconds after which nothing more is begun


def main() -> None:
    """Do what the arguments say; an error that nobody expects ends the process."""
    parser = ArgumentParser()
    parser.add_argument("--name", default="")
    parser.add_argument("--seed", default="")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--only", choices=OPERATIONS)
    parser.add_argument("--set-up", action="store_true")
    parser.add_argument("--clock", type=float, default=0.0)
    options = parser.parse_args()
    if options.clock:
        set_clock(options.clock)
    # A shell starts background processes with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    django.setup()
    import_module("wx_static_store.management.commands.wx_deploy")  # a signal meets it at work
    if options.set_up:
        set_up()
    else:
        Worker(options.name, random.Random(options.seed), options.only).run(options.count)


def set_clock(seconds: float) -> None:
    """Let the clock of this process be ahead; call it before anything imports `datetime`."""
    now, right = time.time, datetime.datetime

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, right)

    class Ahead(right, metaclass=Meta):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp(now() + seconds, tz)

    time.time = staticmethod(lambda: now() + seconds)  # no method where a class keeps it
    datetime.datetime = Ahead  # type: ignore[misc]


def set_up() -> None:
    """Make the tables, and the users of the admin and the API."""
    from django.contrib.auth.models import Permission, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_superuser(EDITOR)
    writer = User.objects.create_user(WRITER)
    writer.user_permissions.set(Permission.objects.filter(codename="upload"))


def say(text: str) -> None:
    """Print a line for the parent, at once."""
    sys.stdout.write(f"@ {text}\n")
    sys.stdout.flush()


def tell(kind: str, began: float, files: dict[str, str]) -> None:
    """Say what this process was told just now: the MD5 of each file, by its key."""
    fact = {"kind": kind, "began": began, "ended": time.monotonic(), "files": files}
    say(f"told {json.dumps(fact)}")


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


class Worker:
    """One process at its work."""

    def __init__(self, name: str, rng: random.Random, only: str | None) -> None:
        from django.conf import settings

        self.name, self.rng, self.only = name, rng, only
        given: dict[str, Any] = settings.GIVEN  # type: ignore[misc]
        self.trees, self.unique_sizes = given["trees"], given["unique_sizes"]
        self.step = 0
        self.labels: list[str] = []  # of releases that were deployed
        self.rows: list[str] = []  # names of files that belong to a row

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
        """Deploy one of the trees: a change, or what is there already."""
        tree = Path(self.rng.choice(self.trees))
        files = {path.relative_to(tree): path for path in tree.rglob("*") if path.is_file()}
        wanted = {f"{PREFIX}/{name}": md5(path.read_bytes()) for name, path in files.items()}
        code = self._publish([str(tree), PREFIX], wanted)
        self.labels += [self._label] * (code == 0)
        return code

    def roll_back(self) -> Any:
        """Go back to a release of this process, or to the one before."""
        label = f"={self.rng.choice(self.labels)}" if self.labels else ""
        return self._publish([f"--rollback{label}", f"--prefix={PREFIX}"])

    def repair(self) -> Any:
        return self._publish(["--repair", f"--prefix={PREFIX}"])

    @property
    def _label(self) -> str:
        return f"{self.name}.{self.step}"

    def _publish(self, arguments: list[str], files: dict[str, str] | None = None) -> Any:
        from django.core.management import CommandError, call_command

        arguments += ["--using=site", "--yes", "--verbosity=0", f"--label={self._label}"]
        # One that does not wait while another one runs ends at once.
        arguments += ["--wait"] * (self.rng.random() < 0.8)
        arguments += ["--verify"] * (self.rng.random() < 0.3)
        code, began = 0, time.monotonic()
        say(f"begins {self._label}")
        try:
            call_command("wx_deploy", *arguments)
        except CommandError as error:
            code = error.returncode
        if code == 0 and (files := files or self._released()):
            tell("done", began, files)
        say(f"ends {self._label} with code {code}")
        return code

    def _released(self) -> dict[str, str]:
        """Return the files of the release that was just deployed; none if it has no row."""
        from wx_static_store.models import Deployment

        # In one query: the release alone would be asked of a replica that lags.
        rows = Deployment.objects.using("default").select_related("release")
        row = rows.filter(label=self._label).last()
        files = row.release.contents() if row and row.release else ()
        return {f"{PREFIX}/{file.name}": file.md5 for file in files}

    def save(self) -> Any:
        from django.core.files.base import ContentFile
        from django.core.files.storage import default_storage

        body, began = self._body(), time.monotonic()
        name = default_storage.save(self._name(), ContentFile(body))
        tell("saved", began, {f"media/{name}": md5(body)})
        return name

    def form(self) -> Any:
        """Save the file of a form that may fail afterwards; or delete the file of a row."""
        from django.core.files.storage import storages
        from django.core.files.uploadedfile import SimpleUploadedFile

        from wx_static_store.core.types import during
        from wx_static_store.upload.claims import Save, current_saves

        storage, began = storages["forms"], time.monotonic()
        if self.rows and self.rng.random() < 0.3:
            name = self.rows.pop()
            tell("deletes", began, {f"media/forms/{name}": ""})
            return storage.delete(name)
        body = self._body() or b"not empty"
        with during(current_saves, list[Save]()) as saves:
            name = storage.save(f"f{self.rng.randrange(2)}.txt", SimpleUploadedFile("f", body))
        fails = self.rng.random() < 0.4
        tell("saved" if fails else "owned", began, {f"media/forms/{name}": md5(body)})
        if fails:
            saves[0].storage.leave(saves[0])
        else:
            self.rows.append(name)
        return name

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
        """Replace a file, or upload one as somebody who may not replace it."""
        from django.contrib.auth.models import User
        from rest_framework.test import APIClient

        client, user = APIClient(), self.rng.choice((EDITOR, WRITER))
        client.force_authenticate(User.objects.get(username=user))
        name, body, began = self._name(), self._body(), time.monotonic()
        url = f"/wx/uploads/default/{name}?overwrite=true"
        answer = client.put(url, body, content_type="application/octet-stream")
        if answer.status_code == 201:
            kind = "201" if user == EDITOR else "201 without replace"
            tell(kind, began, {f"media/{name}": md5(body)})
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
