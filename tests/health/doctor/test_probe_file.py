"""The file of a probe: waiting for what should become of it, and summing up environments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.core.retry import Clock
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatBusy
from wx_static_store.health.doctor.findings import Finding, Mark, ok, warning
from wx_static_store.health.doctor.probe_file import (
    NOTHING,
    ProbeFile,
    of_each,
    page,
    summed,
)
from wx_static_store.health.doctor.target import CheckTarget

pytestmark = pytest.mark.django_db(transaction=True)


class Time:
    """A clock on which sleeping is the only thing that takes time."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def file(configure: Any) -> ProbeFile:
    configure()
    found = ProbeFile(CheckTarget(), ENV)
    time = Time()
    found.clock = Clock(lambda: time.now, time.sleep)
    return found


def test_two_pages_differ() -> None:
    assert page(64) != page(64)


def test_two_probes_have_files_of_their_own(file: ProbeFile) -> None:
    assert file.key != ProbeFile(CheckTarget(), ENV).key


def test_what_is_done_at_once_took_no_time(file: ProbeFile) -> None:
    assert file.until(lambda: True, 10) == 0.0


def test_what_is_done_later_took_the_time_of_the_pauses(file: ProbeFile) -> None:
    assert file.until(lambda: file.clock.now() > 3, 10) == file.clock.now()
    assert 3 < file.clock.now() < 6


def test_what_is_never_done_is_asked_until_its_time_is_over(file: ProbeFile) -> None:
    assert file.until(lambda: False, 10) is None
    assert file.clock.now() == pytest.approx(10)


def test_a_file_that_was_not_sent_is_not_overwritten(
    file: ProbeFile, emulator: EmulatorServer
) -> None:
    assert file.end() is None
    assert emulator.calls("put_object") == []


def test_the_environments_share_the_time_for_the_cdn(configure: Any) -> None:
    configure()
    alone, shared = CheckTarget(envs=[ENV]), CheckTarget(envs=[ENV, "tenant-b"])
    assert ProbeFile(alone, ENV).patience == 2 * ProbeFile(shared, ENV).patience


def test_without_a_file_nothing_is_asked() -> None:
    [found] = of_each(_fails)(CheckTarget())
    assert (found.mark, found.text) == (Mark.NOT_ASKED, NOTHING)


def test_a_file_that_the_site_does_not_serve_is_not_asked_for(file: ProbeFile) -> None:
    target = CheckTarget()
    target.probe_files[ENV], file.is_stored = file, True
    [found] = of_each(_fails, served=True)(target)
    assert str(found.text) == "The public address does not serve the file."


def test_one_environment_keeps_its_own_words() -> None:
    assert [*summed(["a"], lambda env: [ok("well")], CheckTarget())] == [ok("well")]


def test_several_environments_that_are_well_are_one_finding() -> None:
    found = [*summed(["a", "b", "c"], _doubtful_c, CheckTarget())]
    assert [str(each.text) for each in found] == [
        "c: doubtful",
        "It is well in 2 of 3 environments.",
    ]
    assert found[0].data == {"env": "c"}


def test_an_error_of_one_environment_does_not_hide_the_others() -> None:
    found = [*summed(["a", "b"], _fails_at_a, CheckTarget())]
    assert [each.mark for each in found] == [Mark.WRONG, Mark.OK]


def test_an_environment_for_which_no_time_is_left_is_named() -> None:
    [found] = summed(["a", "b"], _fails, CheckTarget(timeout=0))
    assert (found.mark, found.data) == (Mark.NOT_ASKED, {"env": "a", "late": True})


def _doubtful_c(env: str) -> list[Finding]:
    return [warning("doubtful") if env == "c" else ok("well")]


def _fails_at_a(env: str) -> Iterator[Finding]:
    return _fails(env) if env == "a" else iter([ok("well")])


def _fails(asked: object) -> Iterator[Finding]:
    raise WeChatBusy("busy")
    yield
