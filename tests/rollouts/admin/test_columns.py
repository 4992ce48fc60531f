"""The columns of the rollouts: what each is called, and how far it is."""

import pytest

from tests.rollouts.admin.pages import release_of, rollout_of
from wx_static_store.rollouts.admin.progress import others, place_of, progress, title_of, undone

pytestmark = pytest.mark.django_db


def test_a_rollout_is_called_by_its_label() -> None:
    rollout = rollout_of(label="spring")
    assert title_of(rollout) == f"#{rollout.pk} spring"


def test_a_rollout_without_label_is_called_by_its_release() -> None:
    rollout = rollout_of(release=release_of("b"))
    assert title_of(rollout) == f"#{rollout.pk} bbbbbbbbbb"


def test_a_roll_back_names_what_it_undoes() -> None:
    first = rollout_of()
    back = rollout_of(release=None, undoes=first)
    assert (title_of(back), undone(back)) == (f"#{back.pk}", f"rolls back #{first.pk}")


def test_a_place_is_the_store_and_the_folder() -> None:
    assert place_of(rollout_of(folder="www/")) == "site: /www/"


def test_progress_counts_what_is_done_of_all() -> None:
    assert progress({"done": 8, "failed": 1, "waiting": 3}) == "8 of 12 done"


def test_what_a_worker_was_asked_for_is_under_way() -> None:
    assert [*others({"queued": 1, "running": 2})] == ["3 under way"]
