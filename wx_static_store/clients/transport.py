"""The only way to the network: one exchange per call, and only our own exceptions come out."""

import logging
import re
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

import urllib3
from django.utils.functional import Promise

from .. import __version__
from ..core.frames import cleared_frames, is_from_signal, wrapped
from ..core.retry import READ_RATE, Deadline
from ..core.secrets import Secret
from ..exceptions import (
    ConfigurationError,
    ConnectFailed,
    DeadlineExceeded,
    ProtocolError,
    Remedy,
    ResponseLost,
    TlsFailed,
    WxStaticStoreError,
)
from ..i18n import english, gettext_lazy as _
from .connections import BLOCK, CERTIFICATE, Exchange, Pools, current_exchange
from .links import check_address, check_link, link_refused

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


class Transport:
    """
    Pooled connections, their limits in seconds, and the hosts that a signed link may name.

    `loopback` allows plain http and signed links on this machine: the emulator.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        pool_size: int,
        upload_hosts: Sequence[str] = (),
        loopback: bool = False,
    ) -> None:
        self._timeouts = (connect_timeout, read_timeout)
        self._check_link = partial(check_link, upload_hosts=upload_hosts, loopback=loopback)
        self._pools = Pools(pool_size)

    @cleared_frames()
    def exchange(
        self,
        method: str,
        url: Secret,
        *,
        stage: str,
        deadline: Deadline,
        headers: Mapping[str, str | Secret] | None = None,
        body: bytes | Secret | Sized = b"",
        limit: int = 64 * 1024,
        sink: BinaryIO | None = None,
        key: str | None = None,
    ) -> Reply:
        """
        Return the answer to one request, whatever its status; no redirect is followed.

        With `key` the address is a signed link and must point at that key. With `sink` the body of
        a 200 goes there, of any length, and each block gives the deadline the time that a slow
        line needs for it; else more than `limit` bytes are an error. Raises TransportError,
        ProtocolError, DeadlineExceeded, ConfigurationError, and what reading the body raises. What
        is no error of the network (a signal handler's exception, KeyboardInterrupt) passes as it
        is.
        """
        self._check(url, key)
        if not deadline.left():
            raise _late(stage, _("No time was left to ask %(peer)s", peer=_origin(url)))
        send = partial(self._send, method, url, headers or {}, body, deadline)
        hidden = {k: v for k, v in (headers or {}).items() if isinstance(v, Secret)}
        query = Secret("".join(url.reveal().partition("?")[1:]))
        token = current_exchange.set(Exchange(deadline, self._timeouts[1], query, hidden))
        try:
            outcome = self._perform(send, url, limit, sink, deadline)
        finally:
            current_exchange.reset(token)
        if isinstance(outcome, Reply):
            return outcome
        outcome.__cause__ = outcome.__context__ = None
        raise outcome.with_context(stage=outcome.stage or stage).with_traceback(None)

    def _check(self, url: Secret, key: str | None) -> None:
        if key is None:
            fault = check_address(url.reveal())
        elif fault := self._check_link(url.reveal(), key=key):
            security.warning("A signed link for %s was not used: %s", ascii(key), english(fault))
        if fault:
            raise link_refused(fault)

    def _perform(
        self,
        send: Callable[[], urllib3.BaseHTTPResponse],
        url: Secret,
        limit: int,
        sink: BinaryIO | None,
        deadline: Deadline,
    ) -> Reply | WxStaticStoreError:
        """Call the HTTP libraries; all their work happens in this call."""
        handled = sys.exc_info()[1]
        try:
            with send() as response:
                return _read(response, limit, sink, deadline)
        except Exception as error:  # noqa: BLE001 -- whatever the libraries raise ends here
            chain = tuple(wrapped(error, handled))
            # Theirs end here, as they carry addresses with tokens in them: the caller raises ours,
            # outside of this block.
            if (foreign := _foreign(chain)) is None:
                return _classify(chain, _origin(url), late=not deadline.left())
        # Out of what the libraries wrapped it in.
        foreign.__cause__ = foreign.__context__ = None
        raise foreign

    def _send(
        self,
        method: str,
        url: Secret,
        headers: Mapping[str, str | Secret],
        body: bytes | Secret | Sized,
        deadline: Deadline,
    ) -> urllib3.BaseHTTPResponse:
        """Give the libraries the public part of a request; the secrets are added below them."""
        connect, read = self._timeouts
        shown = {name: value for name, value in headers.items() if isinstance(value, str)}
        secret = isinstance(body, Secret)
        if method != "GET":
            size = len(body.reveal().encode()) if isinstance(body, Secret) else len(body)
            shown["Content-Length"] = str(size)
        # By urllib3, as `requests` does: what a session does besides (cookies, netrc, redirects) is
        # unwanted here, and was half of its time.
        # No redirect: a 307 carries body and token to another host, and a 302 makes of a PUT a GET,
        # whose 200 looks like a stored file. No decoding: of 194 KB a bomb makes 200 MB.
        return self._pools.towards(_origin(url))(
            method,
            url.reveal().partition("?")[0],  # the query may be a token or a signature
            body=[body] if secret else body or None,
            headers=_HEADERS | shown,
            timeout=urllib3.Timeout(connect=min(connect, deadline.left()), read=read),
            retries=_NO_RETRIES,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )


def _origin(url: Secret) -> str:
    return "/".join(re.split("[/?#]", url.reveal())[:3])


def _read(
    response: urllib3.BaseHTTPResponse, limit: int, sink: BinaryIO | None, deadline: Deadline
) -> Reply | ProtocolError:
    if response.status < 200:  # left unread: the true answer may still come this way
        return ProtocolError(_("Only an interim answer came"), remedy=Remedy.WAIT)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return ProtocolError(_("The answer is compressed although none was asked for"))
    if sink is not None and response.status == 200:
        while block := response.read(BLOCK):
            sink.write(block)
            deadline.extend(len(block) / READ_RATE)
        return Reply(200, response.headers, b"")
    data = response.read(limit + 1)
    # Only a second read notices a missing end; after an announced one it would find nothing.
    if len(data) > limit or (response.length_remaining != 0 and response.read(1)):
        if response.status >= 400:  # its status says enough
            return Reply(response.status, response.headers, data[:limit])
        return ProtocolError(_("The answer is longer than %(limit)d bytes", limit=limit))
    return Reply(response.status, response.headers, data)


def _late(stage: str, text: str | Promise) -> DeadlineExceeded:
    return DeadlineExceeded(text, stage=stage)


def _too_slow(kinds: set[type], peer: str) -> str | Promise:
    """Return the error of an exchange that ran out of time, naming its step."""
    if kinds & {urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError}:
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
    if ours := [link for link in chain if isinstance(link, WxStaticStoreError)]:
        return ours[0]
    if late:
        return _late("", _too_slow(kinds, origin))
    if any(str(link).startswith("Tunnel connection failed: 407") for link in chain):
        kinds.add(_ProxyWantsPassword)
    failure = next(make() for types, make in _CLASSES if not kinds.isdisjoint(types))
    facts = f"{origin}: {type(chain[0]).__name__}"
    return failure.with_context(
        message=_("%(what)s (%(facts)s)", what=failure.message, facts=facts)
    )


class _ProxyWantsPassword(Exception):
    """The error of a 407 answer, which the libraries report in a text only."""


# Whose errors are about the network; another class is a project's own, which a signal handler or
# another thread raised in the middle of an exchange.
_LIBRARIES = sys.stdlib_module_names | {
    *("urllib3", "requests", "idna", "socks", "OpenSSL", "gevent", "eventlet", "dns"),
}

_FATAL: dict[str, Any] = {"remedy": Remedy.CHANGE, "stops_batch": True}
_PROXY = _("Check HTTPS_PROXY and NO_PROXY in the environment: the proxy refused the connection.")

# The first row that fits wins: a certificate failure is a TLS failure, a TLS failure a lost answer.
_CLASSES: tuple[tuple[set[type], Callable[[], WxStaticStoreError]], ...] = (
    (
        {ssl.SSLCertVerificationError},
        lambda: TlsFailed(_("The server's certificate is not valid"), hint=CERTIFICATE, **_FATAL),
    ),
    (
        {urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError},
        lambda: ConnectFailed(_("The server could not be reached")),
    ),
    (
        {_ProxyWantsPassword},
        lambda: ConfigurationError(_("The proxy wants a password"), hint=_PROXY),
    ),
    ({urllib3.exceptions.ProxyError}, lambda: ConnectFailed(_("The proxy failed"), hint=_PROXY)),
    ({ssl.SSLError}, lambda: TlsFailed(_("The TLS connection broke"))),
    (
        {urllib3.exceptions.IncompleteRead},
        lambda: ProtocolError(_("The answer is shorter than announced"), remedy=Remedy.WAIT),
    ),
    ({OSError, urllib3.exceptions.HTTPError}, lambda: ResponseLost(_("The answer never came"))),
    ({Exception}, lambda: ProtocolError(_("The request cannot be sent as it stands"))),
)
