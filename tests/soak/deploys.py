"""
Deploy and roll back a site, kill most runs at random, and watch for a page that is mixed.

Each run is a process of its own, ended by SIGKILL after so many files or so much time as the seed
says; in some a file is refused, or a body arrives late. All the while a visitor fetches every page
and all that it loads; and after each file that is stored the whole bucket is looked at, for which
no visitor is quick enough. At any moment:

1. a live page is shown with the files of its own release: none is missing, blanked or another;
2. whoever starts at ``index.html`` and follows the links of its release, and of the next one, meets
   no page that is not there;
3. a run that ends well has left each file of its release, byte for byte.
"""

import random
import shutil
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wx_static_store.emulator import EmulatorServer

from .databases import Sqlite
from .faults import Fault
from .forks import Forks
from .releases import PAGES, Tree, draw_releases, write_tree
from .watcher import START, Watcher, dead_ends, live, mixed
from .world import ENV, Project

RELEASES = 4
DEPLOY, ROLLBACK, BEFORE = "deploy", "roll back", "roll back to the release before"
KILLED = 128 + 9
NEVER = float("inf")
SHOWN = 5  # violations that are printed in full


@dataclass(frozen=True)
class Run:
    """What is done; it is killed after so many files or seconds."""

    number: int
    release: int
    kind: str = DEPLOY
    blanks: bool = False
    files: float = NEVER
    seconds: float = NEVER
    latency: float = 0.0
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        return f"run {self.number} ({self.kind}, r{self.release}{', blanks' * self.blanks})"

    def arguments(self, folder: Path) -> list[str]:
        """Return the command line."""
        label = f"r{self.release}"
        what = {
            DEPLOY: [f"{folder}/{label}", f"--label={label}"],
            ROLLBACK: [f"--rollback={label}"],
            BEFORE: ["--rollback"],
        }
        flags = ["--blank-stale"] * self.blanks
        common = ("--using=site", "--yes", "--wait", "--verbosity=0")
        return ["wx_deploy", *what[self.kind], *common, *flags]


