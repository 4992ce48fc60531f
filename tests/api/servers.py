"""Real servers with the API, each in a process of its own, and an emulator behind them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from tests.conftest import ENV
from tests.waiting import PATIENCE
from wx_static_store.emulator import EmulatorServer

ROOT = Path(__file__).parent.parent.parent
TOKEN = "planted0token0of0ann"

_PREPARE = f"""
import django; django.setup()
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from rest_framework.authtoken.models import Token
call_command("migrate", verbosity=0)
user = User.objects.create_user("ann", password="pw")
user.user_permissions.set(Permission.objects.filter(content_type__app_label__startswith="wx_static_store"))
Token.objects.create(user=user, key={TOKEN!r})
"""


@dataclass
class Site:
    """A project with a database, and how to talk to its server."""

    cloud: EmulatorServer
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    cache: str = "filebased.FileBasedCache"
    address: tuple[str, int] = ("", 0)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def environment(self) -> dict[str, str]:
        reply = {
            "folder": str(self.folder),
            "cache": self.cache,
            "options": {
                "ENV": ENV,
                "ACCESS_TOKEN": self.cloud.access_token,
                "API_BASE_URL": self.cloud.api_url,
                **self.options,
            },
        }
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        names = {
            "DJANGO_SETTINGS_MODULE": "tests.api.project",
            "TMPDIR": f"{self.folder}/tmp",
            "WX_TEST_API": json.dumps(reply),
        }
        return {**os.environ, **names}

    def send(
        self, method: str, path: str, body: Any = None, headers: Any = None, **options: Any
    ) -> tuple[int, bytes]:
        """Status and body of the answer to `ann`, or to whom the headers name."""
        status, _headers, reply = self.exchange(method, path, body, headers, **options)
        return status, reply

    def exchange(
        self, method: str, path: str, body: Any = None, headers: Any = None, **options: Any
    ) -> tuple[int, Message, bytes]:
        """Return status, headers and body of the answer."""
        headers = {"Authorization": f"Token {TOKEN}"} | (headers or {})
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers, **options)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def rows(self) -> list[tuple[str, str, str]]:
        """Key, status and MD5 of each row of the log."""
        query = "SELECT key, status, md5 FROM wx_static_store_uploadlog ORDER BY id"
        with contextlib.closing(sqlite3.connect(self.folder / "db.sqlite3")) as database:
            return database.execute(query).fetchall()


SERVERS = {
    "gunicorn": [
        *("gunicorn", "--no-control-socket", "--timeout", "120", "--workers", "1"),
        *("--bind", "fd://{fd}", "django.core.wsgi:get_wsgi_application()"),
    ],
    "gunicorn threads": [
        *("gunicorn", "--no-control-socket", "--timeout", "120", "--threads", "8"),
        "--limit-request-line=0",
        *("--bind", "fd://{fd}", "django.core.wsgi:get_wsgi_application()"),
    ],
    "gunicorn 4 threads": [
        *("gunicorn", "--no-control-socket", "--timeout", "120", "--threads", "4"),
        *("--bind", "fd://{fd}", "django.core.wsgi:get_wsgi_application()"),
    ],
    "uvicorn": [
        *("uvicorn", "--factory", "--fd", "{fd}", "--lifespan", "off", "--log-level", "warning"),
        "django.core.asgi:get_asgi_application",
    ],
}


@contextlib.contextmanager
def serving(site: Site, server: str) -> Iterator[Site]:
    """Run the site behind one of `SERVERS`, with a user `ann` who may do everything."""
    prepare = [sys.executable, "-c", _PREPARE]
    subprocess.run(prepare, cwd=ROOT, env=site.environment(), check=True, timeout=PATIENCE)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        command = [part.format(fd=listener.fileno()) for part in SERVERS[server]]
        output = site.folder / "output.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=site.environment(),
                pass_fds=[listener.fileno()],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        site.address = listener.getsockname()
        try:
            site.send("GET", "/memory/")  # the first answer says that it runs
            yield site
        finally:
            process.terminate()
            process.wait(PATIENCE)
