"""Spans of time as words."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.tables import each
from wx_static_store.core.spans import ago, span


@each(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1.2, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "1 h 0 min"),
        (6480, "1 h 48 min"),
        (47.5 * 3600, "47 h 30 min"),
        (50 * 3600, "2 days"),
    ],
)
def test_a_span_is_written_in_words(seconds: float, words: str) -> None:
    assert str(span(seconds)) == words


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=50), "less than a minute ago"),
        (timedelta(minutes=12), "12\xa0minutes ago"),
        (timedelta(hours=3, minutes=20), "3\xa0hours ago"),
        (timedelta(seconds=-30), "less than a minute ago"),
    ],
    ids=["seconds", "minutes", "hours", "future"],
)
def test_an_age_is_in_words(age: timedelta, words: str) -> None:
    assert ago(datetime.now(UTC) - age) == words
    assert ago(datetime.now() - age) == words
