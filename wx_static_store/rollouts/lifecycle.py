"""Start, pause, resume, stop, retry and roll back a rollout, as a person asks."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from ..conf import options_for
from ..core.releases import ROLL_BACK_OF
from ..deploy.records import find_deployment
from ..deploy.state import NO_LOG, folders
from ..exceptions import ConfigurationError, SourceError
from ..i18n import english, gettext as _, listed, ngettext, sentences
from ..models import Release, fitting
from ..releases.payload import Payload, check_store
from ..releases.rollback import NAMED, Move, check_storage, elsewhere, folder_of, refuse_incomplete
from ..submit import queue
from .advance import advance, locked
from .models import Rollout, RolloutEnvironment
from .rows import State, environments, environments_of, move, stop
from .snapshot import Snapshot
from .waves import DEFAULT, RolloutRefused, tolerated, wave_sizes


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to run a rollout, by columns of it; `tolerate` and `waves` may be percentages."""

    waves: str = DEFAULT
    tolerate: str = "0"
    max_parallel: int = 0  # environments; 0: as many as may fail together, 32 at most
    verify: bool = False
    bake: int = 0
    deploy_at: datetime | None = None
    label: str = ""
    user_id: int | None = None


# A roll back does not stop at a failure: what is left would stay as nobody wants it.
GOING_BACK: dict[str, Any] = {"waves": "100%", "tolerate": "100%"}


def of_release(
    name: str,
    envs: Sequence[str],
    *,
    using: str = "",
    prefix: str = "",
    among: Collection[str] | None = None,
) -> Payload:
    """Return the kept release of this name, once deployed to one of `among`, and its folder."""
    check_storage()
    if using:
        # An unknown alias is the fault to name, and not that it has no releases.
        options_for(using)
    found = find_deployment(name, envs[0], using=using, among=among)
    if found.release is None:
        raise ConfigurationError(NO_LOG)
    using = using or found.using
    check_store(using, envs)
    folder = folder_of(using, envs, prefix=prefix, name=str(found.pk))
    return Payload(using, folder, found.release, envs)


def start(
    using: str,
    folder: str,
    targets: Mapping[str, Release],
    manner: Manner,
    *,
    undoes: Rollout | None = None,
) -> Rollout:
    """
    Start a rollout that brings each environment its release, in this order.

    Raises RolloutRefused, ConfigurationError (no release storage, no broker) or SourceError (a
    release lacks bytes); then nothing has begun.
    """
    sizes = wave_sizes(manner.waves, len(targets))
    waves = [wave for wave, size in enumerate(sizes, 1) for _one in range(size)]
    releases = {release.pk: release for release in targets.values()}
    # All of it before the first row: workers must find what they need, days later, too.
    check_storage()
    refuse_incomplete(using, releases.values())
    queue.check_broker()
    facts = vars(manner) | {"tolerate": tolerated(manner.tolerate, len(targets))}
    rollout = Rollout(**fitting(Rollout, facts), using=using, folder=folder, undoes=undoes)
    rollout.waiting = len(targets)
    rollout.release = next(iter(releases.values())) if len(releases) == 1 else None
    with transaction.atomic(using=environments().db):
        _refuse_others(rollout, targets)
        rollout.save(using=environments().db)
        environments().bulk_create(
            RolloutEnvironment(rollout=rollout, env=env, position=at, wave=wave, release=release)
            for at, ((env, release), wave) in enumerate(zip(targets.items(), waves, strict=True))
        )
    try:
        # Once more: another one may have begun at the same moment.
        _refuse_others(rollout, targets)
    except RolloutRefused:
        rollout.delete()
        raise
    return advance(rollout.pk)


def hand_over(using: str, move: Move, *, user_id: int | None, label: str = "") -> Rollout:
    """Start a rollout of one environment to the release of the move."""
    manner = Manner(label=label or move.label, user_id=user_id)
    target = move.target
    assert target.release  # noqa: S101 -- moves go to releases only
    return start(using, target.folder, {move.env: target.release}, manner)


def _refuse_others(rollout: Rollout, envs: Iterable[str]) -> None:
    """Raise RolloutRefused if another rollout that is not over has the same folder of one."""
    others = Rollout.objects.primary().open().exclude(pk=rollout.pk)
    same = others.filter(using=rollout.using, folder=rollout.folder).values_list("pk", flat=True)
    rows = environments().filter(rollout__in=[*same], env__in=[*envs])
    if other := rows.values_list("rollout", flat=True).first():
        raise RolloutRefused(
            _(
                "Rollout %(pk)s has some of these environments and is not over: wait for it, or "
                "end it with wx_rollout stop %(pk)s.",
                pk=other,
            )
        )


# --- what may be done with one ------------------------------------------------------------------


def _pause(rollout: Rollout) -> None:
    rollout.state = Rollout.State.PAUSED


def _resume(rollout: Rollout) -> None:
    if rollout.failed > rollout.tolerate:
        raise RolloutRefused(
            ngettext(
                "%(count)d environment failed, which is more than is tolerated. When the cause is"
                " repaired: wx_rollout retry-failed %(pk)s.",
                "%(count)d environments failed, which is more than is tolerated. When the causes "
                "are repaired: wx_rollout retry-failed %(pk)s.",
                rollout.failed,
                pk=rollout.pk,
            )
        )
    _go_on(rollout)


def _retry_failed(rollout: Rollout) -> None:
    failed = environments_of(rollout).filter(state=State.FAILED)
    wanted = failed.exclude(env__in=gone_on(rollout, failed))
    fresh = {"tries": 0, "errcode": None, "cause": "", "message": ""}
    if not move(rollout, wanted, (State.FAILED,), State.WAITING, **fresh):
        text = _(
            "No failed environment of rollout %(pk)s still has its release from before.",
            pk=rollout.pk,
        )
        raise RolloutRefused(text)
    _go_on(rollout)


