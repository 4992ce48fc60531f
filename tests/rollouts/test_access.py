"""Show who sees a rollout, and how much of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import visible_part, visible_rollouts

pytestmark = pytest.mark.django_db

ENVS = ("tenant-a", "tenant-b", "tenant-c")


@pytest.fixture
def rollout() -> Rollout:
    found = Rollout.objects.create(using="site", waves="100%")
    for position, env in enumerate(ENVS):
        RolloutEnvironment.objects.create(rollout=found, env=env, position=position, wave=1)
    return found


@pytest.fixture
def offered(settings: Any) -> dict[str, str]:
    """Return what ENVIRONMENTS offers to everybody: it may be filled."""
    envs: dict[str, str] = {}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: envs}
    return envs


def test_without_environments_a_rollout_is_seen_whole(rollout: Rollout) -> None:
    assert [*visible_rollouts(User())] == [rollout]
    assert visible_part(User(), rollout) is None


def test_who_is_offered_each_environment_sees_the_whole(
    rollout: Rollout, offered: dict[str, str]
) -> None:
    offered.update(dict.fromkeys([*ENVS, "tenant-d"], "Tea House"))
    assert visible_part(User(), rollout) is None


def test_who_is_offered_one_environment_sees_that_part(
    rollout: Rollout, offered: dict[str, str]
) -> None:
    offered["tenant-b"] = "Tea House"
    assert [*visible_rollouts(User())] == [rollout]
    assert visible_part(User(), rollout) == ["tenant-b"]


def test_who_is_offered_other_environments_sees_no_rollout(
    rollout: Rollout, offered: dict[str, str]
) -> None:
    offered["tenant-d"] = "Tea House"
    assert not visible_rollouts(User()).exists()
