"""The judge of waiting saves can fail; a short storm, as ``make soak-waiting`` makes a long one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.soak.book import BLANK, Line, judge

ROOT = Path(__file__).parent.parent.parent


BEGAN, ROLLED = Line("begins", "a.txt", "2"), Line("rolled back", "a.txt", "2")
SAVED, DELETED = Line("saved", "a.txt", "1"), Line("deleted", "a.txt")
RAISED = Line("raised", "a.txt: away")
LOST, OTHER = ["a.txt is lost"], ["a.txt has bytes that are not its own"]


@pytest.mark.parametrize(
    ("book", "objects", "wrong"),
    [
        ([SAVED], {"a.txt": "1"}, []),
        ([SAVED], {"a.txt": "2"}, OTHER),
        ([SAVED], {"b.txt": "1"}, LOST),
        ([SAVED, DELETED], {"a.txt": BLANK}, []),
        ([SAVED, DELETED], {"a.txt": "1"}, OTHER),
        ([SAVED, BEGAN], {"a.txt": "2"}, []),
        ([SAVED, BEGAN], {"a.txt": "1"}, []),
        ([SAVED, BEGAN, ROLLED], {"a.txt": "2"}, OTHER),
        ([SAVED, BEGAN, ROLLED], {"a.txt": BLANK}, LOST),
        ([RAISED], {}, ["it raised: a.txt: away"]),
    ],
)
def test_what_is_not_as_the_book_says_is_found(
    book: list[Line], objects: dict[str, str], wrong: list[str]
) -> None:
    found = {key: (md5, 0.0) for key, md5 in objects.items()}
    assert [*judge(book, found, direct=False)] == wrong


def test_a_direct_save_may_be_public_though_it_was_rolled_back() -> None:
    assert [*judge([SAVED, BEGAN, ROLLED], {"a.txt": ("2", 0.0)}, direct=True)] == []


@pytest.mark.parametrize(("came", "wrong"), [(10.5, []), (20.0, OTHER)])
def test_so_may_one_that_waits_because_its_answer_was_lost(came: float, wrong: list[str]) -> None:
    waits = Line("rolled back", "a.txt", "2", began=10.0, seconds=1.0, waited=True)
    assert [*judge([SAVED, BEGAN, waits], {"a.txt": ("2", came)}, direct=True)] == wrong


@slow
@pytest.mark.parametrize("wait", ["outage", "always"])
def test_half_a_minute_of_outages_and_kills_loses_no_file(wait: str) -> None:
    command = [sys.executable, "-m", "tests.soak.waiting", "--for", "30", "--wait", wait]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" 0 wrong")
