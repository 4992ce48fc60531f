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
    # An unknown alias raises ConfigurationError.
    stores = [using] if using and conf.options_for(using) else conf.aliases()
    rows = with_release().filter(using__in=stores).order_by()
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
    found: Drift = rows().update_or_create(env=env, using=using, defaults=defaults)[0]
    return found


def look_and_repair(using: str, env: str) -> Drift:
    """Send files again that differ from the live and wanted release; return the new row."""
    row = look(using, env)
    # With a message, the comparison failed: it is not known what to repair.
    if row.is_clean or row.message:
        return row
    uploader = site_uploader(using, env)
    location = uploader.options.location
    for deployment in live_below(env, location):
        now = state(env, deployment.folder)
        # The live release would undo a deploy that did not end well.
        if now.is_settled and _is_own(using, deployment):
            records = Records(using, deployment.folder.removeprefix(location))
            order = Order((), UploadContext(source=SOURCE), records)
            list(deploy_to_all(orders([uploader], [Move(now, deployment, repair=True)], order)))
    return look(using, env)


def hand_out(found: Collection[Place], *, with_repair: bool) -> int:
    """Send a message for each place; return how many were sent."""
    queue.check_broker()
    messages = [(*place, with_repair) for place in found]
    return queue.send("wx_static_store.rollouts.tasks.reconcile_environment", messages)


def _is_own(using: str, row: Deployment) -> bool:
    """Return whether the store compares what is live; for a store that left, all above do."""
    sender = conf.all_options().get(row.using)
    return row.using == using or not (sender and row.folder.startswith(sender.location))


def _facts(using: str, uploader: Uploader) -> dict[str, Any]:
    location = uploader.options.location
    every = {
        object_key(row.folder, file.name): (file, is_own)  # a folder below another one wins
        for row in live_below(uploader.env, location)
        for is_own in [_is_own(using, row)]
        for file in (row.release.contents() if row.release else ())
    }
    live = {key: file for key, (file, is_own) in every.items() if is_own}
    theirs, below = every.keys() - live.keys(), other_locations(location)
    files = (one for one in uploader.store.sweep(location) if one.key not in theirs)
    cloud = {one.key: one for one in files if one.key in live or not one.key.startswith(below)}
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
