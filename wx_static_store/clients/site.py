"""GET of a public address: streamed, past the caches, its length checked; gzip is opened."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, BinaryIO

from ..causes.wire import REDIRECT, of_status
from ..core.retry import Deadline
from ..core.secrets import Secret
from ..exceptions import error_of
from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from .transport import Reply, Transport

PAGE_LIMIT = 16 * 1024 * 1024  # bytes of a page that is looked at: a start page may be large
_BROWSER = {  # of a person who opens the address: a default domain has a notice for them
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


class SiteClient:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def fetch(self, url: str, sink: BinaryIO, *, deadline: Deadline) -> Reply | None:
        """Write the body of an address into `sink`; return None if it serves nothing (404)."""
        address = _past_caches(url)
        sink.seek(0)
        sink.truncate()
        reply = self._transport.exchange(
            "GET", Secret(address), stage="verify", deadline=deadline, sink=sink, unzip=True
        )
        if reply.status == 200:
            return reply
        if reply.status in (404, 410):
            return None
        entry = of_status(reply.status)
        text = _("%(url)s is not served", url=url)
        if entry is REDIRECT:
            text = _("%(url)s redirects to %(host)s", url=url, host=reply.redirect_host)
        raise error_of(entry, text, stage="verify", http_status=reply.status)

    def look(
        self,
        url: str,
        *,
        deadline: Deadline,
        browser: bool = False,
        head: bool = False,
        past_caches: bool = False,
        gzip: bool = False,
    ) -> Reply:
        """Return the answer of an address, whatever its status; `browser` asks like a browser."""
        asks = (_BROWSER if browser else {}) | ({"Accept-Encoding": "gzip"} if gzip else {})
        return self._transport.exchange(
            "HEAD" if head else "GET",
            Secret(_past_caches(url) if past_caches else url),
            stage="verify",
            deadline=deadline,
            headers=asks,
            limit=PAGE_LIMIT,
            unzip=True,
        )


def _past_caches(url: str) -> str:
    return f"{url}?_={secrets.token_hex(8)}"  # a CDN keeps each query apart
