"""
``.. sequence::``: who sends what to whom, written as a list, drawn in HTML with CSS alone.

An item is ``- A → B: text`` (an arrow) or ``- A: text`` (a note). The catalogues of docs/locale
translate the items. What is not HTML shows the list as it is written.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

_ITEM = re.compile(r"([^→:：]+?)(?: → ([^:：]+?))?[:：]\s*")


class Step(NamedTuple):
    """An item: from whom, to whom (the same for a note), and what."""

    sender: str
    receiver: str
    content: list[nodes.Node]


def read(paragraph: nodes.Element) -> Step:
    """Return the step that an item describes; ValueError if it describes none."""
    found = _ITEM.match(paragraph.astext())
    if not found or not paragraph[0].astext().startswith(found[0]):
        raise ValueError(f"{paragraph.astext()!r} is not `A → B: text`, nor `A: text`")
    rest = nodes.Text(paragraph[0].astext().removeprefix(found[0]))
    return Step(found[1], found[2] or found[1], [rest, *paragraph.children[1:]])


def draw(steps: list[Step]) -> Iterator[nodes.Node]:
    """Yield a grid in which each party has two columns: an arrow leads from middle to middle."""
    parties = [*dict.fromkeys(party for step in steps for party in step[:2])]
    columns = f"grid-template-columns: repeat({2 * len(parties)}, minmax(0, 1fr))"
    lines = f"background-size: {100 / len(parties)}% 100%"
    yield _raw(f'<div class="sequence" style="{columns}; {lines}">')
    for number, party in enumerate(parties):
        style = f"grid-column: {2 * number + 1} / span 2"
        yield from (_raw(f'<strong style="{style}">'), nodes.Text(party), _raw("</strong>"))
    for row, step in enumerate(steps, start=2):
        start, end = (2 * parties.index(party) + 2 for party in step[:2])
        kind = "right" if start < end else "left" if start > end else "note"
        first, last = (start - 1, start + 1) if kind == "note" else sorted((start, end))
        area = f"grid-area: {row} / {first} / auto / {last}"
        yield _raw(f'<p class="{kind}" style="{area}"><span class="who">')
        yield nodes.Text(" → ".join(dict.fromkeys(step[:2])) + ": ")
        yield from (_raw("</span><span>"), *step.content, _raw("</span></p>"))
    yield _raw("</div>")


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


class Sequence(SphinxDirective):
    has_content = True

    def run(self) -> list[nodes.Node]:
        return [nodes.container("", *self.parse_content_to_nodes(), classes=["sequence"])]


class Draw(SphinxPostTransform):
    """Draw after the translation of the items."""

    default_priority = 100
    formats = ("html",)

    def run(self, **_options: Any) -> None:
        for node in [*self.document.findall(nodes.container)]:
            if "sequence" in node["classes"]:
                steps = [read(item[0]) for item in node.findall(nodes.list_item)]
                node.parent.replace(node, [*draw(steps)])


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("sequence", Sequence)
    app.add_post_transform(Draw)
    app.add_css_file("sequence.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
