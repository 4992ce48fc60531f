"""The members of answers."""

from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, datetime
from functools import partial
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import ISO_8601, serializers
from rest_framework.request import Request

from ..core.types import COLUMNS, UploadStatus
from ..exceptions import WxStaticStoreError
from ..log.owner import addressing_alias, owning_alias, usable_stores
from ..models import UploadLog, WaitingFile
from ..submit.access import Act, may
from ..upload.hosting import Hosting
from ..upload.store import get_store
from .addresses import link
from .problems import PROBLEMS


class Moment(serializers.DateTimeField):
    """A time in ISO 8601, whatever the project's formats are; not in the years 1 and 9999."""

    format = ISO_8601
    input_formats = [ISO_8601]

    def to_internal_value(self, value: Any) -> datetime:
        moment = None
        with suppress(OverflowError):
            moment = super().to_internal_value(value)
        if moment is None or moment.year in (MINYEAR, MAXYEAR):
            self.fail("overflow")
        return moment


class NamedChoice(serializers.ChoiceField):
    """
    Have a name of its own in the OpenAPI document: `called`, or that of the field.

    Others may come to choices that are `open`: a client must take any text.
    """

    def __init__(
        self, choices: Any, *, called: str = "", open: bool = False, **options: Any
    ) -> None:
        self.called, self.open = called, open
        super().__init__(choices, **options)


class UploadedSerializer(serializers.Serializer[Any]):
    """A file that is public now, or waits."""

    id = serializers.IntegerField(
        allow_null=True, help_text=_("Of the row in the log; null where the log cannot be used.")
    )
    store = serializers.CharField()
    env = serializers.CharField()
    name = serializers.CharField(help_text=_("Below the store's location."))
    key = serializers.CharField(help_text=_("In the whole environment."))
    url = serializers.URLField(
        allow_null=True, help_text=_("The public address; null where WeChat does not give it.")
    )
    size = serializers.IntegerField()
    md5 = serializers.CharField()
    content_type = serializers.CharField()
    status = NamedChoice([UploadStatus.STORED, UploadStatus.WAITING], called="uploadStatus")
    errcode = serializers.IntegerField(allow_null=True, help_text=_("WeChat's; 0 is success."))


class Address(serializers.URLField):
    """The public address of a row; null if the upload failed or only WeChat could tell it."""

    def get_attribute(self, row: Any) -> str | None:
        if getattr(row, "status", "") == UploadLog.Status.FAILED:
            return None
        with suppress(WxStaticStoreError):
            context, is_folder = cast(dict[str, Any], self.context), hasattr(row, "folder")
            using = row.using if is_folder else addressing_alias(row, context.get("stores"))
            where, unknown = (using, row.env), context.setdefault("unknown", {})
            key = row.folder if is_folder else row.key
            url = get_store(*where).known_url(key, unknown.get(where))
            if not url:
                unknown[where] = Hosting()  # so that the next row does not ask the cache again
            return url or None
        return None


class Link(serializers.URLField):
    """The address of the row of that id, by the `name` of its view; null without a permission."""

    def __init__(self, name: str, *, needs: str = "", **options: Any) -> None:
        self._name, self._needs = name, needs
        super().__init__(read_only=True, allow_null=True, **options)

    def to_representation(self, value: Any) -> Any:
        request = self.context["request"]
        allowed = not self._needs or may(request.user, self._needs)
        return link(request, self._name, value) if allowed else None


def id_of(row: str, help_text: Any = None) -> Any:
    """Return the field with the id of another row, or null."""
    return serializers.IntegerField(source=f"{row}_id", allow_null=True, help_text=help_text)


class OfRelease(serializers.Serializer[Any]):
    """The members of what publishes a release into a folder."""

    folder = serializers.CharField(help_text=_("Where its keys begin."))
    release_url = Link("release", source="release_id", help_text=_("The address of the release."))
    digest = serializers.CharField(
        source="release.digest",
        default="",
        read_only=True,
        help_text=_("Of the release: equal for equal trees. Empty without one."),
    )


_NAMES = [UploadLog._meta.get_field(column.name).name for column in COLUMNS]  # user, not user_id
_WITHHELD = {"title": "", "hint": ""} | {
    c.name: getattr(UploadLog(), c.name) for c in COLUMNS if not c.shown
}


class RowSerializer(serializers.ModelSerializer[UploadLog]):
    """One row of the log."""

    status = NamedChoice(UploadLog.Status.choices)
    store = serializers.SerializerMethodField(help_text=_("Empty where none writes there now."))
    url = Address(read_only=True, allow_null=True)
    title = serializers.CharField(
        source="why.title",
        default="",
        help_text=_("The cause in words; empty where nothing failed."),
    )
    advice = serializers.CharField(read_only=True, help_text=_("What an editor can do."))
    hint = serializers.CharField(
        read_only=True, help_text=_("What an operator can do; empty where nothing is to be done.")
    )
    again = serializers.CharField(
        source="why.remedy.value", default="", help_text=_("Whether a new try helps.")
    )
    deployment = id_of("deployment")
    deployment_url = Link(
        "deployment",
        needs=Act.SEE_DEPLOYMENTS,
        source="deployment_id",
        help_text=_("Null without view_deployment."),
    )
    stored_at = Moment(read_only=True, allow_null=True)
    created = Moment(read_only=True)

    class Meta:
        model = UploadLog
        fields = (
            *("id", "store", *_NAMES, "url", "title", "advice", "hint", "again"),
            *("deployment_url", "created"),
        )
        read_only_fields = fields

    def get_store(self, row: UploadLog) -> str:
        return owning_alias(row, self.context.get("stores"))


