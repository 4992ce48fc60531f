"""The directives ``from-code`` and ``anchor``."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from . import text_of

DJANGO_LANGUAGES = {"en": "en", "zh_CN": "zh-hans"}


class FromCode(SphinxDirective):
    """Render what ``text()`` of the named module returns for the arguments after it."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the code may have changed, and the page has not
        (name,) = self.arguments
        text = text_of(name, DJANGO_LANGUAGES[self.config.language])
        found = self.parse_text_to_nodes(text, allow_section_headings=True)
        lines = text_of(name, "zh-hans").splitlines()
        chinese = {re.sub(r"^[ *#.-]*(:[^:]+: )?", "", line) for line in lines}
        for node in found:
            for element in node.findall(nodes.TextElement):
                name = isinstance(element, nodes.title) and is_name(element.rawsource)
                if name or element.rawsource not in chinese:
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


def is_name(title: str) -> bool:
    """Say whether a title is a name of the code, or some, or an address with its method."""
    return bool(re.fullmatch(r"([A-Z]+ )?\S+|[\w.-]+(, [\w.-]+)*", title))


def skip_figures(_app: Sphinx, doctree: nodes.document) -> None:
    """Keep figures, code and names of tests out of the catalogues."""
    for element in doctree.findall(nodes.TextElement):
        words = re.sub(r"``.*?``|:ref:`\S+( <\S+>)?`", "", element.rawsource)
        if re.fullmatch(r"[\W\d]*|(test_\w+(, )?)+|[a-z]+/\w+", words):
            element["translatable"] = isinstance(element, addnodes.index)  # has no rawsource


def show_caption(translator: Any, node: nodes.caption) -> None:
    """Write the file that a block of code goes into, in the Markdown twin of a page."""
    translator.visit_paragraph(node)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("from-code", FromCode)
    app.add_directive("anchor", Anchor)
    app.add_node(
        nodes.caption,
        override=True,
        markdown=(show_caption, lambda translator, node: translator.depart_paragraph(node)),
    )
    app.connect("doctree-read", skip_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
