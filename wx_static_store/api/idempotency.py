"""
``Idempotency-Key``: the first answer again, for a day.

Kept is what stays true: a stored file, and that nobody knows. After any other answer nothing is
stored, and the client may come again with the same key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DatabaseError, IntegrityError, router, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from ..exceptions import WxStaticStoreError
from ..models import IdempotencyKey
from ..upload.sources import digest
from .problems import UNUSABLE, Conflict, as_told_to, log, request_id

KEPT = timedelta(days=1)
MARGIN = 600  # seconds: for UPLOAD_CHECK, and for clocks that differ
# What work raises, it raises before a byte was sent.
_BEFORE = (APIException, Http404, PermissionDenied, WxStaticStoreError, *UNUSABLE)
_HEADERS = ("Location", "X-WX-Code", "X-WX-Status", "X-WX-Upload-Id")
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
    """
    A row in the database, which forgets nothing before its day; its unique digest decides races.

    A database that fails before the work is told (503): what is not remembered might be done twice.
    """

    def __init__(self, request: Request, key: str, fingerprint: str) -> None:
        path = request.path.rstrip("/")  # every address is served with a slash, too
        whose = f"{request.user.pk} {request.method} {path} {key}"
        self._digest = sha256(whose.encode()).hexdigest()
        self._fingerprint = fingerprint
        self._request = request

    def first(self, seconds: float) -> Response | None:
        """The first answer; None where this request is the first."""
        try:
            found = self._found(seconds)
        except (DatabaseError, ImproperlyConfigured) as error:
            log(error, request_id(self._request))
            raise Conflict("busy") from None
        if found is None:
            return None
        if found.fingerprint != self._fingerprint:
            raise Conflict("other_body")
        if not found.answer:
            running = timezone.now() < found.running_until
            raise Conflict("in_progress" if running else "unknown")
        return self._again(json.loads(found.answer))

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
            with suppress(Exception):  # the file is where it is, whatever the database does
                keep()
        return response

    def _found(self, seconds: float) -> IdempotencyKey | None:
        """The row of the first request; None where it is this one's now."""
        now = timezone.now()
        ours = {
            "fingerprint": self._fingerprint,
            "running_until": now + timedelta(seconds=seconds),
            "expires": now + KEPT,
        }
        with suppress(IntegrityError), transaction.atomic(using=_rows().db):
            _rows().create(digest=self._digest, **ours)
            return None
        row = self._row().first()
        if row is None:  # freed at this moment
            raise Conflict("in_progress")
        if row.expires <= now:
            past = self._row().filter(expires=row.expires)  # one request takes it over
            if past.update(answer="", **ours):
                return None
            raise Conflict("in_progress")
        return row

    def _again(self, kept: Mapping[str, Any]) -> Response:
        data, status = kept["data"], kept["status"]
        data = data if status == 201 else as_told_to(self._request, data)
        headers = kept["headers"] | {"Idempotent-Replayed": "true"}
        return Response(data, status, headers=headers, content_type=kept["type"])

    def _broke(self) -> None:
        self._row().update(running_until=timezone.now())

    def _free(self) -> None:
        self._row().delete()

    def _keep(self, response: Response) -> None:
        if response.status_code != 201 and response.data["code"] != "unknown":
            self._free()
            return
        headers = {name: response[name] for name in _HEADERS if name in response}
        answer = {"status": response.status_code, "headers": headers, "data": response.data}
        whole = answer | {"type": response.content_type}
        self._row().update(answer=json.dumps(whole, cls=JSONEncoder))

    def _row(self) -> QuerySet[IdempotencyKey]:
        return _rows().filter(digest=self._digest)


def _rows() -> QuerySet[IdempotencyKey]:
    return IdempotencyKey._base_manager.using(router.db_for_write(IdempotencyKey))
