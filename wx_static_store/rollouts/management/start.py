"""Read the command line of ``wx_rollout start``: the release, where it goes, the manner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...deploy.link_check import OWN_SECONDS
from ...i18n import gettext as _
from ...management import deploy_line, modes
from ...management.exits import wrong_use
from ...releases import payload
from ..lifecycle import Manner

Line = Mapping[str, Any]


def payload_of(line: Line) -> payload.Payload:
    """Return the named release, or one made of the folder, and where it goes."""
    envs = [env for env in deploy_line.environments_of(line) if env]
    if not envs:
        raise wrong_use(_("Which environments? Name them with --env, --envs-file, --all or --tag."))
    if bool(line["directory"]) == bool(line["release"]):
        raise wrong_use(_("Name what is brought to them: a folder, or --release RELEASE."))
    if line["release"]:
        where = {"using": line["using"] or "", "prefix": line["folder"] or ""}
        return payload.of_release(line["release"], envs, **where)
    deploy_line.refuse_media_store(line)
    using = deploy_line.alias_of(line)
    items, last, prefix = modes.tree_of(line, using)
    return payload.of_tree(items, last, envs, using=using, prefix=prefix, seconds=OWN_SECONDS)


def manner_of(line: Line) -> Manner:
    return Manner(
        waves=line["waves"],
        tolerate=line["tolerate"],
        max_parallel=line["max_parallel"],
        verify=line["verify"],
        bake=line["bake"],
        deploy_at=line["deploy_at"],
        label=line["label"],
        user_id=modes.user_id(line["user"]),
    )
