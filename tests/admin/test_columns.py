"""The columns of the lists, and the fields of the pages."""

import re
from typing import Any, cast

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from tests.admin.conftest import (
    SITE,
    Editor,
    Rows,
    cell,
    detail,
    keys,
    listed,
)
from tests.tables import each
from wx_static_store.admin import columns
from wx_static_store.core.types import DELETED_MD5
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"onmouseover='x'.html"


@pytest.mark.parametrize(
    ("status", "sign", "text"),
    [("stored", "✓", "stored"), ("failed", "✗", "failed"), ("unknown", "?", "unknown")],
)
def test_a_status_needs_no_colour_to_be_understood(
    viewer: Client, rows: Rows, status: str, sign: str, text: str
) -> None:
    rows("a", status=status)
    assert f'<span aria-hidden="true">{sign}</span> {text}</span>' in listed(viewer)


@pytest.mark.parametrize("status", ["stored", "failed"])
def test_a_name_leads_to_the_page_of_its_row(viewer: Client, rows: Rows, status: str) -> None:
    [row] = rows("static/茶 1.css", status=status)
    page = reverse("admin:wx_static_store_uploadlog_change", args=[row.pk])
    name = '<span class="wx-dir">static/</span><span>茶 1.css</span>'
    assert f'<a class="wx-path" href="{page}">{name}</a>' in listed(viewer)


def test_a_sign_opens_the_public_address_and_a_button_copies_it(viewer: Client, rows: Rows) -> None:
    rows("static/茶 1.css")
    url, html = f"{SITE}static/%E8%8C%B6%201.css", listed(viewer)
    sign = '<span aria-hidden="true">↗</span><span class="wx-hidden">Open the file</span>'
    assert f'<a href="{url}" target="_blank" rel="noopener noreferrer">{sign}</a>' in html
    assert re.search(rf'<button [^>]*data-copy="{url}"', html)


@pytest.mark.parametrize(
    ("key", "columns_", "pictured"),
    [
        ("media/a.png", {}, True),
        ("media/a.png", {"status": "unknown"}, False),
        ("media/a.png", {"md5": DELETED_MD5}, False),
        ("media/a.txt", {}, False),
    ],
)
def test_an_image_that_was_stored_is_shown_small(
    viewer: Client, rows: Rows, key: str, columns_: dict[str, str], *, pictured: bool
) -> None:
    rows(key, **columns_)
    picture = r'<img class="wx-small" src="[^"]*" [^>]*loading="lazy" referrerpolicy="no-referrer">'
    assert bool(re.search(picture, listed(viewer))) is pictured


@pytest.mark.parametrize(("status", "linked"), [("failed", False), ("unknown", True)])
def test_a_key_is_no_link_where_nothing_of_the_row_is_public(
    viewer: Client, rows: Rows, status: str, *, linked: bool
) -> None:
    rows("media/a.txt", status=status)
    assert (f'<a href="{SITE}' in listed(viewer)) is linked


def test_a_status_is_the_link_to_the_row(viewer: Client, rows: Rows) -> None:
    [row] = rows("a")
    assert f'<a href="/admin/wx_static_store/uploadlog/{row.pk}/change/"><span' in listed(viewer)


@pytest.mark.parametrize("key", [HOSTILE, "javascript:alert(1)", "@x", "=1+1"])
def test_a_hostile_key_is_shown_as_it_is(viewer: Client, rows: Rows, key: str) -> None:
    [row] = rows(key, source="<script>", message="<script>", status="failed")
    assert keys(viewer) == [key]
    for html in (listed(viewer), detail(viewer, row)):
        assert "<script>alert" not in html
        assert "<script></" not in html
        assert not re.search(r'href="(?!/|https?:|\?|#|\.)', html)


def test_a_size_is_human(viewer: Client, rows: Rows) -> None:
    rows("a", size=3 * 2**20)
    assert "<span>3.0\xa0MB</span>" in listed(viewer)


@each(
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
    assert "45009 <small><span>The quota of the day is used up</span></small>" in listed(viewer)


def test_a_user_who_is_gone_is_a_number(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", user_id=987654)
    assert "<span>#987654</span>" in listed(viewer)
    assert cell(detail(viewer, row), "user") == "#987654"


def test_a_stage_is_shown_in_words(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", status="failed", stage="link")
    assert cell(detail(viewer, row), "stage") == "asking WeChat for a link"


def test_a_message_is_marked_as_english(viewer: Client, rows: Rows) -> None:
    html = detail(viewer, *rows("a", status="failed", message="it was <refused>"))
    assert '<span lang="en">it was &lt;refused&gt;</span>' in html


def test_a_message_is_made_again_before_the_recorded_one(viewer: Client, rows: Rows) -> None:
    facts = {"errcode": 45009, "stage": "link", "message": "it was <refused>"}
    html = detail(viewer, *rows("a", status="failed", **facts))
    made = "Asking WeChat for a link: The quota of the day is used up"
    details = '<details><summary>As it was recorded</summary><span lang="en">'
    assert f"{made}{details}it was &lt;refused&gt;</span></details>" in html


def test_the_operator_s_hint_stands_behind_the_editor_s(viewer: Client, rows: Rows) -> None:
    html = detail(viewer, *rows("a", status="failed", errcode=45009, stage="link"))
    first, more = re.findall(r"(again tomorrow).*?<details>.*?(clear_quota).*?</details>", html)[0]
    assert (first, more) == ("again tomorrow", "clear_quota")


def test_a_deployment_that_the_user_may_not_see_is_no_link(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    html = detail(editor("view_uploadlog"), *rows("a", deployment_id=7))
    assert cell(html, "deployment") == "#7"
    assert "/deployment/7/" not in html


def test_the_deployment_is_a_link(viewer: Client, rows: Rows) -> None:
    [row] = rows("a", deployment_id=7)
    assert '<a href="/admin/wx_static_store/deployment/7/change/">#7</a>' in detail(viewer, row)


@each(
    ("columns_", "chinese"),
    [
        ({"cause": "45009", "stage": "link", "message": "staticuploadfile was refused"}, True),
        ({"message": "The answer never came"}, True),
        ({"status": "stored", "message": "no words of ours"}, False),
        ({"status": "stored"}, False),
    ],
)
def test_what_happened_is_said_in_the_reader_s_language(
    columns_: dict[str, Any], chinese: bool
) -> None:
    with override("zh-hans"):
        row, page = UploadLog(**{"status": "failed"} | columns_), cast(Any, None)
        text = columns.Columns.message(page, row).partition("<details>")[0]
    assert bool(re.search("[一-龥]", text)) is chinese
