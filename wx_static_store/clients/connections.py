"""
The connections: a pool for each host, over the proxy that the environment names for it.

A socket's own time-out starts anew with each byte that arrives: our connections send and receive by
a deadline. They also add the secrets of a request, below `http.client`: what hooks into the HTTP
libraries sees addresses without a query.
"""

import os
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

from ..core.retry import Deadline
from ..core.secrets import Secret
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from .links import HOSTS, is_loopback

BLOCK = 64 * 1024
_UNUSABLE = (
    InvalidSchema,
    UnicodeError,
    urllib3.exceptions.LocationParseError,
    urllib3.exceptions.ProxySchemeUnknown,
)


@dataclass(slots=True)
class Exchange:
    """The part of an exchange that the HTTP libraries do not see; the head gets it below them."""

    deadline: Deadline
    read_timeout: float
    query: Secret
    headers: Mapping[str, str | Secret]  # those that are secret are added below them
    has_body: bool
    proxy: str = ""  # host and port, until it is connected: what fails so long is its failure
    _head: bytes | None = None  # empty once it is sent

    def limit(self, sock: Any) -> None:
        """Let the socket wait for the time that is left, at most; raise TimeoutError if none is."""
        if not (left := self.deadline.left()):
            raise TimeoutError
        if left < sock.gettimeout():  # rarely: to set it is a system call
            sock.settimeout(left)

    def completed(self, data: bytes | Secret) -> bytes:
        """Return what to send for the head, and for each block of the body, with the secrets."""
        if self._head is None:
            self._head = self._with_secrets(data)  # type: ignore[arg-type]
            # It waits for the body's first block: a system call costs more than to copy a block,
            # and another thread takes its turn meanwhile.
            data = b""
            if self.has_body:
                return data
        head, self._head = self._head, b""
        return head + (data.reveal().encode() if isinstance(data, Secret) else data)

    def _with_secrets(self, head: bytes) -> bytes:
        line, _, rest = head.partition(b"\r\n")
        target, _, version = line.rpartition(b" ")
        query = self.query.reveal().encode("ascii")
        secret = {name: each for name, each in self.headers.items() if isinstance(each, Secret)}
        headers = "".join(f"{name}: {each.reveal()}\r\n" for name, each in secret.items())
        return b"%s%s %s\r\n%s%s" % (target, query, version, headers.encode("latin-1"), rest)


current_exchange: ContextVar[Exchange] = ContextVar("wx_static_store_exchange")


class _Timed(RawIOBase):
    """A socket from which a response reads."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        current_exchange.get().limit(self._sock)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Completing:
    """A connected socket that sends by the deadline, with what the libraries do not see."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes | Secret) -> None:
        exchange = current_exchange.get()
        if block := exchange.completed(data):
            exchange.limit(self._sock)
            self._sock.sendall(block)


class Connection(HTTPConnection):
    """Mixed into urllib3's."""

    response_class = staticmethod(  # type: ignore[assignment]
        lambda sock, *args, **how: HTTPResponse(_Timed(sock), *args, **how)  # type: ignore[arg-type]
    )
    proxy: urllib3.util.Url | None  # which urllib3 sets
    _socks_options: Mapping[str, Any] = {}  # as well, for a proxy of that kind

    def connect(self) -> None:
        exchange, socks = current_exchange.get(), self._socks_options
        exchange.proxy = self.proxy.netloc or "" if self.proxy else ""  # without its password
        if socks:
            exchange.proxy = f"{socks['proxy_host']}:{socks['proxy_port']}"
        super().connect()
        exchange.proxy = ""
        self.sock.settimeout(exchange.read_timeout)  # it stood for connecting until now
        self.sock = _Completing(self.sock)

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        if self._socks_options:  # the proxy has connected by then
            current_exchange.get().proxy = ""
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        current_exchange.get().proxy = ""  # TLS, which comes next, is the server's

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # to which urllib3 gives it
            self.timeout = current_exchange.get().read_timeout
        super().request(*args, **kwargs)


# --- the pools -----------------------------------------------------------------------------------


@cache
def _ours(pool: Any) -> Any:
    """Return a subclass of the pool that uses our connections."""
    connection = type(pool.ConnectionCls.__name__, (Connection, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


# Sends a request to an address, as urllib3's `urlopen` does.
Way = Callable[..., urllib3.BaseHTTPResponse]


class Pools:
    """One pool for each host, over the proxy that the environment names for it."""

    def __init__(self, pool_size: int) -> None:
        self._size = pool_size
        named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self._context = _tls(named or DEFAULT_CA_BUNDLE_PATH)
        self._ways: OrderedDict[str, Way] = OrderedDict()  # the one used last at the end

    def towards(self, origin: str) -> Way:
        """Return the pool for addresses of an origin; raise ConfigurationError."""
        if (way := self._ways.get(origin)) is None:
            while len(self._ways) >= HOSTS:  # each tenant's bucket is a host of its own
                self._ways.popitem(last=False)
            # Of several threads that come here at once, one wins; nothing is connected yet.
            return self._ways.setdefault(origin, self._way(origin))
        with suppress(KeyError):  # another thread may have taken it out
            self._ways.move_to_end(origin)
        return way

    def close(self) -> None:
        """Close each connection once it is unused."""
        self._ways.clear()

    def _way(self, origin: str) -> Way:
        # Asked of a proxy, an address of this machine would be the proxy's own.
        named = None if is_loopback(origin) else select_proxy(origin, get_environ_proxies(origin))
        if named and "://" not in named:
            named = f"http://{named.removeprefix('//')}"
        manager = self._manager(named)
        if manager.proxy and origin.startswith("http:"):  # which gets the whole address
            return manager.urlopen
        pool = manager.connection_from_url(origin)

        def directly(method: str, url: str, **how: Any) -> urllib3.BaseHTTPResponse:
            target = url.removeprefix(origin)
            target = target if target.startswith("/") else f"/{target}"
            return pool.urlopen(method, target, **how)

        return directly

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        more: dict[str, Any] = {"blocksize": BLOCK, "ssl_context": self._context}
        if proxy and not proxy.lower().startswith("socks"):
            more["proxy_ssl_context"] = self._context
        try:
            if not proxy:
                manager: urllib3.PoolManager = urllib3.PoolManager(maxsize=self._size, **more)
            elif urllib3.util.parse_url(proxy).host:
                # As `requests` makes it: with its password, and for SOCKS, too.
                manager = HTTPAdapter(pool_maxsize=self._size).proxy_manager_for(proxy, **more)
            else:
                raise InvalidSchema
        except _UNUSABLE:
            raise ConfigurationError(cause="proxy.unusable") from None
        pools = manager.pool_classes_by_scheme.items()
        manager.pool_classes_by_scheme = {scheme: _ours(pool) for scheme, pool in pools}
        return manager


@cache
def _tls(path: str) -> ssl.SSLContext:
    """Make the TLS context of all connections."""
    # Once: to read the certificates takes milliseconds.
    context = urllib3.util.ssl_.create_urllib3_context()
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError:
        text = _("There is no certificate store that can be read at %(path)s", path=path)
        raise ConfigurationError(text, cause="tls.store") from None
    return context
