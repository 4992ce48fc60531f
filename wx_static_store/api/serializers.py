"""The members of answers."""

from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import ISO_8601, serializers
from rest_framework.request import Request

from ..core.types import COLUMNS, UploadStatus
from ..exceptions import WxStaticStoreError
from ..log.owner import addressing_alias, owning_alias, usable_stores
from ..models import Deployment, UploadLog, WaitingFile
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


def member(kind: Any, **fixed: Any) -> Any:
    """Return the maker of such members: from what one means, and what else is said of it."""
    return lambda meaning=None, **options: kind(help_text=meaning, **fixed | options)


Text = member(serializers.CharField)
Number = member(serializers.IntegerField)
Id = member(serializers.IntegerField, allow_null=True)
Flag = member(serializers.BooleanField)
Digest = member(serializers.CharField, source="release.digest", default="", read_only=True)
Time = member(Moment)
Url = member(serializers.URLField, allow_null=True)


class UploadedSerializer(serializers.Serializer[Any]):
    """A file that is public now, or waits."""

    id = Id(_("The id of the row in the log; null where the log cannot be used."))
    store = Text()
    env = Text()
    name = Text(_("Below the store's location."))
    key = Text(_("In the whole environment."))
    url = Url(_("The public address; null where WeChat does not give it."))
    size = Number()
    md5 = Text()
    content_type = Text(source="headers.content_type")
    status = NamedChoice([UploadStatus.STORED, UploadStatus.WAITING], called="uploadStatus")
    errcode = Number(_("WeChat's; 0 is success."), allow_null=True)


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

    def __init__(self, name: str, meaning: Any, *, needs: str = "", **options: Any) -> None:
        self._name, self._needs = name, needs
        super().__init__(read_only=True, allow_null=True, help_text=meaning, **options)

    def to_representation(self, value: Any) -> Any:
        request = self.context["request"]
        allowed = not self._needs or may(request.user, self._needs)
        return link(request, self._name, value) if allowed else None


_NAMES = [UploadLog._meta.get_field(column.name).name for column in COLUMNS]  # user, not user_id
_WITHHELD = {"title": "", "hint": ""} | {
    c.name: getattr(UploadLog(), c.name) for c in COLUMNS if not c.shown
}


class RowSerializer(serializers.ModelSerializer[UploadLog]):
    """One row of the log."""

    status = NamedChoice(UploadLog.Status.choices)
    store = serializers.SerializerMethodField(help_text=_("Empty where none writes there now."))
    url = Address(read_only=True, allow_null=True)
    title = Text(
        _("The cause in words; empty where nothing failed."), source="why.title", default=""
    )
    advice = Text(_("What an editor can do."), read_only=True)
    hint = Text(_("What an operator can do; empty where nothing is to be done."), read_only=True)
    again = Text(_("Whether a new try helps."), source="why.remedy.value", default="")
    deployment = Id(source="deployment_id")
    deployment_url = Link(
        "deployment",
        _("Null without view_deployment."),
        needs=Act.SEE_DEPLOYMENTS,
        source="deployment_id",
    )
    stored_at = Time(read_only=True, allow_null=True)
    created = Time(read_only=True)

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

    store = Text(source="using")
    kind = NamedChoice(WaitingFile.Kind.choices, called="waitingKind")
    state = NamedChoice(
        WaitingFile.State.choices, called="waitingState", help_text=_("Whether it needs a person.")
    )
    next_at = Time(_("When a due one is tried again."), read_only=True)

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

    time = Time(_("When the call reached WeChat."), allow_null=True)
    cost_ms = Number(_("How long WeChat took, in milliseconds."))
    client_ip = Text(_("The address that the call came from, as WeChat saw it."))
    request_url = Text(_("Its path, if WeChat names it, and the names of its parameters."))
    request_body = Text(_("JSON in which each value that may be secret is replaced by ***."))
    response_body = Text(_("The answer, in the same way."))


class FileSerializer(serializers.Serializer[Any]):
    """An object in the cloud."""

    name = Text()
    key = Text()
    url = Url()
    size = Number()
    md5 = Text(allow_null=True)
    last_modified = Time(allow_null=True)
    waiting = Flag(_("Whether it is kept until WeChat answers."))


class StoreSerializer(serializers.Serializer[Any]):
    """A store at an environment, and what this user may do there beside uploading a new file."""

    store = Text(source="using")
    env = Text()
    label = Text()
    replace = Flag(_("Replace a file that is there."))
    active_content = Flag(_("Upload HTML, scripts and files of any kind."))
    protected_names = Flag(_("Use protected names, such as robots.txt, and leave the folder."))
    max_size = Number(_("In bytes."))


