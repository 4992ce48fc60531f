"""A short soak, as ``make soak`` runs a long one."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import slow

ROOT = Path(__file__).parent.parent.parent


@slow
def test_twenty_random_seconds_break_no_promise() -> None:
    command = [sys.executable, "-m", "tests.soak", "--seed", "1", "--for", "20", "--plain"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" 0 violations")
