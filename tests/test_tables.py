"""What `each` makes of a test."""

import pytest

from tests.tables import each, none_of


@pytest.fixture
def limit() -> int:
    return 3


@each(("low", "high"), [(1, 3), (2, 4)])
def test_each_row_is_given_with_the_fixtures(limit: int, low: int, high: int) -> None:
    assert low < limit <= high


def test_every_row_that_fails_is_reported() -> None:
    @each("number", [1, 2, 3])
    def is_even(number: int) -> None:
        assert number % 2 == 0

    with pytest.raises(ExceptionGroup, match="2 rows of 3") as caught:
        is_even()
    notes = [failure.__notes__ for failure in caught.value.exceptions]
    assert notes == [["The row is 1"], ["The row is 3"]]


def test_a_row_that_raises_nothing_where_it_should_is_reported() -> None:
    @each("text", ["1", "one"])
    def is_no_number(text: str) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            int(text)

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        is_no_number()


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(AssertionError, match="no row"):
        each("row", [])


def test_what_is_missing_is_told_by_sentences_alone() -> None:
    none_of([])
    with pytest.raises(pytest.fail.Exception, match=r"^Add a\.\nAdd b\.$"):
        none_of(["Add a.", "Add b."])
