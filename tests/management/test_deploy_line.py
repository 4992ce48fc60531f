"""The command line of ``wx_deploy``: what is refused, and what names the environments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import TREE, bodies, fails, run, sent, tenants
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_an_unknown_alias_is_refused_with_the_known_ones(cloud: EmulatorServer, dist: Path) -> None:
    assert "default, staticfiles, site" in fails(dist, code=2, using="sites")


@pytest.mark.parametrize(
    ("arguments", "options", "shown"),
    [
        ([""], {}, "DIR is empty"),
        (["dist"], {"envs_file": ""}, "--envs-file is empty"),
        (["dist"], {"using": ""}, "--using is empty"),
        ([], {"env": ["tenant-b", "dist"]}, "write DIR before --env"),
        (["dist"], {"canary": -1}, "from 0 on"),
        (["dist"], {"map": ["*=中文"]}, "cannot be the value of a header"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    cloud: EmulatorServer,
    dist: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    options: dict[str, Any],
    shown: str,
) -> None:
    """An empty variable of a shell, options in the wrong order."""
    monkeypatch.chdir(dist.parent)
    assert shown in fails(*arguments, code=2, **options)
    assert sent(cloud) == []


def test_an_environment_that_is_not_offered_is_refused(configure: Any, dist: Path) -> None:
    cloud = configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}})
    assert "Did you mean tenant-b?" in fails(dist, code=2, env=["tenant-d"])
    assert sent(cloud) == []


@pytest.mark.parametrize("rule", ["*.html", "=no-cache", "*.html="])
def test_a_bad_map_is_refused(cloud: EmulatorServer, dist: Path, rule: str) -> None:
    assert "PATTERN=VALUE" in fails(dist, code=2, map=[rule])


def test_include_uploads_without_blank_stale_is_refused(cloud: EmulatorServer, dist: Path) -> None:
    assert "belongs to --stale" in fails(dist, code=2, include_uploads=True)


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
    cloud = configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "Tea"}})
    run(dist, all=True)
    assert bodies(cloud, "tenant-b") == TREE
    assert bodies(cloud) == {}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"all": True}, "has no ENVIRONMENTS"),
        ({"envs_file": "/no/such/file"}, "cannot be read"),
        ({"envs_file": os.devnull}, "names no environment"),
        ({"env": ["not an id"]}, "must be the id of a cloud environment"),
    ],
)
def test_lists_without_an_environment_are_refused(
    cloud: EmulatorServer, dist: Path, options: dict[str, Any], shown: str
) -> None:
    assert shown in fails(dist, code=2, **options)
    assert sent(cloud) == []
