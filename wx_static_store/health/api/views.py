"""The view of the doctor's results, and the members of its answer."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ...api.base import View
from ...api.operations import READ, Operation
from ...api.serializers import NamedChoice, Text, Time, member
from ..doctor import findings
from ..doctor.latest import examined

# `called` keeps its choices apart from those of an upload.
Mark = member(NamedChoice, choices=[mark.label for mark in findings.Mark], called="mark")


class FindingSerializer(serializers.Serializer[Any]):
    """One thing that a check found."""

    status = Mark(_("ok, warning, wrong or not_asked."))
    text = Text(_("What was found."))
    hint = Text(_("What to do about it; empty where all is well."))
    cause = Text(_("The entry that explains it: manage.py wx_explain prints it; may be empty."))
    docs = Text(_("Where the documentation says more; may be empty."))
    data = serializers.DictField(help_text=_("Figures for programs."))  # type: ignore[assignment]


class CheckSerializer(serializers.Serializer[Any]):
    """One question, and what was found."""

    id = Text(_("Stable: programs may rely on it."))
    question = Text(_("What is asked."))
    status = Mark(_("The worst of its findings."))
    seconds = serializers.FloatField(help_text=_("How long it took."))
    findings = FindingSerializer(many=True, help_text=_("One or more."))


class HealthSerializer(serializers.Serializer[Any]):
    """What is wrong with the platform and the stores, and what to do about it."""

    status = Mark(_("The worst of the checks."))
    verdict = Text(_("The same in a sentence."))
    examined = Time(_("When the checks were asked."))
    checks = CheckSerializer(many=True, help_text=_("In the order in which they are asked."))


YOUNG = 10.0  # seconds in which monitors get the same results


class Health(View):
    """What is wrong, for monitors: 503 where something is."""

    @Operation(
        "wx_health_retrieve",
        _("What is wrong, and what to do about it"),
        READ,
        HealthSerializer,
        ("wx_static_store_health.view_health",),
        description=_(
            "For monitors: 503 if something is wrong, not for a warning. The checks are those of "
            "wx_doctor without --probe. A result is used again for ten seconds."
        ),
        also=503,
    )
    def get(self, request: Request) -> Response:
        found = examined(YOUNG)
        status = 503 if found["status"] == "wrong" else 200
        return Response(HealthSerializer(found).data, status)
