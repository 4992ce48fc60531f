"""The members of the answers about rollouts."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from ...api.serializers import Link, Moment, NamedChoice, OfRelease, id_of
from ..models import Rollout, RolloutEnvironment
from ..snapshot import Snapshot


class RolloutCountsSerializer(serializers.Serializer[Any]):
    """How many environments are in each state."""

    waiting = serializers.IntegerField(help_text=_("No worker was asked yet."))
    queued = serializers.IntegerField(help_text=_("A worker was asked."))
    running = serializers.IntegerField(help_text=_("A worker deploys there."))
    done = serializers.IntegerField(help_text=_("They have the release."))
    failed = serializers.IntegerField(help_text=_("See failures."))


MEANINGS = {
    "id": _("The id of the rollout."),
    "label": _("Its name; may be empty."),
    "waves": _("How many environments have the release at the end of each wave."),
    "wave": _("The current one, from 1; 0 before it begins."),
    "tolerate": _("How many may fail; one more stops the rollout."),
    "max_parallel": _("How many run at once at most; 0: as many as may fail together, 32 at most."),
    "verify": _("Each deploy is compared with the cloud afterwards."),
    "bake": _("Seconds between two waves."),
}
_HELP = {name: {"help_text": text} for name, text in MEANINGS.items()}


class RolloutSerializer(OfRelease, serializers.ModelSerializer[Rollout]):
    """One release to many environments, in waves."""

    store = serializers.CharField(source="using")
    state = NamedChoice(Rollout.State.choices, called="rolloutState", help_text=_("How it stands."))
    reason = serializers.CharField(
        source="snapshot.reason", help_text=_("Why it stopped; empty if it did not.")
    )
    release = id_of(
        "release", _("The id of the release; null where each environment gets its own.")
    )
    undoes = id_of("undoes", _("The id of the rollout that this one rolls back."))
    undoes_url = Link("rollout", source="undoes_id", help_text=_("The address of that rollout."))
    user: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    deploy_at = Moment(allow_null=True, help_text=_("When it may begin; null: at once."))
    created = Moment()
    started = Moment(allow_null=True, help_text=_("When it began."))
    ended = Moment(allow_null=True, help_text=_("When it was done, or stopped."))
    environments = RolloutCountsSerializer(
        source="snapshot.counts", help_text=_("How many environments are in each state.")
    )

    class Meta:
        model = Rollout
        fields: tuple[str, ...] = (
            *("id", "store", "folder", "label", "state", "reason", "release", "release_url"),
            *("digest", "undoes", "undoes_url", "waves", "wave", "tolerate", "max_parallel"),
            *("verify", "bake", "deploy_at", "user", "created", "started", "ended"),
            "environments",
        )
        read_only_fields = fields
        extra_kwargs = _HELP


class RolloutBegunSerializer(RolloutSerializer):
    """A rollout that begins."""

    warnings = serializers.ListField(
        child=serializers.CharField(), help_text=_("What to look at; nothing was held back for it.")
    )

    class Meta(RolloutSerializer.Meta):
        fields = read_only_fields = (*RolloutSerializer.Meta.fields, "warnings")


class RolloutFilesSerializer(serializers.Serializer[Any]):
    """What its deployments did, all together."""

    stored = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text=_("The same in the cloud, and not sent."))
    failed = serializers.IntegerField()
    not_attempted = serializers.IntegerField()
    bytes = serializers.IntegerField()


class RolloutFailureSerializer(serializers.Serializer[Any]):
    """Why environments failed, or are tried again."""

    errcode = serializers.IntegerField(allow_null=True, help_text=_("WeChat's."))
    message = serializers.CharField(source="text", help_text=_("What the first of them says."))
    envs = serializers.ListField(child=serializers.CharField(), help_text=_("Which they are."))
    tries = serializers.IntegerField(
        help_text=_("How many times the most tried of them was begun.")
    )
    not_before = Moment(
        allow_null=True, help_text=_("When the next try may begin; null: none is planned.")
    )


class RolloutEnvironmentSerializer(serializers.ModelSerializer[RolloutEnvironment]):
    """One environment of a rollout."""

    wave = serializers.IntegerField(help_text=_("The number of its wave, from 1."))
    state = NamedChoice(
        RolloutEnvironment.State.choices, called="environmentState", help_text=_("How it stands.")
    )
    since = Moment(help_text=_("When that began."))
    not_before = Moment(
        allow_null=True, help_text=_("When the next try may begin; null: none is planned.")
    )
    tries = serializers.IntegerField(help_text=_("How many times it was begun."))
    release = id_of("release", _("The id of what it gets."))
    deployment = id_of("deployment", _("The id of what it became."))
    deployment_url = Link(
        "deployment", source="deployment_id", help_text=_("The address of that deployment.")
    )
    errcode = serializers.IntegerField(allow_null=True, help_text=_("WeChat's."))
    message = serializers.CharField(
        help_text=_("Why it failed, or is tried again; empty for all others.")
    )

    class Meta:
        model = RolloutEnvironment
        fields = (
            *("env", "wave", "state", "since", "not_before", "tries", "release", "deployment"),
            *("deployment_url", "errcode", "message"),
        )
        read_only_fields = fields


class RolloutDetailSerializer(RolloutSerializer):
    """One release to many environments, in waves, with a page of these environments."""

    files = RolloutFilesSerializer(
        source="snapshot.files", help_text=_("What its deployments did, all together.")
    )
    by_wave = RolloutCountsSerializer(
        source="snapshot.waves", many=True, help_text=_("The counts of each wave, in order.")
    )
    failures = RolloutFailureSerializer(
        source="snapshot.causes",
        many=True,
        help_text=_("Why environments failed, the most frequent first."),
    )
    retries = RolloutFailureSerializer(
        source="snapshot.retries",
        many=True,
        help_text=_("Why environments are tried again, the most frequent first."),
    )
    next = serializers.URLField(source="page.next", allow_null=True)
    results = RolloutEnvironmentSerializer(
        source="page.results", many=True, help_text=_("Its environments, in order; a page of them.")
    )

    class Meta(RolloutSerializer.Meta):
        fields = read_only_fields = (
            *RolloutSerializer.Meta.fields,
            *("files", "by_wave", "failures", "retries", "next", "results"),
        )


def shown(request: Request, snapshots: Sequence[Snapshot]) -> Any:
    """Return rollouts as JSON, with the counts of their environments."""
    rows = [_row(snapshot) for snapshot in snapshots]
    return RolloutSerializer(rows, many=True, context={"request": request}).data


def shown_whole(request: Request, snapshot: Snapshot, page: Mapping[str, Any]) -> Any:
    """Return a rollout as JSON, with a page of its environments."""
    row = _row(snapshot, page=page)
    return RolloutDetailSerializer(row, context={"request": request}).data


def _row(snapshot: Snapshot, **more: Any) -> Rollout:
    """Return the row with what else belongs to its answer."""
    vars(snapshot.rollout).update(more, snapshot=snapshot)
    return snapshot.rollout
