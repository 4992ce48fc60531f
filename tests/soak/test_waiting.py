"""The judge of waiting saves can fail; a short storm, as ``make soak-waiting`` makes a long one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.soak.waiting import Save, judge

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("how", "objects", "wrong"),
    [
        ("saved", {"a.txt": "1"}, []),
        ("saved", {"a.txt": "2"}, ["a.txt has other bytes"]),
        ("saved", {"b.txt": "1"}, ["a.txt is lost"]),
        ("rolled back", {"a.txt": "2"}, []),
        ("raised", {"a.txt": "1"}, ["save() raised: a.txt"]),
    ],
)
def test_what_is_not_as_the_book_says_is_found(
    how: str, objects: dict[str, str], wrong: list[str]
) -> None:
    assert [*judge([Save(how, "a.txt", "1", 0, 0, waited=True)], objects)] == wrong


@slow
def test_ten_seconds_of_outages_and_kills_lose_no_file() -> None:
    command = [sys.executable, "-m", "tests.soak.waiting", "--seed", "1", "--for", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" 0 wrong")
