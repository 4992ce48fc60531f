"""What the command line of ``wx_deploy`` means: the store, the environments, the headers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import TREE, bodies, configure_storages, fails, run, sent, tenants
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


STORES = configure_storages()


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


# --- which store -------------------------------------------------------------------------------


def test_a_folder_goes_to_the_only_store_for_sites(
    configure: Any, dist: Path, tmp_path: Path
) -> None:
    site = {**STORES["site"], "OPTIONS": {"location": "app"}}
    cloud = configure(STORAGES=STORES | {"site": site})
    run(dist)
    assert bodies(cloud) == {f"app/{name}": body for name, body in TREE.items()}


def test_a_folder_needs_using_where_two_stores_are_for_sites(configure: Any, dist: Path) -> None:
    cloud = configure(STORAGES=STORES | {"shop": STORES["site"]})
    shown = fails(dist, code=2)
    assert shown == "Name a store for sites with --using ALIAS. This project has: site, shop."
    assert sent(cloud) == []


@pytest.mark.parametrize("aliases", [["default"], ["default", "staticfiles"]])
def test_without_a_store_for_sites_a_folder_is_refused_with_the_setting_to_add(
    configure: Any, dist: Path, aliases: list[str]
) -> None:
    cloud = configure(STORAGES={alias: STORES[alias] for alias in aliases})
    assert fails(dist, code=2).splitlines() == [
        "STORAGES has no store for sites. Add one to the settings, and name it:",
        '    STORAGES["site"] = {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"}',
        "    python manage.py wx_deploy DIR --using site",
    ]
    assert sent(cloud) == []


def test_the_store_of_static_files_takes_a_folder_if_it_is_named(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, using="staticfiles")
    assert bodies(cloud) == {f"static/{name}": body for name, body in TREE.items()}


@pytest.mark.parametrize("given", [True, False], ids=["a folder", "no folder"])
@pytest.mark.parametrize("flag", ["yes", "force", "dry_run", "stale", "blank_stale", "trust_log"])
def test_a_media_store_takes_no_tree(
    cloud: EmulatorServer, dist: Path, flag: str, given: bool
) -> None:
    shown = fails(*[dist] * given, code=2, using="default", **{flag: True})
    assert "'default' is a media store" in shown
    assert shown.endswith("This project has: site.")
    assert sent(cloud) == []


def test_a_media_store_takes_no_folder_with_list(cloud: EmulatorServer, dist: Path) -> None:
    assert "is a media store" in fails(dist, code=2, using="default", list=True)


def test_the_releases_of_a_media_store_can_be_listed(cloud: EmulatorServer) -> None:
    assert "0 deployments" in run(using="default", list=True)


def test_list_takes_the_only_store_for_sites_if_no_store_is_for_static_files(
    configure: Any,
) -> None:
    site = {**STORES["site"], "OPTIONS": {"env": "tenant-b"}}
    configure(STORAGES={"default": STORES["default"], "site": site})
    assert "tenant-b: 0 deployments" in run(list=True)


def test_list_takes_the_store_of_static_files_before_that_for_sites(configure: Any) -> None:
    static = {**STORES["staticfiles"], "OPTIONS": {"env": "tenant-b"}}
    configure(STORAGES=STORES | {"staticfiles": static})
    assert "tenant-b: 0 deployments" in run(list=True)


# --- what is refused, and the environments ------------------------------------------------------


def test_an_unknown_alias_is_refused_with_the_known_ones(cloud: EmulatorServer, dist: Path) -> None:
    assert "default, staticfiles, site" in fails(dist, code=2, using="sites")


def test_an_environment_that_is_not_offered_is_refused(configure: Any, dist: Path) -> None:
    offer = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}}
    cloud = configure(STORAGES=configure_storages(), WX_STATIC_STORE=offer)
    assert "Did you mean tenant-b?" in fails(dist, code=2, env=["tenant-d"])
    assert sent(cloud) == []


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("*.html", "PATTERN=VALUE"),
        ("=no-cache", "PATTERN=VALUE"),
        ("*.html=", "PATTERN=VALUE"),
        ("*=中文", "cannot be the value of a header"),
    ],
)
def test_a_bad_map_is_refused(cloud: EmulatorServer, dist: Path, rule: str, shown: str) -> None:
    assert shown in fails(dist, code=2, map=[rule])


def test_envs_file_names_one_environment_a_line(
    cloud: EmulatorServer, dist: Path, tmp_path: Path
) -> None:
    envs = tenants(2, cloud)
    (tmp_path / "envs.txt").write_text(f"# ours\n{envs[0]}\n\n{envs[1]}  # the second\n{envs[0]}\n")
    run(dist, envs_file=str(tmp_path / "envs.txt"))
    assert [bodies(cloud, env) for env in envs] == [TREE, TREE]
    assert bodies(cloud) == {}
    assert len(cloud.calls("put_object")) == 2 * len(TREE)


def test_all_means_every_environment_that_is_offered(configure: Any, dist: Path) -> None:
    offer = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}}
    cloud = configure(STORAGES=configure_storages(), WX_STATIC_STORE=offer)
    run(dist, all=True)
    assert bodies(cloud, "tenant-b") == TREE
    assert bodies(cloud) == {}


def test_tags_add_environments_to_those_that_are_named(
    configure: Any, dist: Path, tmp_path: Path
) -> None:
    envs = [f"tenant-{n}" for n in range(4)]
    tags = {"tenant-1": ["ring/early"], "tenant-3": ["ring/main"]}
    offer = {env: {"label": env, "tags": tags.get(env, [])} for env in envs}
    names = {"ENVIRONMENTS": lambda user: offer}
    cloud = configure(STORAGES=configure_storages(), WX_STATIC_STORE=names)
    for env in envs:
        cloud.add_env(env)
    (tmp_path / "envs.txt").write_text("tenant-2\n")
    for named in ({"env": ["tenant-2"]}, {"envs_file": str(tmp_path / "envs.txt")}):
        shown = run(dist, using="site", tag=["ring/early"], dry_run=True, **named)
        rows = [line.split()[0] for line in shown.splitlines() if line.startswith("tenant-")]
        assert rows == ["tenant-2", "tenant-1"]
    run(dist, using="site", tag=["ring/early", "ring/main"])
    assert [env for env in envs if bodies(cloud, env)] == ["tenant-1", "tenant-3"]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"all": True}, "has no ENVIRONMENTS"),
        ({"tag": ["ring/early"]}, "has no ENVIRONMENTS"),
        ({"all": True, "tag": ["ring/early"]}, "leave --tag out"),
        ({"envs_file": "/no/such/file"}, "/no/such/file cannot be read: No such file"),
        ({"envs_file": os.devnull}, "names no environment"),
        ({"env": ["not an id"]}, "must be the id of a cloud environment"),
    ],
)
def test_lists_without_an_environment_are_refused(
    cloud: EmulatorServer, dist: Path, options: dict[str, Any], shown: str
) -> None:
    assert shown in fails(dist, code=2, **options)
    assert sent(cloud) == []
