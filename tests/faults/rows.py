"""The rows of `faults.json`: what each states, met once or always, over which wire."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROWS = Path(__file__).with_name("faults.json")
# What stands in for `times` in the two cases that a row may state.
MODES: dict[str, int | None] = {"once": 1, "always": None}
WIRES = ("plain", "tls", "untrusted", "expired", "early", "wrong_host")


@dataclass(frozen=True)
class Case:
    """One row, met once or always, with the five things that it states."""

    id: str
    what: str
    ends: str  # stored, failed, unknown
    calls: tuple[int, int]  # for a link, PUTs
    bytes: str  # equal, absent, other
    row: tuple[str, str, int | None, int] | None  # status, stage, errcode, attempts
    exit: int  # of a `collectstatic` of the same file
    error: str = ""  # a class that the error is an instance of
    says: tuple[str, ...] = ()  # what the error's text tells
    tokens: int | None = None  # calls for a token
    faults: tuple[Mapping[str, Any], ...] = ()
    quirks: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    wire: str = "plain"
    size: int = 5
    note: str = ""


def cases(rows: Path = ROWS) -> list[Case]:
    """Every case of every row, in the order of the file."""
    return [case for row in json.loads(rows.read_text("utf-8")) for case in _expanded(row)]


def _expanded(row: dict[str, Any]) -> Iterator[Case]:
    for number, value in enumerate(row.get("each", [None])):
        label = _label(value, number) if "each" in row else ""
        for wire in row.get("wires", ["plain"]):
            for mode in MODES:
                if mode in row:
                    yield _case(_filled(row, value), label, wire, mode)


def _label(value: Any, number: int) -> str:
    """Return the value itself if it is a word, else its place."""
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    return str(text) if re.fullmatch(r"[\w.:-]{1,60}", str(text)) else str(number + 1)


def _case(row: dict[str, Any], label: str, wire: str, mode: str) -> Case:
    assert wire in WIRES, wire
    name = [row["id"].replace(" ", "_"), label, "" if wire == "plain" else wire, mode]
    stated = row[mode]
    common = {key: row[key] for key in ("quirks", "options", "size", "note") if key in row}
    return Case(
        id="-".join(filter(None, name)),
        what=row["what"],
        wire=wire,
        faults=tuple({"times": MODES[mode], **fault} for fault in row.get("faults", [])),
        hooks=tuple(stated.get("hooks", row.get("hooks", ()))),
        ends=stated["ends"],
        error=stated.get("error", ""),
        says=tuple(stated.get("says", ())),
        tokens=stated.get("tokens"),
        calls=tuple(stated["calls"]),
        bytes=stated["bytes"],
        row=tuple(stated["row"]) if stated["row"] else None,
        exit=stated["exit"],
        **common,
    )


def _filled(part: Any, value: Any) -> Any:
    """Return the row with each ``$`` replaced by one value of its `each`."""
    if isinstance(part, dict):
        return {name: _filled(inner, value) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, value) for inner in part]
    return value if part == "$" else part
