"""Faults × checks: each fault is named by its check, and nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils.translation import override

from tests.callback.pushes import AES_KEY, TOKEN as PUSH_TOKEN
from tests.conftest import ENV, close_connections, configured
from tests.tables import each, none_of
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.server import APPSECRET, TICKET
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Mark, Result
from wx_static_store.health.doctor.report import as_dict, lines
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.models import WaitingFile
from wx_static_store.rollouts.models import Rollout

from .faults import DEAD, FAULTS, Fault

pytestmark = pytest.mark.django_db(transaction=True)

# Texts of WeChat and of a database.
QUOTED = (
    "access clientip is not registered",
    "reach max api daily quota limit",
    "unable to open database file",
)
SECRETS = (APPSECRET, TICKET, PUSH_TOKEN, AES_KEY, "emulator-access-token", "planted")


@dataclass
class Diagnosis:
    results: list[Result]

    def ids(self, mark: Mark) -> set[str]:
        return {result.check.id for result in self.results if result.mark is mark}

    def printed(self) -> str:
        return "\n".join(line for result in self.results for line in lines(result))


DIAGNOSES: dict[str, Diagnosis] = {}


def diagnosis(name: str, folder: Path) -> Diagnosis:
    """Return what the doctor finds of a fault: asked once, to be read in any language."""
    if name not in DIAGNOSES:
        own = folder / name  # one test may ask for many
        own.mkdir()
        with EmulatorServer(envs=(ENV, "tenant-b")) as emulator:
            DIAGNOSES[name] = ask_doctor(FAULTS.get(name, Fault("")), emulator, own)
    return DIAGNOSES[name]


def ask_doctor(fault: Fault, emulator: EmulatorServer, folder: Path) -> Diagnosis:
    own = {"BASE_URL": emulator.site_url()} | dict(fault.settings)
    changed = configured(emulator, folder, WX_STATIC_STORE=own, **fault.django)
    with changed, fault.around(folder):
        if fault.django.get("CACHES") is not DEAD:
            cache.clear()
        emulator.quirks.update(dict(fault.quirks))
        emulator.script(*fault.script)
        if fault.before:
            fault.before()
        found = Diagnosis([*examine(CheckTarget(**{"timeout": 5.0, **fault.target}), CHECKS)])
    for model in (VerifyTicket, Rollout, WaitingFile):
        model.objects.all().delete()
    close_connections()
    return found


@pytest.fixture(autouse=True)
def _any_database(django_db_blocker: Any) -> Iterator[None]:
    """Django lets a test reach the suite's own databases only."""
    with django_db_blocker.unblock():
        yield


NAMES = sorted(FAULTS)
# Checks whose faults stand in the tests of their own modules.
BROKEN_ELSEWHERE = {
    *("database.log", "cache.eviction", "probe.answers", "probe.speed"),
    *("probe.index", "probe.cdn", "probe.deleted"),
}


def test_every_check_finds_a_fault() -> None:
    found = {id for fault in FAULTS.values() for id in f"{fault.wrong} {fault.doubtful}".split()}
    without = {check.id for check in CHECKS} - found - BROKEN_ELSEWHERE
    none_of(
        f"No fault shows that the check {id} works: add one to FAULTS in "
        "tests/health/doctor/faults.py"
        for id in sorted(without)
    )


def on_a_healthy_platform(folder: Path) -> str:
    """Return the checks that find a fault where there is none."""
    found = diagnosis("none", folder)
    return ", ".join(sorted(found.ids(Mark.WRONG) | found.ids(Mark.WARNING)))


def test_nothing_is_wrong_with_a_healthy_platform(tmp_path: Path) -> None:
    ids, said = on_a_healthy_platform(tmp_path), diagnosis("none", tmp_path).printed()
    assert not ids, f"{ids}: a healthy platform has this fault, yield ok or not_asked.\n{said}"


def test_one_cause_is_one_cross() -> None:
    assert [name for name, fault in FAULTS.items() if len(fault.wrong.split()) > 1] == []


def test_the_wait_for_a_database_that_hangs_is_paid_once(tmp_path: Path) -> None:
    found = diagnosis("a database that hangs", tmp_path)
    waited = [result.check.id for result in found.results if result.seconds > 1]
    assert waited == ["database.tables"]


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_named_and_nothing_that_is_not_so(name: str, tmp_path: Path) -> None:
    if on_a_healthy_platform(tmp_path):
        pytest.skip("test_nothing_is_wrong_with_a_healthy_platform says why")
    fault, found = FAULTS[name], diagnosis(name, tmp_path)
    said = found.printed()
    assert fault.words in said, said
    assert found.ids(Mark.WRONG) == {*fault.wrong.split()}, said
    assert found.ids(Mark.WARNING) == {*fault.doubtful.split()}, said


@each("language", ["en", "zh-hans"])
def test_no_fault_shows_a_secret(language: str, tmp_path: Path) -> None:
    for name in NAMES:
        found = diagnosis(name, tmp_path)
        with override(language):
            shown = found.printed() + json.dumps(as_dict(found.results))
        assert [secret for secret in SECRETS if secret in shown] == [], name


@pytest.mark.usefixtures("whole_catalogue")
def test_a_chinese_reader_gets_every_text_of_a_fault_in_chinese(tmp_path: Path) -> None:
    english: dict[str, str] = {}
    for name in NAMES:
        with override("zh-hans"):
            shown = as_dict(diagnosis(name, tmp_path).results)["checks"]
        for check in shown:
            findings = (found[part] for found in check["findings"] for part in ("text", "hint"))
            for text in filter(is_english, [check["question"], *findings]):
                english.setdefault(text, f"{text!r} of {check['id']} ({name})")
    place = "Mark these with gettext_lazy of i18n.py, in the module of their check:"
    assert not english, "\n".join([place, *english.values()])


def is_english(text: str) -> bool:
    """Return whether five English words stand in a row; those of others do not count."""
    for quoted in QUOTED:
        text = text.replace(quoted, "")
    return bool(re.search(r"(?:\b[A-Za-z]+ ){4}[A-Za-z]+", text))
