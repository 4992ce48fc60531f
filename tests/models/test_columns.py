"""Texts that every database keeps, and the database's clock."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from wx_static_store.models import Deployment, Release, fitting
from wx_static_store.models.columns import Now


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a" * 300, "a" * 200), ("a\0b", r"a\x00b"), ("a\udc80", r"a\udc80")],
    ids=["too long", "NUL", "lone surrogate"],
)
def test_a_text_is_made_to_fit_its_column(text: str, kept: str) -> None:
    assert fitting(Deployment, {"label": text}) == {"label": kept}


def test_what_is_no_text_stays_as_it_is() -> None:
    assert fitting(Deployment, {"stored": 3, "user_id": None}) == {"stored": 3, "user_id": None}


@pytest.mark.django_db
def test_the_clock_of_the_database_is_read_in_utc_whatever_its_time_zone() -> None:
    Release.objects.create(digest="d", files=b"", count=0, size=0)
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("SET time_zone = '+08:00'")
        now = Release.objects.annotate(now=Now()).get().now
        if connection.vendor == "mysql":
            cursor.execute("SET time_zone = DEFAULT")
    assert abs(now - timezone.now()) < timedelta(minutes=5)
