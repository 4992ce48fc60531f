"""
``.. from-code:: options``: text that the code knows best, written at each build in its language.

A module of this folder returns the text, as reStructuredText, in Django's active language. The
catalogues of docs/locale do not hold it.
"""

import re
from importlib import import_module
from typing import Any

from django.utils.translation import override
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DJANGO_LANGUAGES = {"en": "en", "zh_CN": "zh-hans"}


class FromCode(SphinxDirective):
    """Render what ``text()`` of the named module returns."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        with override(DJANGO_LANGUAGES[self.config.language]):
            text = import_module(f"{__name__}.{name.replace('-', '_')}").text()
        found = self.parse_text_to_nodes(text, allow_section_headings=True)
        for node in found:
            for element in node.findall(nodes.TextElement):
                element["translatable"] = False
        return found


def table(*widths: int, rows: list[tuple[str, ...]]) -> str:
    """Return a table of reStructuredText; its first row is the head."""
    head = f".. list-table::\n   :header-rows: 1\n   :widths: {' '.join(map(str, widths))}\n"
    lines = ("   * - " + "\n     - ".join(row) for row in rows)
    return "\n".join([head, *lines, ""])


def skip_figures(_app: Sphinx, doctree: nodes.document) -> None:
    """Keep figures and names of tests out of the catalogues."""
    for element in doctree.findall(nodes.TextElement):
        if re.fullmatch(r"[\W\d]*|(test_\w+(, )?)+", element.astext()):
            element["translatable"] = False


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("from-code", FromCode)
    app.connect("doctree-read", skip_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
