"""The only way to the network: one exchange per call, and only our own exceptions come out."""

import logging
import re
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import urllib3
from django.utils.functional import Promise

from .. import __version__
from ..causes import CAUSES
from ..causes.wire import CERTIFICATES, SOCKS, of_proxy_status
from ..core.frames import clearing_frames, is_from_signal, wrapped
from ..core.retry import READ_RATE, Deadline
from ..core.secrets import Secret
from ..core.types import during
from ..exceptions import (
    ConnectFailed,
    DeadlineExceeded,
    ProtocolError,
    ResponseLost,
    WxStaticStoreError,
    error_of,
)
from ..i18n import english, gettext_lazy as _, shown
from .connections import BLOCK, Exchange, Pools, current_exchange
from .links import check_address, check_link

Headers = Mapping[str, str | Secret]
Content = bytes | Secret | Sized

security = logging.getLogger("wx_static_store.security")

_NO_RETRIES = urllib3.Retry(False, redirect=False)
_HEADERS = {"User-Agent": f"wx_static_store/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str] = field(repr=False)  # both may hold a link
    body: bytes = field(repr=False)

    @property
    def retry_after(self) -> float:
        """The seconds that the server asks to wait, at most 30; 0 if it names none."""
        value = self.headers.get("Retry-After", "")
        return min(float(value), 30.0) if re.fullmatch(r"\d{1,9}", value) else 0.0

    @property
    def redirect_host(self) -> str | Promise:
        """The host that a redirect names; the rest of its address may hold a secret."""
        with suppress(ValueError):  # no address at all
            if host := urlsplit(self.headers.get("Location", "")).hostname:
                return shown(host)
        return _("another address")


class Transport:
    """Pooled connections, and the hosts of signed links; `loopback` also allows the emulator's."""

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        pool_size: int,
        upload_hosts: tuple[str, ...] = (),
        loopback: bool = False,
    ) -> None:
        self._timeouts = (connect_timeout, read_timeout)
        self._check_link = partial(check_link, upload_hosts=upload_hosts, loopback=loopback)
        self._pools = Pools(pool_size)
        # By address: the `Date` of the newest answer, whatever its status, and when it came.
        self.dates: dict[str, tuple[str, float]] = {}

    @clearing_frames
    def exchange(
        self,
        method: str,
        url: Secret,
        *,
        stage: str,
        deadline: Deadline,
        headers: Headers | None = None,
        body: Content = b"",
        limit: int = 64 * 1024,
        sink: BinaryIO | None = None,
        key: str | None = None,
        unzip: bool = False,
    ) -> Reply:
        """
        Return the answer to one request, whatever its status; no redirect is followed.

        With `key` the address is a signed link and must point at that key. With `sink` the body of
        a 200 goes there, of any length, and each block gives the deadline the time that a slow
        line needs for it; else more than `limit` bytes are an error. `unzip` opens a body that
        comes as gzip, asked for or not; else that is an error. Raises TransportError,
        ProtocolError, DeadlineExceeded, ConfigurationError, what reading the body raises, and as
        it is what comes from outside of the network, as a signal handler's exception.
        """
        self._check(url, key)
        address = url.reveal().partition("?")[0]  # what follows may be a token or a signature
        origin = "/".join(re.split("[/#]", address, maxsplit=3)[:3])
        if not deadline.left():
            raise DeadlineExceeded(_("No time was left to ask %(peer)s", peer=origin), stage=stage)
        headers, query = headers or {}, Secret(url.reveal().removeprefix(address))
        request = self._public_part(method, address, headers, body, deadline)
        read_timeout, has_body = self._timeouts[1], bool(body)
        exchange = Exchange(deadline, read_timeout, query, headers, has_body)
        with during(current_exchange, exchange):
            outcome = self._perform(request, origin, partial(_read, limit, sink, unzip))
        if isinstance(outcome, Reply):
            self.dates[origin] = outcome.headers.get("Date", ""), time.time()
            return outcome
        outcome.__cause__ = outcome.__context__ = None
        raise outcome.with_context(stage=outcome.stage or stage).with_traceback(None)

    def _check(self, url: Secret, key: str | None) -> None:
        if key is None:
            fault = check_address(url.reveal())
        elif fault := self._check_link(url.reveal(), key=key):
            security.warning("A signed link for %s was not used: %s", ascii(key), english(fault))
        if fault:
            text = _("The signed link was not used: %(reason)s", reason=fault)
            raise ProtocolError(text, cause="link.refused", stage="link")

    def _perform(
        self, request: dict[str, Any], origin: str, read: Callable[..., Reply | ProtocolError]
    ) -> Reply | WxStaticStoreError:
        """Call the HTTP libraries; all their work happens in this call."""
        handled, deadline = sys.exc_info()[1], current_exchange.get().deadline
        status: int | None = None
        try:
            with self._pools.towards(origin)(**request) as response:
                status = response.status
                return read(response, deadline=deadline)
        except Exception as error:  # noqa: BLE001 -- whatever the libraries raise ends here
            chain = tuple(wrapped(error, handled))
            # Theirs end here, as they carry addresses with tokens in them: the caller raises ours,
            # outside of this block.
            if (foreign := _foreign(chain)) is None:
                failed = _classify(chain, origin, late=not deadline.left())
                return failed.with_context(http_status=failed.http_status or status)
        # Out of what the libraries wrapped it in.
        foreign.__cause__ = foreign.__context__ = None
        raise foreign

    def _public_part(
        self, method: str, url: str, headers: Headers, body: Content, deadline: Deadline
    ) -> dict[str, Any]:
        """Return what the libraries get of a request; the secrets are added below them."""
        connect, read = self._timeouts
        shown = {name: value for name, value in headers.items() if isinstance(value, str)}
        if method != "GET":
            size = len(body.reveal().encode()) if isinstance(body, Secret) else len(body)
            shown["Content-Length"] = str(size)
        # By urllib3, as `requests` does: what a session does besides (cookies, netrc, redirects) is
        # unwanted here, and was half of its time.
        # No redirect: a 307 carries body and token to another host, and a 302 makes of a PUT a GET,
        # whose 200 looks like a stored file. No decoding: of 194 KB a bomb makes 200 MB.
        return {
            "method": method,
            "url": url,
            "body": [body] if isinstance(body, Secret) else body or None,
            "headers": _HEADERS | shown,
            "timeout": urllib3.Timeout(connect=min(connect, deadline.left()), read=read),
            "retries": _NO_RETRIES,
            "redirect": False,
            "preload_content": False,
            "decode_content": False,
        }


