"""A round: what it will be, by seed and number alone; how it is run; what the checker is shown."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import checker, processes
from .checker import Deployment, Ending, Row, Told, Violation
from .child import PREFIX
from .databases import Sqlite
from .faults import Fault, Hit, Outage, draw_faults, draw_hits, draw_latency, draw_outage, lateness
from .processes import Process
from .world import ENV, TREES, Modes, Project, World

MOMENT = 0.4  # seconds without a request before it counts as quiet
APART = 3.0  # seconds between the writes of two projects, where lists show no MD5s
PROMISED, PROMISED_AWAY = 5.0, 10.0  # seconds in which a signal ends a process
LATEST = 8.0  # seconds that a list is late at most
LAST_PUT = 4.0  # seconds: lists that are later do not show in time what a killed process sent
AHEAD = 20.0  # seconds that the clock of every second process is ahead in some rounds
QUIET = 25.0  # seconds of a deploy that nothing disturbs but the lock of a killed one


@dataclass(frozen=True)
class Start:
    """One process: in which project, with which seed, and how many operations."""

    name: str
    project: int
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that is drawn for a round."""

    number: int
    starts: list[Start]
    faults: list[Fault]
    latency: float
    hits: dict[str, Hit]
    outage: Outage | None
    lag: float  # seconds that lists are late
    clears_cache: float | None  # the seconds after which somebody clears it
    clocks_differ: bool
    copies_replica: bool
    final_project: int
    final_tree: int
    reconciles: bool

    @property
    def troubles(self) -> list[str]:
        """Describe what goes wrong, whatever the processes do."""
        kinds = Counter(fault["do"] for fault in self.faults)
        faults = ", ".join(f"{kind} ×{number}" for kind, number in kinds.items())
        parts = [f"faults {faults}"] if faults else []
        parts += [f"latency {self.latency:g} s"] if self.latency else []
        parts += [f"lists {self.lag:.1f} s late"] if self.lag else []
        parts += [f"cache cleared after {self.clears_cache:.1f} s"] if self.clears_cache else []
        parts += ["clocks differ"] if self.clocks_differ else []
        return [*parts, str(self.outage)] if self.outage else parts

    @property
    def keeps_claims(self) -> bool:
        """Return whether nothing is forgotten that tells the processes which names are taken."""
        killed = any(hit.signal is signal.SIGKILL for hit in self.hits.values())
        return not (killed or self.outage or self.clears_cache)


def draw(rng: random.Random, number: int, modes: Modes) -> Plan:
    """Draw one round."""
    projects = 2 if modes.second_project else 1
    # Where lists show no MD5s, a row is compared with an object by size and time, with two seconds
    # of slack. What another writer sends within them, in the same size, cannot be noticed. That is
    # a known limit, so in this mode a round belongs to one project, the rounds of two projects are
    # seconds apart, no PUT is late, and no run is without a log.
    alone = rng.randrange(projects) if modes.multipart else None
    clocks_differ = rng.random() < 0.25
    starts = list(_draw_starts(rng, number, projects, alone, clocks_differ=clocks_differ))
    hits = draw_hits(rng, [start.name for start in starts])
    outage = draw_outage(rng)
    lag = rng.uniform(0.0, LATEST) if rng.random() < 1 / 3 else modes.lag
    if modes.multipart or lag > LAST_PUT:
        outage = None
    if lag > LAST_PUT:
        hits = [hit for hit in hits if hit.signal is not signal.SIGKILL]
    return Plan(
        number=number,
        starts=starts,
        faults=draw_faults(rng, late=not modes.multipart),
        latency=draw_latency(rng),
        hits={hit.victim: hit for hit in hits},
        outage=outage,
        lag=lag,
        clears_cache=rng.uniform(0.5, 4.0) if rng.random() < 0.2 else None,
        clocks_differ=clocks_differ,
        copies_replica=rng.random() < 0.5,
        final_project=rng.randrange(projects) if alone is None else alone,
        final_tree=rng.randrange(TREES),
        reconciles=rng.random() < 0.5,
    )


