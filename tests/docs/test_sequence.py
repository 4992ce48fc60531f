"""docs/sequence.py: lists that the docs draw."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ci_package


@pytest.fixture(scope="module")
def sequence() -> Any:
    ci_package("sphinx")
    return ci_package("docs.sequence")


@pytest.fixture
def paragraph(sequence: Any) -> Any:
    return lambda text: sequence.nodes.paragraph("", text)


@pytest.mark.parametrize("item", ["A → B: text", "A → B：text"])
def test_an_item_is_read_with_the_colon_of_either_language(
    sequence: Any, paragraph: Any, item: str
) -> None:
    step = sequence.read(paragraph(item))
    assert (step.sender, step.receiver) == ("A", "B")
    assert [node.astext() for node in step.content] == ["text"]


def test_an_item_that_names_nobody_is_an_error(sequence: Any, paragraph: Any) -> None:
    with pytest.raises(ValueError, match="is not `A → B: text`"):
        sequence.read(paragraph("just a text"))


def test_arrows_and_notes_are_drawn_between_the_middles_of_the_columns(
    sequence: Any, paragraph: Any
) -> None:
    items = ["A → B: there", "B: thinks", "B → A: back"]
    steps = [sequence.read(paragraph(item)) for item in items]
    html = "".join(node.astext() for node in sequence.draw(steps))
    assert '<p class="right" style="grid-area: 2 / 2 / auto / 4">' in html
    assert '<p class="note" style="grid-area: 3 / 3 / auto / 5">' in html
    assert '<p class="left" style="grid-area: 4 / 2 / auto / 4">' in html
