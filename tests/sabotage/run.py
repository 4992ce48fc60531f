"""
``python -m tests.sabotage.run [NAME ...]``: does the suite notice when the app is damaged?

Each sabotage is applied to a copy of the package and its tests; the tests that it names must fail
there, and must pass in a copy without it. Exits with 1 if one survives, or does not apply any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sabotage.patches import SABOTAGES, Sabotage

ROOT = Path(__file__).parents[2]
PARTS = ("wx_static_store", "tests", "setup.cfg", "pyproject.toml")
WORKERS = 2
SECONDS = 300  # for one run; a test that hangs is no red test

CAUGHT = "caught"
RAN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
Row = tuple[str, str, str, str]


def main(names: Sequence[str]) -> int:
    chosen = [s for s in SABOTAGES if not names or s.name in names]
    rows = run_all(chosen)
    head: Row = ("rule", "sabotage", "red tests", "result")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    caught = sum(row[-1] == CAUGHT for row in rows)
    sys.stdout.write(f"{caught} of {len(rows)} sabotages were caught\n")
    return int(caught < len(rows) or not rows)


def run_all(sabotages: Sequence[Sabotage] = SABOTAGES) -> list[Row]:
    """Return one row each: the rule, the name, the tests, and ``caught`` or what is wrong."""
    with ThreadPoolExecutor(WORKERS) as pool:
        undamaged = pool.submit(red_without, sabotages)
        results = list(pool.map(result_of, sabotages))
    red = undamaged.result()
    return [
        (
            sabotage.rule,
            sabotage.name,
            ", ".join(test.split("::")[1] for test in sabotage.red),
            "not green without it" if result == CAUGHT and red & {*sabotage.red} else result,
        )
        for sabotage, result in zip(sabotages, results, strict=True)
    ]


def red_without(sabotages: Sequence[Sabotage]) -> set[str]:
    """Return those of the named tests that fail although nothing is damaged."""
    tests = list(dict.fromkeys(test for sabotage in sabotages for test in sabotage.red))
    with copy() as folder:
        code, red = run_tests(folder, tests)
    return red if code in RAN else {*tests}


def result_of(sabotage: Sabotage) -> str:
    with copy() as folder:
        file = folder / "wx_static_store" / sabotage.file
        text = file.read_text()
        if text.count(sabotage.old) != 1:
            return "does not apply any more"
        file.write_text(text.replace(sabotage.old, sabotage.new))
        code, red = run_tests(folder, sabotage.red)
    if code not in RAN:
        return f"the tests did not run ({code})"
    return "survived" if {*sabotage.red} - red else CAUGHT


@contextmanager
def copy() -> Iterator[Path]:
    """Yield a folder with the package and its tests, as they are now."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    with tempfile.TemporaryDirectory() as name:
        for part in PARTS:
            source, target = ROOT / part, Path(name) / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=leave_out)
            else:
                shutil.copy(source, target)
        yield Path(name)


def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int, set[str]]:
    """Return pytest's exit code in that copy, and which of the tests (of any case) failed."""
    options = ["-q", "-rf", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.sabotage.run"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *(f"tests/{test}" for test in tests)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return -1, set()
    if done.returncode not in RAN:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    named = {line.removeprefix("FAILED tests/").split(" - ")[0].split("[")[0] for line in failed}
    return done.returncode, named & {*tests}


def pytest_sessionstart() -> None:
    """Check, as a plugin of the copy's pytest, that the copy is what is tested."""
    import wx_static_store.testing

    tested = Path(wx_static_store.testing.__file__)
    if not tested.is_relative_to(Path.cwd()):
        pytest.exit(f"{tested} was imported in place of the copy", returncode=4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
