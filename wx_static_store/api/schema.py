"""This app's part of the OpenAPI document, if drf-spectacular is there (extra ``schema``)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import SessionAuthentication

from ..core.types import WAITS
from ..releases.runners import runner
from . import parameters, serializers
from .operations import KEY, Operation
from .problems import MEDIA_TYPE, PROBLEMS, RETRY_AFTER

try:
    from drf_spectacular.extensions import (
        OpenApiSerializerExtension,
        OpenApiSerializerFieldExtension,
    )
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True

_KEY = _("The same request with the same key gets the first answer again.")
_CSRF = _("The CSRF token of the cookie; needed where the login is a session's.")
_NEXT = _("The address of the next page, as rel=next; left out of the last page.")
_POLICY = _("How many requests (q) this user may make in how many seconds (w).")
_LEFT = _("How many are left (r), and the seconds until the oldest counts no more (t).")
_ETAG = _("Of this answer; of a file, its MD5.")
_UNLESS = _("An ETag of this address: the answer is 304 where nothing changed.")
_SAME = _("The caller has this answer already.")
_BEGUN = _("Workers were asked to do it.")
_ID = _("The request's own X-Request-ID, or a new one; for the operator.")
_CODE = _("The code of the problem, where a proxy replaces the body.")
_ROW = _("The id of the row in the log; left out where there is none.")
_STATUS = _("How the upload ended: stored, waiting, failed or unknown; left out where none began.")
_REPLAYED = _("true, where this is an earlier answer again.")
# The problems that may name a row of the log, and those that are answered again.
_OF_UPLOADS = ("gone", "configuration", "upstream", "busy", "timeout", "unknown")
_UNKNOWN = PROBLEMS["unknown"][0]


if INSTALLED:

    class Schema(AutoSchema):
        """Describe a method of a view by its operation."""

        @property
        def operation(self) -> Operation:
            return cast(Operation, getattr(self.view, self.method.lower()).operation)

        def get_description(self) -> str:  # type: ignore[override]
            return str(self.operation.description)

        def get_request_serializer(self) -> Any:
            return self.operation.request

        def get_override_parameters(self) -> list[Any]:
            operation = self.operation
            found: list[Any] = [operation.query] if operation.query else []
            for name, kind in operation.path.items():
                if f"{{{name}}}" in self.path:
                    found.append(OpenApiParameter(name, kind, OpenApiParameter.PATH))
            kinds = self.view.get_authenticators()
            by_cookie = any(isinstance(kind, SessionAuthentication) for kind in kinds)
            if by_cookie and self.method in ("POST", "PUT"):
                found.append(_header("X-CSRFToken", str, _CSRF))
            if self.method == "GET":
                found.append(_header("If-None-Match", str, _UNLESS))
            found += [_header(name, *each) for name, each in operation.headers.items()]
            if operation.once:
                found.append(_header("Idempotency-Key", KEY, _KEY))
            return found + [_header(*each) for each in self._answer_headers() if each[-1]]

        def _answer_headers(self) -> Iterator[tuple[str, type, Any, list[int]]]:
            """Yield the name, type and text of each header, and the statuses that have it."""
            operation = self.operation
            accepts = operation.waits or (operation.begun and runner())
            good = [operation.status, *([202] if accepts else [])]
            ends_well = [*good, *([304] if self.method == "GET" else [])]
            failed = _statuses(code for code in operation.codes if code in _OF_UPLOADS)
            is_upload = operation.answer is serializers.UploadedSerializer
            uploads = [*good, *failed] if is_upload else []
            yield "X-WX-Code", str, _CODE, _statuses(operation.codes)
            yield "Location", str, _("The row in the log."), uploads
            yield "X-WX-Upload-Id", int, _ROW, uploads
            yield "X-WX-Status", str, _STATUS, uploads
            yield "Location", str, operation.location, good if operation.location else []
            yield "Idempotent-Replayed", str, _REPLAYED, [*good, _UNKNOWN] if operation.once else []
            yield "X-Request-ID", str, _ID, [*ends_well, *_statuses(operation.codes)]
            yield "RateLimit-Policy", str, _POLICY, [*ends_well, 429]
            yield "RateLimit", str, _LEFT, [*ends_well, 429]
            yield "ETag", str, _ETAG, ends_well if self.method == "GET" else []
            yield "Link", str, _NEXT, [200] if "next" in operation.answer().fields else []
            waits = _statuses(code for code in operation.codes if code in RETRY_AFTER)
            yield "Retry-After", int, _("In seconds."), waits

        def get_response_serializers(self) -> Any:
            operation = self.operation
            answers = {operation.status: OpenApiResponse(operation.answer, str(operation.summary))}
            if self.method == "GET":
                answers[304] = OpenApiResponse(None, str(_SAME))
            if operation.begun and (found := runner()):
                answers[202] = OpenApiResponse(found.answer_serializer(), str(_BEGUN))
            if operation.waits:
                answers[202] = OpenApiResponse(operation.answer, str(WAITS))
            if operation.also:  # a second status has the normal answer, and not a problem
                statuses = {code: PROBLEMS[code][0] for code in operation.codes}
                codes = [f"`{code}`" for code, of in statuses.items() if of == operation.also]
                text = ", ".join([str(_("the same list, where something is wrong")), *codes])
                answers[operation.also] = OpenApiResponse(operation.answer, text)
            return answers | _problem_answers(operation.codes)

        def get_serializer_name(self, serializer: Any, direction: Any) -> str:
            return f"Wx{super().get_serializer_name(serializer, direction)}"

        def get_operation(self, *args: Any) -> Any:
            described: Any = super().get_operation(*args)
            ours = self.operation
            described |= {"operationId": ours.id, "summary": str(ours.summary)}
            if "requestBody" in described:
                described["requestBody"]["required"] = True
            return described | {"tags": ["wx_static_store"]}

    class NamedChoiceExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
        """Give the enum a name; else drf-spectacular makes a StatusEnum for the whole project."""

        target_class = serializers.NamedChoice
        match_subclasses = True

        def get_name(self) -> str:
            name = self.target.called or str(self.target.field_name)
            return f"Wx{name[0].upper()}{name[1:]}"

        def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
            blank = [""] if self.target.allow_blank else []
            known = {"type": "string", "enum": [*self.target.choices, *blank]}
            return {"anyOf": [known, {"type": "string"}]} if self.target.open else known

    class InputExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
        """Describe a form with examples that can be sent, and each text by a single schema."""

        target_class = parameters.Input
        match_subclasses = True

        def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
            found = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
            for name, field in self.target.fields.items():
                shown = found["properties"][name]
                # A text with a pattern that may be blank has two branches; blank matches both.
                shown.update(shown.pop("oneOf", [{}])[0] | field.style.get("schema", {}))
                # openapi-typescript requires a property with a default; Swagger UI begins with it.
                if "default" in shown:
                    shown.setdefault("example", shown.pop("default"))
            return found


def _header(name: str, kind: Any, text: Any, response: Any = False) -> Any:
    place: Any = OpenApiParameter.HEADER
    return OpenApiParameter(name, kind, place, description=str(text), response=response)


def _statuses(codes: Iterable[str]) -> list[int]:
    return sorted({PROBLEMS[code][0] for code in codes})


def _problem_answers(codes: tuple[str, ...]) -> dict[tuple[int, str], Any]:
    """Return a response for each status, with the codes that it stands for."""
    of_status = defaultdict(list)
    for code in codes:
        of_status[PROBLEMS[code][0]].append(code)
    answers = {}
    for status, named in sorted(of_status.items()):
        first = {"status": status, "code": named[0], "detail": str(PROBLEMS[named[0]][1])}
        shown = {"title": HTTPStatus(status).phrase, **first}
        text = ", ".join(f"`{code}`" for code in named)
        examples = [OpenApiExample("example", shown, media_type=MEDIA_TYPE)]
        answers[status, MEDIA_TYPE] = OpenApiResponse(serializers.ProblemSerializer, text, examples)
    return answers
