"""The world of a soak: the emulator, one or two projects with their databases, trees to deploy."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wx_static_store.emulator import EmulatorServer

from .checker import Put, Version
from .databases import Database, Sqlite, postgres

ENV = "demo-1a2b3c4d5e6f7g8h"
ROOT = Path(__file__).parent.parent.parent
TREES = 5
NAMES = (
    *(f"css/f{number:02}.css" for number in range(9)),
    *(f"js/f{number:02}.js" for number in range(6)),
    *("logo.svg", "中文 名.txt", "robots.txt"),
    *("index.html", "about.html", "docs/index.html"),
)


@dataclass(frozen=True)
class Modes:
    """What is not as usual in this soak."""

    list_md5: str = "plain"
    lag: float = 0.0  # seconds that the list lags behind
    database: str = "sqlite"
    replica: bool = False
    second_project: bool = False

    @property
    def multipart(self) -> bool:
        """Return whether the list shows no bare MD5s."""
        return self.list_md5 == "multipart"

    def __str__(self) -> str:
        flags = [f"--database {self.database}", f"--list-md5 {self.list_md5}"]
        flags += [f"--lag {self.lag:g}"] * bool(self.lag)
        flags += ["--replica"] * self.replica + ["--second-project"] * self.second_project
        return " ".join(flags)


@dataclass(frozen=True)
class Project:
    """One Django project: its log, its cache, and the orders of its processes."""

    name: str
    database: Database
    given: dict[str, Any]
    replica: Sqlite | None = None

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Return a command line of Python and its environment."""
        names = {"WX_SOAK": json.dumps(self.given), "DJANGO_SETTINGS_MODULE": "tests.soak.settings"}
        inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        return [sys.executable, *arguments], inherited | names


@dataclass
class World:
    """Everything of one soak; `history` holds each version of an object that ever was stored."""

    modes: Modes
    folder: Path
    emulator: EmulatorServer
    projects: list[Project] = field(default_factory=list)
    history: set[Version] = field(default_factory=set)
    puts: list[Put] = field(default_factory=list)
    trees: list[dict[str, bytes]] = field(default_factory=lambda: [{} for _ in range(TREES)])

    # --- the cloud ----------------------------------------------------------------------------

    def note_history(self) -> None:
        """Write down each object as the emulator stores it."""
        bucket = self.emulator.state.find(ENV).bucket
        put = bucket.put

        def noting(key: str, *args: Any, **kwargs: Any) -> Any:
            stored = put(key, *args, **kwargs)
            self.history.add((key, stored.md5, stored.size))
            self.puts.append((time.monotonic(), key, stored.md5))
            return stored

        bucket.put = noting  # type: ignore[method-assign]

    def wait_until_still(self, seconds: float) -> None:
        """Clear the faults, and return when no request was finished for so long."""
        self.emulator.state.script.clear()
        number, since = len(self.emulator.journal), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.05)
            if (now := len(self.emulator.journal)) != number:
                number, since = now, time.monotonic()

    # --- the trees ----------------------------------------------------------------------------

    def change_trees(self, rng: random.Random) -> None:
        """Give the files of one tree other contents; some files come and some go."""
        changed = [self.trees[rng.randrange(TREES)]] if any(self.trees) else self.trees
        for tree in changed:
            for name in rng.sample(NAMES, rng.choice((1, 3, len(NAMES)))):
                tree.pop(name, None)
                if rng.random() < 0.7:
                    tree[name] = _content(rng, name)
            tree["index.html"] = _content(rng, "index.html")  # no tree is empty

    def write_trees(self) -> None:
        """Bring the folders up to date."""
        for folder, tree in zip(self.tree_folders, self.trees, strict=True):
            for path in [path for path in folder.rglob("*") if path.is_file()]:
                if path.relative_to(folder).as_posix() not in tree:
                    path.unlink()
            for name, body in tree.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists() or path.read_bytes() != body:
                    path.write_bytes(body)

    @property
    def tree_folders(self) -> list[Path]:
        """Return the folder of each tree."""
        return [self.folder / "trees" / str(number) for number in range(TREES)]


def _content(rng: random.Random, name: str) -> bytes:
    """Return one of three versions of a file, all of one size, or nothing."""
    return b"" if rng.random() < 0.05 else f"{name}: version {rng.randrange(3)}\n".encode()


@contextmanager
def new_world(modes: Modes) -> Iterator[World]:
    """Start everything; at the end all is stopped. The folder stays, for whoever wants to look."""
    folder = Path(tempfile.mkdtemp(prefix="wx-soak-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    with ExitStack() as stack:
        emulator = stack.enter_context(EmulatorServer(envs=[ENV]))
        emulator.quirks.update({"list_md5": modes.list_md5})
        if modes.lag:
            emulator.quirks.update({"list_lag_seconds": modes.lag})
        world = World(modes, folder, emulator)
        world.note_history()
        (folder / "output").mkdir()
        for path in world.tree_folders:
            path.mkdir(parents=True)
        first = Sqlite(folder / "first.sqlite3")
        if modes.database == "postgresql":
            first = stack.enter_context(postgres(folder / "postgresql"))  # type: ignore[assignment]
        world.projects.append(_new_project(world, "first", first))
        if modes.second_project:
            second = Sqlite(folder / "second.sqlite3")
            world.projects.append(_new_project(world, "second", second))
        yield world


def _new_project(world: World, name: str, database: Database) -> Project:
    """Return a project with empty tables. Another one is on another machine: it shares no cache."""
    replica = Sqlite(world.folder / "replica.sqlite3") if world.modes.replica else None
    databases = {"default": database.settings}
    if replica and name == "first":
        databases["replica"] = replica.settings
    given = {
        "databases": databases,
        "cache": str(world.folder / f"cache-{name}"),
        "static_root": str(world.folder / "static"),
        "kept": str(world.folder / f"kept-{name}"),
        "trees": [str(folder) for folder in world.tree_folders],
        # Without MD5s a list tells two bodies of one size apart by time alone. A save that is
        # killed leaves no row with its time, so bodies of one size are only for plain lists.
        "unique_sizes": world.modes.multipart,
        "options": {
            "ENV": ENV,
            "API_BASE_URL": world.emulator.api_url,
            "ACCESS_TOKEN": world.emulator.access_token,
            "BASE_URL": world.emulator.site_url(ENV),
            "MAX_WORKERS": 6,
            "DEADLINE": 6,
            "READ_TIMEOUT": 1,
            "RELEASE_STORAGE": "kept",
        },
    }
    project = Project(name, database, given, replica if name == "first" else None)
    command, environment = project.command("-m", "tests.soak.child", "--set-up")
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    if isinstance(database, Sqlite) and project.replica:
        database.copy_to(project.replica)
    return project
