"""Many environments: the next one begins while the last files of one are under way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any, ClassVar

import pytest

from tests.conftest import can_share_a_cpu
from wx_static_store import sites
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.pool import Crew
from wx_static_store.sites import Order, deploy_to_all, site_uploader
from wx_static_store.summary import EnvironmentReport
from wx_static_store.transfers import UploadContext, UploadItem, UploadResult
from wx_static_store.uploader import Uploader

pytestmark = pytest.mark.django_db

ENVS = ["tenant-1", "tenant-2", "tenant-3"]


def source(name: str) -> Callable[[], BytesIO]:
    return lambda: BytesIO(name.encode())


def order_of(assets: int) -> Order:
    names = [*(f"{number:02}.js" for number in range(assets)), "index.html"]
    items = [UploadItem(name, open=source(name), size=len(name)) for name in names]
    return Order(items, UploadContext(source="wx_deploy"))


ORDER = order_of(2)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_WORKERS": 8})
    for env in ENVS:
        cloud.add_env(env)
    return cloud


class Noted(Uploader):
    stages: ClassVar[list[str]] = []  # the environments whose assets, or pages, are begun

    def sending(self, *args: Any) -> Any:
        self.stages.append(self.env)
        yield from super().sending(*args)


@pytest.fixture
def uploaders(cloud: EmulatorServer) -> list[Uploader]:
    Noted.stages.clear()
    return [Noted(site_uploader("default", env).options) for env in ENVS]


def deploy(uploaders: list[Uploader], order: Order = ORDER, **how: Any) -> list[EnvironmentReport]:
    return list(deploy_to_all(uploaders, order, **how))


def outcomes() -> dict[str, str]:
    return dict(Deployment.objects.values_list("env", "outcome"))


def test_the_next_environment_begins_before_the_pages_of_one_are_sent(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    deploy(uploaders)
    one, two, three = ENVS
    assert Noted.stages == [one, two, one, three, two, three]
    assert all(len(cloud.objects(env)) == 3 for env in ENVS)


def test_each_is_told_and_written_down_as_if_it_were_alone(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    cloud.script({"on": "put_object", "env": ENVS[1], "key": "00.js", "do": "cos_error",
                  "status": 403, "code": "AccessDenied", "times": None})  # fmt: skip
    reports = deploy(uploaders)
    assert [report.env for report in reports] == ENVS
    assert [report.outcome for report in reports] == ["done", "failed", "done"]
    assert [report.report and report.report.stored for report in reports] == [3, 1, 3]
    assert outcomes() == dict(zip(ENVS, ["done", "failed", "done"], strict=True))
    rows = UploadLog.objects.values_list("env", "key", "deployment__env").filter(status="stored")
    assert sorted(rows) == sorted((env, key, env) for env in ENVS for key in cloud.objects(env)), (
        "each object has its row, and each row the deployment of its environment"
    )


@pytest.mark.parametrize(("canary", "together"), [(1, False), (2, False), (0, True)])
def test_nothing_begins_while_a_canary_is_tried(
    uploaders: list[Uploader], canary: int, together: bool
) -> None:
    deploy(uploaders[:2], canary=canary)
    assert (Noted.stages != sorted(Noted.stages)) is together


@pytest.mark.parametrize("how", [{"wait": True}, {"blank_stale": lambda question: True}])
def test_what_may_wait_or_ask_is_done_one_after_the_other(
    uploaders: list[Uploader], how: dict[str, Any]
) -> None:
    deploy(uploaders, replace(ORDER, **how))
    assert Noted.stages == [env for env in ENVS for _stage in ("assets", "pages")]


def test_one_worker_does_one_environment_after_the_other(uploaders: list[Uploader]) -> None:
    deploy([Noted(replace(uploader.options, max_workers=1)) for uploader in uploaders])
    assert Noted.stages == [env for env in ENVS for _stage in ("assets", "pages")]


class Waiting(Uploader):
    """Whose files take until they are told."""

    go_on: threading.Event
    in_vain = False

    def transfer(self, item: UploadItem, *, batch: bool = False) -> UploadResult:
        self.in_vain |= not self.go_on.wait(5)
        return super().transfer(item, batch=batch)


@pytest.mark.parametrize("assets", [2, 40])
@pytest.mark.parametrize("verify", [False, True])
def test_one_whose_calls_take_long_does_not_hold_up_the_one_before(
    uploaders: list[Uploader], assets: int, verify: bool
) -> None:
    """However many files it has: half of the workers are left for the pages and their checks."""
    uploaders[1] = slow = Waiting(uploaders[1].options)
    slow.go_on = threading.Event()
    reports = deploy_to_all(uploaders, replace(order_of(assets), verify=verify))
    assert next(reports).ok
    slow.go_on.set()
    assert all(report.ok for report in reports)
    assert not slow.in_vain


def test_one_that_is_only_looked_at_does_not_hold_up_the_one_before(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    """It is verified when its turn comes."""
    deploy(uploaders[1:2])
    cloud.journal.clear()
    deploy(uploaders[:2], replace(ORDER, verify=True))
    calls = [(call.env, call.key) for call in cloud.journal]
    page, looked = (ENVS[0], "index.html"), [call for call in calls if call[0] == ENVS[1]]
    assert calls.index(page) < calls.index(looked[0])


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_stays_in_its_line_while_the_next_environment_begins(
    uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the line with the outcome would be written over the second one's bar."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    deploy(uploaders)
    assert all(f"{env}: 3/3 files" in stream.getvalue() for env in ENVS)
    assert "\x1b[A" not in stream.getvalue(), "no cursor goes up"


class Failing(Uploader):
    """Whose last file ends with something that nobody expects."""

    error: type[BaseException]

    def transfer(self, item: UploadItem, *, batch: bool = False) -> UploadResult:
        if item.name == "index.html":
            raise self.error
        return super().transfer(item, batch=batch)


class Interrupted(Failing):
    error = KeyboardInterrupt


class Surprised(Failing):
    error = ZeroDivisionError


def interrupted(uploaders: list[Uploader], **how: Any) -> list[EnvironmentReport]:
    reports: list[EnvironmentReport] = []
    with pytest.raises(KeyboardInterrupt):
        reports.extend(deploy_to_all(uploaders, replace(ORDER, **how)))
    return reports


def told(reports: list[EnvironmentReport]) -> str:
    return ", ".join(report.outcome for report in reports)


def test_an_interruption_ends_what_has_begun_and_leaves_out_the_rest(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    uploaders[0] = Interrupted(uploaders[0].options)
    reports = interrupted(uploaders)
    assert told(reports) == "interrupted, interrupted, skipped"
    assert reports[2].report is None
    assert outcomes() == dict.fromkeys(ENVS[:2], "failed")
    rows = UploadLog.objects.filter(status="stored").values_list("env", "key")
    assert sorted(rows) == sorted((env, key) for env in ENVS for key in cloud.objects(env))


@pytest.mark.parametrize(
    ("place", "number", "outcomes"),
    [
        ("plan_of", 0, "interrupted, skipped, skipped"),
        ("plan_of", 1, "interrupted, interrupted, skipped"),
        ("sweep", 0, "interrupted, interrupted, skipped"),
        ("sweep", 1, "done, interrupted, interrupted"),
    ],
)
def test_an_interruption_while_one_is_planned_or_verified_ends_what_has_begun(
    uploaders: list[Uploader],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    number: int,
    outcomes: str,
) -> None:
    before = getattr(sites, place)

    def stop(uploader: Uploader, *args: Any) -> Any:
        if uploader is uploaders[number]:
            raise KeyboardInterrupt
        return before(uploader, *args)

    monkeypatch.setattr(sites, place, stop)
    assert told(interrupted(uploaders, verify=True)) == outcomes


def test_an_interruption_between_two_steps_is_told_too(
    uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting(Crew):
        @property
        def has_room(self) -> bool:
            raise KeyboardInterrupt

    monkeypatch.setattr(sites.pool, "Crew", Interrupting)
    assert told(interrupted(uploaders)) == "interrupted, skipped, skipped"


def test_an_error_that_nobody_expects_ends_what_has_begun(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    uploaders[0] = Surprised(uploaders[0].options)
    with pytest.raises(ZeroDivisionError):
        deploy(uploaders)
    assert outcomes() == dict.fromkeys(ENVS[:2], "failed")


def test_an_error_while_the_next_one_is_planned_waits_for_its_turn(
    cloud: EmulatorServer, uploaders: list[Uploader], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sites.plan_of

    def plan_of(uploader: Uploader, order: Order) -> Any:
        if uploader is uploaders[1]:
            raise ZeroDivisionError
        return before(uploader, order)

    monkeypatch.setattr(sites, "plan_of", plan_of)
    reports = deploy_to_all(uploaders, ORDER)
    assert next(reports).ok
    with pytest.raises(ZeroDivisionError):
        next(reports)
    assert outcomes() == {ENVS[0]: "done"}


def test_whoever_stops_listening_leaves_nothing_under_way(
    cloud: EmulatorServer, uploaders: list[Uploader]
) -> None:
    """A reader of the output that went away, say."""
    reports = deploy_to_all(uploaders, ORDER)
    next(reports)
    reports.close()  # type: ignore[attr-defined]
    assert outcomes() == {ENVS[0]: "done", ENVS[1]: "failed"}
    assert [bool(report.ok) for report in deploy(uploaders)] == [True] * 3


@can_share_a_cpu
def test_afterwards_the_caller_has_all_cpus_again(uploaders: list[Uploader]) -> None:
    before = os.sched_getaffinity(0)
    reports = deploy_to_all(uploaders, ORDER)
    next(reports)
    assert os.sched_getaffinity(0) < before
    assert len(list(reports)) == 2
    assert os.sched_getaffinity(0) == before