def draw(rng: random.Random, number: int, trees: list[Tree]) -> Run:
    """Draw a run; two of three are killed, if they last long enough."""
    release, end = rng.randrange(RELEASES), rng.choice(("well", "files", "seconds"))
    refused = {"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None}
    late = {"on": "put_object", "do": "delay", "seconds": 0.05, "late": True}
    faults = rng.choice(
        (
            *((), (), ()),
            ({**refused, "key": rng.choice(sorted(trees[release]))},),
            ({**late, "skip": rng.randrange(20), "times": 5},),
        )
    )
    return Run(
        number,
        release,
        kind=rng.choice((DEPLOY, DEPLOY, ROLLBACK, BEFORE)),
        blanks=rng.random() < 0.4,
        files=rng.randrange(20) if end == "files" else NEVER,
        seconds=rng.uniform(0.0, 0.6) if end == "seconds" else NEVER,
        latency=rng.choice((0.0, 0.0, 0.005, 0.02)),
        faults=faults,
    )


@dataclass
class Site:
    """The bucket, judged after each file that is stored."""

    emulator: EmulatorServer
    trees: list[Tree]
    run: Run | None = None
    stored: int = 0  # files, since the run began
    states: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        files = {key: body for tree in self.trees for key, body in tree.items()}
        self.assets = {key: body for key, body in files.items() if key not in PAGES}
        self._bucket = self.emulator.state.find(ENV).bucket
        self._lock, put = threading.Lock(), self._bucket.put

        def judging(*args: Any, **kwargs: Any) -> Any:
            entry = put(*args, **kwargs)
            with self._lock:
                self.wrong += [f"{self.run}: {what}" for what in self._judge()]
                self.stored, self.states = self.stored + 1, self.states + 1
            return entry

        self._bucket.put = judging  # type: ignore[method-assign]

    def _judge(self) -> list[str]:
        """Look at every page at once, and follow every link."""
        get = self._contents().get
        shown = {page: body for page in PAGES if (body := live(get, page))}
        releases = [tree for tree in self.trees if tree[START] == get(START)]
        if self.run and self.run.kind != BEFORE:
            releases.append(self.trees[self.run.release])
        return [
            *(
                f"{page} with {what}"
                for page in shown
                for what in mixed(get, shown[page], self.assets)
            ),
            *(f"a link to {page}, which is not there" for page in dead_ends(get, releases)),
        ]

    def judge_end(self, run: Run) -> None:
        """Compare the bucket with the release of a run that ended well."""
        found = self._contents().items()
        trees = self.trees if run.kind == BEFORE else [self.trees[run.release]]
        if not any(tree.items() <= found for tree in trees):
            self.wrong.append(f"{run} ended well, and not all files are of its release")

    def _contents(self) -> dict[str, bytes]:
        return {key: entry.body for key, entry in self._bucket.all().items()}


class Soak:
    """Makes the runs, and counts how they ended."""

    def __init__(self, site: Site, forks: Forks, watcher: Watcher, folder: Path) -> None:
        self.site, self.forks, self.watcher, self.folder = site, forks, watcher, folder
        self.ends: Counter[str] = Counter()

    @property
    def wrong(self) -> list[str]:
        """Return all that was seen and must not be."""
        return [*dict.fromkeys([*self.site.wrong, *self.watcher.mixed])]

    @property
    def summary(self) -> str:
        """Count everything."""
        ends = ", ".join(f"{number} {how}" for how, number in sorted(self.ends.items()))
        eyes = f"{self.site.states} states of the bucket and {self.watcher.judged} fetched pages"
        return f"{ends}; {eyes} judged, {len(self.wrong)} wrong"

    def make(self, run: Run) -> None:
        """Make one run, and judge how it ended."""
        site, emulator = self.site, self.site.emulator
        site.run, site.stored, self.watcher.run_number = run, 0, run.number
        emulator.state.journal.clear()
        emulator.state.script.clear()
        emulator.script(*run.faults)
        emulator.quirks.update({"latency_api": run.latency, "latency_put": run.latency})
        until = time.monotonic() + run.seconds
        code = self.forks.run(
            *run.arguments(self.folder),
            until=lambda: site.stored > run.files or time.monotonic() > until,
        )
        if code == 0:
            site.judge_end(run)
        elif code != KILLED and not run.faults:
            site.wrong.append(f"{run} ended with code {code}")
        how = {0: "done", KILLED: "killed"}.get(code, "failed")
        self.ends[f"{'deploys' if run.kind == DEPLOY else 'roll backs'} {how}"] += 1


def main() -> int:
    """Return 1 if anything was wrong."""
    parser = ArgumentParser(
        prog="python -m tests.soak.deploys",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what decides everything")
    parser.add_argument("--runs", type=int, default=200, metavar="N", help="how many")
    options = parser.parse_args()
    rng, started = random.Random(options.seed), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="wx-soak-"))
    trees = list(draw_releases(rng, RELEASES))
    for number, tree in enumerate(trees):
        write_tree(folder / f"r{number}", tree)
    _say(f"seed {options.seed}: {options.runs} runs")
    with ExitStack() as stack:
        emulator = stack.enter_context(EmulatorServer(envs=[ENV]))
        forks = stack.enter_context(Forks(_new_project(emulator, folder), folder / "output.txt"))
        forks.warm(*Run(0, 0).arguments(folder))  # a first deploy, which nobody can see half of
        site = Site(emulator, trees)
        watcher = stack.enter_context(Watcher(emulator.site_url(ENV), PAGES, site.assets))
        soak = Soak(site, forks, watcher, folder)
        for release in range(1, RELEASES):  # so that each can be rolled back to
            soak.make(Run(release - RELEASES, release))
        for number in range(1, options.runs + 1):
            soak.make(draw(rng, number, trees))
    for what in soak.wrong[:SHOWN]:
        _say(f"WRONG in {what}")
    _say(f"seed {options.seed}, {time.monotonic() - started:.0f} s: {soak.summary}")
    if soak.wrong:
        _say(f"the releases, the log, and the output of every run are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _new_project(emulator: EmulatorServer, folder: Path) -> Project:
    database = Sqlite(folder / "log.sqlite3")
    options = {
        "ENV": ENV,
        "API_BASE_URL": emulator.api_url,
        "ACCESS_TOKEN": emulator.access_token,
        "BASE_URL": emulator.site_url(ENV),
        "MAX_WORKERS": 6,
        "RELEASE_STORAGE": "kept",
    }
    given = {
        "databases": {"default": database.settings},
        "cache": str(folder / "cache"),
        "static_root": str(folder / "static"),
        "kept": str(folder / "kept"),
        "options": options,
    }
    return Project("first", database, given)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
