"""The list ends at a bound."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import LIST, Rows, listed
from wx_static_store.admin import UploadLogAdmin, paging

pytestmark = pytest.mark.django_db


@pytest.fixture
def five_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LISTED", 5)


@pytest.mark.parametrize(("count", "shown"), [(5, False), (6, True), (60, True)])
def test_the_count_stops_at_a_bound_and_says_so(
    viewer: Client, rows: Rows, five_listed: None, count: int, *, shown: bool
) -> None:
    rows(*(f"{n:02}" for n in range(count)))
    with CaptureQueriesContext(connection) as queries:
        html = listed(viewer)
    assert ("there are older ones" in html) is shown
    assert ("Select all, more than 5" in html) is shown
    counts = [sql for query in queries if "COUNT(" in (sql := query["sql"])]
    assert all("LIMIT 6" in sql for sql in counts)
    assert len(counts) == 1


@pytest.mark.parametrize(("page", "answer"), [(3, 200), (4, 302)])
def test_pages_end_at_the_bound(
    viewer: Client,
    rows: Rows,
    five_listed: None,
    monkeypatch: pytest.MonkeyPatch,
    page: int,
    answer: int,
) -> None:
    monkeypatch.setattr(UploadLogAdmin, "list_per_page", 2)
    rows(*(f"{n:02}" for n in range(60)))
    assert viewer.get(f"{reverse(LIST)}?p={page}").status_code == answer
