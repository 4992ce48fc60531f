"""
``Idempotency-Key``: send the first answer again, for a day.

Only an answer that stays true is kept: a stored file, a rollout that began, or an unknown outcome.
After any other answer nothing was done, and the client may use the key again.
"""

import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ..submit.submission import Submission, Unanswered
from ..upload.sources import digest
from .problems import Conflict, as_shown_to

_HEADERS = ("Location", "X-WX-Code", "X-WX-Status", "X-WX-Upload-Id")
_DONE = (201, 202)
_BROKEN_OFF = _("The first request with this Idempotency-Key broke off. Check what it did.")
_INVALID = _("Between 1 and 255 printable ASCII characters, such as a UUID.")


def once(
    request: Request,
    facts: Mapping[str, Any],
    file: BinaryIO | None,
    work: Callable[[], Response],
    *,
    env: str,
) -> Response:
    """Return the answer of `work`, or of the first request with this key by this user for `env`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": [_INVALID]})
    path = request.path.rstrip("/")  # every address is served with and without its slash
    # The same key with other facts or another file is refused.
    whole = json.dumps([dict(facts), digest(file) if file else ""], sort_keys=True, default=str)
    submission = Submission(
        f"{request.user.pk} {request.method} {path} {env} {key}",
        fingerprint=sha256(whole.encode()).hexdigest(),
    )
    try:
        first = submission.first_answer()
    except Unanswered as error:
        raise Conflict(error.code, _BROKEN_OFF if error.code == "unknown" else None) from None
    if first is None:
        return submission.send(work, _to_keep, unsent=(APIException,))
    data, status = first["data"], first["status"]
    data = data if status in _DONE else as_shown_to(request, data)
    headers = first["headers"] | {"Idempotent-Replayed": "true"}
    return Response(data, status, headers=headers, content_type=first["type"])


def _to_keep(response: Response) -> dict[str, Any] | None:
    if response.status_code not in _DONE and response.data["code"] != "unknown":
        return None
    headers = {name: response[name] for name in _HEADERS if name in response}
    answer = {"status": response.status_code, "headers": headers, "data": response.data}
    return answer | {"type": response.content_type}
