"""Permissions and throttles."""

from __future__ import annotations

import logging
from functools import cached_property, partial
from math import ceil
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

from ..conf import platform_options
from ..core.notes import SharedCache
from ..submit.access import may

logger = logging.getLogger("wx_static_store.api")

RATES = {"wx_static_store_upload": "60/min", "wx_static_store_list": "120/min"}


class Allowed(BasePermission):
    """Require one of the view's permissions for this method; forbid a method without any."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in view.allowed_methods:
            return True  # then the view answers 405
        return may(request.user, *view.needs.get(method, ()))


class Throttle(UserRateThrottle):
    """
    Count the requests of each user; DEFAULT_THROTTLE_RATES may set another rate.

    The count is in the cache that all processes share. If the cache fails, nobody is throttled.
    """

    num_requests: int  # of the base, which are there once a rate is
    duration: int

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def headers(self) -> dict[str, str]:
        """
        Return the headers with the requests that are left; none if nobody is throttled.

        The names are those that clients read today. RateLimit-Reset is the number of seconds until
        the oldest request counts no more.
        """
        history = getattr(self, "history", None)
        if history is None or self.cache.rests:
            return {}
        oldest = history[-1] if history else self.now
        left = max(0, self.num_requests - len(history))
        reset = max(0, ceil(self.duration - (self.now - oldest)))
        facts = {"Limit": self.num_requests, "Remaining": left, "Reset": reset}
        return {f"RateLimit-{name}": str(value) for name, value in facts.items()}

    def get_rate(self) -> Any:
        return (RATES | api_settings.DEFAULT_THROTTLE_RATES)[str(self.scope)]

    @cached_property
    def cache(self) -> SharedCache:  # type: ignore[override]
        alias = platform_options().token_cache
        report = partial(logger.warning, "The cache fails, so nobody is throttled (%s)")
        return SharedCache(alias, report)
