"""The page *Files in the cloud*: folders and files as they are there, and its buttons."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.html import format_html, format_html_join

from ...core.types import RemoteFile, UploadResult
from ...exceptions import WxStaticStoreError
from ...i18n import gettext as _, gettext_lazy, labelled, ngettext
from ...models import UploadLog
from ...submit.unpublish import refusal, unpublish
from ..base import BOTH, LIMIT, POST, Page, too_many
from ..columns import UploadColumns
from ..log.steps import LogActions
from ..upload.form import UploadForm
from ..upload.page import form_context
from .folders import is_marker
from .place import Place, choices, place_of
from .table import FilesTable

DETAILS = 20  # files that a message names

Chosen = Sequence[RemoteFile]
Answer = HttpResponseBase | None  # None leads back to the folder


class FilesPage(LogActions):
    """Mixin of the log of uploads; who may see the log may see what it is about."""

    def files_url(self, place: Place) -> str:
        """Return the address of the page, at a place."""
        return f"{self.page_url('files')}?{urlencode(place.query)}"

    @Page("files", "files/", BOTH, button=gettext_lazy("Files in the cloud"))
    def files_view(self, request: HttpRequest) -> HttpResponse:
        """Show the list of the last minute; a POST asks the cloud again."""
        place = self.files_place(request)
        if request.method == "POST":
            self.read_again(request, place)
            return HttpResponseRedirect(self.files_url(place))
        context: dict[str, Any] = {"title": _("Files in the cloud"), "place": place}
        if place:
            context |= self._folder_context(request, place)
            context["choices"] = choices(request.user, place)
        return self.page_response(request, "files", context)

    def files_place(self, request: HttpRequest) -> Any:
        """Return the requested place, or None if the user has none; raises Http404."""
        # Of the buttons, *Make unpublic* has a permission of its own, and needs this one, too.
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return place_of(request, request.GET)
        if place := place_of(request, request.POST):
            return place
        raise Http404

    def read_again(self, request: HttpRequest, place: Place) -> None:
        """Ask the cloud; the page shows its answer for a minute."""
        try:
            place.read(fresh=True)
        except WxStaticStoreError as error:
            self.message_user(request, error.sentence, messages.ERROR)

    def _folder_context(self, request: HttpRequest, place: Place) -> dict[str, Any]:
        """Return the content of the folder, or why it cannot be listed."""
        try:
            folder, asked_at = place.read()
        except WxStaticStoreError as error:
            return {"error": error.what, "code": error.code, "hint": error.hint}
        # WeChat is asked once a day for the address of the site, unless a setting gives it.
        with suppress(WxStaticStoreError):  # then the files are shown without links
            place.store.root()
        columns = UploadColumns(request)
        shown = FilesTable(request.GET, folder, asked_at, place.store, columns)
        context = {"files": shown, "may_unpublish": self.may(request, "unpublish")}
        if self.may(request, "upload") and (target := place.upload_target(request.user)):
            form = UploadForm(request.user)
            form.preset(target)
            context |= form_context(form)
        return context

    # --- the buttons: each acts on the chosen files ------------------------------------------

    @Page("files_compare", "files/compare/", POST)
    @Page("files_unpublish", "files/unpublish/", POST, needs="unpublish")
    def chosen_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Act on the chosen files, or go back to the folder and show why not."""
        act = self._compare if name == "files_compare" else self._unpublish
        place, answer, why = self.files_place(request), None, ""
        try:
            wanted = {*request.POST.getlist("key")}
            files = [file for file in place.read()[0].files if file.key in wanted]
            if not files:
                why = _("Select files first. Files that were removed meanwhile cannot be selected.")
            elif len(files) > LIMIT:
                why = too_many()
            else:
                answer = act(request, place, files)
        except WxStaticStoreError as error:
            why = error.sentence
        if why:
            self.message_user(request, why, messages.ERROR)
        return answer or HttpResponseRedirect(self.files_url(place))

    def _compare(self, request: HttpRequest, place: Place, files: Chosen) -> Answer:
        newest = UploadLog.objects.newest(place.to.env, [file.key for file in files])
        mine = self.get_queryset(request).filter(pk__in=[row.pk for row in newest.values()])
        if rows := [*mine.order_by("-id")]:
            return self.show_steps(request, "compare", rows, folder=urlencode(place.query))
        text = _("The log knows none of the chosen files: there is nothing to compare them with.")
        self.message_user(request, text, messages.WARNING)
        return None

    def _unpublish(self, request: HttpRequest, place: Place, files: Chosen) -> Answer:
        """Show which files would become unpublic; make them so once this is confirmed."""
        keys = [file.key for file in files if not is_marker(file)]
        refused = {key: why for key in keys if (why := refusal(request.user, place.to, key))}
        allowed = [key for key in keys if key not in refused]
        if request.POST.get("confirmed") == "yes" and allowed:
            results = unpublish(request.user, place.to, allowed)
            self._report(request, results, len(allowed) - len(results))
            self.read_again(request, place)
            return None
        context = {
            "title": _("Make files unpublic"),
            "place": place,
            "back": self.files_url(place),
            "keys": allowed,
            "refused": [labelled(key, why.sentence) for key, why in refused.items()],
        }
        return self.page_response(request, "files_unpublish", context)

    def _report(self, request: HttpRequest, results: Sequence[UploadResult], left: int) -> None:
        failed = [
            (labelled(one.key or one.name, one.error.sentence),) for one in results if one.error
        ]
        if done := len(results) - len(failed):
            text = ngettext(
                "%(count)d file is not public any more.",
                "%(count)d files are not public any more.",
                done,
            )
            self.message_user(request, text, messages.SUCCESS)
        if count := len(failed) + left:
            text = ngettext(
                "%(count)d file is still public, or its state is unknown.",
                "%(count)d files are still public, or their state is unknown.",
                count,
            )
            details = format_html_join("", "<br>{}", failed[:DETAILS])
            self.message_user(request, format_html("{}{}", text, details), messages.ERROR)
