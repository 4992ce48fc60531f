"""How a run of ``wx_deploy`` ends: its causes once, and the reports that CI reads, of any end."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import TREE, fails, run, sent, tenants, write
from wx_static_store.emulator import EmulatorServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]


@pytest.fixture
def cloud(stores: EmulatorServer) -> EmulatorServer:
    return stores


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return the file of --json, with the report of an earlier run."""
    path = tmp_path / "deploy.json"
    path.write_text('{"environments": [{"outcome": "done"}]}')
    return path


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which GitHub wants the summary of a step."""
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def refuse(cloud: EmulatorServer, errcode: int, *envs: str) -> None:
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": errcode, "times": None}
    cloud.script(*(fault | {"env": env} for env in envs))


# --- many environments --------------------------------------------------------------------------


def test_a_deploy_to_many_ends_with_its_causes(
    cloud: EmulatorServer, dist: Path, report: Path, page: Path
) -> None:
    envs = tenants(40, cloud)
    refuse(cloud, 85088, envs[5], envs[20])
    refuse(cloud, 45009, envs[30])
    out = fails(dist, code=1, env=envs, json=str(report), stderr=(err := StringIO())).splitlines()
    assert len(out) < len(envs) + 15
    assert [line for line in out if "done in" in line and "errcode" in line] == []
    *_rest, first, second, _kept, _failed = out
    assert first.startswith("2 environments (tenant-05, tenant-20), 2 files (")
    assert "errcode 85088" in first
    assert "wx_explain 85088" in first
    assert second.startswith("tenant-30, ")  # how many were under way when the batch stopped
    assert "\n".join(out).count("wx_explain 85088") == 1
    assert err.getvalue() == ""
    causes = json.loads(report.read_text())["causes"]
    assert [(each["errcode"], each["environments"]) for each in causes] == [
        (85088, ["tenant-05", "tenant-20"]),
        (45009, ["tenant-30"]),
    ]
    assert page.read_text().count("85088") == 2, "the code, and how to look it up"


def test_the_table_of_many_has_those_that_need_attention(cloud: EmulatorServer, dist: Path) -> None:
    envs = tenants(20, cloud)
    refuse(cloud, 85088, envs[5])
    out = fails(dist, code=1, env=envs).splitlines()
    heading = next(number for number, line in enumerate(out) if line.startswith("environment "))
    assert [line.split()[0] for line in out[heading + 1 : heading + 3]] == ["tenant-05", "total"]
    assert "19 of 20 done" in out[heading + 2]


def test_many_environments_print_no_progress_of_files(
    cloud: EmulatorServer, dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(dist, env=tenants(21, cloud))
    assert capsys.readouterr().err == ""


def test_a_note_that_was_shown_before_the_question_is_not_shown_again(
    cloud: EmulatorServer, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    fault = {"on": "staticfilelist", "do": "errcode", "errcode": 45009, "times": None}
    cloud.script(fault)
    out = run(dist, env=tenants(3, cloud), yes=False, stderr=(err := StringIO()))
    assert (out + err.getvalue()).count("The list could not be read, so the log decided") == 1


# --- a run that --strict ends -------------------------------------------------------------------


@pytest.mark.parametrize("envs", [1, 2])
def test_a_run_that_strict_refuses_writes_its_reports(
    cloud: EmulatorServer, dist: Path, report: Path, page: Path, envs: int
) -> None:
    write(dist, {"index.html": b"<script src=assets/gone.js></script>"})
    said = fails(dist, code=1, strict=True, env=tenants(envs, cloud), json=str(report), label="v1")
    assert said == "Nothing was published: --strict."
    assert sent(cloud) == []
    shown = json.loads(report.read_text())
    assert [each["outcome"] for each in shown["environments"]] == ["skipped"] * envs
    assert shown["source"] == "v1"
    for text in (shown["environments"][0]["error"], page.read_text()):
        assert "Nothing was published: --strict." in text.replace("\\", "")
        assert text.count("gone.js") == 1


def test_a_quota_that_is_too_small_is_in_the_reports_of_strict(
    cloud: EmulatorServer, dist: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.environments.FEW", 1)
    cloud.quirks.update({"daily_limit": 1})
    fails(dist, code=1, strict=True, json=str(report))
    (shown,) = json.loads(report.read_text())["environments"]
    assert "WeChat allows" in shown["error"]


def test_a_roll_back_that_strict_refuses_writes_its_report(
    configure: Any, tmp_path: Path, dist: Path, report: Path
) -> None:
    from tests.deploys import configure_releases

    configure(**configure_releases(tmp_path / "kept"))
    run(dist)
    write(dist, {"logo.svg": b"<svg>2</svg>"})
    run(dist)
    said = fails(code=1, rollback=True, using="site", strict=True, json=str(report))
    assert "Nothing was published: --strict." in said
    (shown,) = json.loads(report.read_text())["environments"]
    assert "logo.svg changes under a name that pages keep" in shown["error"]


# --- the report of an earlier run ---------------------------------------------------------------


def test_a_run_that_is_refused_leaves_no_report_of_an_earlier_run(
    cloud: EmulatorServer, dist: Path, report: Path
) -> None:
    fails(dist, code=2, user="nobody", json=str(report))
    assert not report.exists()


def test_a_run_that_succeeds_writes_the_tree_it_published(
    cloud: EmulatorServer, dist: Path, report: Path
) -> None:
    run(dist, json=str(report))
    shown = json.loads(report.read_text())
    assert shown["environments"][0]["counts"]["stored"] == len(TREE)
    assert shown["causes"] == []
