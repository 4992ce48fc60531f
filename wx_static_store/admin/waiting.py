"""The files that wait: a list to act on, and a page for each."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from ..exceptions import SourceError
from ..i18n import gettext_lazy as _, ngettext
from ..models import WaitingFile
from ..submit.access import Act, offered
from ..submit.download import waiting_bytes
from ..upload import waiting
from . import filters
from .base import Page, ReadOnlyAdmin
from .columns import WaitingColumns, filled_fields


@admin.register(WaitingFile)
class WaitingFileAdmin(ReadOnlyAdmin):
    """One row per key whose newest bytes are not public yet."""

    sees: ClassVar[Any] = (Act.SEE_LOG,)
    list_filter: ClassVar[Any] = (filters.StateFilter, filters.StoreFilter)
    search_fields: ClassVar[Any] = ("key",)
    actions: Any = ("send_now", "give_up")
    change_form_template: ClassVar[Any] = "admin/wx_static_store/uploadlog/change_form.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = WaitingColumns(request)
        return columns.state, columns.file, columns.errcode, columns.ended

    def get_fields(self, request: HttpRequest, obj: WaitingFile | None = None) -> list[Any]:
        columns = WaitingColumns(request)
        why = (columns.state, columns.hint, columns.message, columns.errcode)
        file = (columns.store, *columns.unnamed(obj), "key", "name", "kind", columns.size, "md5")
        origin = (columns.source, columns.source_ref, columns.user, columns.time)
        return filled_fields(why + file + origin, obj)

    def _with_context(self, request: HttpRequest, row: WaitingFile) -> dict[str, Any]:
        """Return the buttons."""
        actions = [each for each in self.get_action_choices(request) if each[0] in self.actions]
        download = self.page_url("download", row) if row.file else ""
        return {"actions": actions, "download": download}

    @Page("download", "<path:object_id>/download/")
    def download_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Return the waiting bytes after they were compared with the row."""
        row: WaitingFile = self.row_of(request, object_id)
        if row.file is None:
            raise Http404
        try:
            return waiting_bytes(request, row)
        except SourceError as error:
            self.message_user(request, error.sentence, messages.ERROR)
            return HttpResponseRedirect(self.page_url("change", row))

    @admin.action(permissions=["retry"], description=_("Send now"))
    def send_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let the files be due at once, whatever the pause until their next attempt."""
        chosen = self.few(request, queryset)
        done = sum(map(waiting.send_now, offered(queryset, request.user))) if chosen else 0
        text = ngettext(
            "%(count)d file is due: the next run of wx_push or push_waiting sends it.",
            "%(count)d files are due: the next run of wx_push or push_waiting sends them.",
            done,
        )
        self._report(request, text, done, len(chosen) - done)

    @admin.action(permissions=["unpublish"], description=_("Give up"))
    def give_up(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Show which files would be lost; give them up once this is confirmed."""
        chosen = self.few(request, queryset)
        # What was saved since the page was shown is another content, which nobody gave up.
        tokens = request.POST.getlist("token")
        if chosen and not tokens:
            context = {"title": _("Give up waiting files"), "rows": chosen}
            return self.page_response(request, "give_up", context)
        # Also of an environment that is no longer offered: nobody can send it any more.
        rows = [row for row in chosen if row.token in tokens]
        done = sum(map(waiting.give_up, rows))
        text = ngettext("%(count)d file is given up.", "%(count)d files are given up.", done)
        self._report(request, text, done, len(tokens) - done)
        return None

    def _report(self, request: HttpRequest, text: str, done: int, left: int) -> None:
        if done:
            self.message_user(request, text, messages.SUCCESS)
        if left:
            why = ngettext(
                "%(count)d file stays as it is: being sent, changed, or not offered to you.",
                "%(count)d files stay as they are: being sent, changed, or not offered to you.",
                left,
            )
            self.message_user(request, why, messages.WARNING)
