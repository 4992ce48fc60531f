"""The columns of the rollouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.contrib import admin
from django.utils.safestring import SafeString

from ...admin.columns import Columns, badge, day_and_time, two_lines
from ...i18n import gettext as _, gettext_lazy, labelled
from ..models import Rollout, RolloutEnvironment

State = RolloutEnvironment.State
Counts = Mapping[str, int]


class RolloutColumns(Columns):
    """The columns of the list, for one request; its rows have their `counts`."""

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Rollout) -> SafeString:
        return badge(row.state, row.get_state_display())

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
    return f"#{row.pk} {row.label or row.release or ''}".rstrip()


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
