"""
Let processes of one or two projects deploy, save and delete at random, while things go wrong.

After each round the faults end, all grows quiet and one more deploy runs. Then a checker that
shares no code with the package demands:

1. each file of the deployed tree is public, byte for byte;
2. the newest row of each of these objects is `stored`, with its MD5;
3. no `stored` row tells of an object that never was;
4. after ``wx_reconcile --fix`` the newest row of each other object is true as well;
5. no deployment is left as running, unless its process was killed or its database was away;
6. SIGINT and SIGTERM end a process in 5 s (10 s while the database is away), a deploy with code
   130; without them no process fails, and what a killed one left holds up nobody for long;
7. no ``save()``, no 201 and no *done* was untrue when it was said: its files were in the bucket,
   all at one moment while the process waited for the answer;
8. a save without ``overwrite`` replaced no other bytes, and no two rows have one file.

In a third of the rounds lists are up to eight seconds late; in some, somebody clears the cache, or
the clocks of two processes differ. Two limits are known, and left out: names are claimed in the
cache alone, so rule 8 is not judged if that is cleared, or a process is killed; and where lists are
later than a deploy waits for what a killed one sent, none is killed.

A round depends on the seed and its number alone, but for the timing of the processes. Without a
flag that names a mode, the seed draws the modes.
"""

import random
import shutil
import signal
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from itertools import count

from wx_static_store.emulator.quirks import quirk_names

from .databases import find_program
from .rounds import Soak, counted_rows, draw
from .world import Modes, new_world

SHOWN = 5  # violations of a round that are printed in full


def main() -> int:
    """Return 1 if anything was wrong."""
    # A shell starts background processes with SIGINT ignored, and children inherit that. SIGTERM
    # must stop the database as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    options = _options()
    modes = _modes(options)
    _say(f"seed {options.seed}: {modes}")
    code = 0
    with new_world(modes) as world:
        soak = Soak(world)
        try:
            _run(soak, options)
        except KeyboardInterrupt:
            code = 130
            _say("interrupted")
        for project in world.projects:
            _say(counted_rows(project))
    if soak.seen:
        code = 1
        _say(f"the databases, and the output of every process, are in {world.folder}")
    else:
        shutil.rmtree(world.folder)
    _say(f"seed {options.seed}: {soak.summary}")
    return code


def _run(soak: Soak, options: Namespace) -> None:
    """Run rounds until the time is over, and report each."""
    until = time.monotonic() + options.seconds
    for number in count(1):
        rng = random.Random(f"{options.seed}:{number}")
        soak.world.change_trees(rng)
        plan = draw(rng, number, soak.world.modes)
        if number < options.first_round:
            continue
        if time.monotonic() >= until:
            break
        started = time.monotonic()
        found = list(soak.run(plan))
        seconds = time.monotonic() - started
        _say(f"round {number} ({seconds:.1f} s): {soak.report}; {len(found) or 'no'} violations")
        for violation in found[:SHOWN]:
            where = f"seed {options.seed}, round {number}"
            _say(f"VIOLATION of rule {violation.rule} ({where}): {violation.what}")
        if len(found) > SHOWN:
            _say(f"... and {len(found) - SHOWN} more in this round")


def _options() -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=int, default=1, metavar="N", help="what decides everything (default: 1)")
    add("--for", dest="seconds", type=float, default=120, metavar="SECONDS", help="how long")
    add("--first-round", type=int, default=1, metavar="N", help="leave out those before")
    add("--plain", action="store_true", help="draw no mode")
    add("--list-md5", choices=("plain", "multipart"), default="plain")
    add("--lag", type=float, default=0.0, metavar="SECONDS", help="the list lags behind")
    add("--database", choices=("sqlite", "postgresql"), default="sqlite")
    add("--replica", action="store_true", help="the log is read from a copy that lags")
    add("--second-project", action="store_true", help="another log, the same environment")
    options = parser.parse_args()
    if options.database == "postgresql" and options.replica:
        parser.error("--replica is a copy of an SQLite file: leave out --database postgresql")
    if options.database == "postgresql" and not find_program("initdb"):
        parser.error("initdb is missing: install PostgreSQL, or leave out --database")
    return options


def _modes(options: Namespace) -> Modes:
    """Return the modes that are asked for; without any, those that the seed draws."""
    given = {name: getattr(options, name) for name in Modes.__dataclass_fields__}
    modes = Modes(**given)
    if modes == Modes() and not options.plain:
        rng = random.Random(f"{options.seed}:modes")
        modes = Modes(
            list_md5=rng.choice(("plain", "plain", "multipart")),
            lag=rng.choice((0.0, 0.0, 1.0)),
            replica=rng.random() < 0.3,
            second_project=rng.random() < 0.4,
        )
    if modes.lag and "list_lag_seconds" not in quirk_names():
        _say("the emulator has no switch list_lag_seconds: its list does not lag")
        modes = Modes(**{**modes.__dict__, "lag": 0.0})
    return modes


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
