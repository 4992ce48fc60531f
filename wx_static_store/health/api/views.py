"""The view of the doctor's results."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from ...api.base import View
from ...api.operations import READ, Operation
from ..doctor.latest import examined
from . import serializers

YOUNG = 10.0  # seconds in which monitors get the same results


class Health(View):
    """What is wrong, for monitors: 503 where something is."""

    needs = {"GET": ("wx_static_store_health.view_health",)}
    operations = {
        "GET": Operation(
            "wx_health_retrieve",
            _("What is wrong, and what to do about it"),
            READ,
            serializers.HealthSerializer,
            description=_(
                "For monitors: 503 where something is wrong. A warning is no fault. The checks are "
                "those of wx_doctor without --probe. Results that are younger than ten seconds are "
                "answered again."
            ),
            also=503,
        ),
    }

    def get(self, request: Request) -> Response:
        found = examined(YOUNG)
        status = 503 if found["status"] == "wrong" else 200
        return Response(serializers.HealthSerializer(found).data, status)
