"""
``python -m tests.mutants [--sample] [MODULE ...]``: which damages does the suite miss?

mutmut damages one operator, value or argument of a module (``core/retry``) at a time, in
``mutants/core/retry/``, against the tests that mirror it. A run that was ended goes on where it
stood, and tries again what is alive. ``setup.cfg`` says what is not damaged, and for what reason.
"""

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE, FOLDER = ROOT / "wx_static_store", ROOT / "mutants"
MODULES = ("core/*.py", "clients/*.py", "upload/*.py", "submit/*.py", "deploy/plan.py")
# mutmut's own calls stand among the frames that core/frames clears, and it sees no call in another
# process, where core/interrupts is tested.
NOT_DAMAGED = {"core/frames", "core/interrupts"}
WANTED = 90  # percent of the mutants that the tests must kill
# For CI: a fifth of the mutants of modules whose score the page has; the date of the commit
# draws them. The few that there is time for scatter around a score of 90 by ten points.
SAMPLE_SECONDS, SAMPLE_WANTED = 60, 80
# Exit codes in mutmut's records: survived; no test calls it, or none could be started. Others kill.
ALIVE = {0, 5, 33, 255}
HEAD = ("module", "mutants", "killed", "score")
# Of each module the mutants and the killed ones, as `make proof` wrote them.
MEASURED = ROOT / "tests" / "mutants.json"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", metavar="MODULE", default=modules())
    parser.add_argument("--sample", action="store_true", help="a few modules, for CI")
    given = parser.parse_args()
    chosen, pattern, folder, wanted, ends = given.modules, [], FOLDER, WANTED, math.inf
    if given.sample:
        chosen, pattern = draw_sample()
        folder, wanted, ends = FOLDER / "sample", SAMPLE_WANTED, time.monotonic() + SAMPLE_SECONDS
        shutil.rmtree(folder, ignore_errors=True)
    for module in chosen:
        for tests in tests_of(module)[: 1 if given.sample else None]:
            if (seconds := ends - time.monotonic()) > 0:
                damage(module, tests, folder, pattern, seconds)
    rows = table({module: count(records(module, folder)) for module in chosen})
    sys.stdout.write("".join("  ".join(map(str, row)) + "\n" for row in rows))
    return int(rows[-1][-1] < wanted)


def modules() -> list[str]:
    files = chain(*(sorted(PACKAGE.glob(pattern)) for pattern in MODULES))
    names = (f"{file.parent.name}/{file.stem}" for file in files if file.name[0] != "_")
    return [name for name in names if name not in NOT_DAMAGED]


def draw_sample() -> tuple[list[str], list[str]]:
    """Return the measured modules, shuffled, and mutmut's pattern for a fifth of the mutants."""
    date = subprocess.check_output(["git", "show", "-s", "--format=%cs"], cwd=ROOT, text=True)
    draw, measured = random.Random(date), [*scores()]
    draw.shuffle(measured)
    digit = draw.randrange(5)
    return measured, [f"*[{digit}{digit + 5}]"]


def damage(module: str, tests: str, folder: Path, pattern: list[str], seconds: float) -> None:
    """Run mutmut in a fresh copy: on what it has not tried yet, and on what is alive."""
    copy, (meta, data) = folder / module, _read(module, folder)
    codes = data["exit_code_by_key"]
    codes.update({name: None for name in codes if codes[name] in ALIVE})
    shutil.rmtree(copy, ignore_errors=True)
    meta.parent.mkdir(parents=True)
    if codes:
        meta.write_text(json.dumps(data))
    for part in ("wx_static_store", "tests", "pyproject.toml"):
        (copy / part).symlink_to(ROOT / part)
    ours = f"[mutmut]\nonly_mutate = wx_static_store/{module}.py\n"
    ours += f"pytest_add_cli_args_test_selection = {tests}\n"
    config = (ROOT / "setup.cfg").read_text()
    (copy / "setup.cfg").write_text(config.replace("[mutmut]\n", ours))
    command = [Path(sys.executable).with_name("mutmut"), "run", *pattern]
    with (copy / "log").open("w") as log:
        run = subprocess.Popen(command, cwd=copy, stdout=log, stderr=log, start_new_session=True)
    with suppress(subprocess.TimeoutExpired, ProcessLookupError):
        try:
            run.wait(seconds)
        finally:
            os.killpg(run.pid, signal.SIGTERM)
    if run.wait() > 0:
        sys.stdout.write(f"mutmut did not try {module}: {copy / 'log'}\n")


def tests_of(module: str) -> list[str]:
    """Return the test module that mirrors it, then the folder's tests, for what it leaves alive."""
    folder, name = module.split("/")
    mirror = f"tests/{folder}/test_{name}.py"
    return [mirror, f"tests/{folder}"] if (ROOT / mirror).exists() else [f"tests/{folder}"]


def records(module: str, folder: Path = FOLDER) -> list[int | None]:
    """Return mutmut's exit code of each mutant; None is one that was not tried yet."""
    return [*_read(module, folder)[1]["exit_code_by_key"].values()]


def _read(module: str, folder: Path) -> tuple[Path, dict]:
    meta = folder / module / "mutants" / "wx_static_store" / f"{module}.py.meta"
    try:
        return meta, json.loads(meta.read_text())
    except (OSError, ValueError):  # there is none, or mutmut was ended while it wrote
        return meta, {"exit_code_by_key": {}}


def count(codes: Sequence[int | None]) -> tuple[int, int]:
    """Return how many mutants were tried, and how many of them were killed."""
    tried = [code for code in codes if code is not None]
    return len(tried), sum(code not in ALIVE for code in tried)


def scores() -> dict[str, tuple[int, int]]:
    """Return the mutants of each module, and the killed ones, as they were last written."""
    measured = json.loads(MEASURED.read_text())
    return {module: (tried, killed) for module, (tried, killed) in measured.items()}


def keep(counts: Mapping[str, tuple[int, int]]) -> None:
    """Write what `scores` returns, a line for each module."""
    lines = (f'  "{module}": {[*counts[module]]}' for module in sorted(counts))
    MEASURED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def by_folder(counts: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the sums of each folder."""
    sums: dict[str, tuple[int, int]] = {}
    for module, (tried, killed) in counts.items():
        folder = f"{module.split('/')[0]}/"
        before = sums.get(folder, (0, 0))
        sums[folder] = before[0] + tried, before[1] + killed
    return sums


def table(counts: Mapping[str, tuple[int, int]]) -> list[tuple]:
    """Return a row for each module of which mutants were tried, and the sum."""
    rows = [_row(f"``{module}``", *counts[module]) for module in sorted(counts)]
    sums = (sum(numbers) for numbers in zip(*counts.values(), strict=True))
    return [HEAD, *(row for row in rows if row[1]), _row("all", *sums)]


def _row(name: str, tried: int, killed: int) -> tuple[str, int, int, float]:
    return name, tried, killed, round(100 * killed / max(1, tried), 1)


if __name__ == "__main__":
    sys.exit(main())
