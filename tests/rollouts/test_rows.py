"""Show how the environments of a rollout are counted."""

import pytest

from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import counts_by, environments_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout() -> Rollout:
    found = Rollout.objects.create(using="site", waves="1,100%")
    for position, (wave, state) in enumerate([(1, "done"), (2, "failed"), (2, "failed")]):
        row = {"env": f"shop-{position}", "wave": wave, "state": state, "position": position}
        RolloutEnvironment.objects.create(rollout=found, **row)
    return found


def test_environments_are_counted_by_wave_and_state(rollout: Rollout) -> None:
    assert counts_by("wave", environments_of(rollout)) == {1: {"done": 1}, 2: {"failed": 2}}
    assert counts_by("wave", environments_of(rollout, ["shop-1"])) == {2: {"failed": 1}}
