"""The pools of connections: one for each host, over the proxy that the environment names for it."""

import os
import ssl
from functools import lru_cache
from typing import Any, cast

import urllib3
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

from ..exceptions import ConfigurationError
from ..texts import gettext_lazy as _
from .connection import Connection
from .links import is_loopback

BLOCK = 64 * 1024
CERTIFICATE = _("Check the certificate store: REQUESTS_CA_BUNDLE may name the file of your CA.")
_PROXY = _("Check HTTPS_PROXY: it names an http address, or socks5 with the package PySocks.")
_UNUSABLE = (
    InvalidSchema,
    UnicodeError,
    urllib3.exceptions.LocationParseError,
    urllib3.exceptions.ProxySchemeUnknown,
)


class _Plain(Connection, urllib3.connection.HTTPConnection):
    pass


class _Secure(Connection, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Pools(HTTPAdapter):
    """One pool for each host, over the proxy that the environment names for it."""

    def __init__(self, pool_size: int) -> None:
        # each tenant's bucket is a host of its own
        super().__init__(pool_connections=64, pool_maxsize=pool_size)
        self._context = _tls()
        self._more: dict[str, Any] = {"blocksize": BLOCK, "ssl_context": self._context}
        self.poolmanager.connection_pool_kw.update(self._more)

    def towards(self, origin: str) -> urllib3.PoolManager:
        """The pools for an address that begins so; raises ConfigurationError."""
        proxy = _proxy(origin)
        socks = bool(proxy and proxy.lower().startswith("socks"))
        more = self._more if socks else {**self._more, "proxy_ssl_context": self._context}
        try:
            if proxy and not urllib3.util.parse_url(proxy).host:
                raise InvalidSchema
            manager: Any = self.proxy_manager_for(proxy, **more) if proxy else self.poolmanager
        except _UNUSABLE:
            text = _("The proxy of the environment cannot be used")
            raise ConfigurationError(text, hint=_PROXY) from None
        if not socks:
            manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return cast(urllib3.PoolManager, manager)


def _tls() -> ssl.SSLContext:
    """One for all connections: to read the certificates takes milliseconds."""
    given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    path = given or DEFAULT_CA_BUNDLE_PATH
    context = urllib3.util.ssl_.create_urllib3_context()
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError:
        text = _("There is no certificate store that can be read at %(path)s", path=path)
        raise ConfigurationError(text, hint=CERTIFICATE) from None
    return context


@lru_cache(maxsize=64)
def _proxy(origin: str) -> str | None:
    """The one that the environment names for this origin."""
    named = None if is_loopback(origin) else select_proxy(origin, get_environ_proxies(origin))
    return f"http://{named.removeprefix('//')}" if named and "://" not in named else named