def _draw_starts(
    rng: random.Random, number: int, projects: int, alone: int | None, *, clocks_differ: bool
) -> Iterator[Start]:
    """Draw two or three processes; the first one does nothing but deploy in half of the rounds."""
    for index in range(rng.choice((2, 2, 3))):
        name, count = f"{number}.{'xyz'[index]}", rng.randrange(3, 8)
        project = alone if alone is not None else index % projects
        only = ("--only", "deploy") if index == 0 and rng.random() < 0.5 else ()
        seed, ahead = str(rng.randrange(10**9)), AHEAD * (index % 2) * clocks_differ
        clock = ("--clock", str(ahead)) if ahead else ()
        command = ("-m", "tests.soak.child", "--name", name, "--seed", seed, *only, *clock)
        yield Start(name, project, (*command, f"--count={count}"))


@dataclass
class Soak:
    """Runs rounds in a world and keeps what the next one must know."""

    world: World
    rounds: int = 0
    kills: int = 0
    signals: int = 0
    told: Counter[str] = field(default_factory=Counter)
    owned: list[Told] = field(default_factory=list)  # files of rows
    excused: set[str] = field(default_factory=set)  # labels of runs that could not tidy up
    seen: set[Violation] = field(default_factory=set)
    last_project: int | None = None
    report: str = ""  # what the last round did

    @property
    def summary(self) -> str:
        """Count everything so far."""
        numbers = f"{self.rounds} rounds, {self.kills} kills, {self.signals} signals"
        told = ", ".join(f"{kind} {number}" for kind, number in sorted(self.told.items()))
        return f"{numbers}, told {told or 'nothing'}; {len(self.seen)} violations"

    def run(self, plan: Plan) -> Iterator[Violation]:
        """Run a round; yield what is wrong and was not before."""
        self._separate(plan)
        world = self.world
        world.write_trees()
        first = world.projects[0]
        if plan.copies_replica and first.replica and isinstance(first.database, Sqlite):
            first.database.copy_to(first.replica)
        endings, told = self._work(plan)
        lag = plan.lag
        world.wait_until_still(MOMENT + max(lateness(plan.faults), lag + 0.5 * bool(lag)))
        world.emulator.quirks.update({"list_lag_seconds": world.modes.lag})
        judged = [*self._judge_work(plan, endings), *self._judge_told(plan, told)]
        for violation in [*judged, *self._deploy_and_judge(plan)]:
            if violation not in self.seen:
                self.seen.add(violation)
                yield violation
        self.rounds += 1

    def _separate(self, plan: Plan) -> None:
        if self.world.modes.multipart and self.last_project not in (None, plan.final_project):
            time.sleep(APART)
        self.last_project = plan.final_project

    # --- the work -----------------------------------------------------------------------------

    def _work(self, plan: Plan) -> tuple[list[Ending], list[Told]]:
        """Run the processes of a round, with all that goes wrong."""
        world, running = self.world, list[Process]()
        world.emulator.state.journal.clear()
        delays = dict.fromkeys(("latency_api", "latency_put"), plan.latency)
        world.emulator.quirks.update({**delays, "list_lag_seconds": plan.lag})
        world.emulator.script(*plan.faults)
        with _outage(world.projects[0], plan.outage), _cleared_cache(world, plan.clears_cache):
            try:
                for start in plan.starts:
                    project, output = world.projects[start.project], world.folder / "output"
                    hit = plan.hits.get(start.name)
                    running.append(
                        processes.start(project, output, start.name, start.arguments, hit)
                    )
                processes.wait(running)
            finally:
                processes.end(running)
        sent = [number.name for process in running for number in process.sent]
        self.kills += sent.count("SIGKILL")
        self.signals += len(sent) - sent.count("SIGKILL")
        done = [process.describe() for process in running]
        self.report = "; ".join([*done, *plan.troubles])
        limit = PROMISED_AWAY if plan.outage else PROMISED
        told = [fact for process in running for fact in process.told()]
        self.told.update(fact.kind for fact in told)
        return [process.ending(limit) for process in running], told

    # --- the judgement ------------------------------------------------------------------------

    def _judge_work(self, plan: Plan, endings: list[Ending]) -> Iterator[Violation]:
        """Judge before the next deploy, which may tidy up what this one left."""
        self.excused |= {it.label for it in endings if it.label and "SIGKILL" in it.signals}
        for index, project in enumerate(self.world.projects):
            _rows, deployments = _read_log(project)
            if plan.outage and index == 0:
                # A run whose rows could not all be written is left open on purpose: the next one
                # then believes nothing that it did not write itself.
                own = f"{plan.number}."
                self.excused |= {it.label for it in deployments if it.label.startswith(own)}
            names = {start.name for start in plan.starts if start.project == index}
            for ending in (ending for ending in endings if ending.name in names):
                yield from checker.judge_ending(ending, deployments)
            yield from checker.judge_deployments(deployments, self.excused)

    def _judge_told(self, plan: Plan, told: list[Told]) -> Iterator[Violation]:
        """Judge what the processes were told, by the moments of all PUTs."""
        # The deploys of two projects share no lock, nor do their saves share a log: one cannot
        # know what the other sends, as long as it is not in the list.
        alone = len(self.world.projects) == 1
        puts = self.world.puts
        yield from checker.judge_told([it for it in told if alone or it.kind != "done"], puts)
        knows = alone and plan.keeps_claims
        if knows:
            yield from checker.judge_free_names(told, puts)
        self.owned += [it for it in told if knows or it.kind == "deletes"]
        yield from checker.judge_owners(self.owned)

    def _deploy_and_judge(self, plan: Plan) -> Iterator[Violation]:
        """Deploy a tree undisturbed: from here on there is no excuse."""
        world, project = self.world, self.world.projects[plan.final_project]
        folder = world.tree_folders[plan.final_tree]
        label = f"{plan.number}.final"
        command = ("-m", "django", "wx_deploy", str(folder), PREFIX, "--using=site", "--yes")
        failure = self._run(project, label, *command, "--wait", f"--label={label}")
        yield from failure
        if failure:
            return  # whatever is wrong now follows from that
        tree, cloud = checker.read_tree(folder, PREFIX), self._read_cloud()
        rows, _deployments = _read_log(project)
        yield from checker.judge_tree(tree, cloud)
        yield from checker.judge_tree_rows(tree, cloud, rows)
        if plan.reconciles:
            name = f"{plan.number}.reconcile"
            yield from self._run(project, name, "-m", "django", "wx_reconcile", "--fix")
            rows, _deployments = _read_log(project)
            bare_md5 = not world.modes.multipart
            yield from checker.judge_other_rows(f"{PREFIX}/", cloud, rows, bare_md5=bare_md5)
        for each in world.projects:
            rows, deployments = _read_log(each)
            yield from checker.judge_claims(rows, world.history)
            yield from checker.judge_deployments(deployments, self.excused)

    def _run(self, project: Project, name: str, *command: str) -> list[Violation]:
        process = processes.run(project, self.world.folder / "output", name, *command)
        return list(checker.judge_ending(process.ending(PROMISED, unharmed=QUIET), []))

    def _read_cloud(self) -> Mapping[str, bytes]:
        emulator = self.world.emulator
        return checker.read_cloud(emulator.api_url, emulator.site_url(ENV), ENV)


def counted_rows(project: Project) -> str:
    """Return how many rows came from where: each source must have been at work."""
    sources = Counter(row.source for row in _read_log(project)[0])
    counts = ", ".join(f"{source} {number}" for source, number in sources.most_common())
    return f"rows of the {project.name} project: {counts or 'none'}"


def _read_log(project: Project) -> tuple[list[Row], list[Deployment]]:
    return checker.read_log(project.database.address, ENV)


@contextmanager
def _outage(project: Project, outage: Outage | None) -> Iterator[None]:
    """Let the database be away meanwhile; it is back when the block is left."""

    def be_away(outage: Outage) -> None:
        time.sleep(outage.after)
        project.database.be_away(outage.seconds)

    thread = threading.Thread(target=be_away, args=(outage,)) if outage else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        if thread:
            thread.join()


@contextmanager
def _cleared_cache(world: World, after: float | None) -> Iterator[None]:
    """Let somebody clear the caches meanwhile."""

    def clear() -> None:
        for project in world.projects:
            for path in Path(project.given["cache"]).glob("*.djcache"):
                path.unlink(missing_ok=True)

    timer = threading.Timer(after, clear) if after else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()
            timer.join()
