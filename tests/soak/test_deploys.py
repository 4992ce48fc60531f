"""A few killed deploys and roll backs, as ``make soak-deploy`` makes two hundred."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import slow

ROOT = Path(__file__).parent.parent.parent


@slow
def test_ten_runs_of_which_most_are_killed_show_no_mixed_page() -> None:
    command = [sys.executable, "-m", "tests.soak.deploys", "--seed", "1", "--runs", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" judged, 0 wrong")
