"""Who takes part: the app, the limit and the peers, each as one command over a place of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .measure import RunFailed, Sample, Server, run

BEFORE = ", before"
DJANGO = (sys.executable, "-m", "django")


@dataclass
class Lab:
    """What all places share."""

    work: Path
    server: Server
    quick: bool
    rounds: int
    link: float  # seconds
    put: float
    before: str = ""  # another checkout

    @property
    def checkouts(self) -> dict[str, str]:
        """Return the checkouts to measure, by what is added to a contender's name."""
        return {BEFORE: self.before, "": ""} if self.before else {"": ""}

    def empty(self, checkout: str) -> Path:
        """Return the migrated database that each place of a checkout copies."""
        return self.work / f"empty{BEFORE if checkout else ''}.sqlite3"

    @property
    def pair(self) -> float:
        return self.link + self.put

    def number(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass
class Place:
    """One contender's state in one workload: its collected files, its log, its cloud."""

    lab: Lab
    name: str
    contender: Contender
    source: Path
    workers: int
    bench: dict[str, Any] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    envs: int = 1
    stores: bool = True  # every file of the source must be in the cloud when it ends
    checkout: str = ""  # of the app; empty: this one

    def __post_init__(self) -> None:
        self.name = re.sub(r"\W|_", "-", self.name)  # it becomes an environment and a bucket
        self.folder = self.lab.work / f"{self.name}-{self.workers}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root, self.database = self.folder / "root", self.folder / "db.sqlite3"
        self.spaces = [f"{self.name}-{number}" for number in range(self.envs)]
        self.fresh()

    def fresh(self) -> None:
        """Restore the state before the first run."""
        for folder in (self.root, self.root.with_name("root-releases")):
            shutil.rmtree(folder, ignore_errors=True)
        self.root.mkdir()
        template = self.lab.empty(self.checkout)
        for file in self.folder.glob("db.sqlite3*"):  # with what SQLite keeps beside it
            file.unlink()
        if template.exists():
            shutil.copyfile(template, self.database)
        for space in self.spaces:
            self.lab.server.ask(empty=space)

    def own_source(self) -> None:
        """Return a copy that may be changed while others read theirs."""
        copy = self.folder / "source"
        shutil.copytree(self.source, copy)
        self.source = copy

    @property
    def files(self) -> int:
        return sum(len(names) for _at, _dirs, names in os.walk(self.source))

    @property
    def env(self) -> dict[str, str]:
        bench = {
            "storage": self.contender.storage,
            "workers": self.workers,
            "source": str(self.source),
            "root": str(self.root),
            "database": str(self.database),
            "env": self.spaces[0],
            "bucket": self.spaces[0],
            **self.lab.server.ports,
            **self.bench,
        }
        return {
            "DJANGO_SETTINGS_MODULE": self.contender.settings,
            "BENCH": json.dumps(bench),
            "BENCH_CODE": self.checkout,
        }

    def run(self, *more: str, cold: bool = False) -> Sample:
        """Measure one run, with more options; a cold one begins with nothing anywhere."""
        if cold:
            self.fresh()
        self.contender.prepare(self)
        argv = [*self.contender.command(self), *self.extra, *more]
        files = self.files * self.envs
        sample = run(argv, self.env | self.contender.env(self), self.lab.server, files)
        stored = sum(sample.calls["objects"].get(space, 0) for space in self.spaces)
        if self.stores and stored != files:
            raise RunFailed(f"{self.name} stored {stored} of {files} files")
        return sample

    def cold(self) -> Sample:
        return self.run(cold=True)


@dataclass(frozen=True)
class Contender:
    """A command; `needs` is the module without which it cannot take part."""

    command: Callable[[Place], list[str]]
    storage: str = "wx"
    needs: str = "django"
    settings: str = "benchmarks.settings"
    prepare: Callable[[Place], None] = lambda place: None
    env: Callable[[Place], dict[str, str]] = lambda place: {}

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None


def program(name: str, *args: str, **facts: Any) -> Contender:
    """Return the command of a small program of `programs.py`."""
    command = [sys.executable, "-m", "benchmarks.programs", name, *args]
    return Contender(lambda place: command, **facts)


def _limit(place: Place) -> list[str]:
    ports = place.lab.server.ports
    argv = [sys.executable, "-m", "benchmarks.client", ports["api"], ports["cos"]]
    return [*argv, str(place.source), *place.spaces, "--workers", str(place.workers)]


def _deploy(place: Place) -> list[str]:
    argv = [*DJANGO, "wx_deploy", str(place.source), "--using", "staticfiles", "--yes", "-v0"]
    if place.envs == 1:
        return argv
    listed = place.folder / "envs.txt"
    listed.write_text("\n".join(place.spaces))
    return [*argv, "--envs-file", str(listed)]


def _rollback(place: Place) -> list[str]:
    return [*DJANGO, "wx_deploy", "--rollback", "--using", "staticfiles", "--yes", "-v0"]


def _hashing(place: Place) -> list[str]:
    return [sys.executable, "-m", "benchmarks.trees", str(place.source)]


def _collectstatic(place: Place) -> list[str]:
    return [*DJANGO, "collectstatic", "--noinput", "-v0"]


def _sync(place: Place) -> list[str]:
    where = ["--endpoint-url", place.lab.server.ports["s3"], "--only-show-errors"]
    to = f"s3://{place.spaces[0]}/"
    return [sys.executable, "-m", "awscli", "s3", "sync", str(place.source), to, *where]


def _sync_prepare(place: Place) -> None:
    """Configure as many requests at once as the others have workers."""
    text = f"max_concurrent_requests = {place.workers}\n    addressing_style = path"
    (place.folder / "aws").write_text(f"[default]\nregion = us-east-1\ns3 =\n    {text}\n")


def _sync_env(place: Place) -> dict[str, str]:
    return {
        "AWS_CONFIG_FILE": str(place.folder / "aws"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


LIMIT, DEPLOY, COLLECT = "limit", "wx_deploy", "wx collectstatic"
ROLLBACK = "wx_deploy --rollback"
NAIVE, S3, FASTA, SYNC, DISK = "naive", "django-storages", "collectfasta", "aws s3 sync", "disk"

HASHING = "hashing"
OURS = (DEPLOY, COLLECT)

CONTENDERS: dict[str, Contender] = {
    LIMIT: Contender(_limit),
    DEPLOY: Contender(_deploy),
    COLLECT: Contender(_collectstatic),
    ROLLBACK: Contender(_rollback),
    HASHING: Contender(_hashing),
    NAIVE: Contender(_collectstatic, "naive"),
    S3: Contender(_collectstatic, "s3", needs="boto3"),
    FASTA: Contender(_collectstatic, "collectfasta", needs="collectfasta"),
    SYNC: Contender(_sync, needs="awscli", prepare=_sync_prepare, env=_sync_env),
    DISK: Contender(_collectstatic, "disk"),
}
