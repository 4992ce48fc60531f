"""
The rows of `faults.json` met by this app and by an upload of forty lines: who stays truthful?

``python -m tests.faults.report`` prints each fault and the figures; `table()` gives the figures.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.harness import Seen
    from tests.faults.rows import Case

HEAD = ("upload", "survived", "of", "lost", "false success", "false failure", "secrets reported")
# What an upload without log, token cache and retries of its own cannot meet.
OURS_ONLY = {"component", "database", "broken_transaction", "rolled_back", "dead_cache"}
OURS_ONLY |= {"dead_log", "rewritten", "opening", "pipe", "disk_full", "warm"}


@dataclass(frozen=True)
class Verdict:
    """
    How one upload came out of one fault.

    `lost`: the fault passed, or could be lived with, and yet the file is not there. `false_success`
    and `false_failure`: the caller is reported the contrary of what the other side has.
    """

    case: str
    lost: bool
    false_success: bool
    false_failure: bool
    secrets: bool
    reported: str

    @property
    def survived(self) -> bool:
        return not (self.lost or self.false_success or self.false_failure or self.secrets)


def table() -> list[tuple[str, ...]]:
    """Return the head, our figures, and those of the forty lines, as text."""
    ours, naive = verdicts()
    return [HEAD, _figures("wx_static_store", ours), _figures("forty lines of requests", naive)]


def verdicts() -> tuple[list[Verdict], list[Verdict]]:
    """Both uploads' verdicts for each fault that both can meet."""
    with _django(), tempfile.TemporaryDirectory() as folder:
        from tests.faults import harness
        from tests.faults.naive import naive
        from tests.faults.rows import cases

        shared = [case for case in cases() if not _ours_only(case.hooks)]
        with harness.Bench(Path(folder)) as bench:
            found = [
                [verdict(case, bench.observe(case, client)) for case in shared]
                for client in (harness.ours, naive)
            ]
    return found[0], found[1]


def _ours_only(hooks: Sequence[str]) -> bool:
    return not OURS_ONLY.isdisjoint(hook.partition(":")[0] for hook in hooks)


def verdict(case: "Case", seen: "Seen") -> Verdict:
    """Compare what the caller was given with what is stored."""
    success, equal = seen.reported.ends == "stored", seen.bytes == "equal"
    return Verdict(
        case.id,
        lost=case.ends == "stored" and not equal,
        false_success=success and not equal,
        false_failure=seen.reported.ends == "failed" and equal,
        secrets=bool(seen.leaks),
        reported=seen.reported.ends,
    )


def _figures(name: str, found: Sequence[Verdict]) -> tuple[str, ...]:
    counts = (
        sum(one.survived for one in found),
        len(found),
        sum(one.lost for one in found),
        sum(one.false_success for one in found),
        sum(one.false_failure for one in found),
        sum(one.secrets for one in found),
    )
    return (name, *map(str, counts))


@contextmanager
def _django() -> Iterator[None]:
    """Set the suite's project up with an empty database, unless there is one."""
    from django.apps import apps

    if apps.ready:
        yield
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django
    from django.test.utils import setup_databases, teardown_databases

    django.setup()
    logging.getLogger("wx_static_store").setLevel(logging.CRITICAL)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        teardown_databases(databases, verbosity=0)


def main() -> int:
    """Print everything; the exit code says whether our figures are as they should be."""
    ours, naive = verdicts()
    for mine, theirs in zip(ours, naive, strict=True):
        sys.stdout.write(f"{mine.case:40} {_words(mine):40} {_words(theirs)}\n")
    for name, found in (("wx_static_store", ours), ("forty lines of requests", naive)):
        figures = dict(zip(HEAD, _figures(name, found), strict=True))
        sys.stdout.write(
            f"{name}: faults survived {figures['survived']} of {figures['of']}, "
            + ", ".join(f"{label} {figures[label]}" for label in HEAD[3:])
            + "\n"
        )
    return int(not all(one.survived for one in ours))


def _words(one: Verdict) -> str:
    names = ("lost", "false_success", "false_failure", "secrets")
    wrong = [name.replace("_", " ") for name in names if getattr(one, name)]
    return f"{one.reported}: {', '.join(wrong)}" if wrong else one.reported


if __name__ == "__main__":
    sys.exit(main())
