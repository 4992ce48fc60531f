"""The members of rollouts are those that the document promises."""

from __future__ import annotations

from wx_static_store.rollouts.api.serializers import RolloutCountsSerializer
from wx_static_store.rollouts.models import RolloutEnvironment


def test_the_counts_have_every_state_of_an_environment() -> None:
    assert {*RolloutCountsSerializer().fields} == {*RolloutEnvironment.State.values}
