"""
Deploy, roll back and prune at once, kill some of it, and see that no byte of a release is lost.

Three environments share a release storage. In each round all that is kept counts as old; then two
environments record a tree, a third one is rolled back, and releases are pruned: four processes, of
which some are ended by SIGKILL. The storage takes its time, as the seed says, so that they meet.
After each round, by reading every file:

1. what is live in an environment, and its last two releases, are there, as their trees were;
2. whatever a row says is kept is there;
3. what was not killed ended well.

At the end a prune that nobody disturbs leaves no row of a file that no release names.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.settings import database

ENVS = ("tenant-a", "tenant-b", "tenant-c")
TREES = 8
KEPT = 2  # releases of each environment
LONGEST = 60.0  # seconds that a process may take
SHOWN = 10  # violations that are printed

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Run:
    """One process of a round: what it does, when it begins, and when it is killed."""

    name: str
    work: Callable[[], None]
    begins: float
    killed: float | None


class Soak:
    """Makes the rounds, and counts how their runs ended."""

    def __init__(self, rng: random.Random, folder: Path) -> None:
        self.rng, self.folder = rng, folder
        self.trees = [draw_tree(rng) for _ in range(TREES)]
        self.ends: Counter[str] = Counter()
        self.wrong: list[str] = []

    def draw(self) -> list[Run]:
        """Draw what each environment gets, and a prune; a third of all is killed."""
        works = {"prune": prune, **{env: self._draw_deploy(env) for env in ENVS}}
        rng = self.rng
        return [
            Run(
                name,
                work,
                begins=rng.choice((0.0, rng.uniform(0.0, 0.05))),
                killed=rng.uniform(0.0, 0.1) if rng.random() < 1 / 3 else None,
            )
            for name, work in works.items()
        ]

    def _draw_deploy(self, env: str) -> Callable[[], None]:
        if env == ENVS[-1] and (before := labels_of(env)[1:KEPT]):
            return partial(roll_back, env, before[0])
        freed = [label for other in ENVS for label in labels_of(other)[KEPT : KEPT + 1]]
        label = self.rng.choice([*freed, str(self.rng.randrange(TREES))])
        return partial(deploy, env, label, self.trees[int(label)])

    def make(self, runs: list[Run]) -> None:
        """Make the runs of a round at once, and judge what they leave."""
        from django.db import connections

        age()
        connections.close_all()  # a child has its own
        children = {start(run, self.folder / "output.txt"): run for run in runs}
        self._kill(children)
        for pid, run in children.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            how = {0: "done", -signal.SIGKILL: "killed"}.get(code, "failed")
            self.ends[f"{'prunes' if run.work is prune else 'deploys'} {how}"] += 1
            if how == "failed":
                self.wrong.append(f"{run.name} ended with code {code}")
        self.wrong += self.judge()

    def _kill(self, children: dict[int, Run]) -> None:
        """Kill each when its time has come; one that hangs is killed, too."""
        began = time.monotonic()
        due = sorted((run.killed or LONGEST, pid) for pid, run in children.items())
        for seconds, pid in due:
            while time.monotonic() - began < seconds and not ended(pid):
                time.sleep(0.001)
            if not ended(pid):
                os.kill(pid, signal.SIGKILL)

    def judge(self) -> list[str]:
        """Return what is lost."""
        from wx_static_store.models import KeptFile

        there = digests_in(self.folder / "kept")
        rows = KeptFile.objects.filter(freed=False).values_list("sha256", flat=True)
        lost = [f"a row says that {digest} is kept" for digest in rows if digest not in there]
        return lost + [what for env in ENVS for what in self._lost_of(env)]

    def _lost_of(self, env: str) -> Iterator[str]:
        from wx_static_store.models import Deployment, Release

        made = Deployment.objects.filter(env=env).order_by("-id")
        wanted = [made.filter(label=label).first() for label in labels_of(env)[:KEPT]]
        for row in [*wanted, made.filter(outcome="done").first()]:
            if row:
                release = Release.objects.filter(pk=row.release_id).first()
                for what in lacks(release, self.trees[int(row.label)]):
                    yield f"{env}: {what} of tree {row.label} ({row.outcome})"


def draw_tree(rng: random.Random) -> Tree:
    """Return eight of sixteen files, each in one of five versions: trees have some in common."""
    names = rng.sample([f"{number:02}.js" for number in range(16)], 8)
    return {name: f"{name}, version {rng.randrange(5)}".encode() for name in names}


# --- what a process does -----------------------------------------------------------------------


def start(run: Run, output: Path) -> int:
    """Return the id of a process that does the work."""
    if pid := os.fork():
        return pid
    code = 70
    try:
        with output.open("ab") as file:
            os.dup2(file.fileno(), 2)
        random.seed()
        time.sleep(run.begins)
        run.work()
        code = 0
    except BaseException:  # noqa: BLE001 -- a child must not return into the loop of its parent
        sys.stderr.write(f"{run.name}:\n{traceback.format_exc()}")
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(pid: int) -> bool:
    """Return whether a child has ended; whose child it is still asks how."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def deploy(env: str, label: str, tree: Tree) -> None:
    """Record a tree as a deploy does, without the cloud."""
    from wx_static_store.core.types import UploadItem
    from wx_static_store.upload.sources import fingerprint

    items = [UploadItem(name, open=partial(BytesIO, body)) for name, body in sorted(tree.items())]
    _record(env, label, [fingerprint(item) for item in items])


