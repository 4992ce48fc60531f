"""The edge before the site: its marks, and what it compresses on the way to a browser."""

from __future__ import annotations

import gzip
import uuid
from dataclasses import replace

from .answers import Answer
from .incoming import Request
from .quirks import Quirks

# By edge: the header of each answer, and that of the cache with what it says of a hit and a miss.
_MARKS = {
    "cdn": ("X-NWS-LOG-UUID", "X-Cache-Lookup", "Cache Hit", "Cache Miss"),
    "eo": ("EO-LOG-UUID", "EO-Cache-Status", "HIT", "MISS"),
}
# The old CDN compresses by the name, EdgeOne by the Content-Type; its brotli is left out here.
_SIZES = {"cdn": range(256, (2 << 20) + 1), "eo": range(256, (30 << 20) + 1)}
_SUFFIXES = (".js", ".html", ".css", ".xml", ".json", ".shtml", ".htm")
_TYPES = tuple(f"application/{name}" for name in ("javascript", "json", "wasm", "xml"))
_TYPES += ("text/", "image/svg+xml")


def note_cache(answer: Answer, quirks: Quirks, *, hit: bool) -> None:
    """Mark the answer as one from the cache, or from the origin."""
    _each, name, of_hit, of_miss = _MARKS[quirks.edge]
    answer.headers[name] = of_hit if hit else of_miss


def deliver(answer: Answer, request: Request, quirks: Quirks) -> Answer:
    """Return the answer as the edge passes it on."""
    headers = {**answer.headers, _MARKS[quirks.edge][0]: str(uuid.uuid4())}
    if quirks.edge == "eo":
        headers.setdefault("Server", "TencentEdgeOne")
    if headers.get("Content-Encoding") == "gzip":
        return _of_stored_gzip(replace(answer, headers=headers), request, quirks)
    if not _is_compressed(answer, request, quirks):
        return replace(answer, headers=headers)
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    body = gzip.compress(_whole(answer), mtime=0)
    return replace(answer, headers=headers, body=body, stream=None)


def _of_stored_gzip(answer: Answer, request: Request, quirks: Quirks) -> Answer:
    """Return the answer for an object that was stored as gzip."""
    accepted = "gzip" in request.headers.get("accept-encoding", "")
    if quirks.edge_gzip == "kept" or (quirks.edge_gzip == "decoded" and accepted):
        return answer
    headers = {name: each for name, each in answer.headers.items() if name != "Content-Encoding"}
    if quirks.edge_gzip == "dropped" or request.method != "GET":
        return replace(answer, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    return replace(answer, headers=headers, body=gzip.decompress(_whole(answer)), stream=None)


def _whole(answer: Answer) -> bytes:
    return answer.body if answer.stream is None else b"".join(answer.stream)


def _is_compressed(answer: Answer, request: Request, quirks: Quirks) -> bool:
    if answer.status != 200 or "Content-Encoding" in answer.headers or request.method != "GET":
        return False
    size = len(answer.body) if answer.length is None else answer.length
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    by_type, by_name = kind.startswith(_TYPES), request.key.lower().endswith(_SUFFIXES)
    fits = by_type if quirks.edge == "eo" else by_name
    accepted = request.headers.get("accept-encoding", "")
    return "gzip" in accepted and fits and size in _SIZES[quirks.edge]
