"""Show how rollouts read on a terminal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from wx_static_store.causes import CAUSES, with_docs
from wx_static_store.rollouts.management.lines import (
    counts_line,
    head,
    lines,
    next_step,
    table,
    where_to_look,
)
from wx_static_store.rollouts.models import Rollout
from wx_static_store.rollouts.snapshot import Cause, Snapshot

COUNTS = {"waiting": 7, "queued": 0, "running": 1, "done": 3, "failed": 1}
TENANTS = [f"tenant-{number}" for number in range(7)]
CAUSE = Cause("85088", 85088, "staticuploadfile was refused", TENANTS)


def snapshot(*causes: Cause, **facts: object) -> Snapshot:
    rollout = Rollout(pk=5, using="site", folder="", label="v2", **facts)
    return Snapshot(rollout, COUNTS, [COUNTS, COUNTS], [*causes])


def test_counts_of_0_are_left_out() -> None:
    assert counts_line(COUNTS) == "7 waiting, 1 running, 3 done, 1 failed"


def test_a_running_rollout_says_which_wave_runs() -> None:
    assert head(snapshot(state="running", wave=1)) == "rollout 5 (v2): running, wave 1 of 2"


def test_a_cause_names_some_environments() -> None:
    assert lines(snapshot(CAUSE, state="stopped"))[-1] == (
        "  7 environments (tenant-0, tenant-1, tenant-2, tenant-3, tenant-4 and 2 more): "
        "staticuploadfile was refused"
    )


def test_a_cause_of_the_table_is_shown_in_the_reader_s_language() -> None:
    with override("zh-hans"):
        found = lines(snapshot(CAUSE, state="stopped"))[-1]
        title, hint = CAUSES["85088"].title, with_docs(CAUSES["85088"].operator, "85088")
        assert found.endswith(f"：{title}（错误码 85088）。{hint}")


def test_a_cause_that_says_little_is_shown_with_what_was_recorded() -> None:
    cause = Cause("ConfigurationError", None, "The location of 'site' is /new", ["tenant-1"])
    with override("zh-hans"):
        found = lines(snapshot(cause, state="stopped"))[-1]
        assert found.endswith(f"：{CAUSES['ConfigurationError'].title}：{cause.message}")


def test_a_generated_label_is_shown_in_the_reader_s_language() -> None:
    rollout = Rollout(pk=5, using="site", label="roll back of v2")
    with override("zh-hans"):
        assert "（回滚 v2）" in head(Snapshot(rollout, COUNTS, [], []))


def test_the_cause_of_another_try_is_shown_with_its_number_and_when_it_goes_on() -> None:
    when = datetime(2026, 11, 30, 14, 3, 20, tzinfo=UTC)
    again = Cause("45011", 45011, "WeChat allows fewer calls", ["tenant-1"], 2, when)
    found = lines(replace(snapshot(state="running"), retries=[again]))[-1]
    assert found == (
        f"  tried 2 of 6 times, next try at {timezone.localtime(when):%Y-%m-%d %H:%M:%S %Z}: "
        "1 environment (tenant-1): WeChat allows fewer calls"
    )


def test_the_cause_of_a_try_that_goes_on_is_shown() -> None:
    again = Cause("45011", 45011, "WeChat allows fewer calls", ["tenant-1"], 2)
    found = lines(replace(snapshot(state="running"), retries=[again]))[-1]
    assert found == "  tried 2 of 6 times: 1 environment (tenant-1): WeChat allows fewer calls"


@pytest.mark.parametrize(("minutes", "says"), [(1, False), (3, True)])
def test_workers_that_do_not_answer_are_named(*, minutes: int, says: bool) -> None:
    found = replace(snapshot(state="running"), silent_since=ago(minutes=minutes))
    assert ("Rollout 5 has waited for Celery's workers since" in lines(found)[-1]) is says


def test_a_label_cannot_steer_the_terminal() -> None:
    found = Snapshot(Rollout(pk=5, using="site", label="\x1b[2J"), COUNTS, [], [])
    assert "\x1b" not in "\n".join([*lines(found), *table([found])])


@pytest.mark.parametrize(
    ("state", "step"), [("paused", "wx_rollout resume 5"), ("stopped", "retry-failed 5")]
)
def test_the_command_that_helps_is_named(state: str, step: str) -> None:
    assert step in next_step(snapshot(CAUSE, state=state))


@pytest.mark.parametrize("is_new", [True, False])
def test_a_rollout_that_runs_needs_nothing(*, is_new: bool) -> None:
    assert next_step(snapshot(state="running"), is_new=is_new) == ""


def ago(**how: int) -> datetime:
    return timezone.now() - timedelta(**how)


LATE = {
    "a planned rollout": lambda: {"state": "planned", "deploy_at": ago(minutes=3)},
    "one that never began": lambda: {"state": "planned", "created": ago(minutes=3)},
    "a wave that has baked": lambda: {
        "state": "running",
        "wave_ended": ago(minutes=5),
        "bake": 120,
    },
}
IN_TIME = {
    "a planned rollout": lambda: {"state": "planned", "deploy_at": ago(minutes=1)},
    "a wave that bakes": lambda: {"state": "running", "wave_ended": ago(minutes=5), "bake": 240},
    "a pause while a wave bakes": lambda: {
        "state": "stopped",
        "wave_ended": ago(hours=5),
        "bake": 240,
    },
}


@pytest.mark.parametrize("name", LATE)
def test_what_waits_for_a_schedule_too_long_says_so(name: str) -> None:
    found = lines(snapshot(**LATE[name]()))[-1]
    assert "Rollout 5 has waited for Celery's beat since" in found
    assert "wx_rollout status 5 --watch" in found


@pytest.mark.parametrize("name", IN_TIME)
def test_what_a_schedule_may_still_begin_needs_nothing(name: str) -> None:
    assert snapshot(**IN_TIME[name]()).stalled is None


WAITS = {
    "a time": lambda: {"state": "planned", "deploy_at": ago(days=-1)},
    "a pause between waves": lambda: {"state": "running", "wave": 1, "bake": 60},
}


@pytest.mark.parametrize("name", WAITS)
def test_a_new_rollout_that_will_wait_names_the_schedule(name: str) -> None:
    assert "beat must run" in next_step(snapshot(**WAITS[name]()), is_new=True)
    assert next_step(snapshot(**WAITS[name]())) == ""


def test_a_pause_after_the_last_wave_needs_no_schedule() -> None:
    assert next_step(snapshot(state="running", wave=2, bake=60), is_new=True) == ""


@pytest.mark.parametrize(
    ("state", "text"), [("running", "The rollout goes on"), ("stopped", "shows how far it is")]
)
def test_the_commands_that_look_are_named(state: str, text: str) -> None:
    assert text in where_to_look(Rollout(pk=5, state=state))
