"""Show how the environments of a rollout are counted."""

import pytest

from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.rollouts.rows import counts_by_wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout() -> Rollout:
    found = Rollout.objects.create(using="site", waves="1,100%")
    for position, (wave, state) in enumerate([(1, "done"), (2, "failed"), (2, "failed")]):
        row = {"env": f"shop-{position}", "wave": wave, "state": state, "position": position}
        RolloutEnvironment.objects.create(rollout=found, **row)
    return found


def test_environments_are_counted_by_wave_and_state(rollout: Rollout) -> None:
    first, second = counts_by_wave(rollout)
    assert first == {"waiting": 0, "queued": 0, "running": 0, "done": 1, "failed": 0}
    assert (second["done"], second["failed"]) == (0, 2)
    assert [wave["failed"] for wave in counts_by_wave(rollout, ["shop-1"])] == [1]
