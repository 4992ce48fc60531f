"""Ages in words."""

from datetime import UTC, datetime, timedelta

import pytest

from wx_static_store.core.spans import ago


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
