"""Trouble of the log's database costs nothing but rows."""

from typing import Any

import pytest

from wx_static_store.models import UploadLog
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


def test_a_database_that_was_down_is_asked_again_after_a_while() -> None:
    rest(30)
    assert in_database(lambda: 1, otherwise=0) == 0
    rest(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_atomically", lambda work, otherwise: work())
        assert in_database(lambda: 1, otherwise=0) == 1


@pytest.mark.django_db
def test_rows_are_read_where_they_are_written(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    assert (UploadLog.objects.all().db, database.log().db) == ("copy", "default")


class Router:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "copy"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"
