"""The deployments: how each ended, and the uploads of it that failed."""

from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..conf import options_for
from ..core import qr
from ..core.naming import object_key
from ..core.types import NOT_STORED, ContentHeaders, UploadStatus
from ..deploy.state import folders
from ..exceptions import WxStaticStoreError
from ..i18n import here
from ..log.failing import causes
from ..models import Deployment, UploadLog
from ..releases.previews import LONGEST, set_end
from ..releases.rollback import command_for
from ..submit.access import offered, visible
from ..upload import kept
from ..upload.database import add_users, log
from . import filters
from .base import ReadOnlyAdmin
from .causes import cards
from .columns import filled_fields, lines
from .deployment.columns import DeploymentColumns
from .deployment.compare import ComparePage
from .deployment.publish import PublishPage
from .deployment.rollback import RollbackPage
from .places import places_for

SHOWN = 20  # files that were not sent, and lines of live releases
MOST = 5000  # uploads that are grouped by cause, and files of a release that are looked up
# For these the page shows the command that repeats the deployment.
REPEATED = {"failed", "incomplete", "mismatched"}
OPEN = 5  # live releases that are shown unfolded


class EndForm(ActionForm):
    """The actions, and the day until which previews are kept."""

    until = forms.DateField(
        label=_("Until (empty: 30 days):"), required=False, widget=forms.DateInput({"type": "date"})
    )


@admin.register(Deployment)
class DeploymentAdmin(PublishPage, RollbackPage, ComparePage, ReadOnlyAdmin):
    """One row per publishing of many files."""

    actions: Any = ("end_previews", "keep_previews")
    action_form = EndForm
    list_filter: ClassVar[Any] = (filters.OutcomeFilter, filters.StoreFilter, filters.TimeFilter)

    def get_queryset(self, request: HttpRequest) -> Any:
        # The list of files of a release may have megabytes.
        rows = super().get_queryset(request).select_related("release").defer("release__files")
        return rows.with_is_live()

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = DeploymentColumns(request)
        return columns.outcome, columns.release, columns.files, columns.origin, columns.ended

    def get_fieldsets(self, request: HttpRequest, obj: Deployment | None = None) -> Any:
        columns = DeploymentColumns(request)
        ended = (columns.outcome, columns.end, columns.size, columns.duration, columns.time)
        files = ("stored", "skipped", "failed", "not_attempted")
        place = (columns.store, *columns.unnamed(obj), columns.folder)
        release = (columns.digest, columns.contents, columns.live)
        origin = (columns.label, columns.source, columns.user)
        known = bool(obj and obj.release_id)
        return [
            (_("How it ended"), {"fields": filled_fields(ended, obj)}),
            (_("Files"), {"fields": files}),
            *([(_("Release"), {"fields": filled_fields(release, obj)})] if known else []),
            (_("Where it went"), {"fields": place if known else place[:-1]}),
            (_("Where it came from"), {"fields": filled_fields(origin, obj)}),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"live": lambda: self._live(request)} | (extra_context or {})
        return super().changelist_view(request, context)

    def _live(self, request: HttpRequest) -> dict[str, Any]:
        """Return the live releases of the chosen store, or the newest of all."""
        rows, columns = visible(folders().with_live(), request.user), DeploymentColumns(request)
        if store := request.GET.get("store"):
            rows = rows.filter(env=store)
        found = [row.live for row in rows[: SHOWN + 1] if row.live]
        add_users(found)
        shown = lines(found[:SHOWN], columns, "title", "store", "folder", "digest", "time", "user")
        return {"lines": shown, "is_open": len(shown) <= OPEN, "more": len(found) > SHOWN}

    @admin.action(permissions=["deploy"], description=_("End previews now"))
    def end_previews(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._set_end(request, queryset)

    @admin.action(permissions=["deploy"], description=_("Keep previews until this day"))
    def keep_previews(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        day = EndForm.base_fields["until"].clean(request.POST.get("until"))
        ends = here(timezone.now()) + LONGEST
        if day and day != ends.date():
            ends = ends.replace(hour=23, minute=59, second=59) + (day - ends.date())
        self._set_end(request, queryset, ends)

    def _set_end(self, request: HttpRequest, rows: Any, ends: datetime | None = None) -> None:
        places = offered(rows, request.user).values_list("env", "folder")
        text = _("Previews with a new end: %(count)d. wx_prune overwrites those that have ended.")
        try:
            if self.few(request, rows):
                self.message_user(request, text % {"count": set_end(places, ends)})
        except WxStaticStoreError as error:
            self.message_user(request, error.sentence, messages.ERROR)

    def _with_context(self, request: HttpRequest, row: Deployment) -> dict[str, Any]:
        """Return the buttons, the address, and the failed uploads if the user may see the log."""
        address = places_for(request).address(row.using, row.env, row.folder)
        is_live = row.outcome == Deployment.Outcome.DONE
        context: dict[str, Any] = {
            "tools": self._release_tools(request, row),
            "address": address,
            "code": qr.svg(address) if address and is_live else "",
        }
        admin_of_log: Any = self.admin_site.get_model_admin(UploadLog)
        if not admin_of_log.has_view_permission(request):
            return context
        rows = admin_of_log.get_queryset(request)
        uploads = rows.filter(deployment=row, status__in=NOT_STORED)
        # No index has this order: for that of the ids, MariaDB would walk the whole log.
        newest = uploads.order_by("status", "-id")[:MOST]
        left = held_back_keys(row)
        return context | {
            "may_see_uploads": True,
            "may_view": True,
            "of_this": f"deployment={row.pk}",
            "causes": cards(request, causes(newest), rows),
            "unsent": left[:SHOWN],
            "more_unsent": len(left) - SHOWN,
            "command": command_again(row) if {row.outcome, row.checked} & REPEATED else "",
        }


def held_back_keys(row: Deployment) -> list[str]:
    """Return the keys of the release that were not sent, nor stored since; none if unknown."""
    if not (row.not_attempted and row.release) or row.release.count > MOST:
        return []
    files = {object_key(row.folder, file.name): file.md5 for file in row.release.contents()}
    columns = ("key", "status", "md5", "other_headers", "deployment_id")
    known = set()
    for key, status, md5, others, deployment, _at in log().newest_values(row.env, files, *columns):
        same = (ContentHeaders("", "", others).plain_md5 or md5) == files.get(key)
        is_stored = same and status == UploadStatus.STORED
        if is_stored or deployment == row.pk:
            known.add(key)
    # More than were not sent: a file that only the cloud's list shows as unchanged has no row.
    found = [key for key in files if key not in known]
    return found if len(found) <= row.not_attempted else []


def command_again(row: Deployment) -> str:
    """Return the command that repeats the deployment; DIR stands for its folder."""
    if row.source == "collectstatic":
        return "python manage.py collectstatic --noinput"
    prefix = row.folder
    with suppress(WxStaticStoreError):  # the store is gone: its location is not known
        prefix = prefix.removeprefix(options_for(row.using).location)
    if row.release_id and kept.alias():
        return command_for(row.using, row.env, ("--rollback", str(row.pk)), prefix)
    label = ["--label", row.label] if row.label else []
    words = ["DIR", *filter(None, [prefix])]
    return command_for(row.using or "default", row.env, words, "", *label)
