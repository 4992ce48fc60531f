"""Check the conditions of a request (RFC 9110), and the MD5 of its body."""

from base64 import b64encode
from typing import BinaryIO

from django.utils.http import http_date, parse_etags, quote_etag
from rest_framework.request import Request

from ..core.types import RemoteFile
from ..submit.policy import Target
from ..upload.parked import row_ahead
from ..upload.presence import look
from ..upload.sources import digest
from ..upload.store import get_store
from .problems import Conflict


def headers_of(file: RemoteFile, url: str | None) -> dict[str, str]:
    """Return the headers of a file in the cloud, as far as the list shows it."""
    headers = {"Wx-Size": str(file.size)} | ({"Link": f'<{url}>; rel="describes"'} if url else {})
    if file.md5 is not None:
        headers["ETag"] = quote_etag(file.md5)
    if file.last_modified is not None:
        headers["Last-Modified"] = http_date(file.last_modified.timestamp())
    return headers


def require_state(request: Request, to: Target, key: str) -> None:
    """Check If-Match and If-None-Match against what waits or is at `key`; raises Conflict."""
    match, none_match = (request.headers.get(name) for name in ("If-Match", "If-None-Match"))
    if match is None and none_match is None:
        return
    cloud = get_store(to.using, to.env)
    found = (row_ahead(to.using, cloud.options, key) or look(cloud, key)).file
    # A file without an MD5 in the list matches only ``*``. No permission lifts this.
    ours = {"*"} if found else set[str]()
    if found and found.md5:
        ours.add(quote_etag(found.md5))
    refused = match is not None and ours.isdisjoint(parse_etags(match))
    if refused or (none_match is not None and not ours.isdisjoint(parse_etags(none_match))):
        raise Conflict("precondition")


def require_md5(request: Request, file: BinaryIO) -> None:
    """Compare the file with Content-MD5; raises Conflict."""
    wanted = request.headers.get("Content-MD5")
    if wanted is not None and wanted.strip() != b64encode(bytes.fromhex(digest(file))).decode():
        raise Conflict("digest")
