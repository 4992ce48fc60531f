"""The pools of connections: one for each host, over the proxy that the environment names for it."""

import os
import ssl
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from .connection import Connection
from .links import is_loopback

BLOCK = 64 * 1024
HOSTS = 64  # whose connections are kept
CERTIFICATE = _("Check the certificate store: REQUESTS_CA_BUNDLE may name the file of your CA.")
_PROXY = _("Check HTTPS_PROXY: it names an http address, or socks5 with the package PySocks.")
_UNUSABLE = (
    InvalidSchema,
    UnicodeError,
    urllib3.exceptions.LocationParseError,
    urllib3.exceptions.ProxySchemeUnknown,
)


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
        manager = self._manager(_proxy(origin))
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
        manager: urllib3.PoolManager
        if not proxy:
            manager = urllib3.PoolManager(maxsize=self._size, **more)
        else:
            if not proxy.lower().startswith("socks"):
                more["proxy_ssl_context"] = self._context
            manager = self._over(proxy, **more)
        pools = manager.pool_classes_by_scheme.items()
        manager.pool_classes_by_scheme = {scheme: _ours(pool) for scheme, pool in pools}
        return manager

    def _over(self, proxy: str, **more: Any) -> Any:
        """Return the manager that `requests` makes of a proxy: its password, and SOCKS."""
        try:
            if not urllib3.util.parse_url(proxy).host:
                raise InvalidSchema
            return HTTPAdapter(pool_maxsize=self._size).proxy_manager_for(proxy, **more)
        except _UNUSABLE:
            text = _("The proxy of the environment cannot be used")
            raise ConfigurationError(text, hint=_PROXY) from None


@cache
def _tls(path: str) -> ssl.SSLContext:
    """Make one TLS context for all connections: reading the certificates takes milliseconds."""
    context = urllib3.util.ssl_.create_urllib3_context()
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError:
        text = _("There is no certificate store that can be read at %(path)s", path=path)
        raise ConfigurationError(text, hint=CERTIFICATE) from None
    return context


def _proxy(origin: str) -> str | None:
    """Return the proxy that the environment names for this origin."""
    named = None if is_loopback(origin) else select_proxy(origin, get_environ_proxies(origin))
    return f"http://{named.removeprefix('//')}" if named and "://" not in named else named
