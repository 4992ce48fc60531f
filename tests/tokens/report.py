"""
The figures of one token for all processes: each case on each cache server, in its large form.

``python -m tests.tokens.report`` prints them; the exit code says whether one is off.
"""

import sys
from collections.abc import Iterator

from tests.tokens.cases import CASES, FULL, Outcome
from tests.tokens.harness import BACKENDS

HEAD = ("what happens", "cache", "uploads", "failed", "lost", "links", "fetches", "allowed")
HEAD += ("recovery", "allowed")
LEGEND = (
    f"{FULL.processes} processes of {FULL.threads} threads share one token. *links*: the most link "
    "calls of one upload. *fetches*: of the token, after the first one. *recovery*: seconds from "
    "SIGKILL, while WeChat has the request, until each other process has a link by the next token, "
    f"the longest of {FULL.kills}."
)


def table() -> tuple[list[tuple[str, ...]], bool]:
    """Return the rows, the head first, and whether a figure is off."""
    found = {(case, cache): run(cache, FULL) for case, run in CASES.items() for cache in BACKENDS}
    rows = [(*names, *_figures(outcome)) for names, outcome in found.items()]
    return [HEAD, *rows], not all(map(_is_right, found.values()))


def _figures(one: Outcome) -> Iterator[str]:
    work = one.work
    failed, lost = sum(work.errors.values()), len(work.lost)
    yield from map(str, (len(work.stored), failed, lost, work.most_links, one.fetches))
    least, most = one.fetches_allowed[0], one.fetches_allowed[-1]
    yield str(most) if least == most else f"{least} to {most}"
    yield f"{one.longest_recovery:.1f}" if one.recoveries else ""
    yield f"{one.recovery_allowed:.1f}" if one.recoveries else ""


def _is_right(one: Outcome) -> bool:
    return (
        len(one.work.stored) >= one.uploads_wanted
        and not (one.work.errors or one.work.lost)
        and one.work.most_links <= 2
        and one.fetches in one.fetches_allowed
        and one.longest_recovery <= one.recovery_allowed
    )


def main() -> int:
    rows, wrong = table()
    for row in rows:
        sys.stdout.write("  ".join(row) + "\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
