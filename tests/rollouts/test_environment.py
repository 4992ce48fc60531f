"""Show the deploy of one environment: begun once, tried again after an outage, ended once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.deploys import TREE, bodies
from tests.rollouts.conftest import OLD, Broker, deployed, states
from tests.rollouts.test_lifecycle import back, begin
from tests.waiting import wait_for
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.deploy.locks import deploying
from wx_static_store.deploy.report import EnvironmentReport
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release
from wx_static_store.models.columns import Now
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.lifecycle import act
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import environments_of
from wx_static_store.rollouts.snapshot import Snapshot
from wx_static_store.upload.recorder import start_deployment

pytestmark = pytest.mark.django_db


def row(env: str) -> RolloutEnvironment:
    return RolloutEnvironment.objects.select_related("deployment").get(env=env)


def test_an_environment_is_the_deployment_that_it_became(
    broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:1], release, label="v2 for all")
    broker.work()
    deployment = row(envs[0]).deployment
    assert (deployment.outcome, deployment.stored, deployment.release) == ("done", 3, release)
    assert (deployment.source, deployment.label) == ("wx_rollout", "v2 for all")


def test_a_message_that_comes_twice_deploys_once(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()
    environment.deploy(pk)
    before = len(cloud.calls())
    assert environment.deploy(pk) is None
    assert len(cloud.calls()) == before
    assert (states(rollout), Deployment.objects.filter(env=envs[0]).count()) == ("d", 1)


def test_a_message_that_comes_after_a_stop_begins_nothing(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs, release)
    act(rollout.pk, "stop")
    broker.work()
    assert bodies(cloud, envs[0]) == {}


def test_a_message_for_a_later_try_begins_nothing_before(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:1], release)
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None}
    cloud.script(fault)
    [pk] = broker.messages()
    assert environment.deploy(pk) == 15.0
    before = len(cloud.calls())
    wait = environment.deploy(pk)
    assert wait is not None
    assert 0 < wait <= 15.0
    assert len(cloud.calls()) == before
    assert row(envs[0]).tries == 1


def test_a_second_delivery_at_the_last_try_ends_nothing(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    given = {"tries": environment.TRIES, "heard": timezone.now()}
    RolloutEnvironment.objects.update(state="running", **given)
    [pk] = broker.messages()
    with deploying(site_uploader("site", envs[0]), wait=False):
        assert environment.deploy(pk) is None
    assert states(rollout) == "r"


def test_a_throttled_environment_waits_again_in_a_paused_rollout(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None})
    found = environments_of(rollout).select_related("rollout").annotate(now=Now()).get()
    assert environment._begin(found)
    act(rollout.pk, "pause")
    assert environment.deploy(pk) is None
    assert states(rollout) == "w"


def test_a_location_that_changed_is_named(
    broker: Broker, envs: list[str], release: Release, settings: Any
) -> None:
    begin(envs[:1], release)
    stores = settings.STORAGES
    site = stores["site"] | {"OPTIONS": {"location": "moved"}}
    settings.STORAGES = stores | {"site": site}
    Rollout.objects.update(folder="old/")
    broker.work()
    assert "/old/" in row(envs[0]).message


def test_a_deploy_by_hand_is_left_alone(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = begin(envs, release)
    with deploying(site_uploader("site", envs[0]), wait=False):
        broker.work()
    assert (states(rollout)[0], row(envs[0]).tries) == ("r", 0)


def test_what_was_deployed_by_hand_as_the_worker_arrived_comes_back(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    deployed(tmp_path / "site", OLD, envs[0], "v1")
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()
    with deploying(site_uploader("site", envs[0]), wait=False):
        environment.deploy(pk)
    by_hand = deployed(tmp_path / "site", {"index.html": b"by hand"}, envs[0], "v3")
    environment.deploy(pk)
    assert (row(envs[0]).state, row(envs[0]).before) == ("done", by_hand)
    undoing, _warnings = back(rollout)
    broker.work()
    assert states(undoing) == "d"
    assert bodies(cloud, envs[0])["index.html"] == b"by hand"


def test_what_was_deployed_by_hand_between_two_tries_comes_back(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    deployed(tmp_path / "site", OLD, envs[0], "v1")
    begin(envs[:1], release)
    [pk] = broker.messages()
    cloud.script({"on": "put_object", "do": "cos_error", "status": 503, "code": "SlowDown",
                  "times": None})  # fmt: skip
    assert environment.deploy(pk)
    cloud.state.script.clear()
    by_hand = deployed(tmp_path / "site", {"index.html": b"by hand"}, envs[0], "v3")
    RolloutEnvironment.objects.update(not_before=None)
    environment.deploy(pk)
    assert (row(envs[0]).state, row(envs[0]).before) == ("done", by_hand)


def test_what_a_worker_was_killed_at_is_not_what_comes_back(
    broker: Broker, envs: list[str], release: Release, tmp_path: Path
) -> None:
    """Its deploy ended well, and the row did not learn it."""
    old = deployed(tmp_path / "site", OLD, envs[0], "v1")
    begin(envs[:1], release)
    [pk] = broker.messages()
    environment.deploy(pk)
    RolloutEnvironment.objects.update(state="running")
    environment.deploy(pk)
    assert (row(envs[0]).state, row(envs[0]).before) == ("done", old)


def test_a_killed_worker_is_followed_by_another(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, no_last_put: None
) -> None:
    rollout = begin(envs[:1], release)
    RolloutEnvironment.objects.update(state="running", tries=1)
    killed = start_deployment(envs[0], UploadContext(source="wx_rollout"))
    broker.work()
    assert (states(rollout), bodies(cloud, envs[0])) == ("d", TREE)
    assert Deployment.objects.get(pk=killed).outcome == "incomplete"


def test_whoever_kills_each_worker_is_given_up(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    RolloutEnvironment.objects.update(tries=environment.TRIES)
    broker.work()
    assert states(rollout) == "f"
    assert "killed each time" in row(envs[0]).message


class Killed(BaseException):
    """The worker is no more."""


def test_workers_that_are_killed_before_they_hold_the_environment_are_given_up(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()

    def kill(*args: Any) -> Any:
        raise Killed

    monkeypatch.setattr(environment, "items_of", kill)
    for _worker in range(environment.TRIES):
        with pytest.raises(Killed):
            environment.deploy(pk)
    RolloutEnvironment.objects.update(heard=timezone.now() - timedelta(minutes=2))
    environment.deploy(pk)
    assert (states(rollout), "killed each time" in row(envs[0]).message) == ("f", True)


@pytest.mark.parametrize("errcode", [45011, -501003, -1])
def test_a_throttle_is_waited_for(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, errcode: int
) -> None:
    rollout = begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": errcode, "times": None})
    [pk] = broker.messages()
    pauses = []
    for _try in range(environment.TRIES):
        RolloutEnvironment.objects.update(not_before=None)
        pauses.append(environment.deploy(pk))
    assert pauses == [15.0, 30.0, 60.0, 120.0, 240.0, None]
    assert (states(rollout), row(envs[0]).errcode) == ("f", errcode)


@pytest.mark.parametrize("where", ["site_uploader", "items_of"])
def test_an_exception_that_nobody_expected_is_a_try_and_fails_after_six(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()
    monkeypatch.setattr(environment, where, lambda *args: 1 // 0)
    tries = []
    for _try in range(environment.TRIES):
        RolloutEnvironment.objects.update(not_before=None)
        environment.deploy(pk)
        tries.append(row(envs[0]).tries)
    assert (tries, states(rollout)) == ([1, 2, 3, 4, 5, 6], "f")
    assert row(envs[0]).message == "A worker failed unexpectedly: its log says where"


def test_the_cause_is_shown_between_tries(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rollout = begin(envs[:1], release)
    fault = {"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None}
    cloud.script(fault)
    [pk] = broker.messages()
    environment.deploy(pk)
    snapshot = Snapshot.of_rollout(rollout)
    [cause] = snapshot.retries
    assert (cause.cause, cause.errcode, cause.envs, cause.tries) == ("45011", 45011, envs[:1], 1)
    assert cause.not_before == row(envs[0]).not_before
    assert snapshot.causes == []
    again = f"{envs[0]}: try 1 of 6 in rollout {rollout.pk} failed, the next is in 15 s (static"
    assert again in caplog.text
    cloud.reset()
    cloud.add_env(envs[0])
    RolloutEnvironment.objects.update(not_before=None)
    environment.deploy(pk)
    assert (states(rollout), Snapshot.of_rollout(rollout).retries) == ("d", [])
    assert (row(envs[0]).message, row(envs[0]).errcode) == ("", None)


@contextmanager
def clock(seconds: float) -> Iterator[None]:
    """Run on a machine whose clock is ahead by so many seconds."""
    now = timezone.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))
        yield


@pytest.mark.parametrize("ahead", [20, -20, 7200])
def test_workers_whose_clocks_differ_take_each_message_at_once(
    broker: Broker, envs: list[str], release: Release, ahead: float
) -> None:
    with clock(ahead):
        rollout = begin(envs[:6], release, waves="100%")
    for turn in range(6):
        with clock(ahead * (turn % 2)):
            [pk] = broker.messages()
            environment.deploy(pk)
    assert (states(rollout), broker.messages()) == ("d" * 6, [])


@pytest.mark.django_db(transaction=True)
def test_a_worker_gives_signs_of_life_while_it_deploys(
    broker: Broker, envs: list[str], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(envs[:1], release)
    [pk] = broker.messages()

    def attempt(begun: RolloutEnvironment, seconds: float) -> EnvironmentReport:
        first = row(envs[0]).heard
        wait_for(lambda: row(envs[0]).heard > first, "the worker is heard again")
        return EnvironmentReport(begun.env)

    monkeypatch.setattr(environment, "BEAT", 0.05)
    monkeypatch.setattr(environment, "_attempt", attempt)
    environment.deploy(pk)
    assert row(envs[0]).state == "done"


@pytest.mark.parametrize("ahead", [20, -20])
def test_a_retry_waits_by_the_databases_clock(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, ahead: float
) -> None:
    rollout = begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011})
    [pk] = broker.messages()
    with clock(ahead):
        assert environment.deploy(pk) == 15.0
    assert 14 < (environment.deploy(pk) or 0) < 15
    assert states(rollout) == "q"


def test_a_refusal_is_final(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088})
    broker.work()
    found = row(envs[0])
    assert (states(rollout), found.errcode, found.tries) == ("f", 85088, 1)
    assert found.deployment.failed


def test_a_stopped_rollout_takes_back_what_waits_for_another_try(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None})
    [pk] = broker.messages()
    environment.deploy(pk)
    act(rollout.pk, "stop")
    assert states(rollout) == "w"


def test_an_environment_that_the_platform_lacks_is_a_failure(
    broker: Broker, release: Release
) -> None:
    rollout = begin(["nobody-has-this"], release)
    broker.work()
    assert (states(rollout), bool(row("nobody-has-this").errcode)) == ("f", True)


def test_a_pruned_release_is_named(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = begin(envs[:1], release)
    environments_of(rollout).update(release=None)
    broker.work()
    assert "release was pruned" in row(envs[0]).message
