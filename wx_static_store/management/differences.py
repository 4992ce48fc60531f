"""``wx_deploy --diff``: compare a release with another, a folder or the cloud."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.core.management.base import CommandError

from ..core.releases import ReleaseFile
from ..deploy import report as summary
from ..deploy.records import deployments_of, find_deployment, from_log, live
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import gettext as _, joined, labelled, shown
from ..models import Deployment
from ..releases.difference import compare_files, compare_with_cloud, files_here
from ..releases.rollback import folder_of
from ..upload.uploader import Uploader
from . import modes
from .deploy_line import release_of
from .deploy_options import CLOUD, LIVE
from .difference_lines import EnvironmentComparison, Side, lines, total
from .exits import wrong_use
from .preview import left_out_line

VERSION = 1  # of the JSON; it grows when a member changes its meaning or goes

Operand = str | Path  # a path is a folder of this machine


def show(
    line: dict[str, Any],
    using: str,
    uploaders: Sequence[Uploader],
    write: Callable[[str], object],
) -> None:
    """
    Compare in each environment, and write the differences.

    Raises CommandError: 1 if the cloud differs, 2 if an environment could not be compared.
    """
    operands = _operands(line)
    if len(uploaders) > 1 and CLOUD not in operands:
        raise wrong_use(_("Many environments are compared with 'cloud' only: name one with --env."))
    if line["json"]:
        summary.check_writable(Path(line["json"]))
    envs, prefix = [uploader.env for uploader in uploaders], line["folder"] or line["prefix"]
    here = "/" if line["directory"] else ""  # where it would be published
    folder = folder_of(using, envs, prefix=prefix or here, name=release_of(line))
    found = []
    if LIVE in operands and not line["env"]:
        uploaders = _with_live_release(uploaders, folder, write)
    for uploader in uploaders:
        found.append(_compare(_Place(line, using, uploader, folder), operands))
        if found[-1].error and len(uploaders) == 1:
            raise wrong_use(found[-1].error)
        write("\n".join(lines(found[-1])))
    if len(found) > 1:
        write(total(found))
    if line["json"]:
        environments = [comparison.as_dict() for comparison in found]
        data = {"version": VERSION, "using": using, "environments": environments}
        summary.write_json(Path(line["json"]), data)
    if any(comparison.error for comparison in found):
        raise wrong_use(_("Not every environment could be compared."))
    if any(comparison.has_drifted for comparison in found):
        advice = _("--repair sends the live release again.") if LIVE in operands else ""
        text = _("The cloud differs from what it was compared with. %(advice)s", advice=advice)
        raise CommandError(text.rstrip(), returncode=1)


def _operands(line: Mapping[str, Any]) -> tuple[Operand, Operand]:
    """Return the two sides of the comparison, the older one first."""
    names, directory = line["diff"], line["directory"]
    if directory:
        folder = Path(directory)
        return (folder, CLOUD) if names == [CLOUD] else (names[0], folder)
    if names == [LIVE]:
        raise wrong_use(_("Name a second one beside 'live': a release, a folder, or 'cloud'."))
    if len(names) == 1:
        return (LIVE, CLOUD) if names == [CLOUD] else (names[0], LIVE)
    if names[0] == CLOUD:
        raise wrong_use(_("Write 'cloud' after the release, as in --diff live cloud."))
    return names[0], Path(names[1]) if os.path.isdir(names[1]) else names[1]


def _with_live_release(
    uploaders: Sequence[Uploader], folder: str, write: Callable[[str], object]
) -> Sequence[Uploader]:
    """Return the uploaders with a live release, and write a line on each of the others."""
    left_out = [uploader for uploader in uploaders if not live(uploader.env, folder)]
    if len(left_out) == len(uploaders):
        return uploaders
    for uploader in left_out:
        write(left_out_line(uploader.env, folder))
    return [uploader for uploader in uploaders if uploader not in left_out]


# --- one environment --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """An environment of the store `using`, and the folder where the keys begin."""

    line: dict[str, Any]
    using: str
    uploader: Uploader
    folder: str

    @property
    def prefix(self) -> str:
        return self.folder.removeprefix(self.uploader.options.location)


def _compare(place: _Place, operands: tuple[Operand, Operand]) -> EnvironmentComparison:
    comparison = EnvironmentComparison(place.uploader.env, place.folder)
    try:
        before, after = comparison.sides = [_side(place, operand) for operand in operands]
        if comparison.in_cloud:
            comparison.difference = compare_with_cloud(place.uploader, before.files(), place.prefix)
        else:
            comparison.difference = compare_files(before.files(), after.files())
    except WxStaticStoreError as error:
        return EnvironmentComparison(place.uploader.env, place.folder, error=str(error))
    return comparison


def _side(place: _Place, operand: Operand) -> Side:
    if isinstance(operand, Path):
        name = _("the folder %(folder)s", folder=shown(str(operand)))
        return Side(
            name, {"kind": "folder", "path": str(operand)}, lambda: _files_here(place, operand)
        )
    if operand == CLOUD:
        return Side(_("the cloud"), {"kind": CLOUD})
    deployment = _deployment(place, operand)
    release: Any = deployment.release
    what = [deployment.pk, release]
    if deployment.folder != place.folder:
        what.append(f"/{shown(deployment.folder)}")
    label = shown(deployment.label or deployment.source)
    name = _("%(what)s (%(facts)s)", what=label, facts=joined(what))
    data: dict[str, Any] = {
        "kind": "release",
        "live": operand == LIVE,
        "deployment": deployment.pk,
        "label": deployment.label,
        "folder": deployment.folder,
        "release": release.digest,
    }
    return Side(labelled(_("live"), name) if data["live"] else name, data, release.contents)


def _deployment(place: _Place, name: str) -> Deployment:
    """Return the deployment with this name; of any folder if the options name none."""
    env, folder = place.uploader.env, place.folder
    if name == LIVE:
        rows = deployments_of(env, folder).filter(outcome="done")
        newest: Deployment | None = from_log(rows.first)
        if newest:
            return newest
        message = _("No release is live in %(env)s /%(folder)s", env=env, folder=shown(folder))
        hint = _("Name a release, or its folder with --prefix; wx_deploy --list shows all.")
        raise SourceError(message, hint=hint)
    try:
        return find_deployment(name, env, folder)
    except SourceError:
        if place.line["folder"] or place.line["prefix"]:
            raise
    return find_deployment(name, env)


def _files_here(place: _Place, root: Path) -> list[ReleaseFile]:
    """Return the files of the folder; STATIC_ROOT is read as without a DIR."""
    collected = getattr(storages[place.using], "location", "")
    is_collected = collected and os.path.realpath(collected) == os.path.realpath(root)
    directory = None if is_collected else str(root)
    line = place.line | {"directory": directory, "prefix": place.prefix}
    items, last, prefix = modes.tree_of(line, place.using)
    return files_here(place.uploader, [*items, *([last] if last else [])], prefix)
