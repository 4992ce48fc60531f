"""The progress of a rollout: the counts of each wave, and its failures by their cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from ..i18n import gettext as _
from ..upload.database import add_users
from .models import Rollout, RolloutEnvironment
from .rows import State, counts, environments, environments_of, number

_FILES = ("stored", "skipped", "failed", "not_attempted", "bytes")


@dataclass(frozen=True)
class Cause:
    """Environments that failed alike: the code of their cause, and the first one's message."""

    cause: str
    errcode: int | None
    message: str
    envs: Sequence[str]

    @property
    def text(self) -> str:
        """Return the message in the reader's language if it is a sentence of ours, else English."""
        return self.message and _(self.message)


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

    @classmethod
    def of_rollout(cls, rollout: Rollout, envs: Collection[str] | None = None) -> Snapshot:
        """Return the progress of a rollout; `envs` limits it to those that the reader may see."""
        every, rows = environments_of(rollout, envs), counts(rollout, envs)
        waves = sorted({wave for wave, _state in rows})
        sums = every.order_by().aggregate(
            **{name: Sum(f"deployment__{name}", default=0) for name in _FILES},
            asked=Min("since", filter=Q(state=State.QUEUED, not_before=None)),
            heard=Max("heard"),
        )
        asked, heard = sums.pop("asked"), sums.pop("heard")
        explained = [*every.filter(Q(state=State.FAILED) | ~Q(message=""))]
        return cls(
            rollout,
            {state: number(rows, state) for state in State.values},
            [{state: number(rows, state, wave=wave) for state in State.values} for wave in waves],
            [*causes(row for row in explained if row.state == State.FAILED)],
            [*causes(row for row in explained if row.state != State.FAILED)],
            {"unchanged" if name == "skipped" else name: value for name, value in sums.items()},
            asked and max(asked, heard or asked),
        )

    @property
    def is_over(self) -> bool:
        """Return whether nothing will change without a new action."""
        under_way = sum(self.counts[state] for state in RolloutEnvironment.UNDER_WAY)
        return self.rollout.state in (*Rollout.CLOSED, Rollout.State.PAUSED) and not under_way

    @property
    def ok(self) -> bool:
        """Return whether every environment has its release."""
        return self.counts[State.DONE] == sum(self.counts.values())

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
            "failures": [vars(cause) for cause in self.causes],
            "retries": [vars(cause) for cause in self.retries],
        }


def causes(failed: Iterable[RolloutEnvironment]) -> Iterator[Cause]:
    """Yield the causes of these failures, the most frequent first."""
    alike = defaultdict[tuple[str, str], list[RolloutEnvironment]](list)
    for row in failed:
        alike[row.cause, row.message].append(row)
    for rows in sorted(alike.values(), key=len, reverse=True):
        yield Cause(rows[0].cause, rows[0].errcode, rows[0].message, [row.env for row in rows])


def counts_of(
    rollouts: Iterable[Rollout], envs: Collection[str] | None = None
) -> dict[int, Counter[str]]:
    """Return by rollout id how many environments are in each state; `envs` limits them."""
    every = environments().filter(rollout__in=[rollout.pk for rollout in rollouts])
    every = every if envs is None else every.filter(env__in=[*envs])
    found = defaultdict[int, Counter[str]](Counter)
    for rollout, state, count in every.values_list("rollout", "state").annotate(Count("pk")):
        found[rollout][state] = count
    return found
