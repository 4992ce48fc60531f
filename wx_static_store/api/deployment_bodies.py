"""The bodies of requests that deploy: JSON, or a form."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from .body import require_length, require_whole
from .parameters import OF_A_PAGE, Input, require_one_file, validate

RELEASE = _("A kept release: the id or label of a deployment, or a digest.")
_EITHER = _("Send either the name of a release, or rollback alone.")


def text_field(**options: Any) -> Any:
    """Return a field for text that is optional without a default."""
    options = ({} if "default" in options else {"required": False}) | options
    return serializers.CharField(**options)


class DeploymentBody(Input):
    """Which kept release goes to one environment."""

    env = text_field(max_length=64, required=True, help_text=_("The id of the environment."))
    release = text_field(help_text=RELEASE)
    rollback = serializers.BooleanField(
        default=False, help_text=_("In place of release: the one before the newest.")
    )
    store = text_field(
        default="",
        allow_blank=True,
        help_text=_("An alias of STORAGES. Without it, that of the release."),
    )
    prefix = text_field(
        default="",
        allow_blank=True,
        help_text=_("The folder below the store's location. Without it, that of the release."),
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if bool(given.get("release")) == given["rollback"]:
            raise ValidationError({"release": [_EITHER]})
        return given


def clean_body(kind: type[Input], request: Request) -> dict[str, Any]:
    """Return the clean values of a body, of JSON or a form; raise ValidationError."""
    if request.headers.get("Transfer-Encoding"):
        require_length(request)
    require_whole(request)
    data = request.data
    if isinstance(data, QueryDict):
        require_one_file(request.FILES)
        data = copy(data)  # data.copy() would also copy the bytes of files
        data.pop(OF_A_PAGE, None)
    return validate(kind, data)