def _go_on(rollout: Rollout) -> None:
    queue.celery_app()  # an error, if there is none
    if back := Rollout.objects.primary().filter(undoes=rollout).first():
        text = _(
            "Rollout %(back)s rolled rollout %(pk)s back: start a new one.",
            back=back.pk,
            pk=rollout.pk,
        )
        raise RolloutRefused(text)
    _refuse_others(rollout, environments_of(rollout).values_list("env", flat=True))
    rollout.state = Rollout.State.RUNNING if rollout.started else Rollout.State.PLANNED
    rollout.ended = rollout.wave_ended = None


_OPEN = (Rollout.State.PLANNED, Rollout.State.RUNNING, Rollout.State.PAUSED)

# What may be done, in which states.
ACTIONS: dict[str, tuple[Sequence[str], Callable[[Rollout], None]]] = {
    "pause": ((Rollout.State.PLANNED, Rollout.State.RUNNING), _pause),
    "resume": ((Rollout.State.PAUSED, Rollout.State.STOPPED), _resume),
    "stop": (_OPEN, stop),
    "retry-failed": (Rollout.State.values, _retry_failed),
}


def act(pk: int, action: str) -> Rollout:
    """Do an action of `ACTIONS`; raise RolloutRefused if the rollout's state forbids it."""
    states, work = ACTIONS[action]
    with locked(pk) as rollout:
        if rollout.state not in states:
            raise RolloutRefused(
                _(
                    "Rollout %(pk)s is %(state)s, which %(action)s does not change.",
                    pk=pk,
                    state=rollout.get_state_display(),
                    action=action,
                )
            )
        work(rollout)
    return rollout


@dataclass(frozen=True)
class WayBack:
    """Each environment's release before a rollout, and the environments that keep their release."""

    targets: Mapping[str, Release]
    # They had no release, or its bytes are no longer kept.
    lacking: Sequence[str]
    newer: Sequence[str]  # they got another release since

    def warnings(self) -> list[str]:
        """Return a sentence for each kind of environments that are left out."""
        left_out = {
            ngettext(
                "%(count)d environment had no release before and keeps the new one: %(envs)s",
                "%(count)d environments had no release before and keep the new one: %(envs)s",
                len(self.lacking),
                envs=listed(self.lacking, NAMED),
            ): self.lacking,
            ngettext(
                "%(count)d environment got another release since and keeps it: %(envs)s",
                "%(count)d environments got another release since and keep it: %(envs)s",
                len(self.newer),
                envs=listed(self.newer, NAMED),
            ): self.newer,
        }
        return [sentence for sentence, envs in left_out.items() if envs]


def way_back(rollout: Rollout) -> WayBack:
    """Return the live release of each environment at the time a worker first took it."""
    begun = environments_of(rollout).filter(begun__isnull=False)
    newer = gone_on(rollout, begun)
    rows = begun.exclude(env__in=newer).exclude(before=F("release"), state=State.DONE)
    found = dict(rows.values_list("env", "before"))
    known = Release._base_manager.using(rows.db).defer("files").in_bulk({*found.values()} - {None})
    kept = {}
    for pk, release in known.items():
        with suppress(SourceError):
            refuse_incomplete(rollout.using, [release])
            kept[pk] = release
    return WayBack(
        {env: kept[pk] for env, pk in found.items() if pk in kept},
        [env for env, pk in found.items() if pk not in kept],
        newer,
    )


def gone_on(rollout: Rollout, rows: Any) -> list[str]:
    """Return the environments of these rows whose live release is neither the old nor the new."""
    mine = {env: releases for env, *releases in rows.values_list("env", "before", "release")}
    now = folders().with_live().in_folder(rollout.folder).filter(env__in=[*mine])
    live = now.values_list("env", "live__release")
    return [env for env, release in live if release not in mine[env]]


# --- back -----------------------------------------------------------------------------------------


def roll_back(pk: int, manner: Manner) -> tuple[Rollout, list[str]]:
    """
    Stop a rollout, and start one that goes back; return it, and sentences on who is left out.

    Raises RolloutRefused while environments are under way, and if none would go back.
    """
    with locked(pk) as rollout:
        if rollout.state in _OPEN:
            stop(rollout)
        # Under the lock: nothing can end meanwhile.
        way = way_back(rollout)
        _refuse_way_back(rollout, way, manner)
    if left := rollout.under_way:
        text = ngettext(
            "The rollout is stopped, and %(count)d environment is still under way: roll back when "
            "it has ended.",
            "The rollout is stopped, and %(count)d environments are still under way: roll back "
            "when they have ended.",
            left,
        )
        # Without workers it never will.
        if stalled := Snapshot.of_rollout(rollout).stalled:
            text = sentences([text, stalled])
        raise RolloutRefused(text, returncode=1)
    manner = replace(manner, label=manner.label or ROLL_BACK_OF % {"rollout": english(rollout)})
    return start(rollout.using, rollout.folder, way.targets, manner, undoes=rollout), way.warnings()


def _refuse_way_back(rollout: Rollout, way: WayBack, manner: Manner) -> None:
    """Raise the reason against a roll back; then nothing was stopped."""
    if not way.targets:
        envs = listed([*way.lacking, *way.newer], NAMED) or _("none")
        text = _("No environment of it can go back to another release: %(envs)s.", envs=envs)
        raise RolloutRefused(text)
    location = options_for(rollout.using).location
    if not rollout.folder.startswith(location):
        raise elsewhere(rollout.using, location, {rollout.folder})
    wave_sizes(manner.waves, len(way.targets))
    tolerated(manner.tolerate, len(way.targets))
    check_storage()
    queue.check_broker()
