"""``python -m benchmarks``: the workloads, the table of runs and the table of targets."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from . import report
from .measure import Book, Server, say
from .places import Lab, Place, program
from .workloads import WORKLOADS

LINK, PUT = 0.040, 0.025  # seconds


def main() -> None:
    args = _arguments()
    work = Path(tempfile.mkdtemp(prefix="wx-bench-", dir=args.work))
    book = Book(pair=LINK + PUT)
    try:
        with Server() as server:
            server.ask(link=LINK, put=PUT)
            lab = Lab(work, server, args.quick, args.rounds, LINK, PUT, args.before)
            _empty_logs(lab)
            for name in args.only:
                started = time.monotonic()
                say(f"{name}: {WORKLOADS[name].__doc__}")
                WORKLOADS[name](lab, book)
                book.seconds[name] = time.monotonic() - started
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.show(book, is_whole=len(args.only) == len(WORKLOADS))
    report.write(book, Path(args.json), quick=args.quick, rounds=args.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ",".join(WORKLOADS)
    parser.add_argument("--only", default=names, help=f"some of {names}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small: does it work at all?")
    parser.add_argument(
        "--json", metavar="FILE", default="bench.json", help="every run, the machine, the targets"
    )
    parser.add_argument("--work", metavar="DIR", help="where the files go, 1.5 GB")
    parser.add_argument(
        "--before",
        metavar="DIR",
        default="",
        type=_checkout,
        help="another checkout, whose figures stand beside those of this one",
    )
    args = parser.parse_args()
    args.only = args.only.split(",")
    if unknown := {*args.only} - {*WORKLOADS}:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    return args


def _checkout(path: str) -> str:
    if path and not Path(path, "wx_static_store").is_dir():
        raise argparse.ArgumentTypeError(f"{path} is no checkout")
    return path and str(Path(path).resolve())


def _empty_logs(lab: Lab) -> None:
    """Make the migrated database of each checkout."""
    for name, checkout in lab.checkouts.items():
        how: Any = {"stores": False, "checkout": checkout}
        place = Place(lab, f"empty{name}", program("migrate"), lab.work / "none", 1, **how)
        place.run()
        place.database.rename(lab.empty(checkout))


if __name__ == "__main__":
    main()
