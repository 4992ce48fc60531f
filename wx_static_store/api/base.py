"""The base of all views, their permissions and throttles; of the project, authentication only."""

import logging
from collections.abc import Callable
from functools import cached_property, partial
from math import ceil
from typing import Any

from django.http import HttpRequest
from django.views.decorators.cache import never_cache
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.schemas.inspectors import DefaultSchema
from rest_framework.serializers import Serializer
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from ..conf import platform_options
from ..core.notes import SharedCache
from ..submit.access import may
from ..upload.database import outside_transactions
from . import problems, schema
from .body import limit_body
from .conditions import unless_known
from .operations import Operation
from .parameters import validate

logger = logging.getLogger("wx_static_store.api")

VERSION = "1"  # raised by a change after which a client of today would fail
RATES = {"wx_static_store_upload": "60/min", "wx_static_store_list": "120/min"}


class Allowed(BasePermission):
    """Require one of the permissions of the view's method; forbid a method without an operation."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method not in view.allowed_methods:
            return True  # then the view answers 405
        return bool(view.operation and may(request.user, *view.operation.needs))


class Throttle(UserRateThrottle):
    """Count the requests of each user in the shared cache; if it fails, nobody is throttled."""

    num_requests: int  # of the base, which are there once a rate is
    duration: int

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def headers(self) -> dict[str, str]:
        """Return the rate and the requests that are left, as the IETF's draft 10 writes them."""
        history = getattr(self, "history", None)
        if history is None or self.cache.rests:
            return {}
        oldest = history[-1] if history else self.now  # the next to count no more
        left = max(0, self.num_requests - len(history))
        reset = max(0, ceil(self.duration - (self.now - oldest)))
        name = f'"{str(self.scope).removeprefix("wx_static_store_")}"'
        policy = f"{name};q={self.num_requests};w={self.duration}"
        return {"RateLimit-Policy": policy, "RateLimit": f"{name};r={left};t={reset}"}

    def forget(self) -> None:
        """Do not count this request."""
        if getattr(self, "history", None):  # there is none without a rate
            # Others of this user may have come meanwhile.
            key = str(self.key)
            self.history = [moment for moment in self.cache.get(key, []) if moment != self.now]
            self.cache.set(key, self.history, self.duration)

    def get_rate(self) -> Any:
        return (RATES | api_settings.DEFAULT_THROTTLE_RATES)[str(self.scope)]

    @cached_property
    def cache(self) -> SharedCache:  # type: ignore[override]
        alias = platform_options().token_cache
        report = partial(logger.warning, "The cache fails, so nobody is throttled (%s)")
        return SharedCache(alias, report)


class JsonOnly(BaseContentNegotiation):
    """Answer with JSON, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = str(request.content_type or "").partition(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type in (kind, "*/*")), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class View(APIView):
    """Apply none of the project's defaults but authentication."""

    query: dict[str, Any]  # the clean parameters of the address

    permission_classes = [IsAuthenticated, Allowed]
    renderer_classes = [JSONRenderer]
    parser_classes: Any = []
    content_negotiation_class = JsonOnly
    metadata_class = None
    versioning_class = None
    http_method_names = ["get", "head", "post", "put"]
    schema = schema.Schema() if schema.INSTALLED else DefaultSchema()

    @property
    def operation(self) -> Operation | None:
        """Return the operation of the method that handles this request; None if there is none."""
        handler = getattr(self, str(self.request.method).lower(), None)
        return getattr(handler, "operation", None)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # Outside of ATOMIC_REQUESTS, so that a failed upload keeps its row.
        return outside_transactions(never_cache(super().as_view(**initkwargs)))

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        limit_body(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Not by a class of the framework: drf-spectacular warns of each that is not its own.
        if request.headers.get("X-WX-API-Version", VERSION) != VERSION:
            raise problems.Conflict("version")
        super().initial(request, *args, **kwargs)
        if self.operation:  # other methods get 405
            self.query = validate(self.operation.query or Serializer, request.query_params.dict())

    def get_throttles(self) -> list[Any]:
        kind = "upload" if self.request.method in ("POST", "PUT") else "list"
        self.throttle = Throttle(f"wx_static_store_{kind}")
        return [self.throttle]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        throttle: Any = getattr(self, "throttle", None)  # there is none before authentication
        replayed = throttle and "Idempotent-Replayed" in response
        # It counts as another request, lest one key lets any number of bodies through.
        if replayed and Throttle("wx_static_store_list").allow_request(request, self):
            throttle.forget()
        headers = throttle.headers() if throttle else {}
        headers |= {"X-Request-ID": problems.request_id(request), "X-WX-API-Version": VERSION}
        for name, value in headers.items():
            response[name] = value
        return unless_known(request, response)

    def get_exception_handler(self) -> Callable[..., Any]:
        return problems.answer

    def get_authenticate_header(self, request: Request) -> str:
        """Return a header, so that a stranger gets 401 and not 403 where only sessions exist."""
        return super().get_authenticate_header(request) or 'Session realm="api"'
