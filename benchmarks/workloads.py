"""What is measured: each workload fills its part of the book."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from . import trees
from .measure import Book, Key, Sample, say
from .places import (
    COLLECT,
    CONTENDERS,
    DEPLOY,
    DISK,
    FASTA,
    HASHING,
    LIMIT,
    NAIVE,
    OURS,
    ROLLBACK,
    S3,
    SYNC,
    Contender,
    Lab,
    Place,
    program,
)

Runs = dict[Key, Callable[[], Sample]]

KIB, MIB = 1024, 1024**2
WORKERS = 32
TRUST_LOG = "wx_deploy --trust-log"
OLD_TREE = "wx_deploy of the old tree"
CHANGED = 50  # in `h`, every so many files differ
SERVERS = {"PostgreSQL": "postgresql", "MariaDB": "mariadb"}
DATABASE = "wx_bench"
SITE = "benchmarks.site"
TENANTS = (100, 1_000, 10_000)
SLOW_DOWN = "wx_deploy, PUTs"  # in `throttle`, where COS is the one that refuses
BIG, SMALL = " 1 GiB", " 8 KiB"  # in (c), whatever the sizes of a quick run

APPS = [
    *("django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"),
    *("rest_framework", "drf_spectacular_sidecar"),
]


def _places(
    lab: Lab, book: Book, name: str, source: Path, who: Iterable[str], workers: int, **options: Any
) -> dict[Key, Place]:
    """
    Return a place for each contender that is installed; report the others.

    The app's own commands have one for each checkout.
    """
    found = {}
    for contender in who:
        key, kind = (name, contender, workers), CONTENDERS[contender]
        if not kind.installed:
            book.failures[key] = f"not installed ({kind.needs})"
            say(f"  {name} {contender}: {book.failures[key]}")
            continue
        for suffix, checkout in lab.checkouts.items() if contender in OURS else [("", "")]:
            label, how = contender + suffix, options | {"checkout": checkout}
            place = Place(lab, f"{name} {label}", kind, source, workers, **how)
            found[name, label, workers] = place
    return found


def _cold(places: dict[Key, Place]) -> Runs:
    return {key: place.cold for key, place in places.items()}


def _program(
    lab: Lab, source: Path, contender: Contender, label: str, **options: Any
) -> Callable[[], Sample]:
    return Place(lab, label, contender, source, WORKERS, **({"stores": False} | options)).cold


def ceiling(lab: Lab, book: Book) -> None:
    """Measure what the server can do: no latency, one limit client."""
    source = trees.many(lab.work / "ceiling", lab.number(4000, 1000), 8 * KIB)
    places = _places(lab, book, "ceiling", source, [LIMIT], WORKERS)
    lab.server.ask(link=0, put=0)
    book.interleave(lab.rounds, _cold(places))
    lab.server.ask(link=lab.link, put=lab.put)


def a(lab: Lab, book: Book) -> None:
    """Publish real static files, cold: admin, REST framework, the sidecar of drf-spectacular."""
    apps = {"apps": APPS, "source": ""}
    nothing = lab.work / "none"
    collected = Place(lab, "a-files", CONTENDERS[DISK], nothing, 1, bench=apps, stores=False)
    collected.run()
    places = _places(lab, book, "a", collected.root, [LIMIT, COLLECT, FASTA, SYNC], WORKERS)
    book.interleave(lab.rounds, _cold(places))
    book.once(_cold(_places(lab, book, "a", collected.root, [NAIVE, S3], WORKERS)))


def _two_thousand(lab: Lab) -> Path:
    root = lab.work / "two-thousand"
    return root if root.exists() else trees.many(root, lab.number(2000, 200), 8 * KIB)


def b(lab: Lab, book: Book) -> None:
    """Publish 2,000 files of 8 KiB, cold."""
    source = _two_thousand(lab)
    places: dict[Key, Place] = {}
    for workers in (16, 32, 64):
        places |= _places(lab, book, "b", source, [LIMIT, DEPLOY, COLLECT], workers)
    places |= _places(lab, book, "b", source, [FASTA, SYNC], WORKERS)
    book.interleave(lab.rounds, _cold(places))
    book.once(_cold(_places(lab, book, "b", source, [NAIVE, S3], WORKERS)))


def c(lab: Lab, book: Book) -> None:
    """Publish one file of 1 GiB, then a small one; the server computes no MD5."""
    sizes = {BIG: lab.number(1024, 64) * MIB, SMALL: 8 * KIB}
    save = Contender(
        lambda place: [*program("save").command(place), str(place.source / "big.bin"), "0"]
    )
    naive = Contender(save.command, "naive")
    runs: Runs = {}
    for suffix, size in sizes.items():
        source = trees.big(lab.work / f"c{suffix}", size)
        known = {"big.bin": trees.md5(source / "big.bin")}
        for name, kind in {
            LIMIT: CONTENDERS[LIMIT],
            DEPLOY: CONTENDERS[DEPLOY],
            "wx save": save,
            "naive save": naive,
        }.items():
            place = Place(lab, f"c {name}{suffix}", kind, source, WORKERS)
            runs["c", name + suffix, WORKERS] = partial(_known, place, known)
    book.interleave(lab.rounds, runs)
    lab.server.ask(known={})


def _known(place: Place, known: dict[str, str]) -> Sample:
    place.lab.server.ask(known=known)
    return place.cold()


def d(lab: Lab, book: Book) -> None:
    """Publish once more, with nothing changed."""
    source = _two_thousand(lab)
    places = _places(lab, book, "d", source, [DISK], WORKERS, stores=False)
    places |= _places(lab, book, "d", source, [COLLECT, DEPLOY, FASTA, SYNC], WORKERS)
    verify = Place(lab, "d-verify", CONTENDERS[DEPLOY], source, WORKERS, extra=("--verify",))
    places["d", "wx_deploy --verify", WORKERS] = verify
    trust = Place(lab, "d-trust", CONTENDERS[DEPLOY], source, WORKERS, extra=("--trust-log",))
    places["d", TRUST_LOG, WORKERS] = trust
    _again(lab, book, places, lambda place: None)


def e(lab: Lab, book: Book) -> None:
    """Publish once more, with 1 % of the files changed."""
    source = _two_thousand(lab)
    places = _places(lab, book, "e", source, [DISK], WORKERS, stores=False)
    places |= _places(lab, book, "e", source, [COLLECT, DEPLOY, FASTA, SYNC], WORKERS)
    for place in places.values():
        place.own_source()
    seeds = iter(range(10**6))
    _again(
        lab, book, places, lambda place: trees.change(place.source, place.root, 100, next(seeds))
    )


def _again(
    lab: Lab, book: Book, places: dict[Key, Place], before: Callable[[Place], object]
) -> None:
    """Measure the runs after a first one."""

    def again(key: Key, place: Place) -> Sample:
        if key not in book.samples:
            place.run()
        before(place)
        return place.run()

    book.interleave(lab.rounds, {key: partial(again, key, it) for key, it in places.items()})


def plan(lab: Lab, book: Book) -> None:
    """Deploy 100,000 small files once more, with nothing changed."""
    source = trees.many(lab.work / "plan", lab.number(100_000, 5_000), 200)
    hashing = _places(lab, book, "plan", source, [HASHING], WORKERS, stores=False)
    runs: Runs = {key: partial(_costs, place.run) for key, place in hashing.items()}
    lab.server.ask(link=0, put=0)
    for key, place in _places(lab, book, "plan", source, [DEPLOY], WORKERS).items():
        if book.prepare(key, place.cold):
            runs[key] = partial(_costs_again, place.run)
            trusting = key[1].replace(DEPLOY, TRUST_LOG)
            runs["plan", trusting, WORKERS] = partial(_costs, place.run, "--trust-log")
    lab.server.ask(link=lab.link, put=lab.put)
    book.interleave(lab.rounds, runs)


def _costs_again(run: Callable[..., Sample]) -> Sample:
    # After --trust-log, or soon after the files were stored, a deploy reads their rows.
    run()
    return _costs(run)


def _costs(run: Callable[..., Sample], *options: str) -> Sample:
    it = run(*options)
    costs = [it.cpu, it.wall, it.rss / 1024]
    printed = {"units": "CPU s / s / MiB", "figures": {f"{it.files:,} unchanged files": costs}}
    return replace(it, printed=printed)


def g(lab: Lab, book: Book) -> None:
    """Publish 200 files to each of 50 environments."""
    envs = lab.number(50, 4)
    source = trees.many(lab.work / "g", lab.number(200, 40), 8 * KIB)
    places = _places(lab, book, "g", source, [LIMIT, DEPLOY], WORKERS, envs=envs)
    book.interleave(lab.rounds, _cold(places))


def h(lab: Lab, book: Book) -> None:
    """Go back to an older release of 2,000 files, of which 40 differ."""
    source = _two_thousand(lab)
    places = {
        name: Place(lab, f"h {name}", CONTENDERS[DEPLOY], source, WORKERS, bench={"releases": True})
        for name in (DEPLOY, OLD_TREE, ROLLBACK)
    }
    turns = iter(range(10**6))

    def change(place: Place) -> None:
        trees.change(place.source, place.root, CHANGED, next(turns))

    def old_tree() -> Sample:
        change(places[OLD_TREE])
        return places[OLD_TREE].run()

    for name in (OLD_TREE, ROLLBACK):
        places[name].own_source()
        places[name].run()
    change(places[ROLLBACK])
    places[ROLLBACK].run()
    places[ROLLBACK].contender = CONTENDERS[ROLLBACK]
    runs: Runs = {
        ("h", DEPLOY, WORKERS): places[DEPLOY].cold,
        ("h", OLD_TREE, WORKERS): old_tree,
        ("h", ROLLBACK, WORKERS): places[ROLLBACK].run,
    }
    book.interleave(lab.rounds, runs)


def calls(lab: Lab, book: Book) -> None:
    """Allow 16 calls in flight at the API host, with 16 workers and more; save one file."""
    source, most = _two_thousand(lab), 16
    runs: Runs = {}
    bench = {"calls": most}
    for workers in (most, 2 * most, 4 * most):
        places = _places(lab, book, "calls", source, [DEPLOY], workers, bench=bench)
        runs |= {key: partial(_limited, place, limit=most) for key, place in places.items()}
    book.interleave(lab.rounds, runs)
    picture = trees.big(lab.work / "picture", 8 * KIB)
    save = program("save", str(picture / "big.bin"), "20")
    pairs = trees.many(lab.work / "pairs", 20, 8 * KIB)
    saves = _cold(_places(lab, book, "calls", pairs, [LIMIT], 1)) | {
        ("calls", f"wx save, {name}", 1): _program(lab, picture, save, f"save-{name}", bench=bench)
        for name, bench in {
            "overwrite": {"overwrite": True},
            "default": {"overwrite": False},
        }.items()
    }
    book.interleave(lab.rounds, saves)


@contextmanager
def _sites(lab: Lab, book: Book, workload: str, **bench: Any) -> Iterator[dict[str, Place]]:
    """Make a database on each server for each checkout, and drop them at the end."""
    places = {}
    try:
        for server, (name, checkout) in product(SERVERS, lab.checkouts.items()):
            database = {"server": SERVERS[server], "name": DATABASE + "_before" * bool(checkout)}
            how: Any = {"bench": bench | database, "stores": False, "checkout": checkout}
            place = Place(
                lab,
                f"{workload} {server}{name}",
                program("create", settings=SITE),
                lab.work / "none",
                1,
                **how,
            )
            if book.prepare((workload, server + name, 1), place.run):
                places[server + name] = place
        yield places
    finally:
        for place in places.values():
            _do(place, "drop")


def _do(place: Place, name: str, *args: str) -> Sample:
    place.contender = program(name, *args, settings=SITE)
    return place.run()


def rollouts(lab: Lab, book: Book) -> None:
    """Start a rollout to 100, 1,000 and 10,000 environments, end some, and roll it back."""
    with _sites(lab, book, "rollouts") as places:
        for number in TENANTS[: lab.number(len(TENANTS), 1)]:
            runs = {
                ("rollouts", name, number): partial(_do, place, "rollout", str(number))
                for name, place in places.items()
            }
            book.interleave(lab.rounds, runs)


def admin(lab: Lab, book: Book) -> None:
    """Get pages of the admin and lists of the API: 1,000,000 rows of 1,000 environments."""
    with _sites(lab, book, "admin", tenants=lab.number(1000, 20)) as places:
        runs: Runs = {}
        lab.server.ask(link=0, put=0)
        for name, place in places.items():
            key = ("admin", name, 1)
            rows = lab.number(1_000_000, 20_000)
            if book.prepare(key, partial(_do, place, "load", str(rows))):
                runs[key] = partial(_do, place, "visit")
        lab.server.ask(link=lab.link, put=lab.put)
        book.interleave(lab.rounds, runs)


def throttle(lab: Lab, book: Book) -> None:
    """Refuse more than 8 calls (or PUTs) in flight: 8 workers against 32."""
    source = _two_thousand(lab)
    runs: Runs = {}
    for workers in (8, 32):
        for key, place in _places(lab, book, "throttle", source, [DEPLOY], workers).items():
            runs[key] = partial(_limited, place, limit=8, errcode=-501004)
    slow = Place(lab, "throttle-puts", CONTENDERS[DEPLOY], source, WORKERS)
    runs["throttle", SLOW_DOWN, WORKERS] = partial(_limited, slow, puts=8)
    book.interleave(lab.rounds, runs)


def _limited(place: Place, **limits: int) -> Sample:
    place.lab.server.ask(**limits)
    try:
        return place.cold()
    finally:
        place.lab.server.ask(limit=0, errcode=0, puts=0)


def start(lab: Lab, book: Book) -> None:
    """Measure the import of the storage, and count the sockets of ``manage.py check``."""
    source = trees.many(lab.work / "start", 1, 8)
    runs: Runs = {
        ("start", "import", 1): _program(
            lab, source, program("start"), "import", bench={"storage": "disk"}
        ),
        ("start", "check", 1): _program(lab, source, program("check"), "check"),
    }
    book.interleave(max(lab.rounds, 5), runs)


WORKLOADS: dict[str, Callable[[Lab, Book], None]] = {
    work.__name__: work
    for work in (ceiling, a, b, c, d, e, g, h, plan, rollouts, admin, calls, throttle, start)
}
