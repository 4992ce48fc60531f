"""Plan the roll back of one environment, for a page or a request."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.types import RemoteFile, UploadContext
from ..deploy.environments import (
    Order,
    deploy_to_all,
    may_be_stale,
    preview_of,
    site_uploader,
    stale_files,
)
from ..deploy.plan import Plan
from ..deploy.records import Records, find_deployment
from ..deploy.report import EnvironmentReport
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _
from ..upload.uploader import Uploader
from . import rollback

if TYPE_CHECKING:
    from ..models import Deployment

# A larger roll back needs the command: many web servers end a request after 30 seconds.
MOST_FILES = 100
MOST_BYTES = 20 * 2**20
SECONDS = 20.0


@dataclass(frozen=True)
class RollbackPlan:
    """The deploy of the older release, as by the command, and the plan of its files."""

    move: rollback.Move
    uploader: Uploader
    order: Order
    plan: Plan
    stale: Sequence[RemoteFile]

    @property
    def is_small(self) -> bool:
        """Return whether a request may carry it out."""
        return len(self.plan) <= MOST_FILES and self.plan.size <= MOST_BYTES

    @property
    def is_live(self) -> bool:
        """Return whether the target is already there."""
        return is_there(self.move.target, self.move.before)

    @property
    def reminder(self) -> str:
        """Return what is left to do for a manifest afterwards; empty without one."""
        return rollback.manifest_reminder(self.move, self.order)

    @property
    def command(self) -> str:
        """Return the command that does the same."""
        mode = ("--rollback", str(self.move.target.pk))
        return rollback.command_for(
            self.order.records.using, self.move.env, mode, self.order.prefix
        )

    def run(self) -> EnvironmentReport:
        (report,) = deploy_to_all([(self.uploader, self.order)])
        return report


def is_there(row: Deployment, newest: Deployment | None) -> bool:
    """Return whether the newest deployment is this one, or ended well with its release."""
    if newest is None:
        return False
    done = newest.outcome == newest.Outcome.DONE
    return newest == row or (done and newest.release == row.release)


def move_of(
    env: str,
    name: str = "",
    *,
    using: str = "",
    prefix: str = "",
    among: Collection[str] | None = None,
) -> tuple[str, rollback.Move]:
    """
    Return the alias, and the move of the environment to the named release or the one before.

    The release was deployed to one of `among`, and to the folder `prefix` if that is given. Raises
    SourceError and ConfigurationError, also if the store has moved.
    """
    target = find_deployment(name, env, using=using, among=among) if name else None
    using = using or (target.using if target else rollback.only_store([env]))
    if not using:
        text = _("No release was deployed to %(env)s", env=env)
        raise SourceError(text)
    name = str(target.pk) if target else ""
    folder = rollback.folder_of(using, [env], prefix=prefix, name=name)
    (move,) = rollback.moves([env], folder, name)
    return using, move


def plan_rollback(
    using: str, move: rollback.Move, user_id: int | None, *, label: str = ""
) -> RollbackPlan:
    """
    Return the plan of this roll back; nothing is sent. The default label names both releases.

    Raises if the needed bytes are not kept.
    """
    rollback.check_storage()
    uploader = site_uploader(using, move.env)
    records = Records(using, move.target.folder.removeprefix(uploader.options.location))
    context = UploadContext("wx_deploy", source_ref=label, user_id=user_id)
    template = Order((), context, records, seconds=SECONDS)
    ((uploader, order),) = rollback.orders([uploader], [move], template)
    plan = preview_of(uploader, order)
    rollback.refuse_missing(using, [move], [plan])
    stale, _uploads = stale_files(uploader, order, may_be_stale(uploader, order))
    return RollbackPlan(move, uploader, order, plan, stale)
