"""The releases that ``wx_deploy --list`` shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils.translation import override

from tests.conftest import ENV
from tests.deploys import fails, run, write
from tests.elsewhere import Elsewhere, elsewhere as elsewhere, migrated as migrated
from wx_static_store.emulator import EmulatorServer
from wx_static_store.management.deploy_options import RELEASES
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


@pytest.mark.django_db(transaction=True)
def test_users_may_live_in_another_database_than_the_log(
    elsewhere: Elsewhere, cloud: EmulatorServer, dist: Path
) -> None:
    User.objects.create_user("alice")
    run(dist, label="v1", user="alice")
    elsewhere.execute("DROP TABLE auth_user")
    assert "wx_deploy v1 by alice" in run(list=True)


def test_list_shows_the_newest_releases_first(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, label="v1")
    write(dist, {"logo.svg": b"<svg/>"})
    run(dist, label="v2")
    cloud.journal.clear()
    lines = run(list=True).splitlines()
    assert lines[0] == f"{ENV}: 2 deployments, the newest first"
    assert re.search(r" done +\w{10} +site +/ +wx_deploy v2: stored 1, unchanged 2, ", lines[2])
    assert "v1: stored 3" in lines[3]
    assert cloud.journal == []


def test_list_shows_a_generated_label_in_the_reader_s_language(
    cloud: EmulatorServer, dist: Path
) -> None:
    run(dist, label="repair of v1")
    with override("zh-hans"):
        assert "wx_deploy 修复 v1：" in run(list=True)
        assert "修复 v1（" in run(diff=["live", "live"])


def test_list_shows_what_a_verification_found(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, verify=True)
    assert " done, verified " in run(list=True)


def test_list_marks_what_is_live_in_each_folder(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, using="site")
    run(dist, "docs", using="site")
    run(dist, using="site", force=True)
    Deployment.objects.create(
        env=ENV, using="site", release=Release.objects.get(), outcome="failed"
    )
    _heading, _titles, *rows, legend = run(list=True).splitlines()
    assert [row.startswith("*") for row in rows] == [False, True, True, False]
    assert legend == "* live: what visitors of the folder get"


def test_list_shows_what_is_live_however_old_it_is(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, "docs", using="site", label="old")
    for _ in range(RELEASES + 1):
        Deployment.objects.create(env=ENV, source="wx_deploy", outcome="failed")
    *_, oldest, _legend = run(list=True).splitlines()
    assert oldest.startswith("*")
    assert "wx_deploy old" in oldest


def test_a_deployment_without_a_release_shows_dashes(cloud: EmulatorServer) -> None:
    Deployment.objects.create(env=ENV, source="collectstatic", outcome="done")
    *_, row = run(list=True).splitlines()
    assert re.search(r" done +- +- +- +collectstatic: stored 0", row)


def test_list_writes_json(cloud: EmulatorServer, dist: Path, tmp_path: Path) -> None:
    run(dist, using="site", label="v1")
    report = tmp_path / "list.json"
    run(list=True, json=str(report))
    (environment,) = json.loads(report.read_text())["environments"]
    (row,) = environment["deployments"]
    assert environment["env"] == ENV
    assert {name: row[name] for name in ("label", "using", "folder", "outcome", "live")} == {
        "label": "v1",
        "using": "site",
        "folder": "",
        "outcome": "done",
        "live": True,
    }
    assert row["release"] == Release.objects.get().digest
    assert row["counts"] == {"stored": 3, "unchanged": 0, "failed": 0, "not_attempted": 0}


def test_list_without_a_log_says_what_to_do(cloud: EmulatorServer) -> None:
    def no_table(execute: Any, sql: str, *args: Any) -> Any:
        if "wx_static_store_deployment" in sql:
            raise OperationalError("no such table")
        return execute(sql, *args)

    with connection.execute_wrapper(no_table):
        assert "manage.py migrate wx_static_store" in fails(code=2, list=True)


def test_list_names_the_user_who_published(cloud: EmulatorServer, dist: Path) -> None:
    User.objects.create_user("editor")
    run(dist, label="v1", user="editor")
    assert "wx_deploy v1 by editor: stored 3" in run(list=True)