def roll_back(env: str, label: str) -> None:
    """Record an earlier release again as a roll back does, without the cloud."""
    from wx_static_store.deploy.records import items_of
    from wx_static_store.models import Deployment
    from wx_static_store.upload import kept
    from wx_static_store.upload.workers import WorkerPool

    release = Deployment.objects.filter(env=env, label=label).order_by("-id")[0].release
    assert release
    with WorkerPool(4) as pool:
        assert not kept.missing(release.contents(), pool)
    _record(env, label, items_of(release)[0])


def _record(env: str, label: str, items: list[Any]) -> None:
    from wx_static_store.core.types import UploadContext
    from wx_static_store.deploy.environments import site_uploader
    from wx_static_store.deploy.records import Records
    from wx_static_store.upload.recorder import finish_deployment, start_deployment
    from wx_static_store.upload.workers import WorkerPool

    with WorkerPool(4) as pool:
        columns = Records("site").record(site_uploader("site", env), items, None, pool)
    assert columns["release"], "the database took no release"
    pk = start_deployment(env, UploadContext("wx_deploy", label), **columns)
    finish_deployment(pk, outcome="done")


def prune() -> None:
    """Prune releases and bytes."""
    from wx_static_store.log.prune import prune_releases

    for _step in prune_releases(KEPT):
        pass


# --- what is there -----------------------------------------------------------------------------


def age() -> None:
    """Let two days pass."""
    from django.utils import timezone

    from wx_static_store.models import KeptFile, Release

    for model in (KeptFile, Release):
        model.objects.update(used=timezone.now() - timedelta(days=2))


def labels_of(env: str) -> list[str]:
    """Return the labels of an environment's releases, the newest first, each once."""
    from wx_static_store.models import Deployment

    rows = Deployment.objects.filter(env=env).order_by("-id")
    return list(dict.fromkeys(rows.values_list("label", flat=True)))


def lacks(release: Any, tree: Tree) -> list[str]:
    """Return what of a tree its release cannot give back."""
    from wx_static_store.exceptions import SourceError
    from wx_static_store.upload import kept

    if release is None:
        return ["the release"]
    digests, lost = {file.name: file.sha256 for file in release.contents()}, []
    for name, body in tree.items():
        try:
            with kept.open_kept(digests[name]) as file:
                if file.read() != body:
                    lost.append(name)
        except SourceError:
            lost.append(name)
    return lost


def digests_in(folder: Path) -> set[str]:
    """Return what lies there under the digest of its bytes."""
    names = {path.parent.name + path.name: path for path in folder.glob("??/*")}
    return {name for name, path in names.items() if sha256(path.read_bytes()).hexdigest() == name}


def left_over() -> list[str]:
    """Return what no release names, though a prune ran to its end."""
    from wx_static_store.models import KeptFile, Release

    named = {file.sha256 for release in Release.objects.all() for file in release.contents()}
    rows = KeptFile.objects.values_list("sha256", flat=True)
    return [f"{digest} is named by no release" for digest in rows if digest not in named]


# --- the program -------------------------------------------------------------------------------


def set_up(folder: Path, vendor: str) -> None:
    """Make empty tables, in a file or in the database that `tests.settings` names."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    where = database(vendor)
    if vendor == "sqlite":
        where |= {"NAME": str(folder / "log.sqlite3"), "OPTIONS": {"timeout": LONGEST}}
    kept = {"BACKEND": "tests.doubles.Dawdling", "OPTIONS": {"location": str(folder / "kept")}}
    settings.configure(
        USE_TZ=True,
        DATABASES={"default": where},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "wx_static_store"],
        STORAGES={
            "site": {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"},
            "kept": kept,
        },
        WX_STATIC_STORE={"ENV": ENVS[0], "ACCESS_TOKEN": "t", "RELEASE_STORAGE": "kept"},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from wx_static_store.models import Deployment, KeptFile, Release

    for model in (Deployment, KeptFile, Release):
        model._base_manager.all().delete()


def main() -> int:
    """Return 1 if anything was wrong."""
    parser = ArgumentParser(
        prog="python -m tests.soak.prunes",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, metavar="N", help="what decides everything")
    parser.add_argument("--rounds", type=int, default=500, metavar="N", help="how many")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql or mariadb")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    folder, started = Path(tempfile.mkdtemp(prefix="wx-prunes-")), time.monotonic()
    set_up(folder, options.database)
    _say(f"seed {seed}: {options.rounds} rounds on {options.database}")
    soak = Soak(random.Random(seed), folder)
    deploy(ENVS[0], "0", soak.trees[0])  # in this process: nothing is left to be imported
    prune()
    for _ in range(options.rounds):
        soak.make(soak.draw())
    age()
    prune()
    soak.wrong += [*soak.judge(), *left_over()]
    for what in soak.wrong[:SHOWN]:
        _say(f"WRONG: {what}")
    ends = ", ".join(f"{number} {how}" for how, number in sorted(soak.ends.items()))
    _say(f"seed {seed}, {time.monotonic() - started:.0f} s: {ends}; {len(soak.wrong)} lost")
    if soak.wrong:
        _say(f"what the processes said is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
