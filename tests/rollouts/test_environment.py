"""Show the deploy of one environment: begun once, tried again after an outage, ended once."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.deploys import TREE, bodies
from tests.rollouts.conftest import OLD, Broker, deployed, states
from tests.rollouts.test_lifecycle import back, begin
from wx_static_store.core.types import UploadContext
from wx_static_store.deploy.environments import site_uploader
from wx_static_store.deploy.locks import deploying
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.lifecycle import act
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import environments_of
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
    assert environment.deploy(pk) is None
    assert len(cloud.calls()) == before


def test_a_second_delivery_at_the_last_try_ends_nothing(
    broker: Broker, envs: list[str], release: Release
) -> None:
    rollout = begin(envs[:1], release)
    RolloutEnvironment.objects.update(tries=environment.TRIES, state="running")
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
    found = environment._begin(pk)
    assert found
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
    RolloutEnvironment.objects.update(since=timezone.now())
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


@pytest.mark.parametrize("errcode", [45011, -501003, -1])
def test_a_throttle_is_waited_for(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, errcode: int
) -> None:
    rollout = begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": errcode, "times": None})
    [pk] = broker.messages()
    pauses = []
    for _try in range(environment.TRIES):
        RolloutEnvironment.objects.update(since=timezone.now())
        pauses.append(environment.deploy(pk))
    assert pauses == [15.0, 30.0, 60.0, 120.0, 240.0, None]
    assert (states(rollout), row(envs[0]).errcode) == ("f", errcode)


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
