"""The columns of the list of rollouts, and the values for the page of one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from ...admin.columns import Columns, day_and_time, two_lines
from ...admin.places import Places
from ...causes import Text, cause_of, hint
from ...i18n import gettext as _, gettext_lazy, labelled
from ..lifecycle import ACTIONS
from ..models import Rollout, RolloutEnvironment
from ..rows import environments_of
from ..snapshot import Cause, Snapshot

State = RolloutEnvironment.State
Counts = Mapping[str, int]


class RolloutColumns(Columns):
    """The columns of the list, for one request; its rows have their `counts`."""

    @admin.display(description=gettext_lazy("rollout"))
    def rollout(self, row: Rollout) -> SafeString:
        """Return the label, with the place and the beginning of the release's digest."""
        release = row.release if row.label else ""
        return two_lines(title_of(row), place_of(row), release, undone(row))

    @admin.display(description=gettext_lazy("environments"))
    def environments(self, row: Rollout) -> SafeString:
        """Return how many environments have their release, and the other counts that are not 0."""
        counts: Counts = row.counts  # type: ignore[attr-defined]
        return two_lines(progress(counts), *others(counts))

    @admin.display(description=gettext_lazy("begun"))
    def begun(self, row: Rollout) -> SafeString:
        """Return when the rollout began, or when it was requested or will begin."""
        return day_and_time(row.started or row.deploy_at or row.created)


def title_of(row: Rollout) -> str:
    return f"#{row.pk} {row.shown_label or row.release or ''}".rstrip()


def place_of(row: Rollout) -> str:
    """Return the store, and the beginning of the keys in the form of an address."""
    return labelled(row.using, f"/{row.folder}")


def undone(row: Rollout) -> str:
    return _("rolls back #%(pk)d", pk=row.undoes_id) if row.undoes_id else ""


def progress(counts: Counts) -> str:
    return _("%(done)d of %(all)d done", done=counts.get(State.DONE, 0), all=sum(counts.values()))


def others(counts: Counts) -> Iterator[str]:
    """Yield how many environments failed, and how many are under way."""
    if failed := counts.get(State.FAILED, 0):
        yield _("%(count)d failed", count=failed)
    if under_way := sum(counts.get(state, 0) for state in RolloutEnvironment.UNDER_WAY):
        yield _("%(count)d under way", count=under_way)


SHOWN = 20  # environments of a cause

_PAUSED = gettext_lazy("Paused: what is under way ends, and nothing more begins.")
_STOPPED = gettext_lazy("Stopped: what is under way ends, and nothing more begins.")
_RETRIED = gettext_lazy("What failed is tried again, and the rollout goes on.")
# In the order of the buttons: the label of each, and what is said when it is done.
BUTTONS: dict[str, tuple[Text, Text]] = {
    "pause": (gettext_lazy("Pause"), _PAUSED),
    "resume": (gettext_lazy("Resume"), gettext_lazy("The rollout goes on.")),
    "retry-failed": (gettext_lazy("Retry failed"), _RETRIED),
    "stop": (gettext_lazy("Stop"), _STOPPED),
}


class Progress:
    """The progress of a rollout, as a user may see it: all of it, or some environments."""

    def __init__(self, rollout: Rollout, places: Places, envs: Sequence[str] | None) -> None:
        self.rollout = rollout
        self.is_whole = envs is None
        self._places = places
        self.snapshot = Snapshot.of_rollout(rollout, envs)
        rows = environments_of(rollout, envs)
        self._rows = [*rows.values_list("wave", "env", "state", "deployment_id", named=True)]

    @property
    def summary(self) -> str:
        return progress(self.snapshot.counts)

    @property
    def counts(self) -> list[tuple[str, Text, int]]:
        counts = self.snapshot.counts
        return [(state, State(state).label, count) for state, count in counts.items() if count]

    def waves(self) -> Iterator[tuple[int, list[str], list[tuple[str, str]]]]:
        """Yield the number of each wave, its summary, and its environments by state and text."""
        for number, rows in groupby(self._rows, key=attrgetter("wave")):
            members = [*rows]
            counts = Counter(row.state for row in members)
            states = [(row.state, self._places.name(row.env)) for row in members]
            squares = [(each, labelled(name, State(each).label)) for each, name in states]
            yield number, [progress(counts), *others(counts)], squares

    def troubles(self) -> Iterator[tuple[str, Text, list[dict[str, Any]]]]:
        """Yield the id and the heading of failures, and of what is tried again, with advice."""
        if causes := self.snapshot.causes:
            yield "wx-causes", _("Why environments failed"), [*self._shown(causes)]
        if retries := self.snapshot.retries:
            yield "wx-retries", _("Why environments are tried again"), [*self._shown(retries)]

    def _shown(self, causes: Sequence[Cause]) -> Iterator[dict[str, Any]]:
        """Yield each cause with its texts, and the deployments of some environments."""
        deployments = {row.env: row.deployment_id for row in self._rows}
        for cause in causes:
            some, more = cause.envs[:SHOWN], len(cause.envs) - SHOWN
            named = [(self._places.name(env), deployments.get(env)) for env in some]
            title = cause_of(cause.cause).title if cause.cause else ""
            advice = hint(cause.cause, cause.message, cause.envs[0]) if cause.cause else ""
            shown = {"cause": cause, "title": title, "hint": advice}
            yield shown | {"environments": named, "more": more}

    def actions(self) -> list[tuple[str, Text]]:
        """Return the actions that are possible now, with labels."""
        row, failed = self.rollout, self.snapshot.counts[State.FAILED]
        idle = {"retry-failed": not failed, "resume": failed > row.tolerate}
        allowed = (a for a in BUTTONS if row.state in ACTIONS[a][0] and not idle.get(a))
        return [(action, BUTTONS[action][0]) for action in allowed]

    @property
    def may_go_back(self) -> bool:
        return any(row.deployment_id for row in self._rows)
