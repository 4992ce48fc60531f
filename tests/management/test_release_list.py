"""The releases that ``wx_deploy --list`` shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from tests.conftest import ENV
from tests.deploys import fails, run, write
from wx_static_store.emulator import EmulatorServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_list_shows_the_newest_releases_first(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, label="v1")
    write(dist, {"logo.svg": b"<svg/>"})
    run(dist, label="v2")
    cloud.journal.clear()
    lines = run(list=True, using="default").splitlines()
    assert lines[0] == f"{ENV}: 2 releases, the newest first"
    assert re.search(r"done +wx_deploy v2: stored 1, unchanged 2, failed 0", lines[1])
    assert "v1: stored 3" in lines[2]
    assert cloud.journal == []


def test_list_without_a_log_says_what_to_do(cloud: EmulatorServer) -> None:
    def no_table(execute: Any, sql: str, *args: Any) -> Any:
        if "wx_static_store_deployment" in sql:
            raise OperationalError("no such table")
        return execute(sql, *args)

    with connection.execute_wrapper(no_table):
        assert "manage.py migrate wx_static_store" in fails(code=2, list=True, using="default")


def test_list_names_the_user_who_published(cloud: EmulatorServer, dist: Path) -> None:
    User.objects.create_user("editor")
    run(dist, label="v1", user="editor")
    assert "wx_deploy v1 by editor: stored 3" in run(list=True, using="default")
