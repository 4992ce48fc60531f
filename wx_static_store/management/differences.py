"""``wx_deploy --diff``: compare a release with another, a folder or the cloud."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.core.management.base import CommandError

from ..core.releases import Change, ReleaseFile
from ..deploy.records import find_deployment
from ..deploy.state import live, states
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import aligned, gettext as _, gettext_lazy, joined, labelled, ngettext, shown
from ..models import Deployment
from ..releases.difference import Difference, compare_files, compare_with_cloud, files_here
from ..releases.rollback import folder_of
from ..upload.uploader import Uploader
from . import modes
from .deploy_options import CLOUD, LIVE, CommandLine
from .exits import wrong_use
from .preview import left_out_line
from .report_file import write_json

VERSION = 1  # of the JSON; it grows when a member changes its meaning or goes

KINDS = {
    "added": gettext_lazy("added"),
    "changed": gettext_lazy("changed"),
    "removed": gettext_lazy("removed"),
}
IN_CLOUD = {
    "removed": gettext_lazy("missing"),
    "changed": gettext_lazy("differs"),
    "added": gettext_lazy("stale"),
}
Operand = str | Path  # a path is a folder of this machine


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its name in the heading, its data in the JSON, and its files."""

    name: str
    data: Mapping[str, Any]
    files: Callable[[], Iterable[ReleaseFile]] = tuple


@dataclass
class EnvironmentComparison:
    """The difference in one environment; with an `error`, nothing was compared."""

    env: str
    folder: str
    sides: Sequence[Side] = ()
    difference: Difference = field(default_factory=lambda: Difference((), 0))
    error: str = ""
    in_cloud: bool = False  # the second side is the cloud

    @property
    def has_drifted(self) -> bool:
        """Return whether a file of the release is missing or differs in the cloud."""
        counts = self.difference.counts
        return self.in_cloud and bool(counts["changed"] or counts["removed"])

    def as_dict(self) -> dict[str, Any]:
        before, after = [side.data for side in self.sides] or (None, None)
        about = {"env": self.env, "folder": self.folder, "error": self.error}
        return {**about, "before": before, "after": after, **self.difference.as_dict()}


def show(
    line: CommandLine, using: str, uploaders: Sequence[Uploader], write: Callable[[str], object]
) -> None:
    """Compare in each environment, and write the differences; how it ends is the exit code."""
    operands = _operands(line)
    if len(uploaders) > 1 and CLOUD not in operands:
        raise wrong_use(_("Many environments are compared with 'cloud' only: name one with --env."))
    envs, prefix = [uploader.env for uploader in uploaders], line.folder or line.prefix
    # A folder is compared with the place where it would be published.
    here = "/" if line.directory else ""
    folder = folder_of(using, envs, prefix=prefix or here, name=line.named_release)
    found = []
    folders = states(envs, folder) if LIVE in operands and not line.env else ()
    if any(now.live for now in folders):
        for now in folders:
            if not now.live:
                write(left_out_line(now))
        uploaders = [each for each, now in zip(uploaders, folders, strict=True) if now.live]
    for uploader in uploaders:
        prefix = folder.removeprefix(uploader.options.location)
        found.append(_compare(_Place(line, using, uploader, folder, prefix), operands))
        if found[-1].error and len(uploaders) == 1:
            raise wrong_use(found[-1].error)
        write("\n".join(lines(found[-1])))
    if len(found) > 1:
        write(total(found))
    environments = [comparison.as_dict() for comparison in found]
    write_json(line.json, {"version": VERSION, "using": using, "environments": environments})
    if any(comparison.error for comparison in found):
        raise wrong_use(_("Not every environment could be compared."))
    if any(comparison.has_drifted for comparison in found):
        advice = _("--repair sends the live release again.") if LIVE in operands else ""
        text = _("The cloud differs from what it was compared with. %(advice)s", advice=advice)
        raise CommandError(text.rstrip(), returncode=1)


def _operands(line: CommandLine) -> tuple[Operand, Operand]:
    """Return the two sides of the comparison, the older one first."""
    names, directory = line.diff, line.directory
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


# --- one environment --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """An environment of the store `using`, and the folder where the keys begin."""

    line: CommandLine
    using: str
    uploader: Uploader
    folder: str
    prefix: str


