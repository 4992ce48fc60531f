"""
``python -m tests.mutants [--sample] [--seed N] [MODULE ...]``: which damages does the suite miss?

mutmut damages one operator, value or argument at a time. Each module (``core/retry``) is damaged in
a copy of its own, ``mutants/core/retry/``, against the tests that mirror it. A run that was ended
goes on where it stood; what survived is tried again when its tests have changed. ``setup.cfg``
says what is damaged, and which lines are left out for what reason.
"""

import argparse
import configparser
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.sabotage.run import PARTS, ROOT

COPIES = ROOT / "mutants"
WANTED = 90  # percent of a module's mutants that the tests must kill
SAMPLE_SECONDS = 150
# Exit codes in mutmut's records; each other one is a kill. 255: its tests could not be started.
SURVIVED, NO_TEST = {0}, {5, 33, 255}
HEAD = ("module", "mutants", "killed", "survived", "untested", "score")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="for example core/retry")
    parser.add_argument("--sample", action="store_true", help="a tenth, for as long as CI has")
    parser.add_argument("--seed", type=int, default=0, help="which tenth")
    given = parser.parse_args()
    chosen, ends = given.modules or modules(), None
    if given.sample:
        random.Random(given.seed).shuffle(chosen)
        ends = time.monotonic() + SAMPLE_SECONDS
    for module in chosen:
        if ends and time.monotonic() > ends:
            break
        damage(module, f"*__mutmut_*{given.seed % 10}" if given.sample else "", ends)
        sys.stdout.write("  ".join(map(str, row(module))) + "\n")
    rows = table(chosen)
    sys.stdout.write("\n".join("  ".join(map(str, line)) for line in rows) + "\n")
    return int(rows[-1][-1] < WANTED)


def modules() -> list[str]:
    """Return the modules that ``setup.cfg`` names, the smallest first."""
    patterns = configuration()["mutmut"]["only_mutate"].split()
    files = [file for pattern in patterns for file in ROOT.glob(pattern) if file.name[0] != "_"]
    files.sort(key=lambda file: file.stat().st_size)
    return [f"{file.parent.name}/{file.stem}" for file in files]


def configuration() -> configparser.RawConfigParser:
    config = configparser.RawConfigParser()
    config.optionxform = str  # an option of pytest is in upper case
    config.read(ROOT / "setup.cfg")
    return config


def tests_of(module: str) -> Path:
    """Return the test module that mirrors it, or the folder's tests where there is none."""
    folder, name = module.split("/")
    mirror = Path("tests", folder, f"test_{name}.py")
    return mirror if (ROOT / mirror).exists() else mirror.parent


def damage(module: str, pattern: str, ends: float | None) -> None:
    """Run mutmut on the module's copy; if its tests have changed, on what they left alive, too."""
    folder, tests = COPIES / module, tests_of(module)
    old = folder / tests
    if old.is_file() and not filecmp.cmp(old, ROOT / tests, shallow=False):
        forget_alive(module)
    copy(folder, f"wx_static_store/{module}.py", str(tests))
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", "run"]
    command += [pattern] if pattern else []
    with (folder / "log").open("w") as log:
        run = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            run.wait(ends and max(1, ends - time.monotonic()))
        except (KeyboardInterrupt, subprocess.TimeoutExpired) as error:
            os.killpg(run.pid, signal.SIGTERM)
            run.wait()
            if isinstance(error, KeyboardInterrupt):
                raise
            return
    if run.returncode:
        sys.stdout.write(f"mutmut did not run {module}: see {folder / 'log'}\n")


def copy(folder: Path, module: str, tests: str) -> None:
    """Bring the copy up to date; its ``setup.cfg`` names that module and those tests alone."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    config = configuration()
    config["mutmut"].update({"only_mutate": module, "pytest_add_cli_args_test_selection": tests})
    with (folder / "setup.cfg").open("w") as file:
        config.write(file)


def _meta(module: str) -> Path:
    return COPIES / module / "mutants" / "wx_static_store" / f"{module}.py.meta"


def records(module: str) -> dict[str, int | None]:
    """Return mutmut's exit code of each mutant; None is one that was not tried yet."""
    file = _meta(module)
    return json.loads(file.read_text())["exit_code_by_key"] if file.exists() else {}


def forget_alive(module: str) -> None:
    killed = {k: None if v in SURVIVED | NO_TEST else v for k, v in records(module).items()}
    if killed:
        data = json.loads(_meta(module).read_text())
        _meta(module).write_text(json.dumps(data | {"exit_code_by_key": killed}))


def row(module: str) -> tuple[str, int, int, int, int, float]:
    codes = [code for code in records(module).values() if code is not None]
    survived, untested = (sum(code in kind for code in codes) for kind in (SURVIVED, NO_TEST))
    return _scored(module, len(codes), survived, untested)


def _scored(
    name: str, tried: int, survived: int, untested: int
) -> tuple[str, int, int, int, int, float]:
    killed = tried - survived - untested
    return (
        name,
        tried,
        killed,
        survived,
        untested,
        round(100 * killed / tried, 1) if tried else 100.0,
    )


def table(chosen: list[str] | None = None) -> list[tuple]:
    """Return a row for each module that was measured, and the sum."""
    rows = [line for line in map(row, chosen or modules()) if line[1]]
    sums = (sum(line[n] for line in rows) for n in (1, 3, 4))
    return [HEAD, *sorted(rows), _scored("all", *sums)]


if __name__ == "__main__":
    sys.exit(main())
