"""The targets: what they ask, what the book says, and the limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from .measure import Book, Sample, worst
from .places import BEFORE, COLLECT, DEPLOY, DISK, FASTA, LIMIT, NAIVE, ROLLBACK
from .workloads import BIG, CHANGED, OLD_TREE, SLOW_DOWN, SMALL, TENANTS, TRUST_LOG, WORKERS

NETWORK = ("staticuploadfile", "staticfilelist", "describestaticstore", "put")

Value = Callable[[Book], float | None]


@dataclass(frozen=True)
class Target:
    """A target; it is met if the value is at most the limit, or with `least` at least."""

    number: str
    text: str
    limit: float
    value: Value
    least: bool = False

    def verdict(self, book: Book) -> tuple[float | None, str]:
        value = self.value(book)
        if value is None:
            return None, "not measured"
        met = value >= self.limit if self.least else value <= self.limit
        return value, "met" if met else "MISSED"


def cpu(sample: Sample) -> float:
    return sample.cpu * 1000 / sample.files


def requests(sample: Sample) -> float:
    return float(sum(sample.calls.get(name, 0) for name in NETWORK))


def printed(name: str) -> Callable[[Sample], float]:
    return lambda sample: float(sample.printed[name])


def call(name: str) -> Callable[[Sample], float]:
    return lambda sample: float(sample.calls.get(name, 0))


def _of(workload: str, who: str, other: str, workers: int, others: int) -> Value:
    """Return the wall time of one contender as a ratio to another's."""
    return lambda book: book.ratio((workload, who, workers), (workload, other, others))


def _to_limit(workload: str, who: str, workers: int) -> Value:
    return _of(workload, who, LIMIT, workers, workers)


def _faster(workload: str, who: str, than: str) -> Value:
    return _of(workload, than, who, WORKERS, WORKERS)


def _median(
    workload: str, who: str, what: Callable[[Sample], float], workers: int = WORKERS
) -> Value:
    return lambda book: book.median((workload, who, workers), what)


def _cpu_to_fasta(book: Book) -> float | None:
    return book.ratio(("b", COLLECT, WORKERS), ("b", FASTA, WORKERS), cpu)


def _share(book: Book) -> float | None:
    """Return the limit client's worst share; (a) has too few files for full waves."""
    shares = [share(book, key) for key in book.samples if key[0] in "bg" and key[1] == LIMIT]
    return min((one for one in shares if one is not None), default=None)


def share(book: Book, key: tuple[str, str, int]) -> float | None:
    """Return the share of the limit client's time that is unavoidable latency."""
    return book.median(key, lambda it: it.files * book.pair / key[2] / it.printed["seconds"])


def _growth(who: str) -> Value:
    """Return how many MiB more it takes than with a small file."""

    def value(book: Book) -> float | None:
        big = book.median(("c", who + BIG, WORKERS), lambda it: it.rss)
        small = book.median(("c", who + SMALL, WORKERS), lambda it: it.rss)
        return None if big is None or small is None else (big - small) / 1024

    return value


def _big_to_limit(who: str) -> Value:
    return _of("c", who + BIG, LIMIT + BIG, WORKERS, WORKERS)


def _verify_calls(book: Book) -> float | None:
    """Return the calls beside one for each 1,000 files before, and after."""
    return book.median(
        ("d", "wx_deploy --verify", WORKERS),
        lambda it: abs(requests(it) - 2 * ceil(it.files / 1000)),
    )


def _calls_of_changes(who: str) -> Value:
    """Return the calls beside the lists."""
    return _median(
        "e",
        who,
        lambda it: abs(requests(it) - 2 * ceil(it.files / 100) - ceil(it.files / 1000)),
    )


def _pairs_gained(workers: int) -> Value:
    return _of("calls", DEPLOY, DEPLOY, 16, workers)


def _saves(name: str, what: Callable[[Sample], float]) -> Value:
    return _median("calls", f"wx save, {name}", what, 1)


def _unchanged_calls(book: Book) -> float | None:
    return worst(book.median(("d", who, WORKERS), requests) for who in (COLLECT, DEPLOY))


def _over_latency(book: Book) -> float | None:
    """Return the time above the limit client's pair, which is a little above the latency."""
    ms = book.median(("calls", "wx save, overwrite", 1), printed("ms"))
    pair = book.median(("calls", LIMIT, 1), lambda it: it.printed["seconds"] / it.files * 1000)
    return None if ms is None or pair is None else ms - pair


def _rollback_calls(book: Book) -> float | None:
    """Return the calls beside two for each file that differs."""
    return _median("h", ROLLBACK, lambda it: abs(requests(it) - 2 * it.files / CHANGED))(book)


def figures(sample: Sample) -> dict[str, list[float]]:
    """Return the figures that a program printed, by name; each has as many as there are units."""
    found: dict[str, list[float]] = sample.printed.get("figures", {})
    return found


def figure(name: str, place: int) -> Callable[[Sample], float]:
    return lambda sample: figures(sample)[name][place]


def _worst_figure(workload: str, place: int, words: str = "") -> Value:
    """Return the largest median of the figures with these words in their names, on any server."""
    return lambda book: worst(
        book.median(key, figure(name, place))
        for key, samples in book.samples.items()
        if key[0] == workload and not key[1].endswith(BEFORE)
        for name in figures(samples[0])
        if words in name
    )


