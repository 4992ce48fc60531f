"""The public site: what a browser gets from the environment's address."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate

from . import edge, notice
from .answers import Answer, page
from .bucket import StoredObject
from .incoming import Request
from .quirks import Quirks
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
    if answer := notice.intercept(request, state.quirks):
        return answer
    answer = (
        _object(state, request, request.key)
        or _folder(state, request)
        or _error_page(state, request)
    )
    return edge.deliver(answer, request, state.quirks)


def _error_page(state: State, request: Request) -> Answer:
    """Return the error page that the console has set, or the text of the hosting."""
    if not (key := state.quirks.error_page) or not (answer := _object(state, request, key)):
        return page(404, "404 Not Found")
    return replace(answer, status=int(state.quirks.error_status))


def _folder(state: State, request: Request) -> Answer | None:
    """Return the index of a folder that was asked for without its last slash."""
    quirk = state.quirks.folder_without_slash
    if quirk == "404" or request.target.partition("?")[0].endswith("/"):
        return None
    answer = _object(state, request, f"{request.key}/index.html")
    if answer is None or quirk == "serve":
        return answer
    path, mark, query = request.target.partition("?")
    return Answer(302, {"Location": f"{path}/{mark}{query}"})


def _object(state: State, request: Request, key: str) -> Answer | None:
    bucket, now = state.environments[request.env].bucket, state.now()
    fresh = bool(request.query) and state.quirks.site_cache_busting
    for _ in range(2):  # once more if an overwrite came between looking and opening
        entry = bucket.get(key) if fresh else bucket.seen(key, now)
        if entry is None:
            break
        try:
            answer = _found(entry, head_only=request.method == "HEAD")
        except FileNotFoundError:
            continue
        hit = entry is not bucket.get(key)
        edge.note_cache(answer, state.quirks, hit=hit)
        return _as_delivered(answer, request, state.quirks)
    return None


def _as_delivered(answer: Answer, request: Request, quirks: Quirks) -> Answer:
    """Change the headers as the CDN does."""
    if quirks.cdn_cache_control != "kept":
        answer.headers.pop("Cache-Control", None)
    if quirks.cdn_cache_control not in ("kept", "none"):
        answer.headers["Cache-Control"] = quirks.cdn_cache_control
    forced = quirks.attachment == "all" or (quirks.attachment == "get" and request.method == "GET")
    if forced or notice.forces_download(request, quirks):
        answer.headers["Content-Disposition"] = "attachment"
    return answer


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
