"""The columns of the deployments, and the base of the pages of a deployment's release."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from ...deploy import state
from ...i18n import ngettext
from ...models import Deployment
from ..base import ReadOnlyAdmin
from ..columns import NOTHING, Columns, badge, day_and_time, link, two_lines


class DeploymentColumns(Columns):
    """What list and page show, for one request."""

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, row: Deployment) -> SafeString:
        """Return the outcome, what the verification found, and a mark if it is live."""
        found = badge(row.outcome, row.get_outcome_display())
        if row.checked:
            found = format_html("{} {}", found, badge(row.checked, row.get_checked_display()))
        if not row.is_live:
            return found
        return format_html('{} <span class="wx-badge wx-live">{}</span>', found, _("live"))

    @admin.display(description=gettext_lazy("label"))
    def release(self, row: Deployment) -> SafeString:
        """Return the label, with store, folder and the beginning of the release's digest."""
        folder = f"/{row.folder}" if row.folder else ""
        label = self.to_deployment(row.pk, row.shown_label or f"#{row.pk}")
        return two_lines(label, self.store(row), folder, row.release, self.end(row))

    @admin.display(description=gettext_lazy("preview"))
    def end(self, row: Deployment) -> SafeString | str:
        """Return when the preview ends; nothing of the site."""
        if row.ends is None:
            return ""
        text = _("ended %(when)s") if row.ends <= timezone.now() else _("until %(when)s")
        return format_html(text.replace("%(when)s", "{}"), day_and_time(row.ends))

    @admin.display(description=gettext_lazy("label"))
    def label(self, row: Deployment) -> str:
        return row.shown_label

    @admin.display(description=gettext_lazy("files"))
    def files(self, row: Deployment) -> SafeString:
        """Return the number of stored files, and the other counts that are not 0."""
        counts = {
            gettext_lazy("%(count)d unchanged"): row.skipped,
            gettext_lazy("%(count)d failed"): row.failed,
            gettext_lazy("%(count)d not attempted"): row.not_attempted,
        }
        rest = (text % {"count": count} for text, count in counts.items() if count)
        return two_lines(_("%(count)d stored") % {"count": row.stored}, *rest, self.size(row))

    @admin.display(description=pgettext_lazy("of an upload", "time"), ordering="id")
    def ended(self, row: Deployment) -> SafeString:
        """Return the time, with the duration."""
        return two_lines(day_and_time(row.created), self.duration(row))

    @admin.display(description=gettext_lazy("bytes"))
    def size(self, row: Deployment) -> str:
        return filesizeformat(row.bytes)

    @admin.display(description=gettext_lazy("folder"))
    def folder(self, row: Deployment) -> SafeString | str:
        """Return the folder of its keys as in an address, as a link to the public site."""
        url, folder = self._places.address(row.using, row.env, row.folder), f"/{row.folder}"
        return link(url, folder) if url else folder

    # --- the release ---------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("digest"))
    def digest(self, row: Deployment) -> SafeString | str:
        return format_html("<code>{}</code>", row.release) if row.release else NOTHING

    @admin.display(description=gettext_lazy("files"))
    def contents(self, row: Deployment) -> SafeString | str:
        """Return the size of the whole release, unchanged files included."""
        if row.release is None:
            return NOTHING
        count = ngettext("%(count)d file", "%(count)d files", row.release.count)
        return two_lines(count, filesizeformat(row.release.size))

    @admin.display(description=gettext_lazy("live now"))
    def live(self, row: Deployment) -> SafeString | str:
        """Return the deployment that is live in its folder."""
        if row.is_live:
            return _("this one")
        newest = state.live(row.env, row.folder)
        return self.title(newest) if newest else NOTHING

    def title(self, row: Deployment) -> SafeString | str:
        return self.to_deployment(row.pk, title_of(row))


def title_of(row: Deployment) -> str:
    return f"#{row.pk} {row.shown_label}".rstrip()


class ReleasePages(ReadOnlyAdmin):
    """The base of the mixins."""

    def _with_release(self, request: HttpRequest, object_id: str) -> Deployment:
        """Return the deployment; raises Http404 if this user sees none, or it has no release."""
        row: Deployment = self.row_of(request, object_id)
        if row.release is None:
            raise Http404
        return row

    def _release_page(
        self, request: HttpRequest, page: str, row: Deployment, context: dict[str, Any]
    ) -> HttpResponse:
        columns = DeploymentColumns(request)
        around = {
            "row": row,
            "this": title_of(row),
            "store": columns.store(row),
            "folder": columns.folder(row),
        }
        return self.page_response(request, page, around | context)
