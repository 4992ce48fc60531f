"""The value of one entry: its codes, its copies, what a new try does."""

from tests.tables import each
from wx_static_store.causes import Blame, Cause, Remedy

ENTRY = Cause("1", "Title", means="Means", remedy=Remedy.WAIT, also=("2",), docs="account")


def test_a_remedy_gives_up_or_passes_or_needs_a_token() -> None:
    assert [each for each in Remedy if each.gives_up] == [Remedy.LATER, Remedy.CHANGE, Remedy.NEVER]
    assert [each for each in Remedy if each.passes] == [Remedy.NEW_LINK, Remedy.WAIT]


@each("sentences", [{str(each.label) for each in Remedy}, {str(each.label) for each in Blame}])
def test_each_remedy_and_each_place_has_its_words(sentences: set[str]) -> None:
    assert all(sentences)
    assert len(sentences) == 6


def test_a_copy_has_its_own_codes_and_all_else_of_the_first_but_its_anchor() -> None:
    copy = ENTRY.but("3 4 5", title="Other")
    assert (copy.codes, copy.title, copy.docs) == (("3", "4", "5"), "Other", "")
    assert (copy.means, copy.remedy) == (ENTRY.means, ENTRY.remedy)


def test_the_codes_of_an_entry_begin_with_its_id() -> None:
    assert ENTRY.codes == ("1", "2")
