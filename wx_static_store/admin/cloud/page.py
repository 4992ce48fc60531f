"""The page *Files in the cloud*: the folders and files of an environment as they are there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext_lazy as _

from ...exceptions import WxStaticStoreError
from ..base import BOTH, Page, ReadOnlyAdmin, page
from ..columns import UploadColumns
from ..labels import sentence
from ..upload.form import UploadForm
from ..upload.page import form_context
from .place import Place, choices, place_of
from .table import FilesTable


class FilesPage(ReadOnlyAdmin):
    """Mixin of the log of uploads; who may see the log may see what it is about."""

    def files_url(self, place: Place | None = None) -> str:
        """Return the address of the page, at a place if one is given."""
        url = self.page_url("files")
        return f"{url}?{urlencode(place.query)}" if place else url

    @page(Page("files", "files/", BOTH, button=_("Files in the cloud")))
    def files_view(self, request: HttpRequest) -> HttpResponse:
        """Show the list of the last minute; a POST asks the cloud again."""
        if request.method == "POST":
            place = self.files_place(request, request.POST)
            self.read_again(request, place)
            return HttpResponseRedirect(self.files_url(place))
        place = self.files_place(request, request.GET)
        context: dict[str, Any] = {"title": _("Files in the cloud"), "place": place}
        if place:
            context |= {
                "choices": choices(request.user, place),
                **self._folder_context(request, place),
            }
        return self.page_response(request, "files", context)

    def files_place(self, request: HttpRequest, asked: QueryDict) -> Any:
        """Return the requested place, or None if the user has none; raises Http404."""
        place = place_of(request, asked)
        if place is None and request.method == "POST":
            raise Http404
        return place

    def read_again(self, request: HttpRequest, place: Place) -> None:
        """Ask the cloud; the page shows its answer for a minute."""
        try:
            place.read(fresh=True)
        except WxStaticStoreError as error:
            self.message_user(request, sentence(error), messages.ERROR)

    def _folder_context(self, request: HttpRequest, place: Place) -> dict[str, Any]:
        """Return the content of the folder, or why it cannot be listed."""
        try:
            folder, asked_at = place.read()
        except WxStaticStoreError as error:
            return {"error": error.what, "code": error.code, "hint": error.full_hint}
        place.learn_address()
        columns = UploadColumns(request)
        shown = FilesTable(request.GET, folder, asked_at, place.store, columns)
        context = {"files": shown, "may_unpublish": self.may(request, "unpublish")}
        if self.may(request, "upload") and (target := place.upload_target(request.user)):
            form = UploadForm(request.user)
            form.preset(target)
            context |= form_context(form)
        return context
