"""What comes in, and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import ISO_8601, serializers
from rest_framework.exceptions import ValidationError

from ..exceptions import WxStaticStoreError
from ..hints import hint
from ..models import UploadLog
from ..naming import MAX_KEY_BYTES
from ..reopen import keeper
from ..store import get_store

LARGEST_PAGE = 100
_LARGEST_CODE = 2**31 - 1


# --- in -------------------------------------------------------------------------------------------


class At(serializers.Serializer[Any]):
    """An environment; blank, as a form sends what nobody filled in, is none."""

    env = serializers.CharField(
        default="", allow_blank=True, help_text=_("Without it, the store's own environment.")
    )


class Place(At):
    """Where a file goes, beside its name."""

    overwrite = serializers.BooleanField(
        default=False, help_text=_("Replace a file that is there; needs a permission.")
    )
    generate = serializers.BooleanField(
        default=False, help_text=_("Give the file a name that nobody can guess.")
    )


class Form(Place):
    """The form of an upload, its one file included."""

    file = serializers.FileField(allow_empty_file=True, help_text=_("The one file."))
    store = serializers.CharField(
        min_length=1, help_text=_("An alias of STORAGES, see GET stores/.")
    )
    path = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text=_(
            "The name below the store's location; one that ends with a slash is a folder, and the "
            "file keeps its own name. Without it, the folder for uploads."
        ),
    )

    def validate_path(self, path: str) -> str:
        """Blank, as `env` may be, is none."""
        return path if path.strip() else ""

    @classmethod
    def checked(cls, data: Any, files: Mapping[str, Any]) -> dict[str, Any]:
        """The clean values; raises ValidationError, also where there is more than one file."""
        many = sum(len(cast(Any, files).getlist(name)) for name in files)
        if many > 1:
            raise ValidationError({"file": [_("Send one file in each request.")]})
        return valid(cls, data)


def _text(**options: Any) -> Any:
    """Exactly as it is sent; no database looks for a NUL."""
    options |= {} if "default" in options else {"required": False}
    return serializers.RegexField(r"^[^\x00]*$", trim_whitespace=False, **options)


class Moment(serializers.DateTimeField):
    """In ISO 8601, whatever the project's formats are; at the ends of time no zone can be told."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format=ISO_8601, input_formats=[ISO_8601], **options)

    def to_internal_value(self, value: Any) -> datetime:
        moment = None
        with suppress(OverflowError):
            moment = super().to_internal_value(value)
        if moment is None or moment.year in (MINYEAR, MAXYEAR):
            self.fail("overflow")
        return moment


class LogQuery(serializers.Serializer[Any]):
    """What of the log is wanted."""

    status = serializers.ChoiceField(UploadLog.Status.choices, required=False)
    store = _text()
    env = _text()
    errcode = serializers.IntegerField(
        required=False, min_value=-_LARGEST_CODE, max_value=_LARGEST_CODE
    )
    source = _text()
    created_after = Moment(required=False)
    created_before = Moment(required=False)
    search = _text(help_text=_("The beginning of a key."))
    key = _text(help_text=_("A whole key."))
    rid = _text()
    ordering = serializers.ChoiceField(["-id", "id"], default="-id")
    page_size = serializers.IntegerField(
        default=50, min_value=1, help_text=_("At most 100; more is taken for 100.")
    )
    cursor = _text(help_text=_("Of the address in next."))


class FilesQuery(At):
    """What of the cloud is wanted."""

    prefix = _text(
        default="",
        allow_blank=True,
        max_length=MAX_KEY_BYTES,
        help_text=_("The beginning of a name below the store's location."),
    )
    cursor = _text(help_text=_("Of the address in next."))


def valid(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The clean values; raises ValidationError. Members that are not known are nobody's."""
    bound = serializer(data=data)
    bound.is_valid(raise_exception=True)
    return cast(dict[str, Any], bound.validated_data)


# --- out ------------------------------------------------------------------------------------------


class Uploaded(serializers.Serializer[Any]):
    """A file that is public now."""

    id = serializers.IntegerField(
        allow_null=True, help_text=_("Of the row in the log; null where the log cannot be used.")
    )
    store = serializers.CharField()
    env = serializers.CharField()
    name = serializers.CharField(help_text=_("Below the store's location."))
    key = serializers.CharField(help_text=_("In the whole environment."))
    url = serializers.URLField(
        allow_null=True, help_text=_("The public address; null where WeChat does not tell it.")
    )
    size = serializers.IntegerField()
    md5 = serializers.CharField()
    content_type = serializers.CharField()
    status = serializers.CharField()
    errcode = serializers.IntegerField(allow_null=True, help_text=_("WeChat's; 0 is success."))


class Address(serializers.URLField):
    """
    Where a row's file is public; null where WeChat would have to be asked for it, and of an
    upload that failed.
    """

    def get_attribute(self, row: UploadLog) -> str | None:
        if row.status == UploadLog.Status.FAILED:
            return None
        with suppress(WxStaticStoreError):
            return get_store(keeper(row), row.env).known_url(row.key) or None
        return None


class Row(serializers.ModelSerializer[UploadLog]):
    """One upload, as the log tells of it."""

    status = serializers.CharField(help_text=_("stored, failed or unknown."))
    store = serializers.SerializerMethodField(help_text=_("Empty where none writes there now."))
    url = Address(read_only=True, allow_null=True)
    hint = serializers.SerializerMethodField(
        help_text=_("What to do about it; empty where nothing is to be done.")
    )
    user: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    deployment = serializers.IntegerField(source="deployment_id", allow_null=True)
    created = Moment(read_only=True)

    class Meta:
        model = UploadLog
        fields = (
            *("id", "status", "store", "env", "name", "key", "url", "size", "md5", "content_type"),
            *("cache_control", "stage", "errcode", "message", "hint", "http_status", "cos_code"),
            *("rid", "request_id", "attempts", "duration_ms", "source", "source_ref", "user"),
            *("deployment", "created"),
        )
        read_only_fields = fields

    def get_store(self, row: UploadLog) -> str:
        return keeper(row)

    def get_hint(self, row: UploadLog) -> str:
        return str(hint(row))


class Rows(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = Row(many=True)


class File(serializers.Serializer[Any]):
    """An object in the cloud."""

    name = serializers.CharField()
    key = serializers.CharField()
    url = serializers.URLField()
    size = serializers.IntegerField()
    md5 = serializers.CharField(allow_null=True)
    last_modified = Moment(allow_null=True)


class Files(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = File(many=True)


class Store(serializers.Serializer[Any]):
    """A store at an environment."""

    store = serializers.CharField(source="using")
    env = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class Stores(serializers.Serializer[Any]):
    """Where this user may upload, and what."""

    folder = serializers.CharField(help_text=_("Names of uploads begin so."))
    max_size = serializers.IntegerField(help_text=_("In bytes."))
    extensions = serializers.ListField(child=serializers.CharField())
    results = Store(many=True)


class Problem(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). Members that do not apply are left out."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text=_("Stable: programs may rely on it."))
    detail = serializers.CharField(help_text=_("For people, in their language."))
    upload_id = serializers.IntegerField(required=False, help_text=_("Of the row in the log."))
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text=_("Of each field, a list of texts.")
    )
    errcode = serializers.IntegerField(
        required=False, help_text=_("WeChat's; for those who may read the log.")
    )
    hint = serializers.CharField(required=False)
    rid = serializers.CharField(required=False)
