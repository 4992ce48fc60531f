"""The filters of the log."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.admin.conftest import Editor, Rows, keys, listed
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.admin import filters
from wx_static_store.admin.columns import SOURCES
from wx_static_store.core.types import DEPLOYS
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixed(rows: Rows) -> Deployment:
    deployment = Deployment.objects.create(env=ENV, source="wx_deploy")
    now = timezone.now()
    for key, age, columns_ in [
        ("old", timedelta(40), {}),
        ("month", timedelta(20), {"source": "admin"}),
        ("week", timedelta(5), {"status": "failed", "errcode": 45009}),
        ("lost", timedelta(hours=2), {"status": "unknown", "cause": "ResponseLost"}),
        ("new", timedelta(minutes=5), {"env": "tenant-b", "deployment": deployment}),
    ]:
        [row] = rows(key, **columns_)
        UploadLog.objects.filter(pk=row.pk).update(created=now - age)
    return deployment


ALL = ["new", "lost", "week", "month", "old"]


@each(
    ("query", "found"),
    [
        ("", ALL),
        ("status=stored", ["new", "month", "old"]),
        ("status=failed", ["week"]),
        ("status=trouble", ["lost", "week"]),
        ("status=failing", ["lost", "week"]),
        ("status=failing&cause=45009", ["week"]),
        ("cause=ResponseLost", ["lost"]),
        ("status=unknown&time=hour", []),
        (f"store={ENV}", ["lost", "week", "month", "old"]),
        ("errcode=45009", ["week"]),
        ("errcode=none", ["lost"]),
        ("errcode=85088", []),
        ("source=admin", ["month"]),
        ("time=hour", ["new"]),
        ("time=week", ["new", "lost", "week"]),
        ("time=month", ["new", "lost", "week", "month"]),
        ("deployment={deployment}", ["new"]),
        ("deployment=999999", []),
        # What is no choice finds nothing.
        ("status=bad", []),
        ("cause=%00", []),
        ("status=%00", []),
        ("store=%00", []),
        ("source=%00", []),
        ("time=ever", []),
        ("errcode=x", []),
        ("errcode=99999999999999999999", []),
        ("deployment=x", []),
        ("deployment=²", []),
        ("deployment=99999999999999999999", []),
    ],
)
def test_a_filter_lists_the_uploads_that_match(
    viewer: Client, mixed: Deployment, query: str, found: list[str]
) -> None:
    assert keys(viewer, query.format(deployment=mixed.pk)) == found


def test_the_filter_today_begins_at_midnight(viewer: Client, rows: Rows) -> None:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for key, moment in (("yesterday", midnight - timedelta(seconds=1)), ("today", midnight)):
        [row] = rows(key)
        UploadLog.objects.filter(pk=row.pk).update(created=moment)
    assert keys(viewer, "time=today") == ["today"]


@pytest.fixture
def around_new_year(rows: Rows, settings: Any, *, use_tz: bool) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Shanghai"
    for key, moment in {
        "first": datetime(2023, 12, 30, 23, 59, 59),
        "noon": datetime(2023, 12, 31, 12),
        "last": datetime(2023, 12, 31, 23, 59, 59),
        "after": datetime(2024, 1, 1),
    }.items():
        [row] = rows(key)
        created = timezone.make_aware(moment) if use_tz else moment
        UploadLog.objects.filter(pk=row.pk).update(created=created)


@pytest.mark.usefixtures("around_new_year")
@pytest.mark.parametrize("use_tz", [True, False])
@each(
    ("query", "found"),
    [
        ("time=2023", ["last", "noon", "first"]),
        ("time=2023-12", ["last", "noon", "first"]),
        ("time=2023-12-31", ["last", "noon"]),
        ("time=2023-12-30", ["first"]),
        ("time=2023-12-29", []),
        ("time=2023-02-30", []),
        ("time=1999", []),
        ("time=2023-13", []),
        ("time=2023-12-31-1", []),
    ],
)
def test_an_older_day_is_found_by_its_year_and_month(
    viewer: Client, query: str, found: list[str], *, use_tz: bool
) -> None:
    assert keys(viewer, query) == found


def test_the_time_filter_leads_to_every_day(viewer: Client, rows: Rows) -> None:
    [row] = rows("old")
    moment = timezone.make_aware(datetime(2024, 2, 29, 12))
    UploadLog.objects.filter(pk=row.pk).update(created=moment)
    assert "time=2023" not in listed(viewer)
    assert "time=2024-" not in (years := listed(viewer))
    assert 'href="?time=2024"' in years
    assert 'href="?time=2024-02"' in (months := listed(viewer, "time=2024"))
    assert "time=2024-02-" not in months
    assert 'href="?time=2024-02-29"' in (days := listed(viewer, "time=2024-02"))
    assert "time=2024-02-30" not in days


def test_the_time_filter_ends_today(viewer: Client, rows: Rows) -> None:
    rows("new")
    today = timezone.localdate()
    offered = re.findall(r"time=(\d+(?:-\d+)*)", listed(viewer, f"time={today:%Y-%m}"))
    assert {*offered} == {f"{today:%Y}", f"{today:%Y-%m}", f"{today}"}


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_are_found_with_and_without_time_zones(
    viewer: Client, rows: Rows, settings: Any, *, use_tz: bool
) -> None:
    settings.USE_TZ = use_tz
    rows("a")
    assert keys(viewer, "time=hour") == ["a"]
    listed(viewer, "time=today")


def test_the_errcode_filter_offers_recent_errcodes(viewer: Client, rows: Rows) -> None:
    rows("a", status="failed", errcode=45009)
    html = listed(viewer)
    assert "errcode=45009" in html
    assert "errcode=42001" not in html


# --- the filter of stores ------------------------------------------------------------------------

MANY = {f"tenant-{n:02}": f"Tea House {n}" for n in range(filters.LINKS + 1)} | {ENV: "Bakery"}
FIELD = '<input type="search" name="store"'


@pytest.fixture
def many(viewer: Client, rows: Rows, settings: Any) -> Client:
    """Return a user with more environments than there are links."""
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: MANY}
    for env in ("tenant-01", "tenant-11", ENV, "withdrawn"):
        rows(f"of {env}", env=env)
    return viewer


@each(
    ("text", "found"),
    [
        ("", [f"of {ENV}", "of tenant-11", "of tenant-01"]),
        ("tenant-11", ["of tenant-11"]),
        ("house 1", ["of tenant-11", "of tenant-01"]),
        ("BAKERY", [f"of {ENV}"]),
        ("tenant-", ["of tenant-11", "of tenant-01"]),
        ("nobody", []),
        ("withdrawn", []),
        ("%00", []),
    ],
)
def test_a_store_is_found_by_its_id_or_a_part_of_its_name(
    many: Client, text: str, found: list[str]
) -> None:
    assert keys(many, f"store={text}") == found


def test_of_many_stores_those_that_match_are_links_and_a_field_finds_others(many: Client) -> None:
    html = listed(many, "store=house+1&status=stored")
    assert html.count("?status=stored&amp;store=tenant-") == 11
    assert f'{FIELD} value="house 1"' in html
    assert '<input type="hidden" name="status" value="stored">' in html
    assert listed(many).count("?store=tenant-") < filters.LINKS + 1


def test_few_stores_need_no_field(viewer: Client, rows: Rows) -> None:
    rows("a")
    assert FIELD not in listed(viewer)


def test_a_superuser_finds_an_environment_that_is_no_longer_offered_and_the_page_says_so(
    many: Client, editor: Editor
) -> None:
    superuser, sentence = editor(is_superuser=True), "environments that are no longer offered"
    assert keys(superuser, "store=withdrawn") == ["of withdrawn"]
    assert sentence in listed(superuser)
    assert sentence not in listed(many)


def test_each_source_of_a_deployment_can_be_chosen() -> None:
    assert {*DEPLOYS} <= {*SOURCES}
