"""The differences between environments and their live releases, by lists alone: a row for each."""

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from .. import conf
from ..core.match import Match
from ..core.naming import object_key
from ..core.types import UploadContext
from ..deploy.environments import Order, deploy_to_all, other_locations, site_uploader
from ..deploy.records import Records
from ..deploy.state import from_log, live_below, state, with_release
from ..exceptions import WxStaticStoreError
from ..i18n import english
from ..models import Deployment, fitting
from ..releases.rollback import Move, orders
from ..submit import queue
from ..submit.access import Act, require
from ..upload.database import deployments, log
from ..upload.presence import compare
from ..upload.uploader import Uploader
from .models import Drift

SOURCE = "wx_reconcile"

Place = tuple[str, str]  # an alias and an environment


def places(using: str = "") -> list[Place]:
    """Return each store and environment with deployments; if ENVIRONMENTS is set, its own only."""
    rows = with_release().filter(using__in=[using] if using else conf.aliases()).order_by()
    found: list[Place] = from_log(lambda: sorted(rows.values_list("using", "env").distinct()))
    if conf.platform_options().environments is None:
        return found
    offered = conf.offers()
    return [place for place in found if place[1] in offered]


def rows() -> Any:
    # In the database that is written to: a replica may be behind.
    return Drift._base_manager.using(deployments().db)


def look(using: str, env: str) -> Drift:
    """Compare an environment with its live release and save the Drift row."""
    try:
        # The message may have waited: ENVIRONMENTS is asked again.
        require(None, Act.DEPLOY, env)
        facts = _facts(using, site_uploader(using, env)) | {"message": ""}
    except WxStaticStoreError as error:
        facts = {"message": english(error)}
    defaults = fitting(Drift, facts) | {"checked": timezone.now()}
    row, _is_new = rows().update_or_create(env=env, using=using, defaults=defaults)
    found: Drift = row
    return found


def look_and_repair(using: str, env: str) -> Drift:
    """Send files again that differ from the live and wanted release; return the new row."""
    row = look(using, env)
    # With a message, the comparison failed: it is not known what to repair.
    if row.is_clean or row.message:
        return row
    uploader = site_uploader(using, env)
    location = uploader.options.location
    for deployment in _own(using, env, location):
        now = state(env, deployment.folder)
        # The live release would undo a deploy that did not end well.
        if now.is_settled:
            records = Records(using, deployment.folder.removeprefix(location))
            order = Order((), UploadContext(source=SOURCE), records)
            move = Move(now, deployment, repair=True)
            for _report in deploy_to_all(orders([uploader], [move], order)):
                pass
    return look(using, env)


def hand_out(found: Collection[Place], *, with_repair: bool) -> int:
    """Send a message for each place; return how many were sent."""
    queue.check_broker()
    messages = [(*place, with_repair) for place in found]
    return queue.send("wx_static_store.rollouts.tasks.reconcile_environment", messages)


def _own(using: str, env: str, location: str) -> list[Deployment]:
    """Return what is live below the location, without what another store has below its own."""
    rows, others = live_below(env, location), other_locations(location)
    return [row for row in rows if row.using == using or not row.folder.startswith(others)]


def _facts(using: str, uploader: Uploader) -> dict[str, Any]:
    location = uploader.options.location
    live = {
        object_key(row.folder, file.name): file  # a folder below another one comes later, and wins
        for row in _own(using, uploader.env, location)
        for file in (row.release.contents() if row.release else ())
    }
    files, theirs = uploader.store.sweep(location), other_locations(location)
    cloud = {one.key: one for one in files if one.key in live or not one.key.startswith(theirs)}
    matches = [*compare(uploader.env, live, cloud).values()]
    others = cloud.keys() - live.keys()
    logged = log().newest_values(uploader.env, others)
    return {
        "missing": matches.count(Match.MISSING),
        "differs": matches.count(Match.DIFFERS),
        "unlogged": len(others) - sum(1 for _row in logged),
        "objects_seen": len(cloud),
        "bytes_seen": sum(file.size for file in cloud.values()),
    }
