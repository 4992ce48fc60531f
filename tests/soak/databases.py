"""The databases of the soak: a file, or a PostgreSQL cluster of its own; each can be away."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

LOCK_SECONDS = 0.5  # that a process waits for a locked file, so that a short outage loses rows
CONNECT_SECONDS = 2


class Database(Protocol):
    """What a round needs of either."""

    address: str  # as the checker takes it
    settings: dict[str, Any]  # as Django takes it

    def be_away(self, seconds: float) -> None:
        """Take no writes for so long."""


class Sqlite:
    """One file; while somebody else holds the write lock, nobody can write."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        options = {
            "timeout": LOCK_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA synchronous = OFF",
        }
        self.settings = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": self.address,
            "OPTIONS": options,
        }

    def be_away(self, seconds: float) -> None:
        """Hold the write lock; without it, if nobody lets go of it in time."""
        with closing(sqlite3.connect(self.address, timeout=5, isolation_level=None)) as other:
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)

    def copy_to(self, replica: "Sqlite") -> None:
        """Bring a replica up to date, until the next write makes it lag again."""
        with (
            closing(sqlite3.connect(self.address, timeout=10)) as source,
            closing(sqlite3.connect(replica.address, timeout=10)) as target,
        ):
            source.backup(target)


class Postgres:
    """A cluster in a folder of its own; it refuses to run as root, so it runs as `postgres`."""

    def __init__(self, folder: Path) -> None:
        self._data, self._port = folder / "data", _free_port()
        self._user = "postgres" if os.geteuid() == 0 else None
        self._log = folder / "log.txt"
        self.address = f"postgresql://soak@127.0.0.1:{self._port}/postgres"
        self.settings = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "soak",
            "HOST": "127.0.0.1",
            "PORT": str(self._port),
            "OPTIONS": {"connect_timeout": CONNECT_SECONDS},
        }

    def be_away(self, seconds: float) -> None:
        """Restart the server: every connection breaks, and for a while nobody answers."""
        self._control("stop", "-m", "fast" if seconds < 3 else "immediate")
        time.sleep(seconds)
        self.start()

    def create(self) -> None:
        """Make the cluster, which only loopback reaches."""
        if self._user:
            shutil.chown(self._data.parent, self._user)
        options = ("--username=soak", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self._run("initdb", "--pgdata", str(self._data), *options)
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")
            file.write(f"port = {self._port}\nfsync = off\nmax_connections = 60\n")

    def start(self) -> None:
        """Return when the server answers."""
        self._control("start", "-l", str(self._log))

    def stop(self) -> None:
        """End every connection, then the server."""
        self._control("stop", "-m", "fast")

    def _control(self, *command: str) -> None:
        self._run("pg_ctl", *command, "--pgdata", str(self._data), "--wait")

    def _run(self, program: str, *arguments: str) -> None:
        found = find_program(program)
        assert found, f"{program} is missing: install PostgreSQL"
        # To a file that nobody waits for: the server inherits it and keeps it open.
        with (self._data.parent.parent / "postgresql.txt").open("ab") as output:
            subprocess.run(
                [found, *arguments],
                cwd="/",
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=60,
            )


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Run a cluster; it is stopped at the end, whatever happens."""
    folder.mkdir()
    database = Postgres(folder)
    database.create()
    database.start()
    try:
        yield database
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # it is away at this moment
            database.stop()


def find_program(name: str) -> str | None:
    """Return the path of a program of PostgreSQL, which Debian keeps off the PATH."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(newest[-1]) if newest else shutil.which(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
