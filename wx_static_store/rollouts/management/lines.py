"""Rollouts as lines on a terminal: the progress of one, and a list of the last ones."""

from collections.abc import Iterator, Mapping, Sequence

from ...i18n import aligned, gettext as _, joined, labelled, listed, ngettext, shown, with_facts
from ...releases.rollback import NAMED
from ..models import Rollout, RolloutEnvironment
from ..snapshot import Cause, Snapshot, local_time


def lines(snapshot: Snapshot) -> list[str]:
    """Return a heading, a line for each wave, and each cause of failures with advice."""
    rollout = snapshot.rollout
    facts = [
        _("store %(using)s, folder /%(folder)s", using=rollout.using, folder=rollout.folder),
        _("release %(release)s", release=rollout.release or _("of each environment before")),
        _("tolerated failures: %(count)d", count=rollout.tolerate),
    ]
    waves = (
        labelled(_("wave %(number)d", number=number), counts_line(counts))
        for number, counts in enumerate(snapshot.waves, 1)
    )
    why = [_("stopped: %(reason)s", reason=snapshot.reason)] if snapshot.reason else []
    why += [*map(_cause, snapshot.causes), *waits(snapshot)]
    return [shown(head(snapshot)), *(f"  {shown(line)}" for line in (joined(facts), *waves, *why))]


def head(snapshot: Snapshot) -> str:
    """Return the number, the name and the state, and the wave if there are several."""
    rollout, waves = snapshot.rollout, len(snapshot.waves)
    state = str(rollout.get_state_display())
    if rollout.state == Rollout.State.RUNNING and rollout.wave:
        which = {"state": state, "wave": rollout.wave, "waves": waves}
        state = _("%(state)s, wave %(wave)d of %(waves)d", **which)
    return labelled(_("rollout %(pk)s (%(name)s)", pk=rollout.pk, name=rollout), state)


def counts_line(counts: Mapping[str, int]) -> str:
    """Return the counts that are not 0, as in ``3 done, 1 failed``."""
    names = RolloutEnvironment.State
    found = (f"{count} {names(state).label}" for state, count in counts.items() if count)
    return joined(found)


def waits(snapshot: Snapshot) -> Iterator[str]:
    """Yield why environments are tried again, how often and when, and that nobody is at work."""
    if stalled := snapshot.stalled:
        yield str(stalled)
    for cause in snapshot.retries:
        parts = [cause.tried]
        if cause.not_before:
            parts.append(_("next try at %(when)s", when=local_time(cause.not_before)))
        yield labelled(joined(parts), _cause(cause))


def _cause(cause: Cause) -> str:
    many = ngettext("%(count)d environment", "%(count)d environments", len(cause.envs))
    return labelled(with_facts(many, listed(cause.envs, NAMED)), cause.text)


def table(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return a line for each rollout, under a heading."""
    names = [_("id"), _("state"), _("begun"), _("store"), _("folder"), _("environments"), _("what")]
    return aligned([names, *map(_cells, snapshots)])


def _cells(snapshot: Snapshot) -> list[str]:
    rollout = snapshot.rollout
    begun = rollout.started or rollout.deploy_at
    when = f"{begun:%Y-%m-%d %H:%M %Z}" if begun else "-"
    cells = [rollout.using, f"/{rollout.folder}", counts_line(snapshot.counts), str(rollout)]
    return [str(rollout.pk), str(rollout.get_state_display()), when, *map(shown, cells)]


def where_to_look(rollout: Rollout) -> str:
    """Return the commands for a rollout that is no longer watched."""
    if rollout.state in (Rollout.State.PLANNED, Rollout.State.RUNNING):
        return _(
            "The rollout goes on: wx_rollout status %(pk)s shows it, wx_rollout stop %(pk)s ends "
            "it.",
            pk=rollout.pk,
        )
    return _("wx_rollout status %(pk)s shows how far it is.", pk=rollout.pk)


def next_step(snapshot: Snapshot, *, is_new: bool = False) -> str:
    """Return the next useful command; for a new rollout also what it needs to run."""
    rollout, waves = snapshot.rollout, len(snapshot.waves)
    will_bake = rollout.state == Rollout.State.RUNNING and rollout.bake and rollout.wave < waves
    if is_new and (will_bake or rollout.state == Rollout.State.PLANNED):
        return _(
            "Celery's beat must run and call wx_static_store.rollouts.tasks.advance_rollout (docs: "
            "howto/rollouts): without it nothing ends the time of --deploy-at and --bake."
        )
    if rollout.state == Rollout.State.PAUSED:
        return _("To go on: wx_rollout resume %(pk)s", pk=rollout.pk)
    if snapshot.causes and rollout.state in Rollout.CLOSED:
        return _(
            "When the cause is repaired: wx_rollout retry-failed %(pk)s. To go back to the "
            "releases before: wx_rollout rollback %(pk)s",
            pk=rollout.pk,
        )
    return ""
