"""One folder of an environment by few calls of the list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploys import lists
from wx_static_store.admin.cloud.folders import LAST, Folder, RecentPages, read_folder
from wx_static_store.clients.wechat import ListPage
from wx_static_store.core.types import DELETED, DELETED_MD5, RemoteFile
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.store import get_store

SIZE = 3  # keys of a page here


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return cloud


class Keys:
    """A list of keys in pages of three, as the cloud gives it."""

    def __init__(self, *keys: str) -> None:
        self.keys, self.calls = sorted(keys, key=str.encode), 0

    def __call__(self, prefix: str, marker: str) -> ListPage:
        self.calls += 1
        after = [k for k in self.keys if k.startswith(prefix) and k.encode() > marker.encode()]
        files = tuple(RemoteFile(key, 1, None, None) for key in after[:SIZE])
        return ListPage(files, files[-1].key if len(after) > SIZE else None)


def shown(folder: Folder) -> list[str]:
    return [one.key for one in (*folder.folders, *folder.files)]


def numbered(folder: str, count: int) -> list[str]:
    return [f"{folder}{number:02}" for number in range(count)]


def test_folders_are_made_of_the_keys() -> None:
    keys = Keys("a.txt", "b/c/d.txt", "b/e.txt")
    assert shown(read_folder(keys, "")) == ["b/", "a.txt"]
    assert shown(read_folder(keys, "b/")) == ["b/c/", "b/e.txt"]


def test_a_sub_folder_that_fills_the_page_is_jumped_over() -> None:
    keys = Keys(*numbered("a/", 50), "b.txt", "c/d.txt")
    folder = read_folder(keys, "")
    assert (shown(folder), folder.marker, keys.calls) == (["a/", "c/", "b.txt"], None, 2)


def test_a_second_large_sub_folder_is_left_to_the_next_page() -> None:
    keys = Keys(*numbered("a/", 9), *numbered("b/", 9), *numbered("c/", 2))
    folder = read_folder(keys, "")
    assert (shown(folder), folder.marker) == (["a/", "b/"], f"b/{LAST}")
    assert shown(read_folder(keys, "", f"b/{LAST}")) == ["c/"]


def test_a_jump_leaves_nothing_out_that_begins_alike() -> None:
    keys = Keys(*numbered("a/", 9), "a/\U0001f375", "a0", "a.txt")
    assert shown(read_folder(keys, "")) == ["a/", "a.txt", "a0"]


def test_many_files_of_one_folder_are_read_page_by_page() -> None:
    keys = Keys(*numbered("a/", 5))
    folder = read_folder(keys, "a/")
    assert (shown(folder), folder.marker, keys.calls) == (numbered("a/", 3), "a/02", 1)


def test_a_sub_folder_counts_what_was_read_of_it() -> None:
    keys = Keys(*numbered("a/", 9), "b/c", "b/d")
    first, second = read_folder(keys, "").folders
    assert (first.files, first.size, first.is_whole) == (3, 3, False)
    assert (second.files, second.is_whole) == (2, True)


def test_deleted_files_are_not_counted() -> None:
    gone = RemoteFile("a/b", len(DELETED), DELETED_MD5, None)
    [folder] = read_folder(lambda prefix, marker: ListPage((gone,), None), "").folders
    assert (folder.files, folder.size) == (0, 0)


def test_a_page_is_asked_for_once_a_minute(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"tea")
    first = RecentPages(get_store())("", "")
    assert RecentPages(get_store())("", "") == first
    assert [file.size for file in first.files] == [3]
    assert lists(cloud) == 1


def test_a_fresh_page_takes_the_place_of_the_kept_one(cloud: EmulatorServer) -> None:
    RecentPages(get_store())("", "")
    cloud.put_object("a.txt", b"tea")
    RecentPages(get_store(), fresh=True)("", "")
    assert len(RecentPages(get_store())("", "").files) == 1


def test_an_other_environment_has_pages_of_its_own(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"tea")
    RecentPages(get_store())("", "")
    assert RecentPages(get_store(env="tenant-b"))("", "").files == ()
