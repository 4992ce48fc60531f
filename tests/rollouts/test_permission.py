"""Show that a rollout publishes nothing that its user, or ENVIRONMENTS, no longer allows."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from tests.deploys import TREE, bodies
from tests.rollouts.conftest import OLD, Broker, deployed, states
from tests.rollouts.test_lifecycle import begin
from tests.submit.conftest import UserWith
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Release
from wx_static_store.rollouts import environment
from wx_static_store.rollouts.advance import advance_all
from wx_static_store.rollouts.drift import look_and_repair
from wx_static_store.rollouts.lifecycle import GOING_BACK, Manner, act, roll_back
from wx_static_store.rollouts.models import Rollout
from wx_static_store.rollouts.snapshot import Snapshot

pytestmark = pytest.mark.django_db

Withdraw = Callable[[User], Any]
WITHDRAWN: dict[str, Withdraw] = {
    "a deactivated user": lambda user: User.objects.update(is_active=False),
    "a user without the permission": lambda user: user.user_permissions.clear(),
    "a deleted user": lambda user: user.delete(),
}


@pytest.fixture
def offered(settings: Any, cloud: EmulatorServer, envs: list[str]) -> dict[str, str]:
    """Return what ENVIRONMENTS offers: it may be emptied."""
    found = dict.fromkeys(["tenant-b", *envs], "Tea House")
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: found}
    return found


def plan(envs: list[str], release: Release, **manner: Any) -> Rollout:
    return begin(envs, release, deploy_at=timezone.now() + timedelta(hours=1), **manner)


def come_due(broker: Broker) -> None:
    """Let the time of the planned rollout come, and its workers work."""
    Rollout.objects.update(deploy_at=timezone.now() - timedelta(seconds=1))
    advance_all()
    broker.work()


def reason(rollout: Rollout) -> str:
    [cause] = Snapshot.of_rollout(rollout).causes
    return cause.text


def test_a_tenant_that_is_no_longer_offered_gets_nothing_from_a_planned_rollout(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    offered: dict[str, str],
) -> None:
    rollout = plan(envs[:2], release, waves="100%", tolerate="100%")
    del offered[envs[0]]
    come_due(broker)
    assert (bodies(cloud, envs[0]), bodies(cloud, envs[1])) == ({}, TREE)
    assert states(rollout) == "fd"
    assert reason(rollout) == "This environment is no longer offered to whoever asked for it"
    with translation.override("zh-hans"):
        assert reason(rollout) == "发起人已不能再使用此环境"


@pytest.mark.parametrize("name", WITHDRAWN)
def test_nothing_is_published_for(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    user_with: UserWith,
    name: str,
) -> None:
    user = user_with("deploy")
    rollout = plan(envs[:1], release, user_id=user.pk)
    WITHDRAWN[name](user)
    come_due(broker)
    assert (bodies(cloud, envs[0]), states(rollout)) == ({}, "f")
    assert reason(rollout) == "The user who asked for it no longer has the permission"
    with translation.override("zh-hans"):
        assert reason(rollout) == "发起人已没有此权限"


@pytest.mark.parametrize("action", ["resume", "retry-failed"])
def test_what_goes_on_is_asked_again(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    offered: dict[str, str],
    action: str,
) -> None:
    rollout = begin(envs[:1], release)
    if action == "resume":
        act(rollout.pk, "pause")
        broker.messages()
    else:
        cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088})
        broker.work()
    before = bodies(cloud, envs[0])
    offered.clear()
    act(rollout.pk, action)
    broker.work()
    assert (bodies(cloud, envs[0]), states(rollout)) == (before, "f")
    assert "no longer offered" in reason(rollout)


def test_a_tenant_that_is_no_longer_offered_is_not_rolled_back(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    offered: dict[str, str],
    tmp_path: Path,
) -> None:
    begin(envs[:1], deployed(tmp_path / "old", OLD, "tenant-b", "v1"))
    broker.work()
    rollout = begin(envs[:1], release)
    broker.work()
    offered.clear()
    back, _warnings = roll_back(rollout.pk, Manner(**GOING_BACK))
    broker.work()
    assert (bodies(cloud, envs[0]), states(back)) == (TREE, "f")


def test_a_list_of_tenants_that_fails_for_a_while_is_asked_again(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, settings: Any
) -> None:
    rollout = begin(envs[:1], release)
    before, broken = settings.WX_STATIC_STORE, {"ENVIRONMENTS": lambda user: 1 // 0}
    settings.WX_STATIC_STORE = before | broken
    [pk] = broker.messages()
    assert environment.deploy(pk) == 15.0
    assert "ENVIRONMENTS failed (ZeroDivisionError" in Snapshot.of_rollout(rollout).retries[0].text
    settings.WX_STATIC_STORE = before
    rollout.environments.update(not_before=None)
    environment.deploy(pk)
    assert states(rollout) == "d"


def test_drift_of_a_tenant_that_is_no_longer_offered_is_not_repaired(
    cloud: EmulatorServer,
    broker: Broker,
    envs: list[str],
    release: Release,
    offered: dict[str, str],
) -> None:
    begin(envs[:1], release)
    broker.work()
    cloud.delete_object("logo.svg", env=envs[0])
    offered.clear()
    row = look_and_repair("site", envs[0])
    assert ("logo.svg" in bodies(cloud, envs[0]), "no longer offered" in row.message) == (
        False,
        True,
    )


def test_a_user_who_still_may_gets_it_published(
    cloud: EmulatorServer, broker: Broker, envs: list[str], release: Release, user_with: UserWith
) -> None:
    plan(envs[:1], release, user_id=user_with("deploy").pk)
    come_due(broker)
    assert bodies(cloud, envs[0]) == TREE
