"""
Forms for file fields on a `WxStorage`: they upload while validating, and show the address.

    @admin.register(Book)
    class BookAdmin(WxAdminMixin, admin.ModelAdmin): ...

A failed upload is then an error of its field, with errcode and advice, instead of a 500.
"""

import json
import logging
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.files.base import ContentFile
from django.db import DatabaseError, router
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
from .core.refusals import PolicyRejected, User
from .core.types import WAITS, UploadStatus, during
from .exceptions import ConfigurationError, NameRejected, UploadFailed, WxStaticStoreError
from .i18n import english, labelled
from .storage import WxStorage
from .submit.access import Act, may
from .submit.progress import is_noted, note_of, note_of_save, sizes
from .submit.rules import dangers
from .upload.claims import Save, current_saves
from .upload.database import own_savepoint
from .upload.presence import from_log
from .upload.sources import content_item, readable

if TYPE_CHECKING:
    _Form = ModelForm[Model]
    _ModelForm = ModelForm[Model]
else:
    _Form, _ModelForm = object, ModelForm

__all__ = ["WxAdminMixin", "WxFileWidget", "WxModelForm", "WxModelFormMixin"]

logger = logging.getLogger("wx_static_store.forms")

_NOT_SET_UP = _(
    "The file was not uploaded: the settings for uploads are wrong. Ask the site's operator."
)
_UNKNOWN = _("It is not known whether the file is public now: %(reason)s.")
_FAILED = _("The file was not uploaded: %(reason)s.")
_FAILED_CODE = _("The file was not uploaded: %(reason)s (%(code)s).")
_OPERATOR = _("For the site's operator")
_SENDING = _("Sending %(size)s to this site, which then publishes it…")
_SENT = _("Published: %(sent)s of %(size)s")


class WxModelFormMixin(_Form):
    """
    Check and upload the files of a ModelForm in the last steps of its validation.

    Active content, protected names and disguised files are refused, unless `wx_any_file` names the
    field or `wx_user` has the permission that lifts the rule.

    The upload begins when all else is valid, before the row is saved. If a later field's upload
    fails, the object remains, and the next form with the same bytes and name uses it. The object
    remains for good if the database refuses the row, or if another form of the page is not valid
    and `leave_files()` is not called. Fields on other storages are left to Django.
    """

    wx_any_file: Collection[str] = ()  # names of fields that take any file
    wx_user: User | None = None  # the sender of the form; WxAdminMixin sets it
    _wx_saves: list[Save] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self._wx_fields():
            widget = self.fields[field.name].widget if field.name in self.fields else None
            if isinstance(widget, WxFileWidget):
                # Only the admin knows the user so early, and only there the script is answered.
                widget.is_counted = self.wx_user is not None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or self.cleaned_data.get(DELETION_FIELD_NAME):
            return
        self._wx_saves = []
        try:
            # All are checked before the first is public.
            for step in (self._wx_check, self._wx_upload):
                for field in self._wx_fields():
                    step(field)
        except (WxStaticStoreError, SuspiciousFileOperation) as error:
            name = field.name if field.name in self.fields else None
            reads = bool(self.wx_user and may(self.wx_user, Act.SEE_LOG))
            self.add_error(name, _as_validation_error(error, reads_log=reads))
            self.leave_files()

    def _wx_check(self, field: FileField) -> None:
        """Raise PolicyRejected if the field's new file breaks a rule that holds for this user."""
        file = field.value_from_object(self.instance)
        # As a set: a text in place of a list must not allow a field whose name it contains.
        if not file or file._committed or field.name in {*self.wx_any_file}:
            return
        if not (file.file.closed or file.file.seekable()):  # a pipe can be read only once
            file.file = ContentFile(file.file.read())
        # The generated name counts: `a.ht;ml` of a browser is stored as `a.html`.
        name = field.generate_filename(self.instance, file.name)
        with readable(content_item(name, file.file)) as (content, _size):
            for rule, facts in dangers(name, content):
                if not (self.wx_user and may(self.wx_user, rule.lifted_by)):
                    raise rule.broken(**facts)

    def _wx_upload(self, field: FileField) -> None:
        """Upload the file now; the model's own save then has none left to upload."""
        progress = ""  # the id by which the page asks for the sent bytes
        with suppress(ValueError):
            progress = str(UUID(str(self.data.get(f"{self.add_prefix(field.name)}-wx-progress"))))
        noted = during(note_of_save, note_of(progress))
        with during(current_saves, list[Save]()) as saves, noted:
            file = field.pre_save(self.instance, self.instance._state.adding)
        # Without files that `upload_to` or a signal saved: they may belong to another row.
        self._wx_saves += [save for save in saves if save.name == file.name]

    def _wx_fields(self) -> Iterator[FileField]:
        for field in self.instance._meta.concrete_fields:
            if isinstance(field, FileField) and isinstance(field.storage, WxStorage):
                yield field

    def leave_files(self) -> None:
        """Let the next form use the files of this form, if it saves no row."""
        while self._wx_saves:
            save = self._wx_saves.pop()
            if not self._wx_is_in_row(save.name):
                save.storage.leave(save)

    def _wx_is_in_row(self, name: str) -> bool:
        """Return whether the form's row names the file; True if the database cannot tell."""
        row, names = self.instance, [field.name for field in self._wx_fields()]
        if row.pk is None:
            return False
        rows = type(row)._base_manager.using(router.db_for_write(type(row), instance=row))
        try:
            return any(name in found for found in rows.filter(pk=row.pk).values_list(*names))
        except DatabaseError:
            return True


class WxModelForm(WxModelFormMixin, _ModelForm):
    """A ModelForm that uploads while it is validated."""


