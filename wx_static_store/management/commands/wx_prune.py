"""``wx_prune``: old rows of the log go."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from ...upkeep.prune import prune
from ..exits import WRONG_USE
from ..upkeep import UpkeepCommand

MOST_AT_ONCE = 10_000  # more would hold locks for long


class Command(UpkeepCommand):
    help = (
        "Delete rows of the log that are older than so many days, in small transactions. The "
        "newest row of a file stays, and so do the rows of a deployment that runs. "
        "Exit code 0: done; 2: nothing was begun; 130: interrupted, what was deleted stays so."
    )
    kinds = ("uploads", "deployments")

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "--days", type=_between(1, 100_000), required=True, metavar="N", help="how old they are"
        )
        add("--env", metavar="ID", help="of this environment only")
        add(
            "--batch",
            type=_between(1, MOST_AT_ONCE),
            default=1000,
            metavar="N",
            help="rows in a transaction (%(default)s)",
        )
        add("--dry-run", "-n", action="store_true", help="only count")
        add("--yes", "-y", action="store_true", help="do not ask")

    def work(self, **options: Any) -> None:
        chosen = {"env": options["env"], "batch": options["batch"]}
        dry_run = options["dry_run"]
        if not (dry_run or options["yes"] or self._agreed(options["days"], **chosen)):
            self.stdout.write("Nothing was deleted.")
            return
        for kind, count in prune(options["days"], **chosen, dry_run=dry_run):
            self.counts[kind] += count
        self.stdout.write(f"{'would be deleted' if dry_run else 'deleted'}: {self.counted}")

    def _agreed(self, days: int, **chosen: Any) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to ask: add --yes.", returncode=WRONG_USE)
        old = Counter[str]()
        for kind, count in prune(days, **chosen, dry_run=True):
            old[kind] += count
        told = f"{old['uploads']} uploads and {old['deployments']} deployments"
        question = f"Delete {told} that are older than {days} days? [y/N] "
        return input(question).strip().lower() in ("y", "yes")


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            raise ArgumentTypeError(f"a number from {least} to {most}, not {text!r}")
        return int(text)

    return number
