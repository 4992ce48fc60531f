"""The members of the answers about deployments and releases."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ..models import Deployment
from .serializers import Flag, Link, NamedChoice, Number, RowSerializer, Text, Time, Url


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """One publishing of many files."""

    store = Text(_("Its alias; empty for a run before this was recorded."), source="using")
    folder = Text(_("Where its keys begin."))
    outcome = NamedChoice(Deployment.Outcome.choices, help_text=_("How it ended."))
    checked = NamedChoice(
        Deployment.Checked.choices,
        allow_blank=True,
        help_text=_("What --verify found, or that the log alone decided; else empty."),
    )
    live = Flag(_("It is the newest of its folder that ended well."), source="is_live")
    release = Number(
        _("The id of the release: what the tree was."), source="release_id", allow_null=True
    )
    release_url = Link("release", _("The address of the release."), source="release_id")
    digest = Text(
        _("Of the release: equal for equal trees. Empty without one."),
        source="release.digest",
        default="",
    )
    unchanged = Number(_("Files that were the same in the cloud, and not sent."), source="skipped")
    created = Time()

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            *("id", "store", "env", "folder", "source", "label", "outcome", "checked", "live"),
            *("release", "release_url", "digest", "stored", "unchanged", "failed"),
            *("not_attempted", "bytes", "duration_ms", "user", "created"),
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
    sha256 = Text(_("Of its bytes, in hex."))
    content_type = Text(source="headers.content_type")
    cache_control = Text(source="headers.cache_control")
    other_headers = Text(source="headers.other_headers")
    last = Flag(_("It is sent when all others are stored."))


class ReleaseSerializer(serializers.Serializer[Any]):
    """A deployed tree: the list of its files."""

    id = Number()
    digest = Text(_("Equal for equal trees."))
    count = Number(_("How many files it has."))
    size = Number(_("Of all files, in bytes."))
    created = Time(_("When it was deployed first."))
    used = Time(_("When it was deployed last."))
    deployments = DeploymentSerializer(many=True, help_text=_("The newest, 20 at most."))
    next = Url()
    files = ReleaseFileSerializer(many=True, help_text=_("By name; a page of them."))