class WxFileWidget(AdminFileWidget):
    """
    Show the public address of the file, to open, copy or scan, its size, and a thumbnail.

    The widget makes no call: size and address are left out if log and settings do not have them.
    Files on other storages look as in Django. While a form of the admin is sent, a script shows
    how much of the file is published.
    """

    is_counted: bool = False

    template_name: str = "wx_static_store/widgets/file.html"

    class Media:
        css: Any = {"all": ["wx_static_store/widget.css"]}
        js: Any = [
            "wx_static_store/copy.js",
            "wx_static_store/readable.js",
            "wx_static_store/form_progress.js",
        ]

    def is_initial(self, value: Any) -> bool:
        """Return whether there is a file; Django's own way asks for its address, by a call."""
        return bool(value) if isinstance(value, FieldFile) else super().is_initial(value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if isinstance(value, FieldFile) and isinstance(value.storage, WxStorage) and value.name:
            context["widget"]["published"] = _describe_file(value.storage, value.name)
        if self.is_counted and (progress := _progress()):
            context["widget"]["attrs"]["data-wx-progress"] = progress
            context["widget"]["is_counted"] = True
        return context


class WxAdminMixin:
    """
    Give a ModelAdmin or an inline the form and the widget.

    Each of its forms has WxModelFormMixin and knows the user. A class with its own
    `formfield_overrides` must add these two.
    """

    wx_any_file: Collection[str] = ()  # names of fields that take any file
    form: ClassVar[Any] = WxModelForm
    formfield_overrides: ClassVar[Any] = {
        FileField: {"widget": WxFileWidget},
        ImageField: {"widget": WxFileWidget},
    }

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._wx_form(super().get_form(request, *args, **kwargs), request)  # type: ignore[misc]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return self._wx_form(super().get_changelist_form(request, **kwargs), request)  # type: ignore[misc]

    def get_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        formset = super().get_formset(request, *args, **kwargs)  # type: ignore[misc]
        return _derive(formset, formset, form=self._wx_form(formset.form, request))

    def _wx_form(self, form: Any, request: HttpRequest) -> Any:
        """Return the form with the mixin, and the user and the fields of this request."""
        bases = [form] if issubclass(form, WxModelFormMixin) else [WxModelFormMixin, form]
        any_file = {*self.wx_any_file, *getattr(form, "wx_any_file", ())}
        user = getattr(request, "user", None)
        return _derive(form, *bases, wx_user=user, wx_any_file=any_file)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save like Django, and say so if a file of the page waits."""
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        forms = [form, *(each for formset in formsets for each in formset)]
        saves = [save for one in forms for save in getattr(one, "_wx_saves", ())]
        # The files are saved, even if nobody can say whether they wait.
        with suppress(UploadFailed), own_savepoint():
            if any(save.storage.is_waiting(save.name) for save in saves):
                messages.info(request, WAITS)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Leave the uploaded files for the next form: a page that is shown again saved no row."""
        forms = [context["adminform"].form]
        forms += [form for inline in context["inline_admin_formsets"] for form in inline.formset]
        for form in forms:
            if isinstance(form, WxModelFormMixin):
                form.leave_files()
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc,no-any-return]


def _derive(model: type, *bases: type, **attributes: Any) -> type:
    """Return a class for this request alone."""
    # Its bases may belong to all requests. Not by the metaclass of forms: it would make new
    # fields, without the changes of others.
    return type.__new__(type(model), model.__name__, bases, attributes)


def _describe_file(storage: WxStorage, name: str) -> dict[str, Any]:
    """Return the facts on a file that are known without a call to the cloud."""
    found: dict[str, Any] = {"name": name, "is_image": content_type(name).startswith("image/")}
    with suppress(WxStaticStoreError):  # wrong settings, or an old name that can have no key
        key = object_key(storage.options.location, name)
        url = storage.store.known_url(key)
        logged = from_log(storage.store.env, [key]).get(key)
        size = logged.file.size if logged and logged.file else None
        found |= {"url": url, "size": size, "code": qr.svg(url) if url else ""}
        if storage.is_waiting(name):  # the public site and the log know an older file, or none
            found |= {"waits": True, "size": None, "is_image": False}
    return found


def _progress() -> str:
    """Return the address and the texts of the script as JSON; empty if nobody would answer."""
    with suppress(WxStaticStoreError, NoReverseMatch):
        if is_noted():
            address = reverse("admin:wx_static_store_uploadlog_sent")
            texts = {"sending": str(_SENDING), "sent": str(_SENT), "sizes": sizes()}
            return json.dumps({"address": address, **texts}, ensure_ascii=False)
    return ""


def _as_validation_error(error: Exception, *, reads_log: bool) -> ValidationError:
    """Return what happened and what an editor can do, and to readers of the log the hint."""
    text: str | Promise = ""
    hint = ""
    if not isinstance(error, WxStaticStoreError):
        happened: str | Promise = _("This name cannot be used. Rename the file and try again.")
    elif isinstance(error, ConfigurationError) and error.errcode is None:
        logger.error("A file of a form was not uploaded: %s", english(error))
        happened = _NOT_SET_UP
    elif isinstance(error, NameRejected | PolicyRejected):
        happened, text = error.message, error.hint
    else:
        unknown = isinstance(error, UploadFailed) and error.status == UploadStatus.UNKNOWN
        said = _UNKNOWN if unknown else _FAILED_CODE if error.code else _FAILED
        happened = said % {"reason": error.what, "code": error.code}
        text = error.advice(getattr(error, "status", UploadStatus.FAILED))
        hint = labelled(_OPERATOR, error.full_hint) if reads_log and error.hint else ""
    return ValidationError([each for each in (happened, text, hint) if each])
