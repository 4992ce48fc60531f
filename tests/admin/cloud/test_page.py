"""The page *Files in the cloud*: what it asks of the cloud, and what its buttons do for whom."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.admin.conftest import Editor, Rows
from tests.admin.files import FILES, fill, html_of, lay_down, names, text_of
from tests.conftest import ENV
from tests.deploys import lists
from wx_static_store.causes import cause_of
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

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
    assert str(cause_of("85088").operator) in text


def test_a_failing_cache_is_no_trouble(
    cloud: EmulatorServer, viewer: Client, settings: Any
) -> None:
    fill(cloud, "media/a.txt")
    missing = {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache"}
    settings.CACHES = {**settings.CACHES, "lost": missing | {"LOCATION": "127.0.0.1:9"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"TOKEN_CACHE": "lost"}
    assert names(html_of(viewer)) == ["a.txt"]


# --- the buttons below the files ---------------------------------------------------------------

FOLDER = "media/uploads/"
COMPARE = "/admin/wx_static_store/uploadlog/compare/"


@pytest.fixture
def remover(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog", "unpublish")


def press(client: Client, button: str, *names: str, **more: str) -> Any:
    keys = [FOLDER + name for name in names]
    place = {"store": "default", "env": ENV, "folder": FOLDER}
    return client.post(f"{FILES}{button}/", place | more | {"key": keys})


def messages(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_files_of_the_log_are_compared(cloud: EmulatorServer, viewer: Client) -> None:
    default_storage.save("uploads/a.txt", ContentFile(b"tea"))
    cloud.put_object(f"{FOLDER}a.txt", b"coffee")
    page = press(viewer, "compare", "a.txt").content.decode()
    [rows] = re.findall(r'name="rows" value="(\d+)"', page)
    answer = viewer.post(COMPARE, {"rows": rows})
    assert "Differs: 1" in text_of(answer.content.decode())


def test_the_comparison_leads_back_to_the_folder(cloud: EmulatorServer, viewer: Client) -> None:
    """Also after a step without a script."""
    default_storage.save("uploads/a.txt", ContentFile(b"tea"))
    page = press(viewer, "compare", "a.txt").content.decode()
    state = dict(re.findall(r'name="(rows|folder)" value="([^"]+)"', page))
    after = viewer.post(COMPARE, {name: unescape(value) for name, value in state.items()})
    link = f'href="{FILES}?store=default&amp;env={ENV}&amp;folder=media%2Fuploads%2F"'
    assert [link in each for each in (page, after.content.decode())] == [True, True]


def test_files_that_the_log_does_not_know_are_not_compared(
    cloud: EmulatorServer, viewer: Client
) -> None:
    fill(cloud, f"{FOLDER}a.txt")
    [message] = messages(press(viewer, "compare", "a.txt"))
    assert message.startswith("The log knows none")


@pytest.mark.parametrize("button", ["compare", "unpublish"])
def test_without_a_choice_nothing_is_done(remover: Client, button: str) -> None:
    answer = press(remover, button, "gone.txt")
    assert messages(answer)[0].startswith("Select files first")
    assert answer["Location"] == f"{FILES}?store=default&env={ENV}&folder=media%2Fuploads%2F"


def test_making_unpublic_asks_first(cloud: EmulatorServer, remover: Client) -> None:
    fill(cloud, f"{FOLDER}a.txt", f"{FOLDER}b.txt")
    text = text_of(press(remover, "unpublish", "a.txt", "b.txt").content.decode())
    assert "2 files will be overwritten" in text
    assert "There is no undo" in text
    assert cloud.objects()[f"{FOLDER}a.txt"].body == b"tea"


def test_a_confirmed_file_is_overwritten(cloud: EmulatorServer, remover: Client) -> None:
    fill(cloud, f"{FOLDER}a.txt", f"{FOLDER}b.txt")
    html_of(remover, folder=FOLDER)
    answer = press(remover, "unpublish", "a.txt", confirmed="yes")
    assert messages(answer) == ["1 file is not public any more."]
    bodies = {key: found.body for key, found in cloud.objects().items()}
    assert bodies == {f"{FOLDER}a.txt": DELETED, f"{FOLDER}b.txt": b"tea"}
    assert "1 deleted file is not shown." in text_of(html_of(remover, folder=FOLDER))


def test_a_failure_is_reported_and_logged(cloud: EmulatorServer, remover: Client) -> None:
    fill(cloud, f"{FOLDER}a.txt")
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None})
    [message] = messages(press(remover, "unpublish", "a.txt", confirmed="yes"))
    assert message.startswith(
        "1 file is still public, or its state is unknown.<br>media/uploads/a.txt: "
    )
    assert UploadLog.objects.get().errcode == 45009


def test_protected_files_stay_with_the_reason(cloud: EmulatorServer, remover: Client) -> None:
    fill(cloud, f"{FOLDER}robots.txt")
    answer = press(remover, "unpublish", "robots.txt", confirmed="yes")
    assert "robots.txt is a protected file" in text_of(answer.content.decode())
    assert cloud.objects()[f"{FOLDER}robots.txt"].body == b"tea"


def test_only_who_may_make_unpublic_is_offered_that(
    cloud: EmulatorServer, viewer: Client, remover: Client
) -> None:
    fill(cloud, f"{FOLDER}a.txt")
    pages = [html_of(client, folder=FOLDER) for client in (viewer, remover)]
    assert ["files/unpublish/" in html for html in pages] == [False, True]
    assert press(viewer, "unpublish", "a.txt", confirmed="yes").status_code == 403


def test_who_may_not_see_the_log_makes_nothing_unpublic(
    cloud: EmulatorServer, editor: Editor
) -> None:
    fill(cloud, FOLDER + "a.txt")
    before = cloud.objects()[FOLDER + "a.txt"].body
    answer = press(editor("unpublish"), "unpublish", "a.txt", confirmed="yes")
    assert (answer.status_code, cloud.objects()[FOLDER + "a.txt"].body) == (403, before)
