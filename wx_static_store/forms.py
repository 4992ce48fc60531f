"""
File fields of any project on a `WxStorage`: a form that uploads, a widget that shows the address.

    @admin.register(Book)
    class BookAdmin(WxAdminMixin, admin.ModelAdmin): ...

A failed upload is then an error of its field, with errcode and advice, instead of a 500.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.db.models import FileField, ImageField, Model
from django.db.models.fields.files import FieldFile
from django.forms import ModelForm
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .core import qr
from .core.naming import content_type, object_key
from .core.types import UploadStatus
from .exceptions import ConfigurationError, NameRejected, UploadFailed, WxStaticStoreError
from .i18n import english
from .log.advice import advice_on
from .storage import WxStorage
from .submit.progress import is_noted, noted_saves, sizes
from .upload import recorder
from .upload.claims import Save, remembered_saves

if TYPE_CHECKING:
    _Form = ModelForm[Model]
else:
    _Form = object

__all__ = ["WxAdminMixin", "WxFileWidget", "WxModelForm", "WxModelFormMixin"]

logger = logging.getLogger("wx_static_store.forms")

_NOT_SET_UP = _(
    "The file was not uploaded: the settings for uploads are wrong. Ask the site's operator."
)
_BAD_NAME = _("This name cannot be used. Rename the file and try again.")
_UNKNOWN = _("It is not known whether the file is public now: %(reason)s.")
_FAILED = _("The file was not uploaded: %(reason)s.")
_FAILED_CODE = _("The file was not uploaded: %(reason)s (%(code)s).")
_SENDING = _("Sending %(size)s to this site, which then publishes it…")
_SENT = _("Published: %(sent)s of %(size)s")


class WxModelFormMixin(_Form):
    """
    For a ModelForm: the last step of its validation uploads the files.

    Only where all else is valid, and before the row is saved. An object remains where a later
    field's upload fails: the next form with the same bytes and name takes it. An object remains
    for good where the database refuses the row, or where another form of the page is not valid and
    nobody calls `leave_files()`. Fields on other storages are left to Django.
    """

    _wx_saves: list[Save] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self._wx_fields():
            widget = self.fields[field.name].widget if field.name in self.fields else None
            if isinstance(widget, WxFileWidget):
                widget.is_counted = True

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not (self.errors or self.cleaned_data.get(DELETION_FIELD_NAME)):
            self._upload()

    def _upload(self) -> None:
        """Upload the files now; the model's own save then has none left to upload."""
        self._wx_saves = []
        for field in self._wx_fields():
            try:
                with remembered_saves() as saves, noted_saves(self._wx_progress(field)):
                    file = field.pre_save(self.instance, self.instance._state.adding)
            except (WxStaticStoreError, SuspiciousFileOperation) as error:
                self.add_error(field.name if field.name in self.fields else None, _explained(error))
                self.leave_files()
                return
            # Not what `upload_to` or a signal saved beside it: that may belong to another row.
            self._wx_saves += [save for save in saves if save.name == file.name]

    def _wx_fields(self) -> Iterator[FileField]:
        for field in self.instance._meta.concrete_fields:
            if isinstance(field, FileField) and isinstance(field.storage, WxStorage):
                yield field

    def _wx_progress(self, field: FileField) -> str:
        """Return the id under which the page asks for the bytes that have gone; or ''."""
        with suppress(ValueError):
            return str(UUID(str(self.data.get(f"{self.add_prefix(field.name)}-wx-progress"))))
        return ""

    def leave_files(self) -> None:
        """Let the next form take the files that this one has uploaded: it will save no row."""
        while self._wx_saves:
            save = self._wx_saves.pop()
            save.storage.leave(save)


class WxModelForm(WxModelFormMixin, ModelForm):  # type: ignore[type-arg]
    """A ModelForm that uploads while it is validated."""


