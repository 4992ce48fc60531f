"""``wx_doctor``: its lines, its exit code, its report."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.latest import latest

pytestmark = pytest.mark.django_db(transaction=True)

WELL = {"BASE_URL": "https://www.example.com"}


def doctor(*args: str) -> str:
    out = StringIO()
    call_command("wx_doctor", *args, stdout=out, no_color=True)
    return out.getvalue()


def test_a_platform_that_is_well_ends_with_that_verdict(configure: Any) -> None:
    configure(WX_STATIC_STORE=WELL)
    assert doctor().splitlines()[-1] == "All is well. 1 of 2 environments were asked."


def test_what_is_wrong_ends_with_exit_code_1(configure: Any, emulator: EmulatorServer) -> None:
    configure()
    emulator.quirks.update({"batch_opened": False})
    with pytest.raises(SystemExit) as caught:
        doctor()
    assert caught.value.code == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--using", "nowhere"),
        ("--timeout", "0"),
        ("--timeout", "inf"),
        ("--all",),
        ("--json", "/nowhere/a.json"),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_exit_code_2(configure: Any, args: tuple[str, ...]) -> None:
    configure()
    with pytest.raises(CommandError) as caught:
        doctor(*args)
    assert caught.value.returncode == 2


def test_environments_that_cannot_be_listed_are_a_finding(
    configure: Any, emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The question is not wrong use."""
    configure(WX_STATIC_STORE={"ENVIRONMENTS": "wx_static_store.environments.of_platform"})
    emulator.quirks.update({"batch_opened": False})
    with pytest.raises(SystemExit):
        call_command("wx_doctor", "--all", no_color=True)
    assert "things are wrong" not in (shown := capsys.readouterr().out)
    assert "✗ environments.listed" in shown


def test_a_store_s_environment_that_all_no_longer_asks_is_wrong(
    configure: Any, emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": "wx_static_store.environments.of_platform"})
    emulator.add_env(ENV, condition="HALTED")
    with pytest.raises(SystemExit):
        call_command("wx_doctor", "--all", no_color=True)
    assert f"{ENV} is halted (HALTED)" in capsys.readouterr().out


def test_the_report_has_every_check(configure: Any, tmp_path: Path) -> None:
    configure(WX_STATIC_STORE=WELL)
    doctor("--json", str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["status"] == "ok"
    assert "token.accepted" in [check["id"] for check in report["checks"]]


def test_the_admin_shows_what_the_command_found(configure: Any) -> None:
    configure(WX_STATIC_STORE=WELL)
    doctor()
    found = latest()
    assert found
    assert found["verdict"] == "All is well. 1 of 2 environments were asked."


@pytest.mark.parametrize("args", [("--using", "default"), ("--env", ENV)], ids=" ".join)
def test_results_of_a_part_are_not_kept(configure: Any, args: tuple[str, ...]) -> None:
    configure()
    doctor(*args)
    assert latest() is None
