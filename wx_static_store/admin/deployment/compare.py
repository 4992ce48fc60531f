"""The page *Compare* of a deployment: its release beside another, or beside the cloud."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from ...causes import Text
from ...core.retry import REQUEST, ending_within
from ...deploy.environments import site_uploader
from ...exceptions import WxStaticStoreError
from ...models import Deployment, DeploymentQuerySet
from ...releases.difference import KINDS, Difference, compare_files, compare_with_cloud
from ...releases.rollback import folder_of
from ..base import Page
from .columns import ReleasePages, title_of

CLOUD = "cloud"
OFFERED = 20  # deployments to compare with
SHOWN = 100  # files of a kind
SWEPT = 20_000  # objects of a folder that are listed at most: 20 calls of WeChat's daily quota

HEADINGS: dict[str, Text] = {
    "added": pgettext_lazy("of files", "Added"),
    "changed": pgettext_lazy("of files", "Changed"),
    "removed": pgettext_lazy("of files", "Removed"),
}
IN_CLOUD: dict[str, Text] = {
    "added": _("Only in the cloud"),
    "changed": _("Different in the cloud"),
    "removed": _("Missing in the cloud"),
}
PARTS: dict[str, Text] = {
    "bytes": _("content"),
    "content_type": _("content type"),
    "cache_control": _("cache control"),
    "other_headers": _("other headers"),
}


def others_of(rows: DeploymentQuerySet, row: Deployment) -> list[Deployment]:
    """Return the newest deployments of another release to the same folder."""
    same = rows.filter(env=row.env, release__isnull=False).in_folder(row.folder)
    return [*same.exclude(release=row.release).order_by("-id").with_is_live()[:OFFERED]]


def counterpart(row: Deployment, others: Sequence[Deployment]) -> Deployment | None:
    """Return the live deployment among the others, else the newest older one, else the newest."""
    return min(others, key=lambda other: (not other.is_live, other.pk > row.pk), default=None)


def difference_of(row: Deployment, other: Deployment | None) -> Difference:
    """Compare with another release, or with the cloud; raises what the list of the cloud raises."""
    files = row.release.contents() if row.release else ()
    if other:
        return compare_files(other.release.contents() if other.release else (), files)
    folder = folder_of(row.using, [row.env], name=str(row.pk))
    uploader = site_uploader(row.using, row.env)
    prefix = folder.removeprefix(uploader.options.location)
    with ending_within(REQUEST):
        half = REQUEST / 2  # in which calls are made; the last one may take as long
        return compare_with_cloud(uploader, files, prefix, seconds=half, most=SWEPT)


def sections(difference: Difference, headings: Mapping[str, Text]) -> Iterator[dict[str, Any]]:
    """Yield a section for each kind of change that occurs; `more` files of it are not shown."""
    for kind in KINDS:
        if found := difference.of(kind):
            yield {
                "kind": kind,
                "heading": headings[kind],
                "number": len(found),
                "files": [(file, [PARTS[part] for part in file.parts]) for file in found[:SHOWN]],
                "more": len(found) - SHOWN,
            }


class ComparePage(ReleasePages):
    """Mixin of the deployments."""

    @Page("compare", "<path:object_id>/compare/")
    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Compare with the side that the address names; without one, with the likeliest."""
        row = self._with_release(request, object_id)
        others = others_of(self.get_queryset(request), row)
        wanted = request.GET.get("with", "")
        other = self._other(request, row, wanted) if wanted else counterpart(row, others)
        if other and other not in others:
            others.append(other)
        context: dict[str, Any] = {
            "title": _("Compare"),
            "others": [(each, title_of(each)) for each in others],
            "other": other,
            "with_cloud": wanted == CLOUD,
        }
        if other or wanted == CLOUD:
            try:
                found = difference_of(row, other)
            except WxStaticStoreError as error:
                context["error"] = error.sentence
            else:
                shown = sections(found, HEADINGS if other else IN_CLOUD)
                context |= {"difference": found, "sections": [*shown]}
        return self._release_page(request, "compare", row, context)

    def _other(self, request: HttpRequest, row: Deployment, wanted: str) -> Any:
        """Return the deployment with that id and the same folder; None for the cloud."""
        if wanted == CLOUD:
            return None
        if not re.fullmatch("[0-9]{1,18}", wanted):
            raise Http404
        same = self.get_queryset(request).filter(env=row.env, pk=wanted, release__isnull=False)
        return get_object_or_404(same.in_folder(row.folder))
