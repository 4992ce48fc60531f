"""Each page of the documentation is wholly Chinese in its catalogue."""

from pathlib import Path

import polib

from tests.tables import each

DOCS = Path(__file__).parents[2] / "docs"
CATALOGUES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"
PAGES = sorted(str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.glob("**/*.rst"))


@each("page", PAGES)
def test_each_sentence_of_a_page_is_translated(page: str) -> None:
    catalogue = polib.pofile(str(CATALOGUES / f"{page}.po"))
    wrong = [*catalogue.untranslated_entries(), *catalogue.fuzzy_entries()]
    assert not wrong, f"make docs-messages, then translate {len(wrong)}: {wrong[0].msgid}"


@each("page", PAGES)
def test_the_catalogue_of_a_page_holds_nothing_that_is_gone(page: str) -> None:
    assert not polib.pofile(str(CATALOGUES / f"{page}.po")).obsolete_entries()
