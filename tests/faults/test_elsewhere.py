"""No row of the tables of faults is forgotten."""

import json
import re
from pathlib import Path

from tests.faults.elsewhere import ELSEWHERE, TABLES
from tests.faults.rows import ROWS
from tests.tables import each

ROOT = Path(__file__).parent.parent.parent
SHOWN = {row: reported for row, reported in ELSEWHERE.items() if isinstance(reported, tuple)}


def test_every_row_is_in_the_file_or_shown_elsewhere() -> None:
    every = {f"{table}{n:02}" for table, last in TABLES.items() for n in range(1, last + 1)}
    stated = {
        id for row in json.loads(ROWS.read_text()) for id in re.findall(r"\b[NWCP]\d\d", row["id"])
    }
    assert stated | {*ELSEWHERE} == every
    assert stated.isdisjoint(ELSEWHERE)


@each("row", SHOWN)
def test_the_test_that_shows_a_row_exists(row: str) -> None:
    file, test = SHOWN[row]
    assert f"\ndef {test}(" in (ROOT / file).read_text()
