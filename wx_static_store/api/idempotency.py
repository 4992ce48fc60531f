"""
``Idempotency-Key``: the first answer again, for a day.

Kept is what stays true: a stored file, and that nobody knows. After any other answer nothing is
stored, and the client may come again with the same key.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from ..conf import platform_options
from ..exceptions import ConfigurationError, WxStaticStoreError
from ..sources import digest
from .problems import UNUSABLE, Conflict, as_told_to

KEPT = 24 * 3600  # seconds
MARGIN = 600  # seconds: for UPLOAD_CHECK, and for clocks that differ
# What work raises, it raises before a byte was sent.
_BEFORE = (APIException, Http404, PermissionDenied, WxStaticStoreError, *UNUSABLE)
_FORGETFUL = _("The cache that TOKEN_CACHE names keeps nothing, so no Idempotency-Key can be used")
_INVALID = _("Between 1 and 255 printable ASCII characters, such as a UUID.")


def once(
    request: Request,
    facts: Mapping[str, Any],
    file: BinaryIO | None,
    work: Callable[[], Response],
    *,
    env: str,
    seconds: float,
) -> Response:
    """
    The answer of `work`, or of the first request with this key by this user for `env`.

    The same key with other `facts` or another file is refused. What has not ended after `seconds`
    was killed, and nobody knows how far it came.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": [_INVALID]})
    memory = _Memory(request, f"{env} {key}", _fingerprint(facts, file))
    return memory.first(seconds + MARGIN) or memory.keep(work)


def _fingerprint(facts: Mapping[str, Any], file: BinaryIO | None) -> str:
    whole = [dict(facts), digest(file) if file else ""]
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


class _Memory:
    """JSON in the cache that all processes share, as the token is."""

    def __init__(self, request: Request, key: str, fingerprint: str) -> None:
        whose = f"{request.user.pk} {request.method} {request.path} {key}"
        self._key = f"wx_static_store:idempotency:{sha256(whose.encode()).hexdigest()}"
        self._cache = caches[platform_options().token_cache]
        if isinstance(self._cache, DummyCache):
            raise ConfigurationError(_FORGETFUL)
        self._fingerprint = fingerprint
        self._request = request

    def first(self, seconds: float) -> Response | None:
        """The first answer; None where this request is the first."""
        started = self._running(until=time.time() + seconds)
        try:
            if self._cache.add(self._key, started, KEPT):
                return None
            found = json.loads(self._cache.get(self._key) or started)
        except Exception:  # noqa: BLE001 -- any cache's: what it forgot might be done twice
            raise Conflict("busy") from None
        if found["body"] != self._fingerprint:
            raise Conflict("other_body")
        if "status" not in found:
            raise Conflict("in_progress" if time.time() < found["until"] else "unknown")
        data, status = found["data"], found["status"]
        data = data if status == 201 else as_told_to(self._request, data)
        return Response(data, status, headers=found["headers"], content_type=found["type"])

    def keep(self, work: Callable[[], Response]) -> Response:
        """What breaks `work`, a signal say, may come when the file is stored already."""
        keep: Callable[[], object] = self._broke
        try:
            response = work()
            keep = partial(self._keep, response)
        except _BEFORE:
            keep = self._free
            raise
        finally:
            with suppress(Exception):  # the file is where it is, whatever the cache does
                keep()
        return response

    def _running(self, *, until: float) -> str:
        return json.dumps({"body": self._fingerprint, "until": until})

    def _broke(self) -> None:
        self._cache.set(self._key, self._running(until=0), KEPT)

    def _free(self) -> None:
        self._cache.delete(self._key)

    def _keep(self, response: Response) -> None:
        if response.status_code != 201 and response.data["code"] != "unknown":
            self._free()
            return
        headers = {"Location": response["Location"]} if "Location" in response else {}
        answer = {"body": self._fingerprint, "status": response.status_code, "headers": headers}
        whole = answer | {"data": response.data, "type": response.content_type}
        self._cache.set(self._key, json.dumps(whole, cls=JSONEncoder), KEPT)
