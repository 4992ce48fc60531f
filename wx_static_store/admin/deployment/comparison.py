"""The content of the page *Compare*: the sides to choose from, and the differences of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from ...core.budget import REQUEST
from ...core.releases import ReleaseFile
from ...deploy.environments import site_uploader
from ...log.compare import SWEPT
from ...models import Deployment, DeploymentQuerySet
from ...releases.difference import KINDS, Difference, compare_files, compare_with_cloud
from ...releases.live import mark_live
from ...releases.rollback import folder_of

CLOUD = "cloud"
OFFERED = 20  # deployments to compare with
SHOWN = 100  # files of a kind

HEADINGS: dict[str, str | Promise] = {
    "added": pgettext_lazy("of files", "Added"),
    "changed": pgettext_lazy("of files", "Changed"),
    "removed": pgettext_lazy("of files", "Removed"),
}
IN_CLOUD: dict[str, str | Promise] = {
    "added": _("Only in the cloud"),
    "changed": _("Different in the cloud"),
    "removed": _("Missing in the cloud"),
}
PARTS: dict[str, str | Promise] = {
    "bytes": _("content"),
    "content_type": _("content type"),
    "cache_control": _("cache control"),
}


class ShownFile(NamedTuple):
    """A file that differs: its sizes on both sides, and in what it differs."""

    name: str
    before: str
    after: str
    parts: list[str | Promise]


class Section(NamedTuple):
    """The files of one kind; `more` of them are not shown."""

    kind: str
    heading: str | Promise
    number: int
    files: list[ShownFile]
    more: int


def others_of(rows: DeploymentQuerySet, row: Deployment) -> list[Deployment]:
    """Return the newest deployments of another release to the same folder."""
    same = rows.filter(env=row.env, release__isnull=False).in_folder(row.folder)
    return mark_live(same.exclude(release=row.release).order_by("-id")[:OFFERED])


def counterpart(row: Deployment, others: Sequence[Deployment]) -> Deployment | None:
    """Return the live deployment among the others, else the newest older one."""
    live = next((other for other in others if other.is_live), None)
    return live or next((other for other in others if other.pk < row.pk), None)


@dataclass(frozen=True)
class ShownComparison:
    """The release of a deployment beside that of `other`; without one, beside the cloud."""

    row: Deployment
    other: Deployment | None

    @cached_property
    def difference(self) -> Difference:
        """Return the difference; raises what the list of the cloud raises."""
        files = files_of(self.row)
        if self.other:
            return compare_files(files_of(self.other), files)
        folder = folder_of(self.row.using, [self.row.env], name=str(self.row.pk))
        uploader = site_uploader(self.row.using, self.row.env)
        prefix = folder.removeprefix(uploader.options.location)
        half = REQUEST.share(0.5)  # in which calls are made; the last one may take as long
        with REQUEST.entered():
            return compare_with_cloud(uploader, files, prefix, seconds=half, most=SWEPT)

    def sections(self) -> Iterator[Section]:
        """Yield a section for each kind of change that occurs."""
        headings = HEADINGS if self.other else IN_CLOUD
        for kind in KINDS:
            if found := self.difference.of(kind):
                files = []
                for change in found[:SHOWN]:
                    sides = (change.before, change.after)
                    before, after = (filesizeformat(side.size) if side else "" for side in sides)
                    parts = [PARTS[part] for part in change.parts]
                    files.append(ShownFile(change.name, before, after, parts))
                yield Section(kind, headings[kind], len(found), files, len(found) - len(files))


def files_of(row: Deployment) -> Iterator[ReleaseFile]:
    return row.release.contents() if row.release else iter(())
