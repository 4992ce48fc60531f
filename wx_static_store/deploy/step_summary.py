"""Show the result of a deploy on GitHub's page of a step, as escaped Markdown."""

import logging
import re
from itertools import islice
from typing import Any

from ..core.releases import label_in_words
from ..i18n import gettext, gettext_noop, shown
from .report import TEXTS, causes, facts, overview

logger = logging.getLogger("wx_static_store.deploy")

STEP_BYTES = 1000 * 1024  # GitHub drops the whole summary if it is larger than 1024 KiB
ROWS = 50  # lines beside the causes; the JSON report has all
FILES = 10  # of one cause

_MARKUP = re.compile(r"[\\`*_~\[\]<>|&#!$]")  # signs that could begin markup, or end a table's cell


def append(path: str, text: str) -> None:
    """Append to a file that GitHub reads after a step; a failure is only logged."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        text = gettext_noop("GitHub's file %s cannot be written: %s")
        logger.warning(text, path, error.strerror)


def step_summary(data: dict[str, Any]) -> str:
    """Return Markdown, cut to the size that GitHub takes of one step."""
    label = f", {label_in_words(data['source'])}" if data["source"] else ""
    head = f"## wx_deploy {_cell(data['using'] + label)}\n\n"
    first, rest = [*islice(found := facts(data), ROWS)], sum(1 for _line in found)
    if rest:
        first.append(gettext("… and %(count)d more", count=rest))
    lines = map(str.strip, [*first, *causes(data, most=FILES)])
    texts = [f"\n{_cell(line)}\n" for line in lines if line]
    heading, *body = [[_cell(cell) for cell in row] for row in overview(data)]
    ruler = ["---"] * TEXTS + ["---:"] * (len(heading) - TEXTS)
    rows = (f"| {' | '.join(row)} |\n" for row in (heading, ruler, *body))
    page = "".join([head, *rows, *texts])
    if len(page.encode()) <= STEP_BYTES:
        return page
    more = gettext("There is more: see the JSON report.")
    return f"{page.encode()[:STEP_BYTES].decode(errors='ignore')}\n\n{more}\n"


def _cell(text: str) -> str:
    """Escape the text, so that it is only text on one line."""
    return _MARKUP.sub(r"\\\g<0>", shown(text))
