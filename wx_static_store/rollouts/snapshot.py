"""The progress of a rollout: the counts of each wave, and its failures by their cause."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.db.models import Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from ..exceptions import recorded
from ..i18n import gettext as _, gettext_lazy, here
from ..models.columns import Now
from ..submit.queue import Stalled
from ..upload.database import add_users
from .advance import AGAIN
from .models import Rollout, RolloutEnvironment
from .rows import TRIES, State, counts_by, environments, environments_of, under_way

LATE = timedelta(minutes=2)  # a schedule looks each half minute, a worker is heard as often
_FILES = ("stored", "skipped", "failed", "not_attempted", "bytes")


@dataclass(frozen=True)
class Cause:
    """Environments that failed alike: the code of their cause, and the first one's message."""

    cause: str
    errcode: int | None
    message: str
    envs: Sequence[str]
    tries: int = 0  # the most that one of them was begun
    not_before: datetime | None = None  # when the first of them is tried again

    @property
    def text(self) -> str:
        """Return why they failed, in the reader's language."""
        return recorded(self.message, self.cause, self.errcode, self.envs[0])

    @property
    def tried(self) -> str:
        """Say how often one of them was tried."""
        return _("tried %(tries)d of %(most)d times", tries=self.tries, most=TRIES)

    def as_dict(self) -> dict[str, Any]:
        """Return the cause as JSON values."""
        when = self.not_before and self.not_before.isoformat()
        return vars(self) | {"message": self.text, "not_before": when}


