"""
``Idempotency-Key``: the first answer again, for a day.

What invites the client to come again is not kept: after a refusal (4xx) or a 503 nothing is stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, BinaryIO

from django.core.cache import caches
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from ..conf import platform_options
from ..sources import digest
from .problems import Conflict

KEPT = 24 * 3600  # seconds
RUNNING = 3600  # longer than an upload takes; a process that died leaves its key for so long
_HEADERS = ("Location", "Retry-After")
_INVALID = _("Between 1 and 255 printable ASCII characters, such as a UUID.")


def once(
    request: Request,
    facts: Mapping[str, Any],
    file: BinaryIO | None,
    work: Callable[[], Response],
) -> Response:
    """
    The answer of `work`, or of the first request with this key by this user at this address.

    The same key with other `facts` or another file is refused.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": [_INVALID]})
    memory = _Memory(request, key, _fingerprint(facts, file))
    return memory.first() or memory.keep(work)


def _fingerprint(facts: Mapping[str, Any], file: BinaryIO | None) -> str:
    whole = [dict(facts), digest(file) if file else ""]
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


class _Memory:
    """JSON in the cache that all processes share, as the token is."""

    def __init__(self, request: Request, key: str, fingerprint: str) -> None:
        whose = f"{request.user.pk} {request.method} {request.path} {key}"
        self._key = f"wx_static_store:idempotency:{sha256(whose.encode()).hexdigest()}"
        self._cache = caches[platform_options().token_cache]
        self._fingerprint = fingerprint

    def first(self) -> Response | None:
        """The first answer; None where this request is the first."""
        started = json.dumps({"body": self._fingerprint})
        try:
            if self._cache.add(self._key, started, RUNNING):
                return None
            found = json.loads(self._cache.get(self._key) or started)
        except Exception:  # noqa: BLE001 -- any cache's: what it forgot might be done twice
            raise Conflict("busy") from None
        if found["body"] != self._fingerprint:
            raise Conflict("other_body")
        if "status" not in found:
            raise Conflict("in_progress")
        return Response(
            found["data"], found["status"], headers=found["headers"], content_type=found["type"]
        )

    def keep(self, work: Callable[[], Response]) -> Response:
        response = None
        try:
            response = work()
        finally:
            with suppress(Exception):  # the file is where it is, whatever the cache does
                self._keep(response)
        return response

    def _keep(self, response: Response | None) -> None:
        if response is None or response.status_code == 503:
            self._cache.delete(self._key)
            return
        headers = {name: response[name] for name in _HEADERS if name in response}
        answer = {"body": self._fingerprint, "status": response.status_code, "headers": headers}
        whole = answer | {"data": response.data, "type": response.content_type}
        self._cache.set(self._key, json.dumps(whole, cls=JSONEncoder), KEPT)
