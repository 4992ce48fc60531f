"""The parameters of the addresses of rollouts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ...api.parameters import LARGEST_LIST, LARGEST_PAGE, page_size_field, query_text
from ..models import Rollout, RolloutEnvironment


class RolloutsQuery(serializers.Serializer[Any]):
    """Which rollouts are wanted."""

    state = serializers.ChoiceField(
        Rollout.State.choices, required=False, help_text=_("How the rollout stands.")
    )
    page_size = page_size_field(LARGEST_PAGE)
    cursor = query_text(help_text=_("Of the address in next."))


class RolloutQuery(serializers.Serializer[Any]):
    """Which environments of a rollout are wanted."""

    state = serializers.ChoiceField(
        RolloutEnvironment.State.choices,
        required=False,
        help_text=_("How the environment stands."),
    )
    page_size = page_size_field(LARGEST_LIST)
    cursor = query_text(help_text=_("Of the address in next."))
