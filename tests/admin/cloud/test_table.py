"""What the page *Files in the cloud* shows of a folder, and of the log."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from tests.admin.files import fill, html_of, lines, names, text_of
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


def test_a_file_is_shown_with_what_the_log_knows(cloud: EmulatorServer, viewer: Client) -> None:
    default_storage.save("a.png", ContentFile(b"tea"))
    html = html_of(viewer)
    assert lines(html) == ["a.png 3 bytes WHEN file field ✓ stored"]
    assert 'src="https://site.example/media/a.png"' in html
    assert 'referrerpolicy="no-referrer"' in html


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_are_those_of_the_project(
    cloud: EmulatorServer, viewer: Client, settings: Any, use_tz: bool
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Shanghai"
    fill(cloud, "media/a.txt")
    when = default_storage.get_modified_time("a.txt")
    local = timezone.localtime(when) if use_tz else when
    assert f"{local:%Y-%m-%d</span> %H:%M}" in html_of(viewer)


def test_what_the_log_does_not_know_is_not_from_here(cloud: EmulatorServer, viewer: Client) -> None:
    fill(cloud, "media/a.txt")
    assert lines(html_of(viewer)) == ["a.txt 3 bytes WHEN - · not from here"]


def test_other_bytes_than_the_log_has_are_told(cloud: EmulatorServer, viewer: Client) -> None:
    default_storage.save("a.txt", ContentFile(b"tea"))
    cloud.put_object("media/a.txt", b"coffee")
    assert "differs ✓ stored" in lines(html_of(viewer))[0]


def test_deleted_files_are_shown_on_request(cloud: EmulatorServer, viewer: Client) -> None:
    default_storage.save("a.txt", ContentFile(b"tea"))
    default_storage.delete("a.txt")
    html = html_of(viewer)
    assert (names(html), "1 deleted file is not shown." in text_of(html)) == ([], True)
    assert "deleted, a short note is in its place" in lines(html_of(viewer, deleted="1"))[0]


def test_without_md5_the_log_tells_what_is_deleted(cloud: EmulatorServer, viewer: Client) -> None:
    default_storage.save("a.txt", ContentFile(b"tea"))
    default_storage.delete("a.txt")
    cloud.quirks.list_md5 = "multipart"
    assert names(html_of(viewer)) == []


def test_files_are_filtered_by_name_and_sorted(cloud: EmulatorServer, viewer: Client) -> None:
    cloud.put_object("media/tea.txt", b"1")
    cloud.put_object("media/Green tea.txt", b"22")
    fill(cloud, "media/coffee.txt")
    assert names(html_of(viewer, q="TEA", sort="-size")) == ["Green tea.txt", "tea.txt"]
    assert names(html_of(viewer, q="TEA", sort="size")) == ["tea.txt", "Green tea.txt"]
