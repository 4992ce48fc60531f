"""
Our part of the OpenAPI document that drf-spectacular makes of a project (extra ``schema``).

It asks nothing of the project's settings; without drf-spectacular there is nothing to ask for.
"""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.schemas.inspectors import DefaultSchema
from rest_framework.serializers import FileField

from . import parameters, serializers
from .operations import BINARY, FILLED_IN, KEY, OPERATIONS, PROBLEM, Operation
from .problems import MEDIA_TYPE, PROBLEMS, RETRY_AFTER

if TYPE_CHECKING:
    from rest_framework.schemas.inspectors import ViewInspector

try:
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True

_KEY = _("The first answer comes again to whoever sends the same request with the same key.")
_PREFIX = "Wx"  # a project may have a Store and a File of its own


def of_views() -> ViewInspector:
    """What describes our views, for their attribute `schema`."""
    return Schema() if INSTALLED else DefaultSchema()


if INSTALLED:

    class Schema(AutoSchema):
        """Reads everything from `OPERATIONS`."""

        @property
        def operation(self) -> Operation:
            names = (kind.__name__ for kind in type(self.view).__mro__)  # a project may inherit
            known = ((name, self.method) for name in names if (name, self.method) in OPERATIONS)
            return OPERATIONS[next(known)]

        def get_operation_id(self) -> str:
            return self.operation.id

        def get_tags(self) -> list[str]:
            return ["wx_static_store"]

        def get_summary(self) -> str:
            return str(self.operation.summary)

        def get_description(self) -> str:  # type: ignore[override]
            return str(self.operation.description)

        def get_request_serializer(self) -> Any:
            return self.operation.request

        def get_override_parameters(self) -> list[Any]:
            operation = self.operation
            found: list[Any] = [operation.query] if operation.query else []
            for name, kind in {"id": int, "name": str}.items():
                if f"{{{name}}}" in self.path:
                    found.append(OpenApiParameter(name, kind, OpenApiParameter.PATH))
            if operation.once:
                found.append(_header("Idempotency-Key", KEY, _KEY))
            if operation.status == HTTPStatus.CREATED:
                found.append(_header("Location", str, _("The row in the log."), [201]))
            waits = sorted({PROBLEMS[code][0] for code in operation.codes if code in RETRY_AFTER})
            found.append(_header("Retry-After", int, _("In seconds."), waits))
            return found

        def get_response_serializers(self) -> Any:
            operation = self.operation
            examples = [OpenApiExample("example", operation.example)] if operation.example else []
            good = OpenApiResponse(operation.answer, str(operation.summary), examples)
            return {operation.status: good} | _bad(operation.codes)

        def _is_list_view(self, serializer: Any = None) -> bool:
            return False  # a page is a serializer of its own

        def _get_serializer_name(self, serializer: Any, *args: Any, **kwargs: Any) -> str:
            return _PREFIX + str(super()._get_serializer_name(serializer, *args, **kwargs))

        def _map_serializer_field(self, field: Any, *args: Any, **kwargs: Any) -> Any:
            """Bytes, whatever COMPONENT_SPLIT_REQUEST says; a form that can be sent as it is."""
            if isinstance(field, FileField):
                return BINARY | {"description": str(field.help_text)}
            found = super()._map_serializer_field(field, *args, **kwargs)  # type: ignore[no-untyped-call]
            if isinstance(field.parent, parameters.Form) and field.field_name in FILLED_IN:
                return found | {"example": FILLED_IN[field.field_name]}
            return found


def _header(name: str, kind: Any, text: Any, response: Any = False) -> Any:
    place: Any = OpenApiParameter.HEADER
    return OpenApiParameter(name, kind, place, description=str(text), response=response)


def _bad(codes: tuple[str, ...]) -> dict[tuple[int, str], Any]:
    """A response for each status, which names its codes."""
    of_status = defaultdict(list)
    for code in codes:
        of_status[PROBLEMS[code][0]].append(code)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            serializers.Problem,
            ", ".join(f"`{code}`" for code in named),
            [OpenApiExample("example", _example(status, named[0]), media_type=MEDIA_TYPE)],
        )
        for status, named in sorted(of_status.items())
    }


def _example(status: int, code: str) -> dict[str, Any]:
    facts = {"title": HTTPStatus(status).phrase, "status": status, "code": code}
    return PROBLEM | facts | {"detail": str(PROBLEMS[code][1])}
