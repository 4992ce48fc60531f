"""The parameters of each address, and the fields of forms and bodies."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ..conf.settings import nearest
from ..core.naming import MAX_KEY_BYTES
from ..i18n import sentences
from ..models import Deployment, UploadLog, WaitingFile
from .serializers import Time, member

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
LARGEST_PAGE = 100
LARGEST_LIST = 1000  # files of a release, environments of a rollout
_LARGEST_CODE = 2**31 - 1
_LARGEST_ID = 2**63 - 1
_UNKNOWN = _("There is no such parameter here.")
RELEASE = _("A kept release: the id or label of a deployment, or a digest.")
_EITHER = _("Send either the name of a release, or rollback alone.")


# Fields that a request may leave out; a blank text, as a form sends an empty field, is none.
# `style` has what the OpenAPI document says of a field beside its type.
text_field = member(serializers.CharField, required=False, min_length=1)
blank_field = member(serializers.CharField, default="", allow_blank=True)
choice_field = member(serializers.ChoiceField, required=False)
flag_field = member(serializers.BooleanField, default=False)
file_field = member(serializers.FileField, style={"schema": BINARY})


class Input(serializers.Serializer[Any]):
    """The fields of a body, or the query of an address with a body."""


class At(Input):
    """An environment; a blank one, as an empty field of a form sends it, is none."""

    env = blank_field(_("Without it, the store's own environment."))


class PlaceQuery(At):
    """Where a file goes, beside its name."""

    overwrite = flag_field(_("Replace a file that is there; needs a permission."))
    generate = flag_field(_("Give the file a name that nobody can guess."))


class Form(PlaceQuery):
    """The form of an upload, its one file included."""

    file = file_field(_("The one file."), allow_empty_file=True)
    store = blank_field(
        _("An alias of STORAGES, see GET stores/. Needed where more than one is offered."),
        style={"schema": {"example": "default"}},
    )
    path = blank_field(
        _(
            "The name below the store's location; one that ends with a slash is a folder, and the "
            "file keeps its own name. Without it, the folder for uploads."
        ),
        style={"schema": {"example": "uploads/"}},
        trim_whitespace=False,
    )

    def validate_path(self, path: str) -> str:
        """Take a blank path for none, like a blank `env`."""
        return path if path.strip() else ""


class Integer(serializers.IntegerField):
    """A number in ASCII digits."""

    def to_internal_value(self, data: Any) -> int:
        if not str(data).isascii():  # `int` also reads the digits of other scripts
            self.fail("invalid")
        return super().to_internal_value(data)


# A text stays as it is, but has no NUL.
query_text = member(
    partial(serializers.RegexField, r"^[^\x00]*$"),
    trim_whitespace=False,
    required=False,
    min_length=1,
)
number_field = member(Integer, required=False)
_id = member(Integer, required=False, min_value=1, max_value=_LARGEST_ID)


def page_size_field(largest: int) -> Any:
    text = _("Rows on a page.")
    return Integer(default=largest // 2, min_value=1, max_value=largest, help_text=text)


class DeploymentBody(Input):
    """Which kept release goes to one environment."""

    env = text_field(_("The id of the environment."), max_length=64, required=True)
    release = text_field(RELEASE)
    rollback = flag_field(_("In place of release: the one before the newest."))
    store = blank_field(_("An alias of STORAGES. Without it, that of the release."))
    prefix = blank_field(
        _("The folder below the store's location. Without it, that of the release.")
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if bool(given.get("release")) == given["rollback"]:
            raise ValidationError({"release": [_EITHER]})
        return given


class EndBody(Input):
    """When a preview ends."""

    ends = Time(_("At most 30 days from now. Without it: now."), required=False)


class PageQuery(serializers.Serializer[Any]):
    """Which page is wanted."""

    page_size = page_size_field(LARGEST_PAGE)
    cursor = query_text(_("The cursor of the address in next."))


class LogQuery(PageQuery):
    """The filters and the page of the log."""

    status = choice_field(_("How the upload ended."), choices=UploadLog.Status.choices)
    store = query_text(
        _("An alias: keys below its location, in its own environment or that of env.")
    )
    env = query_text(_("The id of an environment."))
    errcode = number_field(_("WeChat's number."), min_value=-_LARGEST_CODE, max_value=_LARGEST_CODE)
    source = query_text(_("What sent the file, such as api or wx_deploy."))
    created_after = Time(_("A time such as 2026-01-31T12:00:00Z; it is included."), required=False)
    created_before = Time(_("A time; it is not included."), required=False)
    search = query_text(_("The beginning of a key."))
    key = query_text(_("A whole key."))
    rid = query_text(_("WeChat's id of the call."))
    user = query_text(_("The id of the user who uploaded."))
    deployment = _id(_("The id of a deployment."))
    ordering = serializers.ChoiceField(
        ["-id", "id"], default="-id", help_text=_("-id is the newest first.")
    )


class DeploymentsQuery(PageQuery):
    """The filters and the page of the deployments."""

    outcome = choice_field(_("How the deployment ended."), choices=Deployment.Outcome.choices)
    store = query_text(_("The alias that it was deployed with."))
    env = query_text(_("The id of an environment."))
    folder = query_text(
        _("Where its keys begin, such as media/app/; empty: the root."),
        allow_blank=True,
        min_length=None,
    )
    release = _id(_("The id of a release."))


class WaitingQuery(PageQuery):
    """The filters and the page of the waiting files."""

    state = choice_field(_("Whether it needs a person."), choices=WaitingFile.State.choices)
    store = query_text(_("The alias that it was saved with."))
    env = query_text(_("The id of an environment."))


class ReleaseQuery(PageQuery):
    """The page of a release's files."""

    page_size = page_size_field(LARGEST_LIST)


class FilesQuery(At):
    """The environment, the prefix and the page of a list of the cloud."""

    prefix = query_text(
        _("The beginning of a name below the store's location."),
        default="",
        allow_blank=True,
        min_length=None,
        max_length=MAX_KEY_BYTES,
    )
    cursor = query_text(_("The cursor of the address in next."))


def validate(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return the clean values; raise ValidationError, also for an unknown name."""
    bound = serializer(data=data)
    known, given = [*bound.fields], data if isinstance(data, Mapping) else {}
    if unknown := [name for name in given if name not in known]:
        hints = {name: [sentences([_UNKNOWN, nearest(name, known)])] for name in unknown}
        raise ValidationError(hints)
    bound.is_valid(raise_exception=True)
    return cast(dict[str, Any], bound.validated_data)
