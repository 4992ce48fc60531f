"""
Search Chinese pages by pairs of characters; a query is cut as the pages are, without a dictionary.

Sphinx's own search for Chinese cuts the pages by a dictionary but not the query: a phrase of two
words finds nothing. In Sphinx 9.0 it also names a JavaScript class that does not exist.
"""

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

_HAN = r"\u3400-\u9fff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")


class SearchPairs(SearchEnglish):
    """Latin words are stemmed as in English."""

    lang = "zh"
    js_splitter_code = f"""
function splitQuery(query) {{
  const runs = query.match(/[{_HAN}]+|[^\\s\\p{{P}}\\p{{S}}{_HAN}]+/gu) ?? [];
  const pairs = (run) => Array.from(run.slice(1), (character, at) => run[at] + character);
  return runs.flatMap((run) => (/^[{_HAN}]{{2}}/.test(run) ? pairs(run) : [run]));
}}
"""

    def split(self, text: str) -> list[str]:
        return [word for run in _RUN.findall(text) for word in _words(run)]


def _words(run: str) -> Iterator[str]:
    if len(run) < 2 or not re.match(f"[{_HAN}]", run):
        yield run
        return
    for at in range(len(run) - 1):
        yield run[at : at + 2]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_search_language(SearchPairs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
