"""Which options of ``wx_deploy`` belong together."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import fails, run, sent
from tests.tables import none_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.management import deploy_options

MANAGEMENT = Path(deploy_options.__file__).parent
COMMAND = MANAGEMENT / "commands/wx_deploy.py"
# Beside --list and --diff these are read, of no effect, or refused by another check.
OF_OTHERS = (
    *("verbosity", "directory", "prefix", "ignore", "map", "using", "env", "envs_file", "all"),
    *("tag", "list", "diff", "rollback", "repair", "release", "folder", "yes", "json", "label"),
    *("user", "include_uploads", "trust_log", "write_manifest", "preview", "expires"),
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


def test_every_option_is_read() -> None:
    parser = ArgumentParser()
    deploy_options.add_arguments(parser)
    # A check of the options alone is no use of one.
    paths = {*MANAGEMENT.glob("*.py"), COMMAND} - {Path(deploy_options.__file__)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    names = {action.dest for action in parser._actions} - {"help"}
    unread = [name for name in names if not re.search(rf"line\.{name}\b", text)]
    place = "wx_static_store/management/modes.py or commands/wx_deploy.py"
    none_of(f"Nothing reads the option {name}: read it in {place}" for name in unread)


def test_every_option_is_of_what_publishes_or_not() -> None:
    names = {one.name for one in fields(deploy_options.CommandLine)}
    none_of(
        f"Is {name} of use without a deploy? If not, name it in OF_PUBLISHING of wx_static_store/"
        "management/deploy_options.py, else in OF_OTHERS of tests/management/test_deploy_options.py"
        for name in names - {*deploy_options.OF_PUBLISHING, *OF_OTHERS}
    )


@pytest.mark.parametrize(
    ("arguments", "options", "shown"),
    [
        ([""], {}, "DIR is empty"),
        (["dist"], {"envs_file": ""}, "--envs-file is empty"),
        (["dist"], {"using": ""}, "--using is empty"),
        (["dist"], {"tag": ["ring/early", ""]}, "--tag is empty"),
        ([], {"env": ["tenant-b", "dist"]}, "write DIR before --env"),
        ([], {"tag": ["ring/early", "dist"]}, "write DIR before --tag"),
        (["dist"], {"canary": -1}, "from 0 on"),
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


def test_a_dry_run_that_would_blank_asks_nobody(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, blank_stale=True, dry_run=True, yes=False)
    assert sent(cloud) == []


def test_a_dry_run_writes_no_report(cloud: EmulatorServer, dist: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    said = fails(dist, code=2, json=str(report), dry_run=True)
    assert "--json reports what was done" in said


def test_include_uploads_without_blank_stale_is_refused(cloud: EmulatorServer, dist: Path) -> None:
    assert "belongs to --stale" in fails(dist, code=2, include_uploads=True)


@pytest.mark.parametrize(
    ("mode", "others", "shown"),
    [
        ({"list": True}, {"verify": True}, "--list publishes nothing: leave --verify out."),
        ({"diff": ["a", "b"]}, {"dry_run": True}, "--diff publishes nothing: leave --dry-run out."),
    ],
)
def test_a_mode_that_only_looks_takes_no_option_of_a_deploy(
    cloud: EmulatorServer, mode: dict[str, Any], others: dict[str, Any], shown: str
) -> None:
    assert fails(code=2, **mode, **others) == shown