class WxFileWidget(AdminFileWidget):
    """
    The public address of the file, to open, copy or scan, its size, and a thumbnail of an image.

    It asks no network: size and address are left out where log and settings do not know them.
    Files on other storages look as Django shows them. While a form with the mixin is sent, a script
    shows how much of the file is published, if `shows_progress` is true.
    """

    shows_progress = False  # it tells the address of the admin, which lets only staff ask
    is_counted = False

    template_name = "wx_static_store/widgets/file.html"

    class Media:
        css = {"all": ["wx_static_store/widget.css"]}
        js = [
            "wx_static_store/copy.js",
            "wx_static_store/readable.js",
            "wx_static_store/form_progress.js",
        ]

    def is_initial(self, value: Any) -> bool:
        """Return whether there is a file, without its address, which may cost a call."""
        return bool(value) if isinstance(value, FieldFile) else super().is_initial(value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if isinstance(value, FieldFile) and isinstance(value.storage, WxStorage) and value.name:
            context["widget"]["published"] = _published(value.storage, value.name)
        if self.shows_progress and self.is_counted and (progress := _progress()):
            context["widget"]["attrs"]["data-wx-progress"] = progress
            context["widget"]["is_counted"] = True
        return context


class WxAdminMixin:
    """
    For a ModelAdmin or an inline: the form and the widget.

    A class that sets `form` itself gives it WxModelFormMixin; one that sets `formfield_overrides`
    adds these two.
    """

    form = WxModelForm
    formfield_overrides = {
        FileField: {"widget": WxFileWidget},
        ImageField: {"widget": WxFileWidget},
    }

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(*args, **kwargs)  # type: ignore[misc]
        if field and isinstance(field.widget, WxFileWidget):
            field.widget.shows_progress = True
        return field

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Leave what was uploaded for a page that is shown again: nothing of it was saved."""
        forms = [context["adminform"].form]
        forms += [form for inline in context["inline_admin_formsets"] for form in inline.formset]
        for form in forms:
            if isinstance(form, WxModelFormMixin):
                form.leave_files()
        answer: HttpResponse = super().render_change_form(  # type: ignore[misc]
            request, context, *args, **kwargs
        )
        return answer


@dataclass(frozen=True)
class Published:
    """What is known of a file without a call to the cloud."""

    name: str
    is_image: bool
    url: str = ""
    size: int | None = None
    code: str = ""


def _published(storage: WxStorage, name: str) -> Published:
    is_image = content_type(name).startswith("image/")
    with suppress(WxStaticStoreError):  # wrong settings, or an old name that cannot be a key
        key = object_key(storage.options.location, name)
        url = storage.store.known_url(key)
        code = qr.svg(url) if url else ""
        row = recorder.stored_row(storage.store.env, key)
        return Published(name, is_image, url, row.size if row else None, code)
    return Published(name, is_image)


def _progress() -> str:
    """Return where the script asks, and its texts, in JSON; '' if this site cannot answer it."""
    with suppress(WxStaticStoreError, NoReverseMatch):
        if is_noted():
            address = reverse("admin:wx_static_store_uploadlog_sent")
            texts = {"sending": str(_SENDING), "sent": str(_SENT), "sizes": sizes()}
            return json.dumps({"address": address, **texts}, ensure_ascii=False)
    return ""


def _explained(error: Exception) -> ValidationError:
    """Say what happened and what an editor can do; the operator's hint is in the log."""
    advice: str | Promise = ""
    if not isinstance(error, WxStaticStoreError):
        happened: str | Promise = _BAD_NAME
    elif isinstance(error, ConfigurationError) and error.errcode is None:
        logger.error("A file of a form was not uploaded: %s", english(error))
        happened = _NOT_SET_UP
    elif isinstance(error, NameRejected):
        happened, advice = error.message, error.hint or advice_on(error, UploadStatus.FAILED)
    else:
        happened = _happened(error)
        advice = advice_on(error, getattr(error, "status", UploadStatus.FAILED))
    return ValidationError([text for text in (happened, advice) if text])


def _happened(error: WxStaticStoreError) -> str | Promise:
    unknown = isinstance(error, UploadFailed) and error.status == UploadStatus.UNKNOWN
    text = _UNKNOWN if unknown else _FAILED_CODE if error.code else _FAILED
    return text % {"reason": error.what, "code": error.code}
