"""
``.. from-code:: options``: text that the code knows best, written at each build in its language.

A module of this folder returns the text, as reStructuredText, in Django's active language. What
stays English in the Chinese text is translated by the page's catalogue in docs/locale.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.utils.translation import get_language, override
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DJANGO_LANGUAGES = {"en": "en", "zh_CN": "zh-hans"}


def text_of(name: str, language: str) -> str:
    """Return what `text()` of the named module says in a language of Django."""
    with override(language):
        return str(import_module(f"{__name__}.{name.replace('-', '_')}").text())


class FromCode(SphinxDirective):
    """Render what ``text()`` of the named module returns."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        text = text_of(name, DJANGO_LANGUAGES[self.config.language])
        found = self.parse_text_to_nodes(text, allow_section_headings=True)
        chinese = {line.lstrip(" *-") for line in text_of(name, "zh-hans").splitlines()}
        for node in found:
            for element in node.findall(nodes.TextElement):
                if element.rawsource not in chinese:
                    element["translatable"] = False
        return found


class Anchor(SphinxDirective):
    """Make a place to link to by exactly this name: docutils would drop its capitals."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (id,) = self.arguments
        target = nodes.target("", "", ids=[id], names=[nodes.fully_normalize_name(id)])
        self.state.document.note_explicit_target(target)
        return [target]


def table(*widths: int, rows: Iterable[Iterable[object]]) -> str:
    """Return a table of reStructuredText; its first row is the head."""
    head = f".. list-table::\n   :header-rows: 1\n   :widths: {' '.join(map(str, widths))}\n"
    lines = ("   * - " + "\n     - ".join(str(cell) or "–" for cell in row) for row in rows)
    return "\n".join([head, *lines, ""])


def section(title: str, *parts: str, anchor: str = "", mark: str = "=") -> str:
    head = [f".. anchor:: {anchor}\n"] if anchor else []
    return "\n".join([*head, title, mark * 2 * len(title), "", *(f"{part}\n" for part in parts)])


def block(text: str) -> str:
    """Return a literal block."""
    return "::\n\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n"


def plain(text: object) -> str:
    """Return a text of one line without markup, so that a star in it is a star."""
    return re.sub(r"([\\*`_|])", r"\\\1", " ".join(str(text).split()))


def here(english: str, chinese: str) -> str:
    """Return the one of two texts that is in the language of the page."""
    return chinese if get_language() == "zh-hans" else english


def skip_figures(_app: Sphinx, doctree: nodes.document) -> None:
    """Keep figures, code and names of tests out of the catalogues."""
    for element in doctree.findall(nodes.TextElement):
        words = "".join(c.astext() for c in element if not isinstance(c, nodes.literal))
        if re.fullmatch(r"[\W\d]*|(test_\w+(, )?)+", words):
            element["translatable"] = False


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("from-code", FromCode)
    app.add_directive("anchor", Anchor)
    app.connect("doctree-read", skip_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
