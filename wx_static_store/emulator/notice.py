"""The notice that a browser sees before the pages of a default domain."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from .answers import Answer
from .incoming import Request
from .quirks import Quirks

PATH, CONFIRMED = b"/.access-notice", b"/.access-notice/confirmed"
COOKIE = "access_notice=confirmed"
_HTML = """\
<html><head><meta charset="utf-8"><title>页面访问提示</title></head>
<body><h1>风险提醒</h1><p>{target}</p><a href="{link}">确定访问</a></body></html>
"""


def intercept(request: Request, quirks: Quirks) -> Answer | None:
    """Return the notice, if this request is a browser's and nobody has confirmed it yet."""
    if quirks.notice_page == "off":
        return None
    target = request.params.get("to", "/")
    if request.path == CONFIRMED:
        return Answer(302, {"Location": _local(target), "Set-Cookie": f"{COOKIE}; Path=/"})
    if request.path == PATH:
        return _page(target)
    if not _navigates(request) or COOKIE in request.headers.get("cookie", ""):
        return None
    if quirks.notice_page == "200":
        return _page(request.target)
    return Answer(302, {"Location": f"{PATH.decode()}?to={quote(request.target, safe='')}"})


def forces_download(request: Request, quirks: Quirks) -> bool:
    """Return whether the file is for downloading: the notice is on and no page is opened."""
    return quirks.notice_page != "off" and not _navigates(request)


def _navigates(request: Request) -> bool:
    if mode := request.headers.get("sec-fetch-mode"):
        return mode == "navigate"
    browser = request.headers.get("user-agent", "").startswith("Mozilla/")
    return browser and "text/html" in request.headers.get("accept", "")


def _page(target: str) -> Answer:
    link = f"{CONFIRMED.decode()}?to={quote(_local(target), safe='')}"
    html = _HTML.format(target=escape(target), link=escape(link))
    return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, html.encode())


def _local(target: str) -> str:
    return f"/{target.lstrip('/')}"