class StoresSerializer(serializers.Serializer[Any]):
    """Where this user may upload, and what."""

    folder = Text(_("The beginning of the names of uploads."), source="limits.upload_location")
    max_size = Number(_("In bytes."), source="limits.upload_max_size")
    extensions = serializers.ListField(
        child=serializers.CharField(), source="limits.upload_extensions"
    )
    results = StoreSerializer(many=True)


# --- deployments and releases ---------------------------------------------------------------------


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """One publishing of many files."""

    store = Text(_("Its alias; empty for a run before this was recorded."), source="using")
    folder = Text(_("Where its keys begin."))
    url = Address(read_only=True, allow_null=True)
    preview = Text(_("The name of the preview; empty for the site."))
    ends = Time(_("When the preview ends; null for the site."), allow_null=True)
    outcome = NamedChoice(Deployment.Outcome.choices, help_text=_("How it ended."))
    checked = NamedChoice(
        Deployment.Checked.choices,
        allow_blank=True,
        help_text=_("What --verify found, or that the log alone decided; else empty."),
    )
    live = Flag(_("Whether visitors of the site get it; false for a preview."), source="is_live")
    release = Id(_("The id of the release: what the tree was."), source="release_id")
    release_url = Link("release", _("The address of the release."), source="release_id")
    digest = Digest(_("The digest of the release: equal for equal trees. Empty without one."))
    unchanged = Number(_("Files that were the same in the cloud, and not sent."), source="skipped")
    created = Time()

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            *("id", "store", "env", "folder", "url", "preview", "ends", "source", "label"),
            *("outcome", "checked", "live", "release", "release_url", "digest", "stored"),
            *("unchanged", "failed", "not_attempted", "bytes", "duration_ms", "user", "created"),
        )
        read_only_fields = fields


class DeploymentDetailSerializer(DeploymentSerializer):
    """One publishing of many files, with those that failed."""

    failures = RowSerializer(
        many=True,
        help_text=_(
            "The newest rows of files that failed, or whose end is unknown: 100 at most. Empty "
            "without view_uploadlog."
        ),
    )

    class Meta(DeploymentSerializer.Meta):
        fields = read_only_fields = (*DeploymentSerializer.Meta.fields, "failures")


class ReleaseFileSerializer(serializers.Serializer[Any]):
    """A file of a release."""

    name = Text(_("Below the folder of a deployment."))
    size = Number()
    md5 = Text()
    sha256 = Text(_("The SHA-256 of its bytes, in hex."))
    content_type = Text(source="headers.content_type")
    cache_control = Text(source="headers.cache_control")
    other_headers = Text(source="headers.other_headers")
    last = Flag(_("Whether it is sent when all others are stored."))


class ReleaseSerializer(serializers.Serializer[Any]):
    """A deployed tree: the list of its files."""

    id = Number()
    digest = Text(_("Equal for equal trees."))
    count = Number(_("How many files it has."))
    size = Number(_("The size of all files, in bytes."))
    created = Time(_("When it was deployed first."))
    used = Time(_("When it was deployed last."))
    deployments = DeploymentSerializer(many=True, help_text=_("The newest, 20 at most."))
    next = Url()
    files = ReleaseFileSerializer(many=True, help_text=_("By name; a page of them."))


# --- problems -------------------------------------------------------------------------------------

_text = member(serializers.CharField, required=False)
_number = member(serializers.IntegerField, required=False)


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). Members that do not apply are left out."""

    type = serializers.URLField(
        required=False, help_text=_("The page that explains it; left out without DOCS_URL.")
    )
    title = Text()
    status = Number()
    code = NamedChoice(
        [*PROBLEMS], open=True, help_text=_("Stable: programs may rely on it; others may be added.")
    )
    detail = Text(_("For people, in their language."))
    request_id = _text(_("The request's own X-Request-ID, or a new one; for the operator."))
    upload_id = _number(_("The id of the row in the log."))
    stage = _text(_("Where it happened: policy, name, source, token, link or put."))
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text=_("A list of texts for each field.")
    )
    errcode = _number(_("WeChat's; for those who may read the log."))
    cos_code = _text(_("The object store's; for those who may read the log."))
    cause = _text(_("The entry that explains it; for those who may read the log."))
    advice = _text(_("What an editor can do."))
    hint = _text(_("What to do about it."))
    rid = _text()
