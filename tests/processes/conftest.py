"""A project whose commands and servers run in processes of their own, against an emulator."""

import contextlib
import functools
import json
import os
import select
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.conftest import ENV
from tests.waiting import PATIENCE
from wx_static_store.emulator import EmulatorServer

ROOT = Path(__file__).parent.parent.parent

PLANTED = {
    "appsecret": "planted-appsecret",
    "ticket": "planted-ticket",
    "security_token": "planted-security-token",
    "secret_key": "planted-secret-key",
}


def planted_emulator() -> EmulatorServer:
    """Start an emulator whose secrets differ from every other text."""
    return EmulatorServer(envs=(ENV,), **PLANTED)  # type: ignore[arg-type]


@dataclass
class Process:
    """A process that may have been ordered to halt."""

    popen: subprocess.Popen[bytes]
    output: Path
    reached: int
    go: int

    def wait_until_halted(self) -> None:
        assert select.select([self.reached], [], [], PATIENCE)[0], "it never came to its halt"
        assert os.read(self.reached, 1), f"it ended before its halt: {self.finish()}"

    def release(self) -> None:
        os.write(self.go, b".")

    def finish(self) -> tuple[int, str]:
        """Exit code and everything that it printed."""
        return self.popen.wait(PATIENCE), self.output.read_text()

    def close(self) -> None:
        """Nothing of it stays, however the test went."""
        os.close(self.reached)
        os.close(self.go)
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


@dataclass
class Project:
    """Its folders; `shared` holds the database and the cache."""

    cloud: EmulatorServer
    folder: Path
    shared: Path
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.folder / "source", self.shared, self.folder / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def process(self, *command: str, pass_fds: tuple[int, ...] = (), **orders: Any) -> Any:
        """Start a Python process with our settings; `orders` is what ``project.py`` obeys."""
        reached, tell_reached = os.pipe()
        hear_go, go = os.pipe()
        pipes = {"reached": tell_reached, "go": hear_go}
        folders = {"folder": str(self.folder), "shared": str(self.shared)}
        given = pipes | folders | {"options": self._settings()} | orders
        output = self.folder / f"output-{reached}.txt"  # a pipe that nobody reads would fill up
        with output.open("wb") as file:
            popen = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self._environment() | {"WX_TEST_PROJECT": json.dumps(given)},
                pass_fds=(tell_reached, hear_go, *pass_fds),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        os.close(tell_reached)
        os.close(hear_go)
        process = Process(popen, output, reached, go)
        try:
            yield process
        finally:
            process.close()

    def run(self, *command: str, **orders: Any) -> tuple[int, str]:
        """Exit code and output of a management command that runs to its end."""
        with self.process("-m", "django", *command, **orders) as process:
            code, output = process.finish()
            return code, output

    def _settings(self) -> dict[str, Any]:
        return {
            "ENV": ENV,
            "API_BASE_URL": self.cloud.api_url,
            "COMPONENT_APPID": self.cloud.state.account.appid,
            "COMPONENT_APPSECRET": self.cloud.state.account.appsecret,
            "VERIFY_TICKET": self.cloud.state.account.ticket,
            "TOKEN_MIN_INTERVAL": 1,  # a killed process leaves its lock for 2 s, not for 30
            **self.options,
        }

    def _environment(self) -> dict[str, str]:
        names = {
            "DJANGO_SETTINGS_MODULE": "tests.processes.project",
            "TMPDIR": f"{self.folder}/tmp",
        }
        return {**os.environ, **names, "PYTHONWARNINGS": "error"}

    # --- its static files ---------------------------------------------------------------------

    def write(self, files: dict[str, bytes]) -> None:
        """Write the source of a release, newer than all before by whole seconds, as Django asks."""
        for name, content in files.items():
            path = self.folder / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if self.root.is_dir():
                os.utime(path, (time.time() + 10,) * 2)

    @property
    def root(self) -> Path:
        return self.folder / "static_root"

    def collected(self) -> dict[str, bytes]:
        """Return what is in ``STATIC_ROOT``."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}

    def stored(self) -> dict[str, bytes]:
        """Return what is in the emulator."""
        objects = self.cloud.objects()
        return {key.removeprefix("static/"): found.body for key, found in objects.items()}

    def manifest(self) -> dict[str, str]:
        """Plain and hashed names, as a site that starts now would read them."""
        paths = json.loads((self.root / "staticfiles.json").read_bytes())["paths"]
        assert paths
        return dict(paths)

    def dead_names(self) -> set[str]:
        """Return what the local manifest promises and the emulator lacks, byte for byte."""
        collected, stored = self.collected(), self.stored()
        try:
            promised = set(self.manifest().values())
        except (OSError, ValueError):  # none, or a part of one
            return {"staticfiles.json"}
        return {name for name in promised if stored.get(name) != collected.get(name, b"-")}

    # --- its log ------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        return self.shared / "db.sqlite3"

    def rows(self, since: int = 0) -> list[tuple[int, str, str, str]]:
        """Id, key, status and MD5 of each row of the log."""
        query = (
            "SELECT id, key, status, md5 FROM wx_static_store_uploadlog WHERE id > ? ORDER BY id"
        )
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return database.execute(query, [since]).fetchall()

    def deployments(self) -> list[str]:
        """How each ended, the oldest first."""
        query = "SELECT outcome FROM wx_static_store_deployment ORDER BY id"
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return [outcome for (outcome,) in database.execute(query)]

    def false_rows(self, since: int = 0) -> set[str]:
        """Keys whose newest row says `stored` though the object is not there with that MD5."""
        newest = {key: (status, md5) for _id, key, status, md5 in self.rows(since)}
        objects = self.cloud.objects()
        return {
            key
            for key, (status, md5) in newest.items()
            if status == "stored" and (key not in objects or objects[key].md5 != md5)
        }


@functools.cache
def empty_database() -> bytes:
    """Return a database with its tables, made once for all projects: `migrate` takes a second."""
    with planted_emulator() as cloud, TemporaryDirectory() as folder:
        project = Project(cloud, Path(folder), Path(folder))
        code, output = project.run("migrate", "--verbosity", "0")
        assert code == 0, output
        return project.database.read_bytes()


@contextlib.contextmanager
def new_project(folder: Path) -> Iterator[Project]:
    """Make a project with an empty log and nothing published."""
    with planted_emulator() as cloud:
        project = Project(cloud, folder / "project", folder / "project/shared")
        project.database.write_bytes(empty_database())
        yield project


@contextlib.contextmanager
def copy_of(original: Project, folder: Path) -> Iterator[Project]:
    """Make a project with the files, the log and the published objects of another."""
    with planted_emulator() as cloud:
        for key, found in original.cloud.objects().items():
            cloud.put_object(key, found.body)
        shutil.copytree(original.folder, folder / "project")
        yield Project(cloud, folder / "project", folder / "project/shared")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with new_project(tmp_path) as project:
        yield project


@contextlib.contextmanager
def gunicorn(project: Project, *options: str, **orders: Any) -> Iterator[str]:
    """Return the address of a prefork server that warmed the project before its fork."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    application = "tests.processes.project:make_application()"
    command = ["-m", "gunicorn", "--preload", "--no-control-socket", *options]
    command += ["--bind", f"fd://{listener.fileno()}"]
    with (
        listener,
        project.process(*command, application, pass_fds=(listener.fileno(),), **orders) as process,
    ):
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        process.popen.terminate()
        process.finish()
