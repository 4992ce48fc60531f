"""The members of the answers about deployments and releases."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ..models import Deployment
from .serializers import Address, Moment, NamedChoice, OfRelease, RowSerializer, id_of


class DeploymentSerializer(OfRelease, serializers.ModelSerializer[Deployment]):
    """One publishing of many files."""

    store = serializers.CharField(
        source="using", help_text=_("Its alias; empty for a run before this was recorded.")
    )
    url = Address(read_only=True, allow_null=True)
    preview = serializers.CharField(help_text=_("The name of the preview; empty for the site."))
    ends = Moment(allow_null=True, help_text=_("When the preview ends; null for the site."))
    outcome = NamedChoice(Deployment.Outcome.choices, help_text=_("How it ended."))
    checked = NamedChoice(
        Deployment.Checked.choices,
        allow_blank=True,
        help_text=_("What --verify found, or that the log alone decided; else empty."),
    )
    live = serializers.BooleanField(
        source="is_live", help_text=_("It is the newest of its folder that ended well.")
    )
    release = id_of("release", _("The id of the release: what the tree was."))
    unchanged = serializers.IntegerField(
        source="skipped", help_text=_("Files that were the same in the cloud, and not sent.")
    )
    created = Moment()

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

    name = serializers.CharField(help_text=_("Below the folder of a deployment."))
    size = serializers.IntegerField()
    md5 = serializers.CharField()
    sha256 = serializers.CharField(help_text=_("Of its bytes, in hex."))
    content_type = serializers.CharField(source="headers.content_type")
    cache_control = serializers.CharField(source="headers.cache_control")
    other_headers = serializers.CharField(source="headers.other_headers")
    last = serializers.BooleanField(help_text=_("It is sent when all others are stored."))


class ReleaseSerializer(serializers.Serializer[Any]):
    """A deployed tree: the list of its files."""

    id = serializers.IntegerField()
    digest = serializers.CharField(help_text=_("Equal for equal trees."))
    count = serializers.IntegerField(help_text=_("How many files it has."))
    size = serializers.IntegerField(help_text=_("Of all files, in bytes."))
    created = Moment(help_text=_("When it was deployed first."))
    used = Moment(help_text=_("When it was deployed last."))
    deployments = DeploymentSerializer(many=True, help_text=_("The newest, 20 at most."))
    next = serializers.URLField(allow_null=True)
    files = ReleaseFileSerializer(many=True, help_text=_("By name; a page of them."))
