"""How the page shows the way an upload ended."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.urls import reverse

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

from ..upload_page import (
    PNG,
    STORAGES,
    Member,
    ask,
    send,
    send_one,
    text,
    texts,
)

pytestmark = pytest.mark.django_db


def without_address(own: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if name != "BASE_URL"}


def test_a_stored_image_is_shown_with_its_address(member: Member, emulator: EmulatorServer) -> None:
    html = send_one(member("upload"), SimpleUploadedFile("a.png", PNG))["html"]
    url = f"{emulator.site_url(ENV)}/uploads/a.png"
    assert re.search(rf'<img [^>]*src="{url}" loading="lazy" alt="[^"]*a.png', html)
    assert f'data-copy="{url}"' in html
    assert "<svg" in html


@pytest.mark.parametrize(("permissions", "linked"), [(["view_uploadlog"], True), ([], False)])
def test_a_result_links_to_its_row_for_those_who_may_see_the_log(
    member: Member, permissions: list[str], linked: bool
) -> None:
    html = send_one(member("upload", *permissions), text("a.txt"))["html"]
    row = reverse("admin:wx_static_store_uploadlog_change", args=[UploadLog.objects.get().pk])
    assert (f'href="{row}"' in html) is linked


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("../a.txt", "&#x27;..&#x27;"),
        ("page.html", "active content"),
        ("MP_verify_abc.txt", "protected file"),
        (".env", "begins with a dot"),
        ("<script>.txt", "The name has the character &lt;"),
    ],
)
def test_a_refusal_is_shown_with_its_reason(
    member: Member, emulator: EmulatorServer, path: str, shown: str
) -> None:
    answer = send_one(member("upload"), text("a.txt"), path=path)
    assert not answer["ok"]
    assert shown in answer["html"]
    assert "<script" not in answer["html"]
    assert emulator.journal == []


@pytest.mark.parametrize("errcode", [45009, 85088])
def test_a_failure_is_shown_with_code_and_hint_and_keeps_its_row(
    member: Member, emulator: EmulatorServer, errcode: int
) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": errcode})
    html = send_one(member("upload", "view_uploadlog"), text("a.txt"))["html"]
    row = UploadLog.objects.get()
    hints = {45009: "daily quota", 85088: "wx_doctor shows which"}
    assert f"errcode {errcode}" in texts(html)
    assert hints[errcode] in html
    assert (row.status, row.errcode) == ("failed", errcode)
    assert reverse("admin:wx_static_store_uploadlog_change", args=[row.pk]) in html


@pytest.mark.parametrize(
    ("base_url", "linked"),
    [("https://site.example/", True), ("http://site.example/", True), ("", False)],
)
def test_a_result_links_to_what_the_settings_name(
    member: Member,
    monkeypatch: pytest.MonkeyPatch,
    base_url: str,
    linked: bool,
) -> None:
    """Plain http as well, where it is the site's own BASE_URL; not where only others name it."""
    from wx_static_store.upload.store import Store

    client = member("upload")
    monkeypatch.setattr(Store, "_described_root", lambda self: "http://other.example/")
    own = settings.WX_STATIC_STORE | {"BASE_URL": base_url}
    with override_settings(WX_STATIC_STORE=own if base_url else without_address(own)):
        html = send_one(client, text("a.txt"))["html"]
    assert f"{base_url or 'http://other.example/'}uploads/a.txt" in html
    assert ("<a href=" in html) is linked


def test_an_upload_whose_answer_never_came_is_shown_as_unknown(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.list_md5 = "multipart"  # settles nothing
    emulator.script({"on": "put_object", "do": "drop_reply", "times": None})
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert "wx-unknown" in html
    assert "It is not known whether this file is public" in texts(html)
    assert "The file may be public already" in html


def test_a_damaged_upload_does_not_say_that_no_answer_came(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "put_object", "do": "store_truncated", "bytes": 1, "times": None})
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert "It is not known whether this file is public" in texts(html)
    assert "may be damaged" in html
    assert "answer" not in html


def test_what_the_operator_does_stands_behind_what_the_editor_does(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    first, more = send_one(member("upload"), text("a.txt"))["html"].split("<details>")
    assert "Upload it again tomorrow" in first
    assert "clear_quota" not in first
    assert "clear_quota" in more


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        ({"on": "staticuploadfile", "do": "errcode", "errcode": 45009}, "later, not today"),
        (
            {"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403},
            "was changed",
        ),
    ],
)
def test_the_page_of_a_row_explains_a_failure_in_the_same_way(
    member: Member, emulator: EmulatorServer, fault: dict[str, Any], again: str
) -> None:
    emulator.script(fault | {"times": None})
    client = member("upload", "view_uploadlog")
    here = send_one(client, text("a.txt"))["html"]
    row = reverse("admin:wx_static_store_uploadlog_change", args=[UploadLog.objects.get().pk])
    there = explanation(client.get(row).content.decode())
    assert explanation(here)[-3:] == there[-3:]
    assert again in there[-1]


def explanation(html: str) -> list[str]:
    """Return the paragraphs of the first block for operators."""
    block = html.partition("For the site&#x27;s operator</summary>")[2].partition("</details>")[0]
    return re.findall("<p>(.*?)</p>", block)


def test_the_code_is_the_last_that_wechat_gave(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    """Of two attempts the first was refused, and the second had no answer at all."""
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    emulator.script(
        {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
        {"on": "staticuploadfile", "do": "reset", "times": None},
    )
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert UploadLog.objects.get().errcode == -1
    assert "errcode -1" in texts(html)


def test_failed_files_come_first(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "key": "*/b.txt", "do": "errcode", "errcode": 45009})
    page = send(member("upload"), text("a.txt"), text("b.txt")).content.decode()
    assert re.findall(r'class="wx-name">([^<]+)<', page)[:2] == ["uploads/b.txt", "uploads/a.txt"]


def test_several_files_keep_their_own_names(member: Member, emulator: EmulatorServer) -> None:
    send(member("upload"), text("a.txt"), text("b.txt"), path="c.txt")
    assert set(emulator.objects(ENV)) == {"uploads/a.txt", "uploads/b.txt"}


@pytest.mark.parametrize("path", ["a.txt", "a.html", "b?.txt"])
def test_a_file_has_one_name_in_the_list_and_in_the_result(
    member: Member, configure: Any, emulator: EmulatorServer, path: str
) -> None:
    """Its whole key, whatever becomes of it."""
    client = member("upload")
    changes = {"BASE_URL": emulator.site_url(ENV), "LOCATION": "media/"}
    configure(STORAGES=STORAGES, WX_STATIC_STORE=changes)
    [file] = ask(client, (path, 3, "")).json()["files"]
    html = send_one(client, text("x"), path=path)["html"]
    assert file["key"] == f"media/uploads/{path}"
    assert f'<span class="wx-name">{file["key"]}</span>' in html
