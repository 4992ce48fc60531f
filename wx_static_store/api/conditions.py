"""Check the conditions of a request (RFC 9110), and the MD5 of its body."""

from base64 import b64encode
from hashlib import sha256
from typing import Any, BinaryIO

from django.utils.http import http_date, parse_etags, quote_etag
from rest_framework.request import Request

from ..core.types import RemoteFile
from ..submit.policy import Target
from ..upload.parked import row_ahead
from ..upload.presence import look
from ..upload.sources import digest
from ..upload.store import get_store
from .problems import Conflict


def unless_known(request: Request, response: Any) -> Any:
    """Give a good read its ETag; answer 304 without a body to a caller who has it already."""
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    content = response.render().content
    response.headers.setdefault("ETag", quote_etag(sha256(content).hexdigest()))
    if {"*", response["ETag"]} & _tags(request.headers.get("If-None-Match", "")):
        response.status_code, response.content = 304, b""
        del response.headers["Content-Type"]
    return response


def _tags(header: str) -> set[str]:
    # Whoever compresses an answer, such as nginx, makes its tag a weak one; ours name the bytes.
    return {each.removeprefix("W/") for each in parse_etags(header)}


def _etag(file: RemoteFile, waits: bool) -> str:
    # Another one when the file is public: else a client that waits for that would get 304.
    return quote_etag(f"{file.md5}-waiting" if waits else str(file.md5))


def headers_of(file: RemoteFile, url: str | None, *, waits: bool) -> dict[str, str]:
    """Return the headers of a file in the cloud, as far as the list shows it."""
    headers = {"Wx-Size": str(file.size)} | ({"Link": f'<{url}>; rel="describes"'} if url else {})
    if file.md5 is not None:
        headers["ETag"] = _etag(file, waits)
    if file.last_modified is not None:
        headers["Last-Modified"] = http_date(file.last_modified.timestamp())
    return headers


def require_state(request: Request, to: Target, key: str) -> None:
    """Check If-Match and If-None-Match against what waits or is at `key`; raises Conflict."""
    match, none_match = (request.headers.get(name) for name in ("If-Match", "If-None-Match"))
    if match is None and none_match is None:
        return
    cloud = get_store(to.using, to.env)
    row = row_ahead(to.using, cloud.options, key)
    found = (row or look(cloud, key)).file
    # A file without an MD5 in the list matches only ``*``. No permission lifts this.
    ours = {"*"} if found else set[str]()
    if found and found.md5:
        ours |= {_etag(found, False), _etag(found, row is not None)}
    if (match is not None and not ours & _tags(match)) or ours & _tags(none_match or ""):
        raise Conflict("precondition")


def require_md5(request: Request, file: BinaryIO) -> None:
    """Compare the file with Content-MD5; raises Conflict."""
    wanted = request.headers.get("Content-MD5")
    if wanted is not None and wanted.strip() != b64encode(bytes.fromhex(digest(file))).decode():
        raise Conflict("digest")
