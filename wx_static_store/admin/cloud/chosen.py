"""Actions on chosen files of the cloud: addresses, download, compare, make unpublic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_POST

from ...core import qr
from ...core.types import RemoteFile, UploadResult
from ...exceptions import WxStaticStoreError
from ...i18n import labelled
from ...models import UploadLog
from ...submit.unpublish import refusal, unpublish
from ..base import download
from ..labels import sentence
from ..log.actions import LogActions
from ..places import linkable
from .archive import MOST_BYTES, zip_files
from .folders import is_marker
from .page import FilesPage
from .place import Place

MOST = 200  # files that one click handles, as many as a page shows
CODES = 12  # QR codes of a page
DETAILS = 20  # files that a message names

Chosen = Sequence[RemoteFile]
Answer = HttpResponseBase | None  # None leads back to the folder
Act = Callable[[HttpRequest, Place, Chosen], Answer]


class ChosenFiles(FilesPage, LogActions):
    """Mixin of the log of uploads; each button of the page *Files in the cloud* is an address."""

    def get_urls(self) -> list[URLPattern]:
        urls = [
            self.page_path(f"files_{name}", f"files/{name}/", partial(self.chosen_view, name=name))
            for name in self._acts()
        ]
        return [*urls, *super().get_urls()]

    def _acts(self) -> dict[str, tuple[Act, Callable[[HttpRequest], bool]]]:
        """Return the action of each button, and the check of its permission."""
        return {
            "addresses": (self._addresses, self.has_view_permission),
            "download": (self._download, self.has_view_permission),
            "compare": (self._compare, self.has_view_permission),
            "unpublish": (self._unpublish, self.has_unpublish_permission),
        }

    @method_decorator(require_POST)
    def chosen_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Act on the chosen files, or go back to the folder and show why not."""
        act, is_allowed = self._acts()[name]
        if not is_allowed(request):
            raise PermissionDenied
        place = self.files_place(request, request.POST)
        answer = None
        try:
            files = place.chosen_files(request.POST)
            if not (why := _objection(files)):
                answer = act(request, place, files)
        except WxStaticStoreError as error:
            why = sentence(error)
        if why:
            self.message_user(request, why, messages.ERROR)
        return answer or HttpResponseRedirect(self.files_url(place))

    def _addresses(self, request: HttpRequest, place: Place, files: Chosen) -> HttpResponse:
        place.learn_address()
        options = place.store.options
        urls = [url for file in files if (url := place.store.known_url(file.key))]
        trusted = options.base_url or options.url_prefix
        shown = [(url, linkable(url, trusted=trusted), qr.svg(url)) for url in urls[:CODES]]
        context = {
            "title": _("Addresses of the chosen files"),
            "text": "\n".join(urls),
            "shown": shown,
            "more": len(urls) - len(shown),
        }
        return self._chosen_page(request, place, "files_addresses", context)

    def _download(self, request: HttpRequest, place: Place, files: Chosen) -> Answer:
        if sum(file.size for file in files) <= MOST_BYTES:
            blocks = zip_files(place.store, files)
            return download(request, blocks, "application/zip", place.store.env, "zip")
        text = _("These files have more than %(limit)s together: choose fewer of them.")
        self.message_user(request, text % {"limit": filesizeformat(MOST_BYTES)}, messages.ERROR)
        return None

    def _compare(self, request: HttpRequest, place: Place, files: Chosen) -> Answer:
        newest = UploadLog.objects.newest(place.to.env, [file.key for file in files])
        mine = self.get_queryset(request).filter(pk__in=[row.pk for row in newest.values()])
        if rows := [*mine.order_by("-id")]:
            folder = self.files_url(place).partition("?")[2]
            return self.show_steps(request, "compare", rows, folder=folder)
        text = _("The log knows none of the chosen files: there is nothing to compare them with.")
        self.message_user(request, text, messages.WARNING)
        return None

    def _unpublish(self, request: HttpRequest, place: Place, files: Chosen) -> Answer:
        """Show which files would become unpublic; make them so once this is confirmed."""
        keys = [file.key for file in files if not is_marker(file)]
        refused = {key: why for key in keys if (why := refusal(request.user, place.to, key))}
        allowed = [key for key in keys if key not in refused]
        if request.POST.get("confirmed") == "yes" and allowed:
            results = [*unpublish(request.user, place.to, allowed)]
            self._report(request, results, len(allowed) - len(results))
            self.read_again(request, place)
            return None
        context = {
            "title": _("Make files unpublic"),
            "keys": allowed,
            "refused": [labelled(key, sentence(why)) for key, why in refused.items()],
        }
        return self._chosen_page(request, place, "files_unpublish", context)

    def _report(self, request: HttpRequest, results: Sequence[UploadResult], left: int) -> None:
        failed = [
            (labelled(one.key or one.name, sentence(one.error)),) for one in results if one.error
        ]
        if done := len(results) - len(failed):
            text = ngettext(
                "%(count)d file is not public any more.",
                "%(count)d files are not public any more.",
                done,
            )
            self.message_user(request, text % {"count": done}, messages.SUCCESS)
        if count := len(failed) + left:
            text = ngettext(
                "%(count)d file is still public, or its state is unknown.",
                "%(count)d files are still public, or their state is unknown.",
                count,
            )
            details = format_html_join("", "<br>{}", failed[:DETAILS])
            message = format_html("{}{}", text % {"count": count}, details)
            self.message_user(request, message, messages.ERROR)

    def _chosen_page(
        self, request: HttpRequest, place: Place, page: str, context: dict[str, Any]
    ) -> HttpResponse:
        around = {"place": place, "back": self.files_url(place)}
        return self.page_response(request, page, around | context)


def _objection(files: Chosen) -> str:
    """Return why the chosen files cannot be handled; empty if they can."""
    if not files:
        return _("Select files first. Files that were removed meanwhile cannot be selected.")
    if len(files) > MOST:
        text = ngettext(
            "At most %(limit)d file can be chosen at a time.",
            "At most %(limit)d files can be chosen at a time.",
            MOST,
        )
        return text % {"limit": MOST}
    return ""
