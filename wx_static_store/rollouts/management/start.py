"""Read the command line of ``wx_rollout start``: the release, where it goes, the manner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...deploy.link_check import OWN_SECONDS
from ...i18n import gettext as _
from ...management import modes
from ...management.deploy_options import CommandLine
from ...management.exits import wrong_use
from ...releases import payload
from ..lifecycle import Manner


def payload_of(line: CommandLine) -> payload.Payload:
    """Return the named release, or one made of the folder, and where it goes."""
    envs = [env for env in modes.environments_of(line) if env]
    if not envs:
        raise wrong_use(_("Which environments? Name them with --env, --envs-file, --all or --tag."))
    if bool(line.directory) == bool(line.release):
        raise wrong_use(_("Name what is brought to them: a folder, or --release RELEASE."))
    if line.release:
        where = {"using": line.using or "", "prefix": line.folder or ""}
        return payload.of_release(line.release, envs, **where)
    modes.refuse_media_store(line)
    using = modes.alias_of(line)
    items, last, prefix = modes.tree_of(line, using)
    return payload.of_tree(items, last, envs, using=using, prefix=prefix, seconds=OWN_SECONDS)


def manner_of(options: Mapping[str, Any]) -> Manner:
    return Manner(
        waves=options["waves"],
        tolerate=options["tolerate"],
        max_parallel=options["max_parallel"],
        verify=options["verify"],
        bake=options["bake"],
        deploy_at=options["deploy_at"],
        label=options["label"],
        user_id=modes.user_id(options["user"]),
    )
