"""The page *Files in the cloud*: what it asks of the cloud, and where it leads."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.admin.conftest import Rows
from tests.admin.files import FILES, fill, html_of, lay_down, names, text_of
from tests.conftest import ENV
from tests.deploys import lists
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


def test_list_and_index_lead_to_the_files(viewer: Client) -> None:
    for page in ("/admin/wx_static_store/uploadlog/", "/admin/wx_static_store/"):
        assert f'href="{FILES}"' in viewer.get(page).content.decode()


def test_the_page_begins_in_the_folder_of_the_store(cloud: EmulatorServer, viewer: Client) -> None:
    fill(cloud, "media/a.txt", "media/b/c.txt", "other.txt")
    assert names(html_of(viewer)) == ["b/", "a.txt"]
    assert names(html_of(viewer, folder="")) == ["media/", "other.txt"]


def test_a_folder_leads_deeper_and_its_name_leads_back(
    cloud: EmulatorServer, viewer: Client
) -> None:
    fill(cloud, "media/b/c.txt")
    inside = f"?store=default&env={ENV}&folder=media%2Fb%2F"
    assert inside in unescape(html_of(viewer))
    back = f'"?folder=media%2F&store=default&env={ENV}"'
    assert back in unescape(html_of(viewer, folder="media/b/"))


def test_the_log_is_asked_for_all_files_together(
    cloud: EmulatorServer, viewer: Client, rows: Rows, django_assert_max_num_queries: Any
) -> None:
    keys = [f"media/{number}.txt" for number in range(30)]
    fill(cloud, *keys)
    rows(*keys)
    html_of(viewer)
    with django_assert_max_num_queries(8):  # session, user, permissions; the log and its users
        html_of(viewer)


def test_100_000_files_in_a_sub_folder_take_two_calls(
    cloud: EmulatorServer, viewer: Client
) -> None:
    fill(cloud, "z/after.txt", "after.txt", "media/0.txt")
    lay_down(cloud, "media/many/")
    html = html_of(viewer, folder="")
    assert (names(html), lists(cloud)) == (["media/", "z/", "after.txt"], 2)


def test_100_000_files_in_one_folder_are_read_in_parts(
    cloud: EmulatorServer, viewer: Client
) -> None:
    lay_down(cloud, "media/")
    html = html_of(viewer)
    assert "Only a part of this folder was read, 1000 files." in text_of(html)
    assert (names(html)[0], lists(cloud)) == ("000000.txt", 1)
    [after] = re.findall(r'href="(\?[^"]*marker=[^"]*)"', html)
    html = viewer.get(FILES + unescape(after)).content.decode()
    assert (names(html)[0], lists(cloud)) == ("001000.txt", 2)


def test_an_answer_is_kept_until_it_is_asked_anew(cloud: EmulatorServer, viewer: Client) -> None:
    html_of(viewer)
    fill(cloud, "media/a.txt")
    assert names(html_of(viewer)) == []
    answer = viewer.post(FILES, {"store": "default", "env": ENV, "folder": "media/"})
    assert names(viewer.get(answer["Location"]).content.decode()) == ["a.txt"]


def test_an_upload_from_here_is_seen_at_once(cloud: EmulatorServer, viewer: Client) -> None:
    html_of(viewer)
    default_storage.save("a.txt", ContentFile(b"tea"))
    assert names(html_of(viewer)) == ["a.txt"]
    calls = lists(cloud)
    assert (names(html_of(viewer)), lists(cloud)) == (["a.txt"], calls)


def test_a_refused_list_is_a_page_with_the_hint(cloud: EmulatorServer, viewer: Client) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088, "times": None})
    text = text_of(html_of(viewer))
    assert "errcode 85088" in text
    assert "Docs: troubleshooting/errcodes#errcode-85088" in text


def test_a_failing_cache_is_no_trouble(
    cloud: EmulatorServer, viewer: Client, settings: Any
) -> None:
    fill(cloud, "media/a.txt")
    missing = {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache"}
    settings.CACHES = {**settings.CACHES, "lost": missing | {"LOCATION": "127.0.0.1:9"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"TOKEN_CACHE": "lost"}
    assert names(html_of(viewer)) == ["a.txt"]
