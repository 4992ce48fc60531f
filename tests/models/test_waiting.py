"""The rows of waiting files."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from wx_static_store.core.types import RemoteFile
from wx_static_store.models import WaitingFile

MOMENT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def make_row(**columns: object) -> WaitingFile:
    wanted = {"env": "e", "key": "a.txt", "key_digest": "d"}
    times = dict.fromkeys(("next_at", "created", "changed"), MOMENT)
    return WaitingFile(**wanted | times | columns)


@pytest.mark.django_db
def test_a_key_has_one_row() -> None:
    make_row().save()
    with pytest.raises(IntegrityError):
        make_row().save()


def test_a_waiting_file_is_shown_as_the_object_that_it_will_be() -> None:
    row = make_row(kind="save", size=3, md5="m")
    assert row.file == RemoteFile("a.txt", 3, "m", MOMENT)


def test_a_waiting_deletion_is_no_object() -> None:
    assert make_row(kind="delete").file is None


def test_a_row_says_what_it_waits_for() -> None:
    assert str(make_row(state="parked")) == "a.txt: needs a person"
