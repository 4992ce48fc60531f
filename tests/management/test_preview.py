"""What ``wx_deploy --dry-run`` shows before anything is sent."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.utils.translation import override

from tests.deploys import TREE, fails, run, sent, write
from wx_static_store.emulator import EmulatorServer
from wx_static_store.i18n import width
from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_the_columns_of_a_preview_are_aligned_in_chinese(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    write(dist, {"logo.svg": b"changed", "new.txt": b"new"})
    with override("zh-hans"):
        shown = run(dist, dry_run=True).splitlines()[:4]
    assert {width(line.rpartition("  ")[0]) for line in shown} == {9 + 1 + 13}
    assert [line.split()[0] for line in shown] == ["未变化", "未变化", "有变化", "新文件"]


def test_a_dry_run_of_names_that_cannot_be_keys_ends_with_1(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"back\\slash.txt": b"x"})
    assert "refused" in fails(dist, code=1, dry_run=True)


def test_a_dry_run_that_cannot_look_ends_with_1(cloud: EmulatorServer, dist: Path) -> None:
    cloud.expire_token()
    assert "Not everything could be published, or looked at." in fails(dist, code=1, dry_run=True)


def test_a_dry_run_says_that_the_log_decided(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None})
    err = StringIO()
    assert "3 unchanged" in fails(dist, code=1, dry_run=True, stderr=err)
    assert "The list could not be read, so the log decided: " in err.getvalue()


def test_a_dry_run_lists_each_file_and_sends_nothing(cloud: EmulatorServer, dist: Path) -> None:
    run(dist)
    releases = Deployment.objects.count()
    cloud.put_object("old.js", b"stale")
    write(dist, {"logo.svg": b"<svg/>", "new.txt": b"12345"})
    cloud.journal.clear()
    cloud.put_object("index.html", b"somebody else's")
    lines = [line.split() for line in run(dist, dry_run=True).splitlines()]
    assert ["changed", "6", "logo.svg"] in lines
    assert ["changed", str(len(TREE["index.html"])), "index.html"] in lines, "by the list"
    assert ["new", "5", "new.txt"] in lines
    assert ["stale", "5", "old.js"] in lines
    script = "assets/index-BfYjkO2m.js"
    assert ["unchanged", str(len(TREE[script])), script] in lines
    assert sent(cloud) == []
    assert Deployment.objects.count() == releases
