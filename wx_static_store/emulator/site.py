"""The public site: what a browser gets from the environment's address."""

from __future__ import annotations

from email.utils import formatdate

from .answers import Answer, page
from .bucket import StoredObject
from .incoming import Request
from .state import State


def identify(request: Request, env: str) -> None:
    """Fill in what a GET is about."""
    request.name, request.env = "get_object", env
    request.key = request.path[1:].decode(errors="replace")
    if not request.key or request.key.endswith("/"):
        request.key += "index.html"


def handle(state: State, request: Request) -> Answer:
    """Answer GET and HEAD."""
    environment = state.settle(state.environments[request.env])
    if environment.status != "online":
        return page(404, "404 Not Found")
    bucket, now = environment.bucket, state.now()
    fresh = bool(request.query) and state.quirks.site_cache_busting
    for _ in range(2):  # once more if an overwrite came between looking and opening
        entry = bucket.get(request.key) if fresh else bucket.seen(request.key, now)
        if entry is None:
            break
        try:
            return _found(entry, head_only=request.method == "HEAD")
        except FileNotFoundError:
            continue
    return page(404, "404 Not Found")


def _found(entry: StoredObject, *, head_only: bool) -> Answer:
    headers = {
        "Content-Type": "application/octet-stream",
        "ETag": f'"{entry.md5}"',
        "Last-Modified": formatdate(entry.last_modified, usegmt=True),
        "Server": "tencent-cos",
        **entry.headers,
    }
    if entry.content is not None:
        return Answer(200, headers, entry.content)
    stream = iter(()) if head_only else entry.blocks()
    return Answer(200, headers, stream=stream, length=entry.size)