class WaitingFileSerializer(RowSerializer):
    """A file or a deletion that waits until the cloud takes it."""

    store = serializers.CharField(source="using")  # type: ignore[assignment]
    kind = NamedChoice(WaitingFile.Kind.choices, called="waitingKind")
    state = NamedChoice(
        WaitingFile.State.choices, called="waitingState", help_text=_("Whether it needs a person.")
    )
    next_at = Moment(read_only=True, help_text=_("Of a due one, when it is tried again."))

    class Meta:
        model = WaitingFile
        fields = (
            *("id", "store", "env", "key", "name", "kind", "state", "size", "md5", "attempts"),
            *("next_at", "cause", "errcode", "message", "url", "title", "advice", "hint"),
            *("source", "source_ref", "user", "created"),
        )
        read_only_fields = fields


def rows_for(request: Request, rows: Any, by: Any = RowSerializer) -> list[Any]:
    """Return rows as JSON, without the details if the caller may not read the log."""
    context = {"stores": usable_stores(), "request": request}
    withheld = {} if may(request.user, Act.SEE_LOG) else _WITHHELD
    shown = by(rows, many=True, context=context).data
    return [{name: withheld.get(name, value) for name, value in row.items()} for row in shown]


class DiagnosisSerializer(serializers.Serializer[Any]):
    """A refused call as WeChat received it. Values that may be secret are ``***``."""

    time = Moment(allow_null=True, help_text=_("When the call reached WeChat."))
    cost_ms = serializers.IntegerField(help_text=_("How long WeChat took, in milliseconds."))
    client_ip = serializers.CharField(
        help_text=_("The address that the call came from, as WeChat saw it.")
    )
    request_url = serializers.CharField(
        help_text=_("Its path, if WeChat names it, and the names of its parameters.")
    )
    request_body = serializers.CharField(
        help_text=_("JSON in which each value that may be secret is replaced by ***.")
    )
    response_body = serializers.CharField(help_text=_("The answer, in the same way."))


class FileSerializer(serializers.Serializer[Any]):
    """An object in the cloud."""

    name = serializers.CharField()
    key = serializers.CharField()
    url = serializers.URLField(allow_null=True)
    size = serializers.IntegerField()
    md5 = serializers.CharField(allow_null=True)
    last_modified = Moment(allow_null=True)
    waiting = serializers.BooleanField(help_text=_("Whether it is kept until WeChat answers."))


class StoreSerializer(serializers.Serializer[Any]):
    """A store at an environment, and what this user may do there beside uploading a new file."""

    store = serializers.CharField(source="using")
    env = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    replace = serializers.BooleanField(help_text=_("Replace a file that is there."))
    active_content = serializers.BooleanField(
        help_text=_("Upload HTML, scripts and files of any kind.")
    )
    protected_names = serializers.BooleanField(
        help_text=_("Use protected names, such as robots.txt, and leave the folder.")
    )
    max_size = serializers.IntegerField(help_text=_("In bytes."))


class StoresSerializer(serializers.Serializer[Any]):
    """Where this user may upload, and what."""

    folder = serializers.CharField(help_text=_("Names of uploads begin so."))
    max_size = serializers.IntegerField(help_text=_("In bytes."))
    extensions = serializers.ListField(child=serializers.CharField())
    results = StoreSerializer(many=True)


_text: Any = partial(serializers.CharField, required=False)
_number: Any = partial(serializers.IntegerField, required=False)


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). Members that do not apply are left out."""

    type = serializers.URLField(
        required=False, help_text=_("The page that explains it; left out without DOCS_URL.")
    )
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = NamedChoice(
        [*PROBLEMS], open=True, help_text=_("Stable: programs may rely on it; others may be added.")
    )
    detail = serializers.CharField(help_text=_("For people, in their language."))
    request_id = _text(
        help_text=_("The request's own X-Request-ID, or a new one; for the operator.")
    )
    upload_id = _number(help_text=_("Of the row in the log."))
    stage = _text(help_text=_("Where it happened: policy, name, source, token, link or put."))
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text=_("Of each field, a list of texts.")
    )
    errcode = _number(help_text=_("WeChat's; for those who may read the log."))
    cos_code = _text(help_text=_("The object store's; for those who may read the log."))
    cause = _text(help_text=_("The entry that explains it; for those who may read the log."))
    advice = _text(help_text=_("What an editor can do."))
    hint = _text(help_text=_("What to do about it."))
    rid = _text()
