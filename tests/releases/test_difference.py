"""What differs between two lists of files, a folder and the cloud; of this, what JSON holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.conftest import ENV
from tests.core.test_releases import PAGE, SCRIPT, A, B, file
from tests.deploys import TREE, write
from wx_static_store.core.releases import Change, ReleaseFile
from wx_static_store.core.types import DELETED
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.deploy.tree import read_tree
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import DeadlineExceeded, SourceError, WeChatThrottled
from wx_static_store.releases.difference import (
    Difference,
    compare_files,
    compare_with_cloud,
    files_here,
)
from wx_static_store.storage import WxStorage
from wx_static_store.upload.sources import BLOCK

pytestmark = pytest.mark.django_db

OLD, NEW = file("old.js", b"old"), file("new.js", b"newer")


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"location": "www/media"},
            },
            "site": {
                "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
                "OPTIONS": {"location": "www"},
            },
        }
    )
    return cloud


def in_cloud(cloud: EmulatorServer, **bodies: bytes) -> None:
    for name, body in bodies.items():
        cloud.put_object(f"www/{name.replace('__', '/').replace('_', '.')}", body)


def drift(*files: ReleaseFile, prefix: str = "") -> Difference:
    return compare_with_cloud(site_uploader("site"), files, prefix)


def shown(difference: Difference) -> list[tuple[str, str]]:
    return [(change.kind, change.name) for change in difference.changes]


def test_changes_name_what_was_added_changed_and_removed() -> None:
    new, old = A._replace(name="new.js"), A._replace(name="old.js")
    other = B._replace(sha256="0" * 64)
    found = compare_files([A, B, old], [A, other, new]).changes
    assert found == [Change(None, new), Change(old, None), Change(B, other)]
    assert [(change.name, change.kind) for change in found] == [
        ("new.js", "added"),
        ("old.js", "removed"),
        ("图/b.js", "changed"),
    ]


def test_other_content_headers_are_a_change() -> None:
    assert [change.kind for change in compare_files([A], [A._replace(headers=PAGE)]).changes] == [
        "changed"
    ]


def test_the_order_of_sending_is_no_change() -> None:
    assert compare_files([A], [A._replace(last=True)]).changes == []


# --- two lists --------------------------------------------------------------------------------


def test_counts_and_sizes_tell_how_much_differs() -> None:
    difference = compare_files([A, B, OLD], [A, B._replace(size=10), NEW])
    assert difference.counts == {"added": 1, "changed": 1, "removed": 1, "unchanged": 1}
    assert difference.sizes == (2 + 3, 10 + 5)


def test_equal_lists_have_no_difference() -> None:
    difference = compare_files([A, B], [B, A])
    assert not difference.changes
    assert difference.unchanged == 2


def test_json_has_each_file_with_its_sizes_and_what_differs() -> None:
    difference = compare_files([A, B, OLD], [A._replace(headers=PAGE), B._replace(size=10), NEW])
    assert difference.as_dict() == {
        "counts": {"added": 1, "changed": 2, "removed": 1, "unchanged": 0},
        "bytes": {"before": 6, "after": 16},
        "by_size_only": 0,
        "uploads": [],
        "files": [
            {
                "name": "a.js",
                "kind": "changed",
                "before": 1,
                "after": 1,
                "differs": ["content_type", "cache_control"],
            },
            {"name": "new.js", "kind": "added", "before": None, "after": 5, "differs": []},
            {"name": "old.js", "kind": "removed", "before": 3, "after": None, "differs": []},
            {"name": B.name, "kind": "changed", "before": 2, "after": 10, "differs": ["bytes"]},
        ],
    }


# --- a folder ---------------------------------------------------------------------------------


def test_a_folder_has_the_files_that_its_deploy_would_record(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    write(tmp_path, TREE)
    tree = read_tree(tmp_path, "docs")
    found = files_here(site_uploader("site"), tree.items, tree.prefix)
    assert {one.name: one.size for one in found} == {name: len(TREE[name]) for name in TREE}
    assert found[0].headers.cache_control.endswith("immutable")


def test_a_file_that_cannot_be_read_is_named(cloud: EmulatorServer, tmp_path: Path) -> None:
    # A small one is read with the tree.
    write(tmp_path, TREE | {"logo.svg": b"x" * BLOCK})
    tree = read_tree(tmp_path)
    (tmp_path / "logo.svg").unlink()
    with pytest.raises(SourceError, match=r"'logo\.svg' cannot be read"):
        files_here(site_uploader("site"), tree.items)


# --- the cloud --------------------------------------------------------------------------------


def test_the_cloud_lacks_what_is_missing_and_what_was_blanked(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"1", old_js=DELETED)
    assert shown(drift(A, OLD, NEW)) == [("removed", "new.js"), ("removed", "old.js")]


def test_other_bytes_in_the_cloud_are_a_change_with_both_sizes(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"333")
    (change,) = drift(A).changes
    assert (change.parts, change.before, change.after and change.after.size) == (["bytes"], A, 3)


def test_only_what_is_below_the_folder_is_stale(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"1", docs__a_js=b"1", docs__old_js=b"old", docs2__old_js=b"old")
    assert shown(drift(A, prefix="docs/")) == [("added", "old.js")]


def test_objects_of_another_store_and_the_manifest_are_not_stale(cloud: EmulatorServer) -> None:
    WxStorage(location="www/media", env=ENV).save("photo.txt", ContentFile(b"photo"))
    in_cloud(cloud, a_js=b"1", staticfiles_json=b"{}")
    assert not drift(A).changes


def test_what_people_uploaded_is_listed_apart(cloud: EmulatorServer) -> None:
    WxStorage(location="www", env=ENV).save("photo.txt", ContentFile(b"photo"))
    difference = drift()
    assert not difference.changes
    assert difference.as_dict()["uploads"] == ["www/photo.txt"]


def test_a_list_without_md5_is_compared_by_size(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"x", old_js=b"longer")
    cloud.quirks.list_md5 = "multipart"
    difference = drift(A, OLD)
    assert shown(difference) == [("changed", "old.js")]
    assert (difference.unchanged, difference.unsure) == (1, 1)


def test_a_name_with_no_key_is_missing(cloud: EmulatorServer) -> None:
    assert shown(drift(file("a\\b.js"))) == [("removed", "a\\b.js")]


def test_the_cloud_is_asked_for_its_list_alone(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"1", old_js=b"old")
    cloud.journal.clear()
    drift(A, file("n.js", headers=SCRIPT))
    assert [call.name for call in cloud.calls()] == ["staticfilelist"]


def test_a_list_that_fails_is_raised(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    with pytest.raises(WeChatThrottled):
        drift(A)


def test_a_folder_with_too_many_files_is_not_compared(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"1", b_js=b"1", c_js=b"1")
    uploader = site_uploader("site")
    assert compare_with_cloud(uploader, [A], most=3).counts["added"] == 2
    with pytest.raises(DeadlineExceeded, match="too many files"):
        compare_with_cloud(uploader, [A], most=2)


def test_a_list_that_takes_too_long_is_not_waited_for(cloud: EmulatorServer) -> None:
    in_cloud(cloud, a_js=b"1")
    with pytest.raises(DeadlineExceeded, match="too many files"):
        compare_with_cloud(site_uploader("site"), [A], seconds=0.0)
