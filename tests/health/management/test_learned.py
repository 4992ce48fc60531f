"""What wx_doctor shows of the facts that probes have learned."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENV, lost_table
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.health.management.commands.wx_doctor import (
    SHOWN_ENVS,
    keep_learned,
    learned_lines,
    learned_list,
)
from wx_static_store.health.models import Fact

from .test_wx_doctor import doctor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(configure: Any, emulator: EmulatorServer) -> EmulatorServer:
    """Let the settings name the public address, so that the doctor finds all well."""
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url()})
    return emulator


def test_a_probe_shows_and_keeps_what_it_learned(served: EmulatorServer) -> None:
    served.quirks.update({"marker": "inclusive"})
    out = doctor("--probe")
    assert f"Learned of {ENV}, " in out
    assert "Learned of the platform, " in out or "Learned of wx" in out
    assert "  A page of the list repeats its marker." in out.splitlines()
    assert Fact.objects.get(name="marker").value == "inclusive"
    assert out.splitlines()[-1] == "All is well. 1 of 2 environments were asked."


def test_without_a_probe_its_advice_is_shown_and_nothing_is_kept(served: EmulatorServer) -> None:
    Fact.objects.remember(ENV, {"speed": "90", "list_md5": "plain"})
    lines = doctor().splitlines()
    assert "  The public address gives 90 KB a second." in lines
    assert any("set base_url to it" in line for line in lines)
    assert not any("names the MD5" in line for line in lines)
    assert Fact.objects.count() == 2


def test_without_a_probe_one_line_stands_for_its_checks(served: EmulatorServer) -> None:
    [line] = [line for line in doctor().splitlines() if "probe" in line]
    assert line.startswith("– probe.*")


def test_the_report_has_what_was_learned(served: EmulatorServer, tmp_path: Path) -> None:
    Fact.objects.remember(ENV, {"speed": "90"})
    doctor("--json", str(tmp_path / "report.json"))
    [fact] = json.loads((tmp_path / "report.json").read_text())["learned"]
    assert (fact["subject"], fact["name"], fact["value"]) == (ENV, "speed", "90")
    assert fact["sentence"] == "The public address gives 90 KB a second."
    assert "base_url" in fact["advice"]


def test_without_a_table_nothing_is_shown(served: EmulatorServer) -> None:
    with lost_table(Fact):
        assert [*learned_lines(CheckTarget())] == learned_list(CheckTarget()) == []


def test_without_a_table_a_probe_says_that_nothing_is_kept(served: EmulatorServer) -> None:
    target = CheckTarget()
    target.learned[ENV]["speed"] = "90"
    assert keep_learned(target) == ""
    with lost_table(Fact):
        assert keep_learned(target).startswith(
            "What was learned could not be kept (OperationalError"
        )


def test_advice_that_follows_from_two_facts_is_shown_once(served: EmulatorServer) -> None:
    Fact.objects.remember(ENV, {"attachment": "get", "speed": "90"})
    assert sum("set base_url to it" in line for line in learned_lines(CheckTarget())) == 1


def test_the_first_environments_are_shown_only(served: EmulatorServer) -> None:
    envs = [f"tenant-{number}" for number in range(SHOWN_ENVS + 1)]
    for env in envs:
        Fact.objects.remember(env, {"speed": "90"})
    shown = [line for line in learned_lines(CheckTarget(envs=envs)) if line.startswith("Learned")]
    assert len(shown) == SHOWN_ENVS
    assert envs[0] in shown[0]


@pytest.mark.parametrize("check", ["database.tables", "database.log"])
def test_a_database_that_hangs_is_not_asked_again(configure: Any, check: str) -> None:
    configure()
    Fact.objects.remember(ENV, {"marker": "inclusive", "speed": "90"})
    target = CheckTarget(probe=True)
    target.timed_out.add(check)
    assert keep_learned(target) == "What was learned could not be kept (OperationalError: timeout)."
    assert not [*learned_lines(target)]
    assert not learned_list(target)


def test_what_another_probe_learned_has_its_own_time(configure: Any) -> None:
    configure()
    Fact.objects.remember(ENV, {"marker": "inclusive", "cors": "off"})
    Fact.objects.filter(name="cors").update(learned=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    _header, cors, marker, *_advice = learned_lines(CheckTarget(probe=True))
    assert "(2026-01-0" in cors
    assert not marker.endswith(")")
