"""Show what the tasks tell Celery: acknowledged late, no result, again after a throttle."""

from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Retry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.deploys import TREE, bodies
from tests.health.alerts.conftest import alerts as alerts
from tests.log.conftest import row
from tests.rollouts.conftest import (
    Broker,
    broker as broker,
    cloud as cloud,
    deployed,
    envs as envs,
    release as release,
    states,
)
from tests.rollouts.test_lifecycle import begin
from wx_static_store import tasks
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.alerts import Alert
from wx_static_store.models import Release, UploadLog

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


def test_a_file_is_uploaded_again(cloud: EmulatorServer, admin_user: Any) -> None:
    default_storage.save("a.txt", ContentFile(b"tea"))
    row = UploadLog.objects.get()
    tasks.upload_again.run(row.pk, admin_user.pk)
    last = UploadLog.objects.latest("id")
    assert (last.source, last.source_ref, last.user) == ("retry", f"row {row.pk}", admin_user)


def test_the_log_is_pruned(release: Release) -> None:
    tasks.prune.run(days=1, releases=1)
    assert Release.objects.get() == release


@pytest.mark.django_db(transaction=True)
def test_what_needs_attention_is_sent(alerts: list[Alert]) -> None:
    row("a.txt", days=0.1, status="failed")
    tasks.watch.run()
    assert "failing" in [alert.cause for alert in alerts]
