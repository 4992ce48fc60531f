"""The members of rollouts are those that the document promises."""

from __future__ import annotations

from wx_static_store.rollouts.api.examples import ROLLOUT, ROLLOUT_DETAIL
from wx_static_store.rollouts.api.serializers import (
    RolloutCountsSerializer,
    RolloutDetailSerializer,
    RolloutEnvironmentSerializer,
    RolloutSerializer,
)
from wx_static_store.rollouts.models import RolloutEnvironment


def test_the_examples_of_rollouts_have_every_member() -> None:
    assert {*ROLLOUT} == {*RolloutSerializer().fields}
    assert {*ROLLOUT_DETAIL} == {*RolloutDetailSerializer().fields}
    members = {*RolloutEnvironmentSerializer().fields}
    assert all({*row} == members for row in ROLLOUT_DETAIL["results"])


def test_the_counts_have_every_state_of_an_environment() -> None:
    assert {*RolloutCountsSerializer().fields} == {*RolloutEnvironment.State.values}
