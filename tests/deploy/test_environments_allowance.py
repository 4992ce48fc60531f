"""What a deploy needs, and what WeChat allows."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from tests.conftest import ENV
from tests.deploys import CONTEXT, configure_storages, deploy, item
from tests.tables import each
from wx_static_store.clients.platform import Quota
from wx_static_store.deploy import environments
from wx_static_store.deploy.environments import (
    Allowance,
    Order,
    allowance,
    deploy_to_all,
    site_uploader,
)
from wx_static_store.deploy.plan import hash_items, make_plan
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.upload.uploader import Uploader

pytestmark = pytest.mark.django_db

FEW = 6
FILES = [item(f"{n:02}.js", b"x") for n in range(FEW)]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "FEW", FEW)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    emulator: EmulatorServer = configure(STORAGES=configure_storages())
    return emulator


def uploaders(**how: Any) -> list[Uploader]:
    return [site_uploader("default", env, **how) for env in (ENV, "tenant-b")]


def orders(*which: Uploader, **more: Any) -> list[tuple[Uploader, Order]]:
    return [(uploader, Order(FILES, CONTEXT, **more)) for uploader in which or uploaders()]


@pytest.mark.parametrize(
    ("needed", "quota", "missing"),
    [
        (5, Quota(daily_limit=100, used=95, remain=5), 0),
        (6, Quota(daily_limit=100, used=95, remain=5), 1),
        (6, Quota(daily_limit=100, used=0, remain=5), 1),
        (6, Quota(daily_limit=0, used=95, remain=0), 0),
    ],
    ids=["enough", "too little", "what remains counts, not what was used", "no figure"],
)
def test_the_quota_of_the_day_says_how_much_is_missing(
    needed: int, quota: Quota, missing: int
) -> None:
    assert Allowance(needed, quota).missing == missing


@each(("needed", "minutes"), [(0, 0), (1, 0), (60, 0), (61, 1), (120, 1), (121, 2), (6000, 99)])
def test_the_rate_says_how_long_it_takes_at_least(needed: int, minutes: int) -> None:
    assert Allowance(needed, Quota(calls=60, seconds=60)).minutes == minutes


def test_a_rate_without_a_figure_takes_no_time() -> None:
    assert Allowance(6000, Quota(calls=0, seconds=0)).minutes == 0


def test_each_doubt_is_a_sentence_with_its_numbers() -> None:
    quota = Quota(daily_limit=9999, remain=1234, calls=600, seconds=60)
    first, second = Allowance(4200, quota).doubts()
    assert first == "Needed calls of staticuploadfile: 4,200. WeChat allows 1,234 today."
    assert second == "WeChat allows 600 calls in 60 seconds, so this takes 6 minutes or more."


def test_what_is_enough_for_all_files_needs_no_plan(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"daily_limit": 2 * FEW})
    assert allowance(orders()).missing == 0
    assert [call.name for call in cloud.calls()] == ["quota_get"]


def test_what_is_unchanged_needs_no_call(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"daily_limit": FEW + 1})
    deploy(uploaders()[0], FILES)
    quota = Quota(daily_limit=FEW + 1, used=FEW, remain=1)
    assert allowance(orders()) == Allowance(FEW, quota)


def test_all_that_is_forced_needs_a_call(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"daily_limit": FEW + 1})
    deploy(uploaders()[0], FILES)
    assert allowance(orders(force=True)).needed == 2 * FEW


def test_the_last_file_counts(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"daily_limit": 1})
    assert allowance(orders(uploaders()[0], last=item("m.json", b"m"))).needed == FEW + 1


def test_for_few_files_wechat_is_not_asked(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"daily_limit": 1})
    few = [(uploader, Order(FILES[:1], CONTEXT)) for uploader in uploaders()]
    assert allowance(few) == Allowance(2, Quota())
    assert cloud.journal == []


def test_with_trust_log_an_unchanged_tree_is_no_reason_to_ask(cloud: EmulatorServer) -> None:
    for uploader in uploaders():
        deploy(uploader, FILES)
    cloud.journal.clear()
    assert allowance(orders(*uploaders(trust_log=True))).needed == 0
    assert cloud.journal == []


@pytest.mark.parametrize("change", ["nothing", "a file", "a failure", "force"])
def test_with_trust_log_no_plan_is_made_of_what_is_live(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The deploy itself will make one, and each asks the log of all files."""
    made = Mock(side_effect=make_plan)
    for module in ("environments", "records"):
        monkeypatch.setattr(f"wx_static_store.deploy.{module}.make_plan", made)
    files = hash_items(FILES)
    going = [(each, Order(files, CONTEXT)) for each in uploaders(trust_log=True)]
    assert all(report.ok for report in deploy_to_all(going))
    made.reset_mock()
    if change == "a failure":
        Deployment.objects.all().note(outcome="failed")
    if change == "a file":
        files = hash_items([*FILES, item("new.js", b"new")])
    todo = [(each, Order(files, CONTEXT, force=change == "force")) for each, _order in going]
    needed = {"a file": 2, "force": 2 * FEW}.get(change, 0)
    assert allowance(todo).needed == needed
    assert made.call_count == (0 if change == "nothing" else 2)


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "errcode", "errcode": 40097},
        {"do": "errcode", "errcode": 42001},
        {"do": "html"},
        {"do": "reset"},
    ],
    ids=str,
)
def test_a_quota_that_cannot_be_had_is_no_figure(
    cloud: EmulatorServer, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    cloud.script({"on": "quota_get", "times": None} | fault)
    assert allowance(orders()) == Allowance(2 * FEW, Quota())
    assert len(cloud.calls("quota_get")) == 1
    records = [r for r in caplog.records if r.name == "wx_static_store.deploy"]
    assert [record.levelname for record in records] == ["DEBUG"]


def test_without_a_token_there_is_no_figure(cloud: EmulatorServer, configure: Any) -> None:
    configure(STORAGES=configure_storages(), WX_STATIC_STORE={"ACCESS_TOKEN": None})
    assert allowance(orders()) == Allowance(2 * FEW, Quota())
