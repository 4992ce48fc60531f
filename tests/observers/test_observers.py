"""
What watches a project records no secret of ours, and does record what we do.

The packages come with the extra ``observers``. Each observer patches all of its process, so that it
watches one of its own.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import slow

from .observers import OBSERVERS

HOST_ONLY = {"newrelic"}  # it never records a path
ROOT = Path(__file__).parents[2]


def is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[slow] * (name == "rich")) for name in OBSERVERS]
)
def test_an_observer_records_the_path_and_no_secret(name: str) -> None:
    missing = [package for package in OBSERVERS[name][1] if not is_installed(package)]
    if missing and not os.environ.get("WX_REQUIRE_OBSERVERS"):
        pytest.skip(f"needs {', '.join(missing)}: the extra observers brings it")
    done = subprocess.run(
        [sys.executable, "-m", "tests.observers", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout.splitlines()[-1])
    assert reply["found"] == [], reply["context"]
    assert reply["tokens"] >= 1
    assert reply["secrets"] >= 30
    assert reply["host"]
    assert ("watched.txt" in reply["paths"]) == (name not in HOST_ONLY)