def _compare(place: _Place, operands: tuple[Operand, Operand]) -> EnvironmentComparison:
    in_cloud = operands[1] == CLOUD
    comparison = EnvironmentComparison(place.uploader.env, place.folder, in_cloud=in_cloud)
    try:
        before, after = comparison.sides = [_side(place, operand) for operand in operands]
        if in_cloud:
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
    label = shown(deployment.shown_label or deployment.source)
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
        if newest := live(env, folder):
            return newest
        message = _("No release is live in %(env)s /%(folder)s", env=env, folder=shown(folder))
        hint = _("Name a release, or its folder with --prefix; wx_deploy --list shows all.")
        raise SourceError(message, hint=hint)
    try:
        return find_deployment(name, env, folder)
    except SourceError:
        if place.line.folder or place.line.prefix:
            raise
    return find_deployment(name, env)


def _files_here(place: _Place, root: Path) -> list[ReleaseFile]:
    """Return the files of the folder; STATIC_ROOT is read as without a DIR."""
    collected = getattr(storages[place.using], "location", "")
    is_collected = collected and os.path.realpath(collected) == os.path.realpath(root)
    directory = None if is_collected else str(root)
    line = replace(place.line, directory=directory, prefix=place.prefix)
    tree = modes.tree_of(line, place.using)
    return files_here(place.uploader, [*tree.items, *filter(None, [tree.last])], tree.prefix)


# --- lines on a terminal ----------------------------------------------------------------------


def lines(comparison: EnvironmentComparison) -> Iterator[str]:
    """Yield a heading, a line for each file that differs, and the counts."""
    where = f"{comparison.env} /{comparison.folder}".removesuffix(" /")
    if comparison.error:
        yield shown(labelled(where, comparison.error))
        return
    difference, kinds = comparison.difference, IN_CLOUD if comparison.in_cloud else KINDS
    yield shown(labelled(where, " → ".join(side.name for side in comparison.sides)))
    yield from _table(difference.changes, kinds)
    before, after = (f"{size:,}" for size in difference.sizes)
    counts = _counts(kinds, difference.counts)
    if difference.changes:
        sizes = {"before": before, "after": after}
        yield _("%(counts)s; %(before)s → %(after)s bytes", counts=counts, **sizes)
    else:
        files = difference.unchanged
        yield ngettext("No difference: %(count)d file", "No difference: %(count)d files", files)
    if unsure := difference.unsure:
        yield _("%(count)d by size only: the list shows no MD5 of them", count=unsure)
    if uploads := len(difference.uploads):
        yield ngettext(
            "%(count)d file is left out: somebody uploaded it",
            "%(count)d files are left out: somebody uploaded them",
            uploads,
        )


def _table(changes: Iterable[Change], kinds: Mapping[str, Any]) -> list[str]:
    rows = []
    for change in changes:
        sides = (change.before, change.after)
        before, after = (f"{side.size:,}" if side else "" for side in sides)
        arrow = f"{before} →" if before and after else f"{before}  "
        rows.append((str(kinds[change.kind]), arrow, after, _what(change)))
    return aligned(rows, right=(1, 2))


def _what(change: Change) -> str:
    """Return the name of a file, and the parts in which it differs."""
    old, new = change.before, change.after
    name = shown(change.name)
    if not (old and new):
        return name
    parts = [_("content")] if "bytes" in change.parts else []
    for part in change.parts[len(parts) :]:
        values = (getattr(old.headers, part), getattr(new.headers, part))
        parts.append(f"{part.replace('_', '-').title()} {' → '.join(map(shown, values))}")
    return labelled(name, joined(parts))


def _counts(kinds: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    names = {**kinds, "unchanged": gettext_lazy("unchanged")}
    return joined(f"{name} {counts[kind]:,}" for kind, name in names.items())


def total(comparisons: Sequence[EnvironmentComparison]) -> str:
    """Return a line on all environments of a comparison with the cloud."""
    counts = sum((Counter(each.difference.counts) for each in comparisons), Counter[str]())
    return _(
        "total: %(right)d of %(all)d environments are as the release says; %(counts)s",
        right=sum(not (each.error or each.has_drifted) for each in comparisons),
        all=len(comparisons),
        counts=_counts(IN_CLOUD, counts),
    )
