"""Show what the tasks tell Celery: acknowledged late, no result, again after a throttle."""

from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Retry

from tests.deploys import TREE, bodies
from tests.rollouts.conftest import Broker, deployed, states
from tests.rollouts.test_lifecycle import begin
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts import environment, tasks

pytestmark = pytest.mark.django_db


def test_a_message_is_acknowledged_when_its_environment_has_ended() -> None:
    task = tasks.deploy_environment
    assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)


def test_a_task_deploys_its_environment(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = begin(envs[:1], release)
    [pk] = broker.messages()
    tasks.deploy_environment.run(pk)
    assert states(rollout) == "d"


def test_a_throttled_task_comes_again_later(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release
) -> None:
    begin(envs[:1], release)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45011, "times": None})
    [pk] = broker.messages()
    tasks.deploy_environment.push_request(args=(pk,), called_directly=False)
    with pytest.raises(Retry) as caught:
        tasks.deploy_environment.run(pk)
    assert caught.value.when == 15.0
    assert broker.messages() == [pk]


@pytest.mark.parametrize(("limit", "own"), [(3600, 3480), (60, 30)])
def test_an_environment_has_as_long_as_the_option_says(
    broker: Broker,
    envs: list[str],
    release: Release,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    own: int,
) -> None:
    given = {"ROLLOUT_TIME_LIMIT": limit} if limit != 3600 else {}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | given
    begin(envs[:1], release)
    assert broker.time_limits() == [limit]
    found = []
    monkeypatch.setattr(environment, "deploy", lambda pk, seconds: found.append(seconds))
    tasks.deploy_environment.run(1)
    assert found == [own]


def test_one_rollout_or_all_are_advanced(broker: Broker, envs: list[str], release: Release) -> None:
    rollout = begin(envs, release)
    broker.messages()
    for pk in (rollout.pk, None):
        rollout.environments.update(state="waiting")
        tasks.advance_rollout.run(pk)
        assert len(broker.messages()) == 1


def test_an_environment_is_compared_and_repaired(
    cloud: EmulatorServer, envs: list[str], tmp_path: Path
) -> None:
    deployed(tmp_path / "dist", TREE, envs[0], "v1")
    cloud.delete_object("logo.svg", env=envs[0])
    tasks.reconcile_environment.run("site", envs[0], True)
    assert bodies(cloud, envs[0]) == TREE


def test_all_environments_are_compared_by_a_task_each(broker: Broker, release: Release) -> None:
    tasks.reconcile_all.run()
    assert broker.messages() == ["site"]
