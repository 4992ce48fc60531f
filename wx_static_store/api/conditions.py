"""Check the conditions of a request (RFC 9110) and the digests of its body (RFC 9530)."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from functools import partial
from hashlib import file_digest, new
from typing import Any, BinaryIO

from django.http import HttpRequest
from django.utils.http import http_date, parse_etags, quote_etag
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ..core.types import RemoteFile
from ..submit.policy import Target
from ..upload.presence import look
from ..upload.store import Store, get_store
from .problems import Conflict

# The algorithms of Content-Digest that are checked here; others may be named, and are ignored.
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
_MEMBER = r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):"
_NO_DIGEST = _("This is no digest as RFC 9530 writes it.")
_NO_MD5 = _("This is no MD5 in base64.")


def headers_of(cloud: Store, file: RemoteFile) -> dict[str, str]:
    """Return the headers of a file in the cloud, as far as the list shows it."""
    headers = {"Wx-Size": str(file.size), "Link": f'<{cloud.key_url(file.key)}>; rel="describes"'}
    if file.md5 is not None:
        headers["ETag"] = quote_etag(file.md5)
    if file.last_modified is not None:
        headers["Last-Modified"] = http_date(file.last_modified.timestamp())
    return headers


def require_state(request: Request, to: Target, key: str) -> None:
    """Check If-Match and If-None-Match against the file at `key`; raises Conflict."""
    match, none_match = (request.headers.get(name) for name in ("If-Match", "If-None-Match"))
    if match is None and none_match is None:
        return
    found = look(get_store(to.using, to.env), key).file
    # A file without an MD5 in the list matches only ``*``. No permission lifts this.
    ours = {"*"} if found else set[str]()
    if found and found.md5:
        ours.add(quote_etag(found.md5))
    refused = match is not None and ours.isdisjoint(parse_etags(match))
    if refused or (none_match is not None and not ours.isdisjoint(parse_etags(none_match))):
        raise Conflict("precondition")


def named_algorithms(request: HttpRequest) -> list[str]:
    """Return the algorithms that the headers name, even if a header is malformed."""
    headers = request.headers
    text = headers.get("Content-Digest", "") + ("md5" if "Content-MD5" in headers else "")
    return [kind for name, kind in _ALGORITHMS.items() if name in text]


def _expected_digests(request: Request) -> dict[str, bytes]:
    """Return the digests that the body must have, by hashlib's name of the algorithm."""
    wanted: dict[str, bytes] = {}
    if (text := request.headers.get("Content-Digest")) is not None:
        members = [re.fullmatch(_MEMBER, part.strip()) for part in text.split(",")]
        if not all(members):
            raise ValidationError({"Content-Digest": [_NO_DIGEST]})
        for name, value in (member.groups() for member in members if member):
            if name in _ALGORITHMS:
                wanted[_ALGORITHMS[name]] = _decode(value, "Content-Digest", _NO_DIGEST)
    if (text := request.headers.get("Content-MD5")) is not None:
        md5 = _decode(text.strip(), "Content-MD5", _NO_MD5)
        if len(md5) != 16:
            raise ValidationError({"Content-MD5": [_NO_MD5]})
        if wanted.setdefault("md5", md5) != md5:
            raise Conflict("digest")
    return wanted


def _decode(text: str, header: str, complaint: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except NotBase64:
        raise ValidationError({header: [complaint]}) from None


def require_digests(request: Request, digest: Callable[[str], bytes]) -> None:
    """Compare the body's `digest` with Content-MD5 and Content-Digest; raises Conflict."""
    if any(digest(name) != value for name, value in _expected_digests(request).items()):
        raise Conflict("digest")


def digest_of(file: BinaryIO, name: str) -> bytes:
    """Return the file's digest by an algorithm of hashlib, and rewind the file."""
    file.seek(0)
    found = file_digest(file, partial(new, name, usedforsecurity=False)).digest()  # type: ignore[arg-type]
    file.seek(0)
    return found
