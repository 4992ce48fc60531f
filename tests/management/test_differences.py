"""``wx_deploy --diff``: what is compared with what, how it ends, and its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils.translation import override

from tests.conftest import ENV, lost_table
from tests.core.test_releases import PAGE, SCRIPT, file
from tests.deploys import configure_storages, fails, run, tenants, write
from wx_static_store.core.releases import Change, ReleaseFile
from wx_static_store.core.types import DELETED, RemoteFile
from wx_static_store.emulator import EmulatorServer
from wx_static_store.i18n import width
from wx_static_store.management.differences import EnvironmentComparison, Side, lines, total
from wx_static_store.models import Deployment
from wx_static_store.releases.difference import Difference

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer, dist: Path) -> EmulatorServer:
    """Publish two releases: the second has another logo, a new page, and no script."""
    run(dist, label="v1", using="site")
    write(dist, {"logo.svg": b"<svg/>", "new.html": b"new"})
    (dist / "assets/index-BfYjkO2m.js").unlink()
    run(dist, label="v2", using="site")
    stores.journal.clear()
    return stores


def diff(*names: str, **options: Any) -> str:
    return run(diff=[*names], **{"using": "site"} | options)


def wrong(*names: str, **options: Any) -> str:
    return fails(code=2, diff=[*names], **{"using": "site"} | options)


def rows(text: str) -> list[list[str]]:
    """Return the lines between the heading and the counts, as words."""
    return [line.split() for line in text.splitlines()[1:-1]]


CHANGES = [
    ["removed", "18", "assets/index-BfYjkO2m.js"],
    ["changed", "41", "→", "6", "logo.svg:", "content"],
    ["added", "3", "new.html"],
]


# --- what is compared -------------------------------------------------------------------------


def test_two_releases_are_compared_without_a_call(cloud: EmulatorServer) -> None:
    assert rows(diff("v1", "v2")) == CHANGES
    assert cloud.journal == []


def test_one_release_is_compared_with_the_live_one(cloud: EmulatorServer) -> None:
    assert rows(diff("v1")) == CHANGES


def test_live_is_a_name_of_a_release(cloud: EmulatorServer) -> None:
    kinds = [row[0] for row in rows(diff("live", "v1"))]
    assert kinds == ["added", "changed", "removed"]


def test_a_release_may_be_named_by_id_and_by_digest(cloud: EmulatorServer) -> None:
    newest, first = Deployment.objects.all()
    assert newest.release
    assert rows(diff(str(first.pk), newest.release.digest[:8])) == CHANGES


def test_a_release_is_compared_with_the_tree_here(cloud: EmulatorServer, dist: Path) -> None:
    expected = [
        ["removed", "18", "assets/index-BfYjkO2m.js"],
        ["changed", "41", "→", "6", "logo.svg:", "content"],
    ]
    (dist / "new.html").unlink()
    assert rows(run(dist, diff=["v1"], using="site")) == expected
    assert rows(diff("v1", str(dist))) == expected


def test_the_tree_here_is_read_as_a_deploy_reads_it(cloud: EmulatorServer, dist: Path) -> None:
    text = run(dist, diff=["v2"], using="site", ignore=["new.html"], map=["*.svg=no-store"])
    found, removed = rows(text)
    assert found[:5] == ["changed", "6", "→", "6", "logo.svg:"]
    assert " ".join(found[5:]) == "Cache-Control public, max-age=300 → no-store"
    assert removed == ["removed", "3", "new.html"]


def test_a_folder_of_the_site_has_releases_of_its_own(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, "docs", label="v1", using="site")
    newest = Deployment.objects.all()[0]
    heading = f"{ENV} /docs/: v1 ({newest.pk}, {newest.release}) → the cloud"
    assert diff("v1", "cloud", folder="docs").splitlines() == [heading, "No difference: 3 files"]


def test_a_slash_is_the_whole_store(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, "docs", label="docs-1", using="site")
    assert f"{ENV}: v1" in diff("v1", folder="/")
    assert "No release is named" in wrong("docs-1", folder="/")


def test_a_release_of_another_folder_is_found_by_its_name(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, "docs", label="docs-1", using="site")
    assert f"{ENV} /docs/: docs-1" in diff("docs-1", "cloud", folder="/docs/")
    assert f"{ENV} /docs/: docs-1" in diff("docs-1", "cloud")
    text = diff("v1", "docs-1")
    assert text.splitlines()[0].endswith(", /docs/)")
    assert rows(text) == CHANGES


def test_live_of_several_folders_needs_a_prefix(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, "docs", using="site")
    assert "Name one: --prefix /, --prefix docs/." in wrong("cloud")


def test_the_same_compared_with_itself_has_no_difference(cloud: EmulatorServer) -> None:
    assert diff("v2").splitlines()[1:] == ["No difference: 3 files"]


# --- the cloud --------------------------------------------------------------------------------


def test_a_cloud_as_the_release_says_ends_well(cloud: EmulatorServer) -> None:
    text = diff("v2", "cloud")
    assert rows(text) == [["stale", "18", "assets/index-BfYjkO2m.js"]]
    assert text.splitlines()[-1] == "missing 0, differs 0, stale 1, unchanged 3; 0 → 18 bytes"


def test_a_cloud_that_drifted_ends_with_1(cloud: EmulatorServer) -> None:
    cloud.put_object("logo.svg", b"somebody else's")
    cloud.put_object("new.html", DELETED)
    text = fails(code=1, diff=["cloud"], using="site")
    assert "differs  6 →  15  logo.svg: content\n" in text
    assert "missing  3        new.html\n" in text
    assert text.endswith("--repair sends the live release again.")


def test_a_cloud_that_differs_from_another_release_is_no_case_for_a_repair(
    cloud: EmulatorServer,
) -> None:
    assert "--repair" not in fails(code=1, diff=["v1", "cloud"], using="site")


def test_many_environments_have_a_block_each_and_a_total(cloud: EmulatorServer, dist: Path) -> None:
    envs = tenants(2, cloud)
    run(dist, label="v3", using="site", env=envs)
    cloud.delete_object("logo.svg", env=envs[1])
    text = fails(code=1, diff=["live", "cloud"], using="site", env=envs)
    assert f"{envs[0]}: live: v3" in text
    assert "missing 6 logo.svg" in " ".join(text.split())
    assert "total: 1 of 2 environments are as the release says; missing 1, differs 0" in text


def test_of_a_list_of_environments_those_where_nothing_is_live_are_left_out(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    (new,) = tenants(1, cloud)
    (tmp_path / "envs").write_text(f"{new}\n{ENV}\n")
    said = diff("live", "cloud", envs_file=str(tmp_path / "envs"))
    assert said.startswith(f"{new}: left out: nothing is live in /\n{ENV}: live: ")


def test_where_nothing_is_live_anywhere_nothing_is_compared(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    (tmp_path / "envs").write_text("\n".join(envs))
    said = wrong("live", "cloud", envs_file=str(tmp_path / "envs"))
    assert all(f"No release is live in {env} /" in said for env in envs)


def test_an_environment_that_cannot_be_asked_does_not_stop_the_others(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    path = tmp_path / "diff.json"
    text = wrong("live", "cloud", env=["nobody", ENV], json=str(path))
    assert "nobody: No release is live in nobody" in text
    assert f"{ENV}: live: v2" in text
    first, second = json.loads(path.read_text())["environments"]
    assert (first["before"], second["error"]) == (None, "")
    assert "No release is live" in first["error"]


def test_a_list_that_fails_is_no_drift(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    assert "errcode 45009" in wrong("cloud")


# --- JSON -------------------------------------------------------------------------------------


def test_json_says_what_was_compared_and_what_differs(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    path = tmp_path / "diff.json"
    diff("v1", "live", json=str(path))
    data = json.loads(path.read_text())
    (environment,) = data.pop("environments")
    first = Deployment.objects.get(label="v1")
    assert data == {"version": 1, "using": "site"}
    assert first.release
    assert environment["before"] == {
        "kind": "release",
        "live": False,
        "deployment": first.pk,
        "label": "v1",
        "folder": "",
        "release": first.release.digest,
    }
    assert (environment["after"]["live"], environment["after"]["label"]) == (True, "v2")
    assert environment["counts"] == {"added": 1, "changed": 1, "removed": 1, "unchanged": 1}
    assert environment["bytes"] == {"before": 59, "after": 9}
    assert environment["files"][1] == {
        "name": "logo.svg",
        "kind": "changed",
        "before": 41,
        "after": 6,
        "differs": ["bytes"],
    }


# --- what is refused --------------------------------------------------------------------------


def test_a_release_that_is_not_there_is_named(cloud: EmulatorServer) -> None:
    assert "No release is named 'v9'. Did you mean v2?" in wrong("v9")
    assert "No release is named 'v9'. Did you mean v2?" in wrong("v1", "v9")


def test_a_release_with_no_similar_name_is_answered_with_the_names_and_the_list(
    cloud: EmulatorServer,
) -> None:
    known = "Known are: v1, v2. wx_deploy --list shows all releases. Name one of them."
    assert f"No release is named 'nonsense'. {known}" in wrong("nonsense")


def test_a_release_of_an_environment_without_releases_is_answered_with_the_list(
    stores: EmulatorServer,
) -> None:
    said = fails(code=2, diff=["nonsense", "cloud"], using="site")
    assert "No release is named 'nonsense'. wx_deploy --list shows all releases." in said


def test_a_project_without_a_log_learns_what_to_do(cloud: EmulatorServer) -> None:
    with lost_table(Deployment):
        assert "manage.py migrate wx_static_store" in wrong("v1", "v2")
        assert "manage.py migrate wx_static_store" in wrong("cloud", folder="docs")


def test_a_folder_that_is_not_there_is_named(cloud: EmulatorServer) -> None:
    assert "'nowhere' is no folder" in fails("nowhere", code=2, diff=["v1"], using="site")


def test_three_things_cannot_be_compared(cloud: EmulatorServer, dist: Path) -> None:
    assert "--diff compares two" in wrong("v1", "v2", "v3")
    assert "--diff compares two" in fails(dist, code=2, diff=["v1", "v2"], using="site")


def test_the_cloud_comes_second(cloud: EmulatorServer) -> None:
    assert "after the release" in wrong("cloud", "v1")


def test_releases_are_compared_in_one_environment(cloud: EmulatorServer) -> None:
    assert "name one with --env" in wrong("v1", "v2", env=tenants(2, cloud))


def test_live_alone_is_refused(cloud: EmulatorServer) -> None:
    assert "Name a second one beside 'live'" in fails(code=2, diff=["live"], using="site")


def test_an_empty_name_is_refused(cloud: EmulatorServer) -> None:
    assert "--diff is empty" in wrong("v1", "")


def test_the_store_is_that_of_the_release_unless_another_is_named(cloud: EmulatorServer) -> None:
    assert rows(run(diff=["v1"])) == CHANGES
    assert "No difference: 3 files" in run(diff=["v2", "v2"])
    assert "is named 'v1'" in fails(code=2, diff=["v1"], using="staticfiles")


def test_static_root_is_read_as_it_is_published(configure: Any, tmp_path: Path) -> None:
    """The manifest goes last, and the plain names stay here."""
    storages = configure_storages()
    storages["staticfiles"]["OPTIONS"]["keep_only_hashed"] = True
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    source = {"STATICFILES_FINDERS": finders, "STATICFILES_DIRS": [str(tmp_path / "src")]}
    configure(STORAGES=storages, **source)
    write(tmp_path / "src", {"a.js": b"1"})
    call_command("collectstatic", interactive=False, verbosity=0)
    run(label="v1")
    root = tmp_path / "static_root"
    assert "No difference: " in run(root, diff=["live"], using="staticfiles")
    write(root, {"b.js": b"22"})
    assert rows(run(root, diff=["live"], using="staticfiles")) == [["added", "2", "b.js"]]


# --- lines on a terminal: columns that align, and what is counted -------------------------------

SMALL, LARGE = file("a.js"), file("图.js", b"2" * 1234)
TREE, CLOUD = Side("v1", {"kind": "release"}), Side("the cloud", {"kind": "cloud"})


def between(*changes: tuple[ReleaseFile | None, ReleaseFile | None]) -> EnvironmentComparison:
    difference = Difference([Change(*change) for change in changes], 5)
    return EnvironmentComparison("tenant", "", [TREE, TREE], difference)


def drift(difference: Difference) -> EnvironmentComparison:
    return EnvironmentComparison("tenant", "docs/", [TREE, CLOUD], difference, in_cloud=True)


def test_columns_align() -> None:
    changed = (SMALL, SMALL._replace(size=1234, md5="0" * 32))
    assert list(lines(between(changed, (LARGE, None), (None, SMALL)))) == [
        "tenant: v1 → v1",
        "changed      1 →  1,234  a.js: content",
        "removed  1,234           图.js",
        "added                 1  a.js",
        "added 1, changed 1, removed 1, unchanged 5; 1,235 → 1,235 bytes",
    ]


def test_columns_align_in_chinese() -> None:
    with override("zh-hans"):
        difference = Difference([Change(SMALL, None), Change(None, SMALL)], 0)
        _head, first, second, _counts = lines(drift(difference))
    assert width(first.partition("a.js")[0]) == width(second.partition("a.js")[0])


def test_other_headers_are_shown_with_both_values() -> None:
    (_head, line, _counts) = lines(between((SMALL, SMALL._replace(headers=PAGE))))
    assert line.endswith(
        f"a.js: Content-Type {SCRIPT.content_type} → {PAGE.content_type}, "
        f"Cache-Control {SCRIPT.cache_control} → {PAGE.cache_control}"
    )


def test_a_name_cannot_steer_the_terminal() -> None:
    (_head, line, _counts) = lines(between((None, file("a\x1b[31m.js"))))
    assert line.endswith(r"a\x1b[31m.js")


def test_no_difference_is_said_in_one_line() -> None:
    assert list(lines(between()))[1:] == ["No difference: 5 files"]


def test_what_could_not_be_compared_for_sure_is_counted() -> None:
    upload = RemoteFile("docs/photo.png", 1, None, None)
    found = list(lines(drift(Difference((), 5, 2, [upload]))))
    assert found == [
        "tenant /docs/: v1 → the cloud",
        "No difference: 5 files",
        "2 by size only: the list shows no MD5 of them",
        "1 file is left out: somebody uploaded it",
    ]


def test_an_environment_that_was_not_compared_says_why() -> None:
    assert list(lines(EnvironmentComparison("tenant", "", error="refused"))) == ["tenant: refused"]


def test_stale_files_alone_are_as_the_release_says() -> None:
    stale, missing = Difference([Change(None, SMALL)], 5), Difference([Change(SMALL, None)], 5)
    found = [drift(stale), drift(missing), EnvironmentComparison("other", "", error="refused")]
    assert total(found) == (
        "total: 1 of 3 environments are as the release says; "
        "missing 1, differs 0, stale 1, unchanged 10"
    )
