"""Trouble of the log's database costs nothing but rows."""

import pytest

from wx_static_store.upload import database
from wx_static_store.upload.database import in_database, rest


def test_a_database_that_is_down_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    def query() -> int:
        asked.append(1)
        raise RuntimeError("no database here")

    for _ in range(3):
        assert in_database(query, otherwise=0) == 0
    assert caplog.text.count("upload log cannot be used") == 1


def test_after_the_rest_it_is_asked_again() -> None:
    rest(30)
    assert in_database(lambda: 1, otherwise=0) == 0
    rest(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_atomically", lambda work, otherwise: work())
        assert in_database(lambda: 1, otherwise=0) == 1