def _read(
    limit: int,
    sink: BinaryIO | None,
    unzip: bool,
    response: urllib3.BaseHTTPResponse,
    deadline: Deadline,
) -> Reply | ProtocolError:
    status, encoding = response.status, response.headers.get("Content-Encoding", "identity")
    # A few KB of gzip may be many MB: urllib3 opens no more than is asked for.
    read = partial(response.read, decode_content=unzip and encoding == "gzip")
    if status < 200:  # left unread: the true answer may still come this way
        text = _("Only an interim answer came")
        return ProtocolError(text, cause="answer.odd", http_status=status)
    if encoding != "identity" and not read.keywords["decode_content"]:
        text = _("The answer is compressed although none was asked for")
        return ProtocolError(text, http_status=status)
    if sink is not None and status == 200:
        while block := read(BLOCK):
            sink.write(block)
            deadline.extend(len(block) / READ_RATE)
        return Reply(200, response.headers, b"")
    data = read(limit + 1)
    # Only a second read notices a missing end; after an announced one it would find nothing.
    if len(data) > limit or (response.length_remaining != 0 and read(1)):
        if status >= 400:  # its status says enough
            return Reply(status, response.headers, data[:limit])
        text = _("The answer is longer than %(limit)d bytes", limit=limit)
        return ProtocolError(text, http_status=status)
    return Reply(status, response.headers, data)


def _too_slow(kinds: set[type], peer: str | Promise) -> str | Promise:
    """Return the error of an exchange that ran out of time, naming its step."""
    if kinds & _UNCONNECTED:
        return _("The time allowed was over while connecting to %(peer)s", peer=peer)
    if urllib3.exceptions.ReadTimeoutError in kinds:
        return _("The time allowed was over while waiting for the answer of %(peer)s", peer=peer)
    return _("The time allowed was over while sending to %(peer)s", peer=peer)


