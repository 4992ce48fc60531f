"""The log in the admin: what its list and its page show, to whom, at what cost."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.utils import timezone

from tests.admin.conftest import SITE, Configure, Editor, Rows
from tests.conftest import ENV
from wx_static_store.admin import DeploymentAdmin, UploadLogAdmin, columns, paging, words
from wx_static_store.admin.places import linkable
from wx_static_store.clients.cos import COS_CODES
from wx_static_store.core.types import DELETED_MD5
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ERRCODES
from wx_static_store.models import Deployment, UploadLog

pytestmark = pytest.mark.django_db

SECOND = AdminSite("second")
SECOND.register(UploadLog, UploadLogAdmin)
SECOND.register(Deployment, DeploymentAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("second/", SECOND.urls)]

LIST = "admin:wx_static_store_uploadlog_changelist"
RID = "6565f1aa-1b2c3d4e-00c0ffee"
HOSTILE = "<script>alert(1)</script>\"onmouseover='x'.html"


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog", "view_deployment")


def listed(client: Client, query: str = "") -> str:
    answer = client.get(f"{reverse(LIST)}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def keys(client: Client, query: str = "") -> list[str]:
    cells = re.findall(r'class="field-file">(.*?) <small>', listed(client, query))
    return [unescape(re.sub(r"<.*?>", "", cell)) for cell in cells]


def detail(client: Client, row: UploadLog) -> str:
    answer = client.get(reverse("admin:wx_static_store_uploadlog_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def cell(html: str, name: str) -> str:
    """The text of one field of the page."""
    found = re.search(rf'field-{name}">.*?<div class="readonly">(.*?)</div>', html, re.DOTALL)
    assert found, f"no field {name}"
    return " ".join(unescape(re.sub(r"<.*?>", "", found[1])).split())


# --- what the list shows ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "sign", "text"),
    [("stored", "✓", "stored"), ("failed", "✗", "failed"), ("unknown", "?", "unknown")],
)
def test_a_status_can_be_told_without_its_colour(
    viewer: Client, rows: Rows, status: str, sign: str, text: str
) -> None:
    rows("a", status=status)
    assert f'<span aria-hidden="true">{sign}</span> {text}</span>' in listed(viewer)


def test_the_newest_row_comes_first(viewer: Client, rows: Rows) -> None:
    rows("a", "b", "c")
    assert keys(viewer) == ["c", "b", "a"]


def test_a_key_is_a_link_to_the_public_page(viewer: Client, rows: Rows) -> None:
    rows("static/茶 1.css")
    link = '<a href="{}" target="_blank" rel="noopener noreferrer">static/茶 1.css</a>'
    assert link.format(f"{SITE}static/%E8%8C%B6%201.css") in listed(viewer)


@pytest.mark.parametrize(("status", "linked"), [("failed", False), ("unknown", True)])
def test_a_key_is_no_link_where_nothing_of_the_row_is_public(
    viewer: Client, rows: Rows, status: str, *, linked: bool
) -> None:
    rows("media/a.txt", status=status)
    assert (f'<a href="{SITE}' in listed(viewer)) is linked


def test_a_status_is_the_link_to_the_row(viewer: Client, rows: Rows) -> None:
    [row] = rows("a")
    assert f'<a href="/admin/wx_static_store/uploadlog/{row.pk}/change/"><span' in listed(viewer)


def test_no_page_asks_wechat_for_an_address(
    configure: Configure, editor: Editor, rows: Rows
) -> None:
    server = configure(
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }
    )
    client = editor("view_uploadlog")
    [row] = rows("a.png")
    assert ">a.png <small>" in listed(client)
    assert "wx-public" not in detail(client, row)
    assert server.journal == []


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://site.example/a", True),
        ("http://127.0.0.1:8000/a", True),
        ("http://localhost/a", True),
        ("http://cdn.example/site/a", True),
        ("http://cdn.example/other", False),
        ("http://site.example/a", False),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//https://", False),
        ("data:text/html,x", False),
        ("//site.example/a", False),
        ("", False),
    ],
)
def test_only_addresses_of_our_own_are_linked(url: str, *, linked: bool) -> None:
    assert linkable(url, trusted="http://cdn.example/site/") == (url if linked else "")


@pytest.mark.parametrize("key", [HOSTILE, "javascript:alert(1)", "@x", "=1+1"])
def test_a_hostile_key_is_shown_as_it_is(viewer: Client, rows: Rows, key: str) -> None:
    [row] = rows(key, source="<script>", message="<script>", status="failed")
    assert keys(viewer) == [key]
    for html in (listed(viewer), detail(viewer, row)):
        assert "<script>alert" not in html
        assert "<script></" not in html
        assert not re.search(r'href="(?!/|https?:|\?|#|\.)', html)


def test_a_store_is_shown_by_label_and_alias(viewer: Client, rows: Rows, settings: Any) -> None:
    names = {ENV: "Tea House", "tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    rows("static/a.css", name="a.css")
    rows("media/a.png", name="a.png", env="tenant-b")
    rows("elsewhere.txt", env="tenant-b")
    found = re.findall(r'class="field-file">.*? <small><span>(.*?)</span>', listed(viewer))
    assert found == ["Tenant B", "Tenant B (default)", "Tea House (staticfiles)"]


def test_a_store_that_is_set_up_no_more_is_shown_by_its_id(viewer: Client, rows: Rows) -> None:
    rows("static/a.css", env="gone-1")
    html = listed(viewer)
    assert "<small><span>gone-1</span>" in html
    assert f'<a href="{SITE}' not in html


def test_a_key_belongs_to_an_alias_of_its_own_environment(
    configure: Configure, rows: Rows, editor: Editor
) -> None:
    """Whatever longer folder another one writes to."""
    store = {"BACKEND": "wx_static_store.storage.WxStorage"}
    other = {"env": "tenant-b", "location": "media"}
    configure(
        STORAGES={
            "default": store,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "other": store | {"OPTIONS": other},
        }
    )
    rows("media/a.txt")
    assert f"<small><span>{ENV} (default)</span>" in listed(editor("view_uploadlog"))


def test_the_page_tells_the_id_of_a_store_that_has_a_name(
    viewer: Client, rows: Rows, settings: Any
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {
        "ENVIRONMENTS": lambda user: {ENV: "Tea House"}
    }
    html = detail(viewer, *rows("static/a.css", name="a.css"))
    assert (cell(html, "store"), cell(html, "env")) == ("Tea House (staticfiles)", ENV)


def test_a_size_is_human(viewer: Client, rows: Rows) -> None:
    rows("a", size=3 * 2**20)
    assert "<span>3.0\xa0MB</span>" in listed(viewer)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (59_940, "59.9 s"),
        (59_990, "1 min 0 s"),
        (119_700, "2 min 0 s"),
        (125_000, "2 min 5 s"),
    ],
)
def test_a_duration_is_human(milliseconds: int, text: str) -> None:
    assert columns.duration(milliseconds) == text


def test_an_errcode_has_its_meaning_beside_it(viewer: Client, rows: Rows) -> None:
    rows("a", status="failed", errcode=45009)
    assert "45009 <small><span>a limit is reached</span></small>" in listed(viewer)


@pytest.mark.parametrize(
    ("columns_", "told"),
    [
        ({"errcode": 0, "cos_code": "NeverHeardOf"}, "NeverHeardOf the object store has trouble"),
        ({"errcode": 0, "cos_code": "PaymentRequired"}, "PaymentRequired the object store refuses"),
        ({"errcode": 0, "stage": "put"}, "- no usable answer from the object store"),
        ({"errcode": None, "stage": "link"}, "- no usable answer from WeChat"),
        ({"errcode": None, "stage": "source"}, "- the file cannot be read"),
        ({"errcode": None, "stage": "name", "key": ""}, "- the name is refused"),
        ({"errcode": None, "stage": "name"}, "- it could not be asked whether the name is free"),
        ({"status": "unknown", "stage": "put"}, "- no usable answer from the object store"),
        ({"status": "stored", "errcode": 0}, "- "),
    ],
)
def test_an_error_without_an_errcode_has_a_meaning_too(
    viewer: Client, rows: Rows, columns_: dict[str, Any], told: str
) -> None:
    rows("a", **{"status": "failed"} | columns_)
    found = re.findall(r'<td class="field-errcode">(.*?)</td>', listed(viewer))
    assert re.sub("<.*?>", "", found[0] + " ").startswith(told)


@pytest.mark.parametrize("code", COS_CODES)
def test_every_code_of_the_object_store_has_a_meaning(code: str) -> None:
    assert words.trouble(UploadLog(status="failed", cos_code=code))


@pytest.mark.parametrize("errcode", [*ERRCODES, 123456])
def test_every_errcode_has_a_meaning(errcode: int) -> None:
    assert words.meaning(errcode)


def test_a_user_who_is_gone_is_a_number(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", user_id=987654)
    assert "<span>#987654</span>" in listed(viewer)
    assert cell(detail(viewer, row), "user") == "#987654"


# --- who sees what ----------------------------------------------------------------------------


@pytest.fixture
def tenant(viewer: Client, settings: Any) -> Client:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return viewer


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


def test_the_history_of_a_key_is_that_of_its_environment(tenant: Client, rows: Rows) -> None:
    [ours] = rows("a", env="tenant-b")
    [theirs] = rows("a")
    assert f"/{theirs.pk}/change/" not in detail(tenant, ours)


def test_the_history_names_no_other_environment_of_the_same_user(
    viewer: Client, rows: Rows, settings: Any
) -> None:
    names = {"tenant-b": "Tenant B", ENV: "Tea House"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    [one], [other] = rows("a", env="tenant-b"), rows("a")
    html = detail(viewer, one)
    assert f"/{one.pk}/change/" in html
    assert f"/{other.pk}/change/" not in html


# --- what it costs ----------------------------------------------------------------------------


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


@pytest.fixture
def five_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LISTED", 5)


@pytest.mark.parametrize(("count", "told"), [(5, False), (6, True), (60, True)])
def test_the_count_stops_at_a_bound_and_says_so(
    viewer: Client, rows: Rows, five_listed: None, count: int, *, told: bool
) -> None:
    rows(*(f"{n:02}" for n in range(count)))
    with CaptureQueriesContext(connection) as queries:
        html = listed(viewer)
    assert ("there are older ones" in html) is told
    assert ("Select all, more than 5" in html) is told
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


@pytest.mark.parametrize("order", ["1", "-2", "3.4", "9", "-10"])
def test_an_address_cannot_ask_for_a_slow_order(viewer: Client, order: str) -> None:
    answer = viewer.get(f"{reverse(LIST)}?o={order}")
    assert answer.context["cl"].queryset.query.order_by == ("-id",)


def test_the_time_orders_by_id(viewer: Client, rows: Rows) -> None:
    rows("a", "b")
    assert keys(viewer, "o=5") == ["a", "b"]


@pytest.mark.parametrize("lookup", ["message__contains", "md5", "user__password__startswith"])
def test_an_address_cannot_ask_for_other_filters(viewer: Client, lookup: str) -> None:
    assert viewer.get(f"{reverse(LIST)}?{lookup}=x").status_code == 400


def test_an_address_cannot_ask_for_counts_of_each_choice(viewer: Client, rows: Rows) -> None:
    rows("a")
    with CaptureQueriesContext(connection) as queries:
        listed(viewer, "_facets=True")
    assert sum("COUNT(" in query["sql"] for query in queries) == 1


# --- filters and search -----------------------------------------------------------------------


@pytest.fixture
def mixed(rows: Rows) -> Deployment:
    deployment = Deployment.objects.create(env=ENV, source="wx_deploy")
    now = timezone.now()
    for key, age, columns_ in [
        ("old", timedelta(40), {}),
        ("month", timedelta(20), {"source": "admin"}),
        ("week", timedelta(5), {"status": "failed", "errcode": 45009}),
        ("lost", timedelta(hours=2), {"status": "unknown", "errcode": None}),
        ("new", timedelta(minutes=5), {"env": "tenant-b", "deployment": deployment}),
    ]:
        [row] = rows(key, **columns_)
        UploadLog.objects.filter(pk=row.pk).update(created=now - age)
    return deployment


ALL = ["new", "lost", "week", "month", "old"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ALL),
        ("status=stored", ["new", "month", "old"]),
        ("status=failed", ["week"]),
        ("status=trouble", ["lost", "week"]),
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
def test_a_filter_finds(viewer: Client, mixed: Deployment, query: str, found: list[str]) -> None:
    assert keys(viewer, query.format(deployment=mixed.pk)) == found


def test_today_begins_at_midnight(viewer: Client, rows: Rows) -> None:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for key, moment in (("yesterday", midnight - timedelta(seconds=1)), ("today", midnight)):
        [row] = rows(key)
        UploadLog.objects.filter(pk=row.pk).update(created=moment)
    assert keys(viewer, "time=today") == ["today"]


@pytest.mark.parametrize(
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
@pytest.mark.parametrize("use_tz", [True, False])
def test_an_older_day_is_found_by_its_year_and_month(
    viewer: Client, rows: Rows, settings: Any, query: str, found: list[str], *, use_tz: bool
) -> None:
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
    assert keys(viewer, query) == found


def test_an_older_time_is_listed_in_the_order_of_its_index(viewer: Client) -> None:
    answer = viewer.get(f"{reverse(LIST)}?time=2023-12")
    assert answer.context["cl"].queryset.query.order_by[:2] == ("-created", "-id")


def test_the_times_to_choose_lead_to_every_day(viewer: Client, rows: Rows) -> None:
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


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_are_found_with_and_without_time_zones(
    viewer: Client, rows: Rows, settings: Any, *, use_tz: bool
) -> None:
    settings.USE_TZ = use_tz
    rows("a")
    assert keys(viewer, "time=hour") == ["a"]
    listed(viewer, "time=today")


def test_the_errcodes_to_choose_are_those_of_late(viewer: Client, rows: Rows) -> None:
    rows("a", status="failed", errcode=45009)
    html = listed(viewer)
    assert "errcode=45009" in html
    assert "errcode=42001" not in html


LONG = f"static/{'x' * 80}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a/", ["a/b.txt.map", "a/b.txt"]),
        ("/a/", ["a/b.txt.map", "a/b.txt"]),
        (" a/b.txt ", ["a/b.txt.map", "a/b.txt"]),
        ('"a/b.txt"', ["a/b.txt"]),
        ("b.txt", []),
        ("A", ["A/B.txt"]),
        ('"A/b.txt"', []),
        ("茶", ["茶/1.png"]),
        ("%", ["%25.txt"]),
        ("_", ["_x"]),
        ("\\", []),
        ('"', []),
        ('""', []),
        (LONG, [f"{LONG}/2.css", f"{LONG}/1.css"]),
        (f"{LONG}/1", [f"{LONG}/1.css"]),
        (f'"{LONG}/2.css"', [f"{LONG}/2.css"]),
        (RID, ["rejected"]),
        (f"rid: {RID}", ["rejected"]),
        (RID[:-1], []),
    ],
)
def test_a_search_finds(viewer: Client, rows: Rows, text: str, found: list[str]) -> None:
    rows("a/b.txt", "a/b.txt.map", "A/B.txt", "茶/1.png", "%25.txt", "_x", "xx")
    rows(f"{LONG}/1.css", f"{LONG}/2.css")
    rows("rejected", rid=RID)
    answer = viewer.get(reverse(LIST), {"q": text})
    assert [row.key for row in answer.context["cl"].result_list] == found


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("q=a", "wx_upload_key_start"),
        ("q=%22a%22", "wx_upload_key_start"),
        (f"q={RID}", "wx_upload_rid"),
        ("status=failed", "wx_upload_status"),
        ("errcode=45009", "wx_upload_status"),
        ("source=admin", "wx_upload_source"),
    ],
)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by their statistics")
def test_an_index_serves(viewer: Client, query: str, index: str) -> None:
    rows = viewer.get(f"{reverse(LIST)}?{query}").context["cl"].queryset
    assert index in rows.explain()


# --- the page of one upload -------------------------------------------------------------------


def test_the_page_tells_the_hint(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", status="failed", errcode=45009, stage="link")
    assert "daily quota" in cell(detail(viewer, row), "hint")


@pytest.mark.parametrize(
    ("columns_", "hint"),
    [
        ({"errcode": 85088}, "your own platform must have created"),
        ({"errcode": 61004, "message": "x: bad, requestIP: 192.0.2.7"}, "address (192.0.2.7) to"),
        ({"errcode": -1}, "try again later"),
        ({"errcode": 123456}, "quote the rid"),
        ({"errcode": 0, "stage": "put", "cos_code": "PaymentRequired"}, "bill is unpaid"),
        ({"errcode": 0, "stage": "put", "cos_code": "SlowDown"}, "lower max_workers"),
        ({"errcode": 0, "stage": "put", "cos_code": "NeverHeardOf"}, "trouble of its own"),
        ({"errcode": 0, "stage": "put"}, "Check the network"),
        ({"errcode": None, "stage": "link"}, "Check the network"),
        ({"errcode": None, "stage": "source"}, "Check that the file exists"),
        ({"errcode": None, "stage": "token"}, "verify ticket"),
        ({"errcode": None, "stage": "name"}, "-"),
        ({"errcode": 0, "status": "stored"}, "-"),
    ],
)
def test_a_hint_goes_with_the_error(
    viewer: Client, rows: Rows, columns_: dict[str, Any], hint: str
) -> None:
    [row] = rows("a", **{"status": "failed"} | columns_)
    assert hint in cell(detail(viewer, row), "hint")


def test_the_page_tells_all_fields(viewer: Client, rows: Rows) -> None:
    told = {
        "name": "told-name",
        "stage": "told-stage",
        "message": "told-message",
        "http_status": 418,
        "cos_code": "ToldCode",
        "rid": RID,
        "request_id": "told-request",
        "attempts": 17,
        "md5": "0" * 32,
        "content_type": "text/told",
        "cache_control": "told-control",
        "source_ref": "told-ref",
    }
    [row] = rows("a", **told)
    html = detail(viewer, row)
    assert {name: cell(html, name) for name in told} == {k: str(v) for k, v in told.items()}
    others = {"status", "errcode", "hint", "duration", "created", "key", "size", "store"}
    for name in others | {"source", "user", "deployment"}:
        cell(html, name)


def test_the_page_shows_the_public_address_to_copy_to_scan_and_as_a_picture(
    viewer: Client, rows: Rows
) -> None:
    [row] = rows("media/a.png")
    url, html = f"{SITE}media/a.png", detail(viewer, row)
    assert f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>' in html
    assert re.search(rf'<button [^>]*wx-copy[^>]* data-copy="{url}"', html)
    assert re.search(rf'<img class="wx-thumbnail" src="{url}" alt="[^"]+" loading="lazy">', html)
    assert f'<svg role="img" aria-label="{url}"' in html


@pytest.mark.parametrize("status", ["stored", "unknown"])
def test_the_address_is_shown_where_the_key_may_have_been_public(
    viewer: Client, rows: Rows, status: str
) -> None:
    rows("media/a.png", status=status)
    *_older, failed = rows(*["media/a.png"] * 30, status="failed")
    assert "wx-public" in detail(viewer, failed)


@pytest.mark.parametrize(
    ("key", "columns_"),
    [
        ("media/b.png", {}),
        ("media/a.png", {"env": "tenant-b"}),
    ],
)
def test_what_never_was_public_has_no_address(
    viewer: Client, rows: Rows, key: str, columns_: dict[str, Any]
) -> None:
    """Of another key or environment, what is public says nothing."""
    rows(key, **columns_)
    html = detail(viewer, *rows("media/a.png", status="failed", stage="link"))
    assert f'<a href="{SITE}' not in html
    assert "wx-public" not in html


def test_what_a_comparison_missed_has_no_address(viewer: Client, rows: Rows) -> None:
    row, _missed = *rows("media/a.png"), *rows("media/a.png", source="reconcile", status="failed")
    assert "wx-public" not in detail(viewer, row)


def test_a_text_has_no_thumbnail(viewer: Client, rows: Rows) -> None:
    [row] = rows("media/a.txt")
    assert "wx-thumbnail" not in detail(viewer, row)


def test_a_name_that_was_refused_has_neither_address_nor_history(
    viewer: Client, rows: Rows
) -> None:
    [row] = rows("", name="../x", status="failed", stage="name")
    rows("", name="../y", status="failed", stage="name")
    html = detail(viewer, row)
    assert "wx-public" not in html
    assert "wx-lines" not in html
    assert keys(viewer) == ["../y", "../x"]


def test_the_history_of_the_key_is_there_newest_first(viewer: Client, rows: Rows) -> None:
    made = rows("a", "b", "a", "a")
    linked = re.findall(r'<td><a href="[^"]*/uploadlog/(\d+)/change/"', detail(viewer, made[2]))
    assert linked == [str(made[n].pk) for n in (3, 2, 0)]


def test_a_long_history_ends_with_a_link_to_the_rest(viewer: Client, rows: Rows) -> None:
    made = rows(*["a&b"] * 21)
    html = detail(viewer, made[0])
    assert html.count('<td><a href="') == 20
    [query] = re.findall(r'changelist|href="[^"]*uploadlog/\?(q=[^"]*)"', html)
    assert len(keys(viewer, query)) == 21


def test_the_page_of_a_deleted_file_says_that_it_is_gone(viewer: Client, rows: Rows) -> None:
    (row,) = rows("media/a.png")
    rows("media/a.png", source="wx_deploy", md5=DELETED_MD5)
    rows("media/a.png", status="failed")
    html = detail(viewer, row)
    assert "This file was deleted" in html
    assert "wx-thumbnail" not in html


def test_a_deletion_that_failed_leaves_the_file_public(viewer: Client, rows: Rows) -> None:
    row, _failed = *rows("media/a.png"), *rows("media/a.png", source="delete", status="failed")
    assert "wx-thumbnail" in detail(viewer, row)


def test_a_stage_is_told_in_words(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", status="failed", stage="link")
    assert cell(detail(viewer, row), "stage") == "asking WeChat for a link"


def test_a_message_is_marked_as_english(viewer: Client, rows: Rows) -> None:
    html = detail(viewer, *rows("a", status="failed", message="it was <refused>"))
    assert '<span lang="en">it was &lt;refused&gt;</span>' in html


def test_a_deployment_that_the_user_may_not_see_is_no_link(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    html = detail(editor("view_uploadlog"), *rows("a", deployment_id=7))
    assert cell(html, "deployment") == "#7"
    assert "/deployment/7/" not in html


@pytest.mark.urls(__name__)
def test_a_second_admin_links_to_its_own_pages(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", deployment_id=7)
    html = viewer.get(f"/second/wx_static_store/uploadlog/{row.pk}/change/").content.decode()
    assert '<a href="/second/wx_static_store/deployment/7/change/">#7</a>' in html
    assert f'<td><a href="/second/wx_static_store/uploadlog/{row.pk}/change/"' in html
    assert "/admin/wx_static_store/" not in html


def test_the_deployment_is_a_link(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", deployment_id=7)
    assert '<a href="/admin/wx_static_store/deployment/7/change/">#7</a>' in detail(viewer, row)


# --- nothing is changed (B64) -----------------------------------------------------------------

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
    ids=str,
)
@pytest.mark.parametrize("model", ["uploadlog", "deployment"])
def test_no_forged_post_changes_a_row(
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
def test_the_page_has_no_field_to_fill_in(viewer: Client, rows: Rows, model: str) -> None:
    [upload] = rows("a")
    row = upload if model == "uploadlog" else Deployment.objects.create(env=ENV, source="x")
    answer = viewer.get(reverse(f"admin:wx_static_store_{model}_change", args=[row.pk]))
    form = answer.content.decode().partition(f'id="{model}_form"')[2].partition("</form>")[0]
    inputs = re.findall(r"<(?:input|select|textarea)[^>]*>", form)
    assert [each for each in inputs if "csrfmiddlewaretoken" not in each] == []
