"""Show the result of a deploy on GitHub's page of a step, as escaped Markdown."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

from ..i18n import STAGES, gettext, shown
from .report import TEXTS, overview, verification_lines

logger = logging.getLogger("wx_static_store.deploy")

STEP_BYTES = 1000 * 1024  # GitHub drops the whole summary if it is larger than 1024 KiB
ROWS = 50  # of one table; the JSON report has all

_MARKUP = re.compile(r"[\\`*_~\[\]<>|&#!$]")  # signs that could begin markup, or end a table's cell


def append_step_summary(path: str, data: dict[str, Any]) -> None:
    """Append to the summary of GitHub's step; a failure is only logged."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(step_summary(data))
    except OSError as error:
        logger.warning("The step summary cannot be written: %s", error.strerror)


def step_summary(data: dict[str, Any]) -> str:
    """Return Markdown, cut to the size that GitHub takes of one step."""
    label = f", {data['source']}" if data["source"] else ""
    head = f"## wx_deploy {_cell(data['using'] + label)}\n\n"
    table = _table(overview(data), texts=TEXTS)
    verified = [f"\n{_cell(line)}\n" for line in verification_lines(data)]
    sections = chain.from_iterable(map(_section, data["environments"]))
    kept, left = [], STEP_BYTES
    for part in [head, table, *verified, *sections]:
        left -= len(part.encode())
        if left < 0:
            kept.append("\n" + gettext("There is more: see the JSON report.") + "\n")
            break
        kept.append(part)
    return "".join(kept)


def _section(environment: dict[str, Any]) -> list[str]:
    """Return the problems of one environment; nothing if there are none."""
    reasons = map(str.strip, environment["error"].splitlines())
    parts = [_cell(reason) + "\n" for reason in reasons if reason]
    failed = [_failed(failure) for failure in environment["failures"]]
    heading = [gettext("failed"), gettext("stage"), gettext("errcode"), gettext("why"), "rid"]
    parts += _some(heading, failed)
    findings = [[*finding.values()] for finding in environment["findings"]]
    parts += _some([gettext("differs"), gettext("how")], findings)
    parts += _some([gettext("stale")], [[key] for key in environment["stale"]])
    if not parts:
        return []
    title, address = _cell(environment["env"]), quote(environment["address"], safe=":/%~!*'[]")
    link = f"[{title}]({address})" if address else title
    return [f"\n### {link}\n", *("\n" + part for part in parts)]


def _failed(failure: dict[str, Any]) -> list[str]:
    errcode = "" if failure["errcode"] is None else str(failure["errcode"])
    stage, why, hint = failure["stage"], failure["message"], failure["hint"]
    if why and hint:
        why = gettext("%(what)s. %(hint)s", what=why, hint=hint)
    return [failure["name"], str(STAGES.get(stage, stage)), errcode, why or hint, failure["rid"]]


def _some(heading: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table of the first rows, and the number of those that are left out."""
    left = len(rows) - ROWS
    more = [gettext("… and %(count)d more", count=left) + "\n"] if left > 0 else []
    return [_table([heading, *rows[:ROWS]], texts=len(heading)), *more] if rows else []


def _table(rows: Sequence[Sequence[str]], *, texts: int) -> str:
    """Return a table: `texts` columns of text, the others of numbers."""
    heading, *body = [[_cell(cell) for cell in row] for row in rows]
    ruler = ["---"] * texts + ["---:"] * (len(heading) - texts)
    return "".join(f"| {' | '.join(row)} |\n" for row in (heading, ruler, *body))


def _cell(text: str) -> str:
    """Escape the text, so that it is only text on one line."""
    return _MARKUP.sub(r"\\\g<0>", shown(text))
