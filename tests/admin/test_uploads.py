"""The search in the log, and the page of one upload."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db import connection
from django.test import Client
from django.urls import path, reverse

from tests.admin.conftest import (
    LIST,
    RID,
    SITE,
    Editor,
    Rows,
    cell,
    detail,
    keys,
    listed,
)
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.admin import DeploymentAdmin, UploadLogAdmin, uploads
from wx_static_store.core.types import DELETED_MD5
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Dismissal, UploadLog

pytestmark = pytest.mark.django_db

SECOND = AdminSite("second")
SECOND.register(UploadLog, UploadLogAdmin)
SECOND.register(Deployment, DeploymentAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("second/", SECOND.urls)]


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


LONG = f"static/{'x' * 80}"


@pytest.fixture
def searched(rows: Rows) -> None:
    rows("a/b.txt", "a/b.txt.map", "A/B.txt", "茶/1.png", "%25.txt", "_x", "xx")
    rows(f"{LONG}/1.css", f"{LONG}/2.css")
    rows("rejected", rid=RID)
    rows("", name="bad?.gif", status="failed", stage="name")


@pytest.mark.usefixtures("searched")
@each(
    ("text", "found"),
    [
        ("/a/", ["a/b.txt.map", "a/b.txt"]),
        (" /a/b.txt ", ["a/b.txt.map", "a/b.txt"]),
        ("/b.txt", []),
        ('"a/b.txt"', ["a/b.txt"]),
        ("b.txt", ["A/B.txt", "a/b.txt.map", "a/b.txt"]),
        (" PNG ", ["茶/1.png"]),
        ("gif", [""]),
        ("/A", ["A/B.txt"]),
        ('"A/b.txt"', []),
        ("茶", ["茶/1.png"]),
        ("%", ["%25.txt"]),
        ("_x", ["_x"]),
        ("\\", []),
        ('"', []),
        ('""', []),
        (f"/{LONG}", [f"{LONG}/2.css", f"{LONG}/1.css"]),
        (f"/{LONG}/1", [f"{LONG}/1.css"]),
        (f'"{LONG}/2.css"', [f"{LONG}/2.css"]),
        (RID, ["rejected"]),
        (f"rid: {RID}", ["rejected"]),
        (RID[:-1], []),
    ],
)
def test_a_search_lists_the_uploads_that_match(viewer: Client, text: str, found: list[str]) -> None:
    answer = viewer.get(reverse(LIST), {"q": text})
    assert [row.key for row in answer.context["cl"].result_list] == found


def test_a_part_is_found_in_the_newest_rows_and_the_page_says_so(
    viewer: Client, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SEARCHED", 2)
    rows("pic/old.png", "pic/new.png", "b")
    html = listed(viewer, "q=pic&status=stored")
    assert keys(viewer, "q=pic") == ["pic/new.png"]
    assert "Only the newest 2 rows of the log were searched." in html
    [link] = re.findall(r'href="\?([^"]*q=%2Fpic[^"]*)"', html)
    assert keys(viewer, unescape(link)) == ["pic/new.png", "pic/old.png"]


@pytest.mark.parametrize("query", ["q=pic", "q=/pic", "q=%22pic%22", ""])
def test_a_search_of_the_whole_log_needs_no_such_sentence(
    viewer: Client, rows: Rows, query: str
) -> None:
    rows("pic/new.png", "b")
    assert "rows of the log were searched" not in listed(viewer, query)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("q=/a", "wx_upload_key_start"),
        ("q=%22a%22", "wx_upload_key_start"),
        (f"q={RID}", "wx_upload_rid"),
        ("status=failed", "wx_upload_status"),
        ("errcode=45009", "wx_upload_errcode"),
        ("cause=ConnectFailed", "wx_upload_cause"),
        ("source=admin", "wx_upload_source"),
    ],
)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by their statistics")
def test_a_filter_of_the_list_uses_an_index(viewer: Client, query: str, index: str) -> None:
    rows = viewer.get(f"{reverse(LIST)}?{query}").context["cl"].queryset
    assert index in rows.explain()


def test_the_hint_of_a_row_names_this_server_s_address(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", status="failed", errcode=61004, message="x: bad, requestIP: 192.0.2.7")
    assert "address (192.0.2.7) to" in cell(detail(viewer, row), "hint")


def test_the_page_of_a_row_shows_all_fields(viewer: Client, rows: Rows) -> None:
    shown = {
        "name": "shown-name",
        "stage": "shown-stage",
        "message": "shown-message",
        "cause": "ToldCause",
        "http_status": 418,
        "cos_code": "ToldCode",
        "rid": RID,
        "request_id": "shown-request",
        "attempts": 17,
        "md5": "0" * 32,
        "content_type": "text/shown",
        "cache_control": "shown-control",
        "source_ref": "shown-ref",
    }
    [row] = rows("a", **shown)
    html = detail(viewer, row)
    assert {name: cell(html, name) for name in shown} == {k: str(v) for k, v in shown.items()}
    for name in ("status", "duration", "time", "key", "size", "store", "source"):
        assert cell(html, name) != "-"
    for name in ("hint", "user", "deployment", "dismissed"):  # there is none
        assert f"field-{name}" not in html


def test_the_page_of_a_row_does_not_repeat_an_errcode_as_its_cause(
    viewer: Client, rows: Rows
) -> None:
    [row] = rows("a", status="failed", errcode=85088, cause="85088")
    html = detail(viewer, row)
    assert ("85088" in cell(html, "errcode"), "field-cause" in html) == (True, False)


def test_the_page_of_a_row_offers_what_the_list_does(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    [row] = rows("media/x/a.png", name="x/a.png", status="unknown", md5="0" * 32)
    html = detail(editor("view_uploadlog", "retry", "upload"), row)
    assert re.findall(r'name="action" value="(\w+)"', html) == ["upload_again", "compare"]
    assert f'name="_selected_action" value="{row.pk}"' in html
    assert "folder=x%2F&amp;name=a.png" in html
    html = detail(editor("view_uploadlog"), row)
    assert re.findall(r'name="action" value="(\w+)"', html) == ["compare"]
    assert "folder=x%2F" not in html


def test_the_page_of_a_row_without_its_bytes_offers_to_choose_the_file_and_says_why(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    [row] = rows("media/x/a.png", name="x/a.png", status="failed", source="admin", md5="0" * 32)
    html = detail(editor("view_uploadlog", "retry", "upload"), row)
    assert re.findall(r'name="action" value="(\w+)"', html) == ["compare"]
    assert html.count("folder=x%2F&amp;name=a.png") == 1
    assert "The bytes came from a browser" in html
    assert "The bytes came from a browser" not in detail(editor("view_uploadlog"), row)


def test_the_page_of_a_dismissed_row_says_by_whom(
    viewer: Client, rows: Rows, django_user_model: Any
) -> None:
    [row] = rows("a", status="failed")
    Dismissal.objects.create(upload=row, user=django_user_model.objects.create_user("eve"))
    assert cell(detail(viewer, row), "dismissed").endswith(" eve")


def test_the_page_of_a_row_shows_the_public_address_as_text_qr_code_and_picture(
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
def test_a_file_that_never_was_public_has_no_address(
    viewer: Client, rows: Rows, key: str, columns_: dict[str, Any]
) -> None:
    """Of another key or environment, what is public says nothing."""
    rows(key, **columns_)
    html = detail(viewer, *rows("media/a.png", status="failed", stage="link"))
    assert f'<a href="{SITE}' not in html
    assert "wx-public" not in html


def test_a_file_that_a_comparison_missed_has_no_address(viewer: Client, rows: Rows) -> None:
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


def test_the_history_of_a_key_is_shown_newest_first(viewer: Client, rows: Rows) -> None:
    made = rows("a", "b", "a", "a")
    link = r'<td data-label="status"><a href="[^"]*/uploadlog/(\d+)/change/"'
    linked = re.findall(link, detail(viewer, made[2]))
    assert linked == [str(made[n].pk) for n in (3, 2, 0)]


def test_a_long_history_ends_with_a_link_to_the_rest(viewer: Client, rows: Rows) -> None:
    made = rows(*["a&b"] * 21)
    html = detail(viewer, made[0])
    assert html.count('<td data-label="status"><a href="') == 20
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


@pytest.mark.urls(__name__)
def test_a_second_admin_links_to_its_own_pages(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", deployment_id=7)
    html = viewer.get(f"/second/wx_static_store/uploadlog/{row.pk}/change/").content.decode()
    assert '<a href="/second/wx_static_store/deployment/7/change/">#7</a>' in html
    url = f"/second/wx_static_store/uploadlog/{row.pk}/change/"
    assert f'<td data-label="status"><a href="{url}"' in html
    assert "/admin/wx_static_store/" not in html
