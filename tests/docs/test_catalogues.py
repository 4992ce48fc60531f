"""Each page of the documentation is wholly Chinese in its catalogue."""

import re
from pathlib import Path

import polib
import pytest

from docs.from_code import text_of
from tests.tables import each, none_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CATALOGUES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"
PAGES = sorted(str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.glob("**/*.rst"))
MADE = [
    (page, name)
    for page in PAGES
    for name in re.findall(
        r"^\.\. from-code:: ([\w -]+)$", (DOCS / f"{page}.rst").read_text(), re.M
    )
    if name not in ("emulator-faults", "emulator-quirks")  # the emulator has a catalogue of its own
]
CODE = re.compile(r"^ .*|[A-Z]+ [\w/{}]+$|^\.\. .*|:\w+:`.*?`|``.*?``|.*[\u4e00-\u9fff].*")
ENGLISH = re.compile(r"\b[A-Za-z]+ [A-Za-z]+ [A-Za-z]+\b")
# Of a list, a cell, a field, a meaning.
MARK = re.compile(r"^ *(\* - |- |#\. |:[^:`]+: )|^( {3}| {6})(?! )")


@each("page", PAGES)
def test_each_sentence_of_a_page_is_translated(page: str) -> None:
    path = CATALOGUES / f"{page}.po"
    none_of(
        f"{entry.msgid!r} has no Chinese: fill it in in {path.relative_to(ROOT)}"
        for entry in polib.pofile(str(path))
        if not (entry.translated() or entry.obsolete)
    )


@each("page", PAGES)
def test_the_catalogue_of_a_page_holds_nothing_that_is_gone(page: str) -> None:
    path = CATALOGUES / f"{page}.po"
    none_of(
        f"{entry.msgid!r} is gone: delete its lines, which begin with #~, in {path.name}"
        for entry in polib.pofile(str(path)).obsolete_entries()
    )


@pytest.mark.usefixtures("whole_catalogue")
@each(("page", "name"), MADE)
def test_each_sentence_of_the_code_is_in_the_catalogue_of_its_page(page: str, name: str) -> None:
    """What is still English in the Chinese text is translated there."""
    path = CATALOGUES / f"{page}.po"
    known = {" ".join(entry.msgid.split()) for entry in polib.pofile(str(path))}
    lacking = [text for text in sentences(text_of(name, "zh-hans")) if text not in known]
    none_of(
        f"{text!r} has no Chinese: run make docs-messages, then fill in {path.relative_to(ROOT)}"
        for text in lacking
    )


def sentences(text: str) -> list[str]:
    """Return the English texts; each stands on a line of its own."""
    lines = (MARK.sub("", line.rstrip()) for line in text.splitlines())
    return [line for line in lines if ENGLISH.search(CODE.sub("", line))]
