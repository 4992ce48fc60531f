"""The release of each environment before a rollout, and the environments that moved on since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from ..exceptions import SourceError
from ..i18n import listed, ngettext
from ..models import Release
from ..releases.live import latest
from ..releases.rollback import refuse_incomplete
from ..upload.database import deployments
from .models import Rollout
from .rows import State, environments_of

NAMED = 5  # environments in a message


@dataclass(frozen=True)
class WayBack:
    """
    Each environment's release before a rollout, and the environments that keep their release.

    `lacking` had none, or one that is no longer kept; `newer` got another release since.
    """

    targets: Mapping[str, Release]
    lacking: Sequence[str]
    newer: Sequence[str]

    def warnings(self) -> list[str]:
        """Return a sentence for each kind of environments that are left out."""
        left_out = {
            ngettext(
                "%(count)d environment had no release before and keeps the new one: %(envs)s",
                "%(count)d environments had no release before and keep the new one: %(envs)s",
                len(self.lacking),
                envs=some(self.lacking),
            ): self.lacking,
            ngettext(
                "%(count)d environment got another release since and keeps it: %(envs)s",
                "%(count)d environments got another release since and keep it: %(envs)s",
                len(self.newer),
                envs=some(self.newer),
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
    kept = {pk: release for pk, release in known.items() if _is_kept(rollout.using, release)}
    return WayBack(
        {env: kept[pk] for env, pk in found.items() if pk in kept},
        [env for env, pk in found.items() if pk not in kept],
        newer,
    )


def _is_kept(using: str, release: Release) -> bool:
    try:
        refuse_incomplete(using, [release])
    except SourceError:
        return False
    return True


def gone_on(rollout: Rollout, rows: Any) -> list[str]:
    """Return the environments of these rows whose live release is neither the old nor the new."""
    mine = {row.env: {row.before_id, row.release_id} for row in rows}
    live = [found.live for found in latest([*mine], rollout.folder).values() if found.live]
    now = deployments().filter(pk__in=live).values_list("env", "release")
    return [env for env, release in now if release not in mine[env]]


def some(envs: Sequence[str]) -> str:
    """Return the first of these names, and whether there are more."""
    return str(listed([*envs[:NAMED], *["…"] * (len(envs) > NAMED)]))
