"""
Show that no order of results, kills, duplicates, losses and pauses breaks a rollout's promises.

A message is a row's id in a list, from which it may be lost, or delivered twice; a worker is a
result that is made up. All else is the code of rollouts and its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import examples
from tests.rollouts.conftest import COUNTED, counters, counts_of_rows
from wx_static_store.deploy.report import EnvironmentReport
from wx_static_store.exceptions import WeChatRefused, WeChatThrottled
from wx_static_store.models import Release
from wx_static_store.rollouts import advance as advancing, environment, lifecycle as rollouts
from wx_static_store.rollouts.advance import advance, advance_all
from wx_static_store.rollouts.lifecycle import Manner, act, start
from wx_static_store.rollouts.models import Rollout
from wx_static_store.rollouts.rows import environments_of
from wx_static_store.rollouts.waves import RolloutRefused
from wx_static_store.submit import queue

pytestmark = pytest.mark.django_db

ENVS = [f"tenant-{number}" for number in range(8)]
TOLERATED, AT_ONCE = 2, 4


class Killed(BaseException):
    """The worker is no more."""


RESULTS: dict[str, Any] = {
    "done": None,
    "refused": WeChatRefused("no", errcode=85088),
    "throttled": WeChatThrottled("slowly", errcode=45011),
    "killed": Killed(),
    "overtaken": None,  # by a second delivery of its message, without a lock that all share
}


@contextmanager
def rolled_back() -> Iterator[None]:
    """Leave nothing in the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Promises(RuleBasedStateMachine):
    """What a rollout of eight environments promises, whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.reported = Counter[str]()
        self.under_way: set[str] = set()
        self.result = "done"
        self.around = ExitStack()
        self.around.enter_context(rolled_back())
        patch = self.around.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(queue, "send", self._send)
        patch.setattr(advancing, "_is_queue_empty", lambda: not self.sent)
        patch.setattr(queue, "check_broker", lambda: None)
        patch.setattr(queue, "celery_app", lambda: None)
        patch.setattr(advancing, "on_commit", lambda send, using: send())
        patch.setattr(rollouts, "check_storage", lambda: None)
        patch.setattr(rollouts, "refuse_incomplete", lambda using, releases: None)
        patch.setattr(environment, "_order", self._ordered)
        patch.setattr(environment, "deploy_to_all", self._deployed)
        patch.setattr(environment.logger, "info", self._report)

    def _send(self, task: str, rows: Iterable[tuple[int]], **options: object) -> None:
        self.sent.extend(pk for (pk,) in rows)

    def _ordered(self, row: Any, seconds: float) -> Any:
        environment._claim(row)
        return row

    def _deployed(self, orders: Iterable[Any]) -> Iterator[EnvironmentReport]:
        [row] = orders
        outcome = RESULTS[self.result]
        if self.result == "overtaken":
            self.result = "done"
            environment.deploy(row.pk)
        if isinstance(outcome, Killed):
            raise outcome
        report = EnvironmentReport(row.env, outcome="failed" if outcome else "done", cause=outcome)
        return iter([report])

    def _report(self, text: str, env: str, state: str, *more: object) -> None:
        if state == "done":
            self.reported[env] += 1

    def teardown(self) -> None:
        self.around.close()

    # --- what happens ---------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        release = Release.objects.create(digest="d", files=b"", count=0, size=0)
        manner = Manner(waves="1,3,100%", tolerate=str(TOLERATED), max_parallel=AT_ONCE)
        self.pk = start("site", "", dict.fromkeys(ENVS, release), manner).pk

    @rule(which=st.integers(0, 20), result=st.sampled_from([*RESULTS]), twice=st.booleans())
    def work(self, which: int, result: str, twice: bool) -> None:
        """Take a message as a worker does; a killed one gives it back."""
        if not self.sent:
            return
        pk = self.sent[which % len(self.sent)]
        if not twice:
            self.sent.remove(pk)
        environments_of(self.rollout).filter(pk=pk).update(not_before=None)
        self.result = result
        try:
            pause = environment.deploy(pk)
        except Killed:
            pause = 0.0
        if pause is not None:
            self.sent.append(pk)

    @rule()
    def lose(self) -> None:
        """Restart a broker that keeps nothing."""
        self.sent.clear()

    @rule()
    def look_much_later(self) -> None:
        """Look as the schedule does, when nothing was heard for a while."""
        long_ago = timezone.now() - timedelta(seconds=advancing.AGAIN + 1)
        environments_of(self.rollout).update(asked=long_ago, heard=None, not_before=None)
        advance_all()

    @rule(action=st.sampled_from([*rollouts.ACTIONS]))
    def ask(self, action: str) -> None:
        """Ask for what a person may ask for."""
        with suppress(RolloutRefused):
            act(self.pk, action)
            if action == "retry-failed":
                self.under_way &= self._states("queued", "running")

    # --- what is promised -----------------------------------------------------------------------

    @property
    def rollout(self) -> Rollout:
        return Rollout.objects.get(pk=self.pk)

    def _states(self, *states: str) -> set[str]:
        return {
            *environments_of(self.rollout).filter(state__in=states).values_list("env", flat=True)
        }

    @invariant()
    def no_more_run_than_may_fail(self) -> None:
        now, failed = self._states("queued", "running"), len(self._states("failed"))
        if now - self.under_way:
            assert len(now) <= min(AT_ONCE, TOLERATED + 1 - failed)
        self.under_way = now

    @invariant()
    def one_failure_too_many_is_the_last(self) -> None:
        failed, state = len(self._states("failed")), self.rollout.state
        assert failed <= TOLERATED or (failed == TOLERATED + 1 and state in ("stopped", "paused"))

    @invariant()
    def a_wave_waits_for_the_one_before(self) -> None:
        rows = [*environments_of(self.rollout)]
        begun = {row.wave for row in rows if row.state != "waiting"}
        left = {row.wave for row in rows if row.state in ("waiting", "queued", "running")}
        assert not left or max(begun, default=1) <= self.rollout.wave

    @invariant()
    def the_counters_are_those_of_the_rows(self) -> None:
        assert counters(self.rollout) == counts_of_rows(self.rollout)

    @invariant()
    def an_environment_is_reported_once(self) -> None:
        assert max(self.reported.values(), default=0) <= 1
        assert {*self.reported} == self._states("done")


def test_a_rollout_keeps_its_promises() -> None:
    run_state_machine_as_test(Promises, settings=examples(100, part=25, stateful_step_count=40))


def test_counters_that_are_broken_by_hand_are_noticed_and_break_no_promise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Promises):
        @rule(column=st.sampled_from(COUNTED), more=st.sampled_from([-9, -1, 1, 9]))
        def break_a_counter(self, column: str, more: int) -> None:
            """Change it as nobody may; then look as the schedule does."""
            Rollout.objects.filter(pk=self.pk).update(**{column: F(column) + more})
            caplog.clear()
            advance(self.pk)
            assert f"Rollout {self.pk} counted " in caplog.text

    run_state_machine_as_test(Broken, settings=examples(50, part=25, stateful_step_count=40))


def test_a_rollout_comes_to_its_end_whatever_was_lost() -> None:
    class Ends(Promises):
        def teardown(self) -> None:
            """Mend all, and let the schedule look until it is over."""
            self.result = "done"
            for _look in range(4 * len(ENVS)):
                self.look_much_later()
                # The last of six messages may have been lost before.
                for action in ("resume", "retry-failed"):
                    self.ask(action)
                while self.sent:
                    environment.deploy(self.sent.pop())
            assert self._states("done") == {*ENVS}
            super().teardown()

    run_state_machine_as_test(Ends, settings=examples(50, part=25, stateful_step_count=30))