def _growth_of_ends(book: Book) -> float | None:
    few, many = (
        _worst_figure("rollouts", 0, f"{n:,}, an")(book) for n in (TENANTS[0], TENANTS[-1])
    )
    return None if few is None or many is None else many / few


SAVES = 21  # the first of a process warms the pool

TARGETS = (
    Target("0", "(b) (g) limit client's worst share of N·T/C", 0.95, _share, least=True),
    *(
        Target(
            "1",
            f"(b) cold, {who}, {workers} workers: wall / limit",
            most,
            _to_limit("b", who, workers),
        )
        for workers, most in ((16, 1.05), (32, 1.10), (64, 1.20))
        for who in (DEPLOY, COLLECT)
    ),
    Target(
        "1", "(a) cold, collectstatic, 32 workers: wall / limit", 1.15, _to_limit("a", COLLECT, 32)
    ),
    *(
        Target("2", f"(b) {who}: CPU ms per file", 1.0, _median("b", who, cpu))
        for who in (DEPLOY, COLLECT)
    ),
    Target("2", "(b) CPU per file / collectfasta's", 1 / 6, _cpu_to_fasta),
    Target("2", "(b) collectfasta's wall / ours", 2, _faster("b", COLLECT, FASTA), least=True),
    Target("2", "(b) naive wall / ours", 20, _faster("b", COLLECT, NAIVE), least=True),
    Target("3", "(d) network calls", 5, _unchanged_calls),
    Target("3", "(d) network calls, --trust-log", 0, _median("d", TRUST_LOG, requests)),
    Target(
        "3",
        "(d) wall / the same with --trust-log",
        1.25,
        _of("d", DEPLOY, TRUST_LOG, WORKERS, WORKERS),
    ),
    Target(
        "3",
        "(d) wall / Django's collectstatic to disk",
        1.15,
        _of("d", COLLECT, DISK, WORKERS, WORKERS),
    ),
    Target("3", "(d) --verify: calls beside 2·ceil(N/1000)", 0, _verify_calls),
    *(
        Target("3", f"(e) {who}: calls beside two per change", 0, _calls_of_changes(who))
        for who in (COLLECT, DEPLOY)
    ),
    *(
        Target("4", f"(c) {who}: MiB more than with a small file", 8, _growth(who))
        for who in (DEPLOY, "wx save")
    ),
    *(
        Target("4", f"(c) {who}: wall / limit", 1.10, _big_to_limit(who))
        for who in (DEPLOY, "wx save")
    ),
    Target("5", "16 calls in flight: pairs/s, 32 workers / 16", 1.5, _pairs_gained(32), least=True),
    Target("5", "16 calls in flight: pairs/s, 64 workers / 16", 1.5, _pairs_gained(64), least=True),
    Target(
        "5",
        "save, file_overwrite: requests",
        2,
        _saves("overwrite", lambda it: requests(it) / SAVES),
    ),
    Target("5", "save, default: requests", 3, _saves("default", lambda it: requests(it) / SAVES)),
    Target("5", "21 saves: connections", 2, _saves("overwrite", call("connections"))),
    Target("5", "save, file_overwrite: ms above the limit client", 3, _over_latency),
    Target("6", "(plan) 100,000 unchanged: CPU s", 2.2, _median("plan", DEPLOY, lambda it: it.cpu)),
    Target("6", "(plan) MiB", 120, _median("plan", DEPLOY, lambda it: it.rss / 1024)),
    Target("7", "(g) wall / limit", 1.15, _to_limit("g", DEPLOY, 32)),
    Target("10", "(h) roll back: calls beside two per file that differs", 0, _rollback_calls),
    Target("10", "(h) roll back: seconds", 2, _median("h", ROLLBACK, lambda it: it.wall)),
    *(
        Target("10", f"(h) roll back / {who}", 1, _of("h", ROLLBACK, who, WORKERS, WORKERS))
        for who in (DEPLOY, OLD_TREE)
    ),
    Target(
        "11", "(rollouts) an environment ends: queries", 8, _worst_figure("rollouts", 2, "an env")
    ),
    Target("11", "(rollouts) the same, 10,000 / 100: ms", 1.3, _growth_of_ends),
    Target("11", "(rollouts) a start: messages", 32, _worst_figure("rollouts", 3, "start")),
    Target("11", "(rollouts) a period: messages", 32, _worst_figure("rollouts", 3, "periodic")),
    Target("11", "(rollouts) roll back: seconds", 1, _worst_figure("rollouts", 0, "roll back")),
    Target("12", "(admin) slowest page, ms", 300, _worst_figure("admin", 0)),
    Target(
        "8",
        "import of wx_static_store.storage, ms",
        40,
        _median("start", "import", printed("ms"), 1),
    ),
    Target(
        "8",
        "the same loads requests (0 no, 1 yes)",
        0,
        _median("start", "import", printed("requests"), 1),
    ),
    Target("8", "sockets of manage.py check", 0, _median("start", "check", printed("sockets"), 1)),
    Target(
        "9",
        "throttled above 8 calls: wall of 32 workers / of 8",
        1.3,
        _of("throttle", DEPLOY, DEPLOY, 32, 8),
    ),
    Target(
        "9",
        "throttled above 8 PUTs: wall of 32 workers / of 8",
        1.3,
        _of("throttle", SLOW_DOWN, DEPLOY, WORKERS, 8),
    ),
)
