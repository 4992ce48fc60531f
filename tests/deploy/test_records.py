"""What a deploy records: its release, its bytes, and where it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.deploys import bodies, items, tenants
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy.environments import Order, deploy_to_all, site_uploader
from wx_static_store.deploy.records import (
    Records,
    find_deployment,
    items_of,
)
from wx_static_store.deploy.state import live, live_below
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, SourceError
from wx_static_store.models import Deployment, KeptFile, Release
from wx_static_store.upload.sources import opened

pytestmark = pytest.mark.django_db(transaction=True)

ENVS = ["tenant-1", "tenant-2"]


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    folder = {"location": str(tmp_path / "releases")}
    cloud: EmulatorServer = configure(
        WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
        STORAGES={
            "site": {
                "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
                "OPTIONS": {"location": "www"},
            },
            "releases": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": folder,
            },
        },
    )
    for env in ENVS:
        cloud.add_env(env)
    return cloud


def deploy(*envs: str | None, prefix: str = "", **files: bytes) -> list[Deployment]:
    tree = list(items(**files))
    order = Order(tree, UploadContext(source="wx_deploy"), Records("site", prefix))
    orders = [(site_uploader("site", env), order) for env in envs or [None]]
    assert all(report.ok for report in deploy_to_all(orders))
    return list(Deployment.objects.order_by("-id")[: len(orders)])


def test_a_deployment_says_alias_folder_and_release(cloud: EmulatorServer) -> None:
    (deployment,) = deploy(index_html=b"1")
    assert (deployment.using, deployment.folder) == ("site", "www/")
    assert deployment.release
    assert [file.name for file in deployment.release.contents()] == ["index.html"]


def test_forty_environments_share_one_list_and_one_copy_of_each_file(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    envs = tenants(40, cloud)
    deploy(*envs, a_js=b"1", index_html=b"2")
    assert {tuple(bodies(cloud, env)) for env in envs} == {("www/a.js", "www/index.html")}
    assert (Release.objects.count(), KeptFile.objects.count()) == (1, 2)
    assert len([path for path in (tmp_path / "releases").rglob("*") if path.is_file()]) == 2


class Pruned(Records):
    """A run of ``wx_prune`` comes between the release and its deployment."""

    def record(self, *args: Any) -> dict[str, Any]:
        columns = super().record(*args)
        Release.objects.filter(pk=columns["release"].pk).delete()
        return columns


def test_a_release_that_is_pruned_before_its_deployment_begins_leaves_no_row_without_it(
    cloud: EmulatorServer,
) -> None:
    order = Order(list(items(a_js=b"1")), UploadContext("wx_deploy"), Pruned("site"))
    (report,) = deploy_to_all([(site_uploader("site", ENVS[0]), order)])
    assert report.outcome == "failed"
    assert "The release was pruned before its deployment began" in report.error
    assert (Deployment.objects.count(), bodies(cloud, ENVS[0])) == (0, {})
    (row,) = deploy(ENVS[0], a_js=b"1")
    assert row.release
    assert [file.name for file in row.release.contents()] == ["a.js"]


def test_the_same_tree_once_more_is_the_same_release(cloud: EmulatorServer) -> None:
    first, second = deploy(a_js=b"1"), deploy(a_js=b"1")
    assert first[0].release_id == second[0].release_id


def test_live_is_the_newest_that_ended_well(cloud: EmulatorServer) -> None:
    deploy(ENVS[0], a_js=b"1")
    (newest,) = deploy(ENVS[0], a_js=b"2")
    Deployment.objects.create(env=ENVS[0], folder="www/", release=newest.release, outcome="failed")
    assert live(ENVS[0], "www/") == newest
    assert live(ENVS[1], "www/") is None


def test_folders_that_differ_in_case_are_two(cloud: EmulatorServer) -> None:
    """Also on MariaDB, whose own comparison knows no case."""
    (lower,) = deploy(prefix="app/", a_js=b"1")
    deploy(prefix="App/", a_js=b"2")
    assert live(lower.env, "www/app/") == lower


def test_what_is_live_in_a_folder_and_below(cloud: EmulatorServer) -> None:
    (whole,) = deploy(ENVS[0], index_html=b"1")
    (shop,) = deploy(ENVS[0], prefix="shop/", index_html=b"2")
    deploy(ENVS[0], prefix="Shop/", index_html=b"3")
    deploy(ENVS[0], prefix="shop_2/", index_html=b"4")
    deploy(ENVS[1], prefix="shop/b/", index_html=b"5")
    assert live_below(ENVS[0], "www/shop/") == [shop]
    assert whole in live_below(ENVS[0], "www/")
    assert len(live_below(ENVS[0], "www/")) == 4


def test_a_release_is_published_from_its_kept_bytes(cloud: EmulatorServer) -> None:
    (deployment,) = deploy(a_js=b"body")
    assert deployment.release
    ((item,), last) = items_of(deployment.release, "docs/")
    assert (item.name, last) == ("docs/a.js", None)
    with opened(item, md5=item.md5) as source:
        assert b"".join(source) == b"body"


# --- names -------------------------------------------------------------------------------------


def record(label: str, digest: str, env: str = ENVS[0], **columns: Any) -> Deployment:
    values = {"files": b"", "count": 0, "size": 0}
    release, _new = Release.objects.get_or_create(digest=digest.ljust(64, "0"), defaults=values)
    return Deployment.objects.create(env=env, label=label, release=release, **columns)


@pytest.mark.parametrize("text", ["v1.2", "v1.2-rc", "a1b2", "A1B2C3"])
def test_a_release_is_named_by_label_or_by_a_beginning(db: None, text: str) -> None:
    wanted = record("v1.2", "a1b2c3") if text == "v1.2" else record("v1.2-rc1", "a1b2c3")
    record("v1.20", "b1b2c3")
    assert find_deployment(text) == wanted


def test_a_deployment_is_named_by_its_id_before_any_label(db: None) -> None:
    wanted = record("v1", "aaaa")
    record(str(wanted.pk), "bbbb")
    assert find_deployment(str(wanted.pk)) == wanted


def test_the_newest_deployment_of_a_release_is_meant(db: None) -> None:
    record("v1", "aaaa")
    newest = record("v1", "aaaa")
    assert find_deployment("v1") == newest


def test_what_the_environment_has_is_preferred(db: None) -> None:
    here = record("v1", "aaaa")
    record("v1", "bbbb", ENVS[1])
    assert find_deployment("v1", ENVS[0]) == here


def test_the_whole_label_elsewhere_is_preferred_to_a_beginning_here(db: None) -> None:
    record("v10", "aaaa")
    wanted = record("v1", "bbbb", ENVS[1])
    assert find_deployment("v1", ENVS[0]) == wanted


@pytest.mark.parametrize("other", [{"digest": "bbbb"}, {"digest": "aaaa", "folder": "docs/"}])
def test_a_name_of_two_releases_or_folders_is_refused_with_both(
    db: None, other: dict[str, Any]
) -> None:
    first, second = record("v1-a", "aaaa"), record("v1-b", **other)
    with pytest.raises(SourceError) as caught:
        find_deployment("v1")
    assert f"{second.pk} {second.env} /{second.folder} v1-b" in str(caught.value)
    assert f"{first.pk} {first.env} / v1-a" in str(caught.value)


def test_the_folder_decides_between_two_of_a_name(db: None) -> None:
    root, _docs = record("v1", "aaaa"), record("v1", "bbbb", folder="docs/")
    assert find_deployment("v1", folder="") == root


@pytest.mark.parametrize("text", ["v2", "aaa", "bbbb", "99"])
def test_an_unknown_name_is_refused_with_the_nearest(db: None, text: str) -> None:
    """Three characters of a digest are too few."""
    record("v1", "aaaa")
    with pytest.raises(SourceError, match="v1"):
        find_deployment(text)


def test_an_environment_without_releases_is_shown_those_of_others(db: None) -> None:
    record("v1", "aaaa")
    with pytest.raises(SourceError, match="Did you mean v1"):
        find_deployment("v2", ENVS[1])


def test_a_release_of_other_environments_is_not_named_nor_shown(db: None) -> None:
    record("v1", "aaaa")
    with pytest.raises(SourceError) as caught:
        find_deployment("v1", among=[ENVS[1]])
    assert "Known are" not in str(caught.value)


def test_a_deployment_without_a_release_has_no_name(db: None) -> None:
    Deployment.objects.create(env=ENVS[0], label="v1")
    with pytest.raises(SourceError):
        find_deployment("v1")


def test_names_need_a_log(db: None) -> None:
    def no_table(execute: Any, sql: str, *args: Any) -> Any:
        raise OperationalError("no such table")

    with connection.execute_wrapper(no_table), pytest.raises(ConfigurationError, match="migrate"):
        find_deployment("v1")
