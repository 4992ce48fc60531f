"""The members of the answers about rollouts; what requests hold: bodies and parameters."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ...api import parameters
from ...api.parameters import blank_field, file_field, flag_field, text_field
from ...api.serializers import Digest, Flag, Id, Link, NamedChoice, Number, Text, Time, Url, member
from ..models import LARGEST, LONGEST, Rollout, RolloutEnvironment
from ..snapshot import Snapshot

_OVER = _("This is over: leave it out to begin now.")
_ONE = _("Send either the name of a release, or an archive as file in a form.")
_AMOUNT = r"\s*[0-9]+%?\s*"
_ENVS = _("Name environments with envs or tags, or send all alone.")


class RolloutCountsSerializer(serializers.Serializer[Any]):
    """How many environments are in each state."""

    waiting = Number(_("No worker was asked yet."))
    queued = Number(_("A worker was asked."))
    running = Number(_("A worker deploys there."))
    done = Number(_("They have the release."))
    failed = Number(_("See failures."))


# Of the answer and of the body alike.
PARALLEL = _("How many run at once at most; 0: as many as may fail together, 32 at most.")
BAKE = _("Seconds between two waves.")


class RolloutSerializer(serializers.Serializer[Any]):
    """One release to many environments, in waves."""

    id = Number(_("The id of the rollout."))
    store = Text(source="using")
    folder = Text(_("Where its keys begin."))
    label = Text(_("Its name; may be empty."))
    state = NamedChoice(Rollout.State.choices, called="rolloutState", help_text=_("How it stands."))
    reason = Text(_("Why it stopped; empty if it did not."), source="snapshot.reason")
    release = Id(
        _("The id of the release; null where each environment gets its own."), source="release_id"
    )
    release_url = Link("release", _("The address of the release."), source="release_id")
    digest = Digest(_("The digest of the release: equal for equal trees. Empty without one."))
    undoes = Id(_("The id of the rollout that this one rolls back."), source="undoes_id")
    undoes_url = Link("rollout", _("The address of that rollout."), source="undoes_id")
    waves = Text(_("How many environments have the release at the end of each wave."))
    wave = Number(_("The current one, from 1; 0 before it begins."))
    tolerate = Number(_("How many may fail; one more stops the rollout."))
    max_parallel = Number(PARALLEL)
    verify = Flag(_("Each deploy is compared with the cloud afterwards."))
    bake = Number(BAKE)
    deploy_at = Time(_("When it may begin; null: at once."), allow_null=True)
    user: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    created = Time()
    started = Time(_("When it began."), allow_null=True)
    ended = Time(_("When it was done, or stopped."), allow_null=True)
    environments = RolloutCountsSerializer(
        source="snapshot.counts", help_text=_("How many environments are in each state.")
    )

    class Meta:
        model = Rollout  # says what a user's id is


class RolloutBegunSerializer(RolloutSerializer):
    """A rollout that begins."""

    warnings = serializers.ListField(
        child=serializers.CharField(), help_text=_("What to look at; nothing was held back for it.")
    )


class RolloutFilesSerializer(serializers.Serializer[Any]):
    """What its deployments did, all together."""

    stored = Number()
    unchanged = Number(_("The same in the cloud, and not sent."))
    failed = Number()
    not_attempted = Number()
    bytes = Number()


class RolloutFailureSerializer(serializers.Serializer[Any]):
    """Why environments failed, or are tried again."""

    errcode = Number(_("WeChat's."), allow_null=True)
    message = Text(_("What the first of them says."), source="text")
    envs = serializers.ListField(child=serializers.CharField(), help_text=_("Their environments."))
    tries = Number(_("How many times the most tried of them was begun."))
    not_before = Time(_("When the next try may begin; null: none is planned."), allow_null=True)


class RolloutEnvironmentSerializer(serializers.Serializer[Any]):
    """One environment of a rollout."""

    env = Text()
    wave = Number(_("The number of its wave, from 1."))
    state = NamedChoice(
        RolloutEnvironment.State.choices, called="environmentState", help_text=_("How it stands.")
    )
    since = Time(_("When that began."))
    not_before = Time(_("When the next try may begin; null: none is planned."), allow_null=True)
    tries = Number(_("How many times it was begun."))
    release = Id(_("The id of what it gets."), source="release_id")
    deployment = Id(_("The id of what it became."), source="deployment_id")
    deployment_url = Link(
        "deployment", _("The address of that deployment."), source="deployment_id"
    )
    errcode = Number(_("WeChat's."), allow_null=True)
    message = Text(_("Why it failed, or is tried again; empty for all others."), source="text")


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
    next = Url(source="page.next")
    results = RolloutEnvironmentSerializer(
        source="page.results", many=True, help_text=_("Its environments, in order; a page of them.")
    )


def shown(request: Request, *snapshots: Snapshot, by: Any = RolloutSerializer, **more: Any) -> Any:
    """Return rollouts as JSON, with the counts of their environments, and what else is theirs."""
    for snapshot in snapshots:
        vars(snapshot.rollout).update(more, snapshot=snapshot)
    rows = [snapshot.rollout for snapshot in snapshots]
    return by(rows, many=True, context={"request": request}).data


# --- what requests hold ---------------------------------------------------------------------------

_number = member(parameters.Integer, required=False, min_value=0, max_value=LARGEST)


class MannerBody(parameters.Input):
    """How a rollout goes; all of it may be left out."""

    waves = text_field(
        _(
            "How many environments have the release at the end of each wave, as numbers or "
            "percentages: 1,10%,100%."
        ),
        max_length=LONGEST,
        style={"schema": {"pattern": rf"^{_AMOUNT}(,{_AMOUNT})*$"}},
    )
    tolerate = text_field(
        _("How many may fail, as a number or a percentage; one more stops the rollout."),
        max_length=10,
        style={"schema": {"pattern": f"^{_AMOUNT}$"}},
    )
    max_parallel = _number(PARALLEL)
    verify = flag_field(_("Compare with the cloud after each deploy."))
    bake = _number(BAKE)
    deploy_at = Time(
        _("When it may begin, as 2026-12-24T02:00Z; without it, at once."), required=False
    )
    label = text_field(
        _("A name for the rollout and its deployments."),
        max_length=LONGEST,
        min_length=None,
        allow_blank=True,
    )

    def validate_deploy_at(self, when: datetime) -> datetime:
        if when < timezone.now():
            raise ValidationError(_OVER)
        return when


class RolloutBody(MannerBody):
    """What a rollout brings where."""

    release = text_field(parameters.RELEASE)
    store = blank_field(
        _("An alias of STORAGES. Without it, that of the release, or the only one for sites.")
    )
    prefix = blank_field(
        _("The folder below the store's location. Without it, that of the release, or none.")
    )
    envs = serializers.ListField(
        child=text_field(max_length=64), default=list, help_text=_("The ids of environments.")
    )
    tags = serializers.ListField(
        child=text_field(max_length=255),
        default=list,
        help_text=_("Environments with these tags too, such as ring/early; see ENVIRONMENTS."),
    )
    all = flag_field(_("Every environment that ENVIRONMENTS offers to the caller."))

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check what belongs together."""
        if bool(given.get("release")) == ("file" in given):
            raise ValidationError({"release": [_ONE]})
        if bool(given["envs"] or given["tags"]) == given["all"]:
            raise ValidationError({"envs": [_ENVS]})
        return given


class RolloutForm(RolloutBody):
    """The form with an archive; a field with several values comes several times."""

    file = file_field(_("The built site, as .zip or .tar.gz."), required=False)


class RolloutsQuery(parameters.PageQuery):
    """Which rollouts are wanted."""

    state = parameters.choice_field(_("The state of the rollout."), choices=Rollout.State.choices)


class RolloutQuery(RolloutsQuery):
    """Which environments of a rollout are wanted."""

    state = parameters.choice_field(
        _("The state of the environment."), choices=RolloutEnvironment.State.choices
    )
    page_size = parameters.page_size_field(parameters.LARGEST_LIST)
