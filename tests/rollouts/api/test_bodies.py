"""The bodies about rollouts take what a rollout takes."""

from dataclasses import fields

from django.contrib.auth.models import User

from wx_static_store.rollouts.api.serializers import MannerBody
from wx_static_store.rollouts.api.views import manner_of
from wx_static_store.rollouts.lifecycle import Manner
from wx_static_store.rollouts.models import LONGEST, Rollout


def test_each_option_of_a_rollout_may_be_sent() -> None:
    assert {*MannerBody().fields} | {"user_id"} == {field.name for field in fields(Manner)}


def test_what_is_left_out_is_as_for_the_command() -> None:
    given = {"bake": 5, "release": "v2"}
    assert manner_of(User(pk=7), given, 20) == Manner(bake=5, user_id=7)
    assert manner_of(User(), {"waves": "1,2"}, 2, waves="100%", tolerate="1").tolerate == "1"


def test_the_texts_of_a_rollout_fit_into_its_row() -> None:
    longest = [Rollout._meta.get_field(name) for name in ("label", "waves")]
    assert {column.max_length for column in longest} == {LONGEST}  # type: ignore[union-attr]
