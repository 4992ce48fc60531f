"""What the page of a rollout shows of its rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext, override

from tests.rollouts.admin.pages import WHY, env, rollout_of
from wx_static_store.admin.places import Places
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.admin.progress import SHOWN, Progress
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("admin_site")]


def progress_of(rollout: Rollout, envs: list[str] | None = None) -> Progress:
    return Progress(rollout, Places(User()), envs)


def causes(progress: Progress) -> list[dict[str, Any]]:
    [(_id, _heading, found)] = progress.troubles()
    return found


def test_each_wave_has_a_square_for_each_environment() -> None:
    waves = [*progress_of(rollout_of("d", "fw")).waves()]
    assert [(number, [state for state, _text in squares]) for number, _said, squares in waves] == [
        (1, ["done"]),
        (2, ["failed", "waiting"]),
    ]


def test_a_square_says_name_and_state_in_words() -> None:
    [(_number, _summary, squares)] = progress_of(rollout_of("f")).waves()
    assert [text for _state, text in squares] == ["tenant-00: failed"]


def test_a_wave_is_summed_up() -> None:
    [(_number, summary, _squares)] = progress_of(rollout_of("ddfqr")).waves()
    assert summary == ["2 of 5 done", "1 failed", "2 under way"]


def test_the_summary_counts_all_waves() -> None:
    assert progress_of(rollout_of("d", "dw")).summary == "2 of 3 done"


def test_a_state_that_no_environment_has_is_not_counted() -> None:
    assert [(state, count) for state, _label, count in progress_of(rollout_of("ddf")).counts] == [
        ("done", 2),
        ("failed", 1),
    ]


def test_a_part_is_counted_without_the_rest() -> None:
    progress = progress_of(rollout_of("d", "fwd"), [env(1), env(2)])
    assert progress.summary == "0 of 2 done"
    assert [number for number, *_shown in progress.waves()] == [2]
    assert not progress.is_whole


# --- why it failed ----------------------------------------------------------------------------


def test_failures_of_an_errcode_stand_together_with_what_to_do() -> None:
    [cause] = causes(progress_of(rollout_of("dff")))
    assert (cause["cause"].errcode, len(cause["cause"].envs)) == (85088, 2)
    assert [name for name, _deployment in cause["environments"]] == [env(1), env(2)]
    assert cause["title"] == "Cloud development is not open for this environment"
    assert str(cause["hint"]).startswith("Open cloud development")


def test_the_cause_of_another_try_stands_apart_from_failures() -> None:
    ours = {"message": "A worker failed unexpectedly: its log says where"}
    rollout = rollout_of("fq", why=WHY | ours)
    again = {"cause": "45011", "errcode": 45011, "message": "WeChat allows fewer calls"}
    RolloutEnvironment.objects.filter(state="queued").update(**again)
    with override("zh-hans"):
        failed, tried = progress_of(rollout).troubles()
        text = failed[2][0]["cause"].text
        assert text == gettext(ours["message"]) != ours["message"]
    assert (failed[1], tried[1]) == ("环境失败的原因", "环境将重试的原因")
    assert [shown["cause"].errcode for _id, _heading, (shown,) in (failed, tried)] == [85088, 45011]


def test_the_hint_speaks_the_reader_s_language() -> None:
    progress = progress_of(rollout_of("f"))
    with override("zh-hans"):
        [cause] = causes(progress)
        assert "开通" in cause["hint"]


def test_a_failure_without_an_entry_says_what_was_recorded() -> None:
    why = {"message": "A worker failed unexpectedly: its log says where"}
    [cause] = causes(progress_of(rollout_of("f", why=why, deployed=False)))
    assert (cause["title"], cause["hint"], cause["cause"].text) == ("", "", why["message"])
    assert cause["environments"] == [(env(0), None)]


def test_a_cause_of_many_environments_ends_with_their_number() -> None:
    [cause] = causes(progress_of(rollout_of("f" * (SHOWN + 3))))
    assert (len(cause["environments"]), cause["more"]) == (SHOWN, 3)


def test_a_rollout_that_stopped_itself_says_how_many_failed() -> None:
    progress = progress_of(rollout_of("dffw", state="stopped", tolerate=1))
    assert progress.snapshot.reason == "2 failed, 1 tolerated"


def test_a_rollout_that_somebody_stopped_says_so() -> None:
    assert progress_of(rollout_of("dw", state="stopped")).snapshot.reason == "by hand"


def test_between_two_waves_it_is_known_when_the_next_begins() -> None:
    now = timezone.now()
    assert progress_of(rollout_of("d", "w")).snapshot.due is None
    bakes = progress_of(rollout_of("d", "w", wave_ended=now, bake=60))
    assert bakes.snapshot.due == now + timedelta(seconds=60)


# --- the buttons ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "letters", "offered"),
    [
        ("planned", "ww", ["pause", "stop"]),
        ("running", "dr", ["pause", "stop"]),
        ("running", "df", ["pause", "retry-failed", "stop"]),
        ("paused", "dw", ["resume", "stop"]),
        ("paused", "dffw", ["retry-failed", "stop"]),
        ("stopped", "dw", ["resume"]),
        ("stopped", "dffw", ["retry-failed"]),
        ("done", "dd", []),
        ("done", "df", ["retry-failed"]),
    ],
)
def test_what_is_offered_is_what_the_rollout_takes(
    state: str, letters: str, offered: list[str]
) -> None:
    progress = progress_of(rollout_of(letters, state=state, tolerate=1))
    assert [action for action, _label in progress.actions()] == offered


@pytest.mark.parametrize(("letters", "may"), [("dw", True), ("rw", False)])
def test_only_what_was_deployed_can_go_back(letters: str, *, may: bool) -> None:
    assert progress_of(rollout_of(letters)).may_go_back is may


def test_many_environments_cost_no_more_queries_than_one(
    admin_site: EmulatorServer, django_assert_num_queries: Any
) -> None:
    for letters in ("f", "f" * 60):
        rollout = rollout_of(letters)
        with django_assert_num_queries(4):
            progress = progress_of(rollout)
            assert [*progress.waves(), *progress.troubles()]