def _foreign(chain: Sequence[BaseException]) -> BaseException | None:
    """Return the innermost error that no network library raised; None if an error is ours."""
    if any(isinstance(link, WxStaticStoreError) for link in chain):
        return None
    # From the inside: urllib3 gives its own errors the traceback of the errors that they wrap.
    for error in reversed(chain):
        library = type(error).__module__.split(".")[0] in _LIBRARIES
        if not (library and isinstance(error, Exception)) or is_from_signal(error):
            return error
    return None


def _classify(chain: Sequence[BaseException], origin: str, *, late: bool) -> WxStaticStoreError:
    """Return our error for theirs, with their class alone: their text may hold a token."""
    kinds = {kind for link in chain for kind in type(link).__mro__}
    for link in chain:
        if isinstance(link, WxStaticStoreError):
            return link
    proxy = current_exchange.get().proxy
    way = _("proxy %(proxy)s, on the way to %(peer)s", proxy=proxy, peer=origin)
    peer = way if proxy else origin
    cause, status = _cause(chain, kinds, at_proxy=bool(proxy))
    if late and TimeoutError in kinds:
        return DeadlineExceeded(_too_slow(kinds, peer), cause=cause)
    if cause:
        entry = CAUSES[cause]
        text = _("%(label)s: %(text)s", label=entry.title, text=peer)
        # In the words of OpenSSL, where no entry says which failure of a certificate it was.
        words = [getattr(link, "verify_message", "") for link in chain if cause == "tls.other"]
        return error_of(entry, text, http_status=status, errmsg="".join(words))
    failed = next(make() for types, make in _CLASSES if not kinds.isdisjoint(types))
    facts = f"{origin}: {type(chain[0]).__name__}"
    return failed.with_context(message=_("%(what)s (%(facts)s)", what=failed.message, facts=facts))


def _cause(
    chain: Sequence[BaseException], kinds: set[type], *, at_proxy: bool
) -> tuple[str, int | None]:
    """Return the cause of a failure of TLS or of the proxy, with its HTTP status; else no text."""
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return CERTIFICATES.get(link.verify_code, "tls.other"), None
        if refused := _NO_TUNNEL.match(str(link)):  # the libraries keep the status in a text only
            status = int(refused[1])
            return of_proxy_status(status), status
    if ssl.SSLError in kinds:
        return "tls.broken", None
    if not at_proxy:
        return "", None
    of_socks = {kind.__name__ for kind in kinds if kind.__module__ == "socks"} & SOCKS.keys()
    by_class = "proxy.away" if kinds & _UNCONNECTED else "proxy.hangs"
    return next((SOCKS[name] for name in of_socks), by_class), None


# Whose errors are about the network; another class is a project's own, which a signal handler or
# another thread raised in the middle of an exchange.
_LIBRARIES = sys.stdlib_module_names | {
    *("urllib3", "requests", "idna", "socks", "OpenSSL", "gevent", "eventlet", "dns"),
}
_NO_TUNNEL = re.compile(r"Tunnel connection failed: ([1-5]\d\d)")
_UNCONNECTED = {urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError}

# The first row that fits wins; TLS and proxies were looked at before.
_CLASSES: tuple[tuple[set[type], Callable[[], WxStaticStoreError]], ...] = (
    (_UNCONNECTED, lambda: ConnectFailed(_("The server could not be reached"))),
    (
        {urllib3.exceptions.IncompleteRead},
        lambda: ProtocolError(_("The answer is shorter than announced"), cause="answer.odd"),
    ),
    (
        {urllib3.exceptions.DecodeError},
        lambda: ProtocolError(_("The answer is no gzip"), cause="answer.odd"),
    ),
    ({OSError, urllib3.exceptions.HTTPError}, lambda: ResponseLost(_("The answer never came"))),
    ({Exception}, lambda: ProtocolError(_("The request cannot be sent as it stands"))),
)