@dataclass(frozen=True)
class Snapshot:
    """A rollout at a moment: `waves` and `counts` are numbers of environments by their state."""

    rollout: Rollout
    counts: dict[str, int]
    waves: list[dict[str, int]]
    causes: list[Cause]
    retries: list[Cause] = field(default_factory=list)  # of those that are tried again
    files: dict[str, int] = field(default_factory=dict)
    silent_since: datetime | None = None  # an environment waits for a worker, and none was heard
    now: datetime = field(default_factory=timezone.now)

    @classmethod
    def of_rollout(cls, rollout: Rollout, envs: Collection[str] | None = None) -> Self:
        """Return the progress of a rollout; `envs` limits it to those that the reader may see."""
        every = environments_of(rollout, envs)
        by_wave = sorted(counts_by("wave", every).items())
        waves = [dict.fromkeys(State.values, 0) | counts for _number, counts in by_wave]
        sums = every.order_by().aggregate(
            **{name: Sum(f"deployment__{name}", default=0) for name in _FILES},
            # Not since `asked`: what is lost is asked for again and again.
            queued=Min(Coalesce("not_before", "since"), filter=Q(state=State.QUEUED)),
            lost=Min("heard", filter=Q(state=State.RUNNING)),
            heard=Max("heard"),
            now=Max(Now()),
        )
        queued, lost, heard, now = (sums.pop(it) for it in ("queued", "lost", "heard", "now"))
        # Another worker is asked for what a killed one had.
        again = lost and lost + timedelta(seconds=AGAIN)
        silent = min(filter(None, (queued, again)), default=None)
        silent = silent and max(silent, heard or silent)
        if silent and now - silent > LATE:
            # A worker may be busy with another rollout, or with what the reader may not see.
            heard = under_way().aggregate(heard=Max("heard"))["heard"]
            silent = max(silent, heard or silent)
        explained = [*every.filter(Q(state=State.FAILED) | ~Q(message=""))]
        return cls(
            rollout,
            {state: sum(wave[state] for wave in waves) for state in State.values},
            waves,
            [*causes(row for row in explained if row.state == State.FAILED)],
            [*causes(row for row in explained if row.state != State.FAILED)],
            {"unchanged" if name == "skipped" else name: value for name, value in sums.items()},
            silent,
            now or timezone.now(),
        )

    @property
    def is_over(self) -> bool:
        """Return whether nothing will change without a new action."""
        if any(self.counts[state] for state in RolloutEnvironment.UNDER_WAY):
            return False
        return self.rollout.state in (*Rollout.CLOSED, Rollout.State.PAUSED)

    @property
    def ok(self) -> bool:
        """Return whether every environment has its release."""
        return self.counts[State.DONE] == sum(self.counts.values())

    @property
    def stalled(self) -> Stalled | None:
        """Return who has not gone on with it for longer than is usual, and what to do."""
        pk = self.rollout.pk
        if when := self._late(self.due):
            return Stalled(
                gettext_lazy(
                    "Rollout %(pk)s has waited for Celery's beat since %(when)s.", pk=pk, when=when
                ),
                gettext_lazy(
                    "Start beat, which calls wx_static_store.rollouts.tasks.advance_rollout. Until "
                    "it runs: wx_rollout status %(pk)s --watch",
                    pk=pk,
                ),
            )
        if when := self._late(self.silent_since):
            return Stalled(
                gettext_lazy(
                    "Rollout %(pk)s has waited for Celery's workers since %(when)s.",
                    pk=pk,
                    when=when,
                ),
                gettext_lazy("Start the workers and beat, or look at their logs."),
            )
        return None

    def _late(self, since: datetime | None) -> str:
        """Return a time that is over for long, as a text."""
        return local_time(since) if since and self.now > since + LATE else ""

    @property
    def due(self) -> datetime | None:
        """Return when the schedule begins the rollout, or its next wave."""
        rollout = self.rollout
        if rollout.state == Rollout.State.PLANNED:
            return rollout.deploy_at or rollout.created
        if rollout.state == Rollout.State.RUNNING and rollout.wave_ended:
            return rollout.wave_ended + timedelta(seconds=rollout.bake)
        return None

    @property
    def reason(self) -> str:
        """Return why the rollout stopped; empty if it did not."""
        failed, tolerated = self.counts[State.FAILED], self.rollout.tolerate
        if self.rollout.state != Rollout.State.STOPPED:
            return ""
        if failed <= tolerated:
            return _("by hand")
        return _("%(failed)d failed, %(tolerated)d tolerated", failed=failed, tolerated=tolerated)

    def as_dict(self) -> dict[str, Any]:
        """Return the snapshot as JSON values."""
        rollout = self.rollout
        add_users([rollout])  # a deleted one is none
        times = ("created", "started", "ended", "deploy_at")
        plain = ("using", "folder", "label", "state", "waves", "wave", "tolerate")
        more = ("max_parallel", "verify", "bake")
        return {
            "id": rollout.pk,
            **{name: getattr(rollout, name) for name in (*plain, *more)},
            "reason": self.reason,
            "release": rollout.release.digest if rollout.release else None,
            "undoes": rollout.undoes_id,
            "user": str(rollout.user) if rollout.user else None,
            **{name: (at := getattr(rollout, name)) and at.isoformat() for name in times},
            "environments": self.counts,
            "files": self.files,
            "by_wave": self.waves,
            "failures": [cause.as_dict() for cause in self.causes],
            "retries": [cause.as_dict() for cause in self.retries],
            "stalled": str(self.stalled.text) if self.stalled else "",
        }


def causes(failed: Iterable[RolloutEnvironment]) -> Iterator[Cause]:
    """Yield the causes of these failures, the most frequent first."""
    alike = defaultdict[tuple[str, str], list[RolloutEnvironment]](list)
    for row in failed:
        alike[row.cause, row.message].append(row)
    for rows in sorted(alike.values(), key=len, reverse=True):
        first, times = rows[0], [row.not_before for row in rows if row.not_before]
        yield Cause(
            first.cause,
            first.errcode,
            first.message,
            [row.env for row in rows],
            max(row.tries for row in rows),
            min(times, default=None),
        )


def stalled() -> Iterator[Stalled]:
    """Yield what nobody does for rollouts that are not over."""
    for rollout in Rollout.objects.primary().open().select_related("release"):
        if found := Snapshot.of_rollout(rollout).stalled:
            yield found


def local_time(moment: datetime) -> str:
    """Return the moment as a text, in the time zone of the reader."""
    return f"{here(moment):%Y-%m-%d %H:%M:%S %Z}"


def counts_of(
    rollouts: Iterable[Rollout], envs: Collection[str] | None = None
) -> Mapping[int, Counter[str]]:
    """Return by rollout id how many environments are in each state; `envs` limits them."""
    every = environments().filter(rollout__in=[rollout.pk for rollout in rollouts])
    return counts_by("rollout", every if envs is None else every.filter(env__in=[*envs]))
