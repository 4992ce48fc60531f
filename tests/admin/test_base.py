"""Both lists: who sees which rows, at what cost, and that no row is changed."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import (
    LIST,
    Rows,
    keys,
    listed,
)
from tests.conftest import ENV
from wx_static_store.admin import UploadLogAdmin, base
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.models import Health
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.rollouts.models import Overview, Rollout

pytestmark = pytest.mark.django_db


def test_the_newest_row_comes_first(viewer: Client, rows: Rows) -> None:
    rows("a", "b", "c")
    assert keys(viewer) == ["c", "b", "a"]


def test_rows_of_other_environments_are_not_listed(tenant: Client, rows: Rows) -> None:
    rows("ours", env="tenant-b")
    rows("theirs")
    assert keys(tenant) == ["ours"]
    assert keys(tenant, f"store={ENV}") == []
    assert keys(tenant, "q=theirs") == []


def test_rows_of_other_environments_have_no_page(tenant: Client, rows: Rows) -> None:
    [theirs] = rows("theirs")
    answer = tenant.get(reverse("admin:wx_static_store_uploadlog_change", args=[theirs.pk]))
    assert answer.status_code == 302


def test_a_hundred_rows_cost_no_more_queries_than_one(viewer: Client, rows: Rows) -> None:
    users = [User.objects.create_user(f"user-{n}") for n in range(10)]
    asked = []
    for count in (1, 99):
        for number in range(count):
            rows(f"{number}", user=users[number % 10], deployment_id=1 + number, errcode=number)
        with CaptureQueriesContext(connection) as queries:
            listed(viewer, "all=")
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("order", ["1", "-2", "3.2", "9", "-10"])
def test_an_address_cannot_ask_for_a_slow_order(viewer: Client, order: str) -> None:
    answer = viewer.get(f"{reverse(LIST)}?o={order}")
    assert answer.context["cl"].queryset.query.order_by == ("-id",)


def test_the_column_of_the_time_orders_by_id(viewer: Client, rows: Rows) -> None:
    rows("a", "b")
    columns = viewer.get(reverse(LIST)).context["cl"].list_display
    time = next(n for n, column in enumerate(columns) if getattr(column, "__name__", "") == "ended")
    assert keys(viewer, f"o={time}") == ["a", "b"]


@pytest.mark.parametrize("lookup", ["message__contains", "md5", "user__password__startswith"])
def test_an_address_cannot_ask_for_other_filters(viewer: Client, lookup: str) -> None:
    assert viewer.get(f"{reverse(LIST)}?{lookup}=x").status_code == 400


def test_an_address_cannot_ask_for_counts_of_each_choice(viewer: Client, rows: Rows) -> None:
    rows("a")
    with CaptureQueriesContext(connection) as queries:
        listed(viewer, "_facets=True")
    assert not any("COUNT(" in query["sql"] for query in queries)


def test_a_time_is_bounded_by_ids_a_day_around_it(viewer: Client, rows: Rows) -> None:
    """Else a search for few rows of long ago reads all that are newer."""
    made = rows(*"abcdefg")
    noon = timezone.make_aware(datetime(2023, 12, 31, 12))
    for row, days in zip(made, (-3, -2, 0, 0, 0.4, 2, 3), strict=True):
        UploadLog.objects.filter(pk=row.pk).update(created=noon + timedelta(days))
    answer = viewer.get(f"{reverse(LIST)}?time=2023-12-31")
    found = answer.context["cl"]
    assert [row.key for row in found.result_list] == ["e", "d", "c"]
    bounds = [(each.lookup_name, each.rhs) for each in found.queryset.query.where.children]
    assert {("gt", made[1].pk), ("lt", made[5].pk)} <= {*bounds}


FORGED = {"key": "forged", "status": "stored", "env": "forged", "_save": "Save"}
EDITS = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-key": "forged"}


@pytest.mark.parametrize(
    ("page", "data", "answer"),
    [
        ("add", FORGED, 403),
        ("change", FORGED, 403),
        ("change", FORGED | {"id": "99", "_saveasnew": "1"}, 403),
        ("delete", {"post": "yes"}, 403),
        ("changelist", EDITS | {"form-0-id": "{pk}", "_save": "Save"}, 200),
        ("changelist", {"action": "delete_selected", "_selected_action": "{pk}", "post": "yes"}, 0),
    ],
)
@pytest.mark.parametrize("model", ["uploadlog", "deployment"])
def test_a_forged_post_changes_no_row(
    admin_site: EmulatorServer, rows: Rows, model: str, page: str, data: dict[str, str], answer: int
) -> None:
    deployment = Deployment.objects.create(env=ENV, source="wx_deploy")
    row = rows("a")[0] if model == "uploadlog" else deployment
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    before = [list(each.objects.values_list()) for each in (UploadLog, Deployment)]
    args = [row.pk] if page in ("change", "delete") else []
    url = reverse(f"admin:wx_static_store_{model}_{page}", args=args)
    got = client.post(url, {name: value.format(pk=row.pk) for name, value in data.items()})
    assert [list(each.objects.values_list()) for each in (UploadLog, Deployment)] == before
    assert not answer or got.status_code == answer


@pytest.mark.parametrize("model", ["uploadlog", "deployment"])
def test_the_page_of_a_row_has_no_field_to_fill_in(viewer: Client, rows: Rows, model: str) -> None:
    [upload] = rows("a")
    row = upload if model == "uploadlog" else Deployment.objects.create(env=ENV, source="x")
    answer = viewer.get(reverse(f"admin:wx_static_store_{model}_change", args=[row.pk]))
    form = answer.content.decode().partition(f'id="{model}_form"')[2].partition("</form>")[0]
    inputs = re.findall(r"<(?:input|select|textarea)[^>]*>", form)
    assert [each for each in inputs if 'type="hidden"' not in each] == []


# --- pages -----------------------------------------------------------------------------------


@pytest.fixture
def five_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LISTED", 5)


@pytest.mark.parametrize(("count", "shown"), [(5, False), (6, True), (60, True)])
def test_the_list_ends_at_a_bound_and_says_so(
    viewer: Client, rows: Rows, five_listed: None, count: int, *, shown: bool
) -> None:
    rows(*(f"{n:02}" for n in range(count)))
    html = listed(viewer)
    assert ("there are older ones" in html) is shown
    assert ("Select all, more than 5" in html) is shown
    assert len(keys(viewer)) == 5


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_reads_its_rows_and_one_more_and_counts_none(
    viewer: Client, rows: Rows, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(UploadLogAdmin, "list_per_page", 2)
    rows(*"abcde")
    with CaptureQueriesContext(connection) as queries:
        html = listed(viewer, f"p={page}")
    asked = [sql for query in queries if '"key"' in (sql := query["sql"].replace("`", '"'))]
    assert len(asked) == 1
    assert "LIMIT 3" in asked[0]
    assert not any("COUNT(" in query["sql"] for query in queries)
    assert (f"Page {page}</span>" in html, "Page 3 of 3" in html) == (page < 3, page == 3)
    assert ("?p=4" in html, f"?p={page + 1}" in html) == (False, page < 3)


def test_a_list_that_fits_a_page_says_how_many_rows_it_has(viewer: Client, rows: Rows) -> None:
    rows("a", "b")
    assert "2 uploads" in listed(viewer)


@pytest.mark.parametrize(("page", "answer"), [(3, 200), (4, 302)])
def test_the_pages_of_the_list_end_at_the_bound(
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


@pytest.mark.parametrize("model", [Health, Overview, Rollout])
def test_the_sheet_of_a_page_comes_after_what_all_pages_share(model: type[Model]) -> None:
    sheets = re.findall(r"(\w+)\.css", str(site.get_model_admin(model).media["css"]))
    assert sheets[:2] == ["admin", "page"]
