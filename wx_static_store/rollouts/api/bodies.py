"""What requests about rollouts hold: bodies, JSON or a form, and the parameters of addresses."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ...api import parameters
from ...api.parameters import blank_field, file_field, flag_field, text_field
from ...api.serializers import Time, member
from ..models import LARGEST, LONGEST, Rollout, RolloutEnvironment
from .serializers import BAKE, PARALLEL

_OVER = _("This is over: leave it out to begin now.")
_ONE = _("Send either the name of a release, or an archive as file in a form.")
_AMOUNT = r"\s*[0-9]+%?\s*"
_ENVS = _("Name environments with envs or tags, or send all alone.")

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

    state = parameters.choice_field(_("How the rollout stands."), choices=Rollout.State.choices)


class RolloutQuery(RolloutsQuery):
    """Which environments of a rollout are wanted."""

    state = parameters.choice_field(
        _("How the environment stands."), choices=RolloutEnvironment.State.choices
    )
    page_size = parameters.page_size_field(parameters.LARGEST_LIST)
