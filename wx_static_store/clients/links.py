"""Check whether an address may be used: host, scheme and path, before a byte leaves."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from django.utils.functional import Promise

from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from urllib3.util import Url

HOSTS = 64  # whose connections are kept, and about which it is remembered that they may be used

# Parsers disagree about these, so that one host is checked and another one called.
_AMBIGUOUS = re.compile(r"[^\x21-\x7e]|[\\#]")
_USER_OR_QUOTED = re.compile(r"[^/]*//[^/?]*[@%]")
_BUCKET = r"[a-z0-9-]+\.cos\.[a-z0-9-]+"
# An address that all parsers read alike, so that it needs none: host, port, and the rest.
_PLAIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(:[0-9]*)?(?![^/?#])", re.IGNORECASE)

# A public name alone: no IP address, port or path, and no name of an inner network.
_SITE = re.compile(
    r"https://(?=.{1,254}\Z)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+"
    r"(?!(?:arpa|corp|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|svc)/)"
    r"[a-z][a-z0-9-]*[a-z0-9]/",
    re.IGNORECASE | re.ASCII,
)


def is_loopback(url: str) -> bool:
    """Return whether the address stays on this machine: 127.0.0.0/8, ::1 or localhost."""
    # Not by urllib3: the settings ask this at each start, and its import makes a socket.
    match = _PLAIN.match(url)
    return match is not None and _stays_here(match[1])


def _stays_here(host: str) -> bool:
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_site(url: str, api_url: str) -> bool:
    """Return whether an address that WeChat or the cache names is the root of a site."""
    return bool(_SITE.fullmatch(url)) or (is_loopback(api_url) and is_loopback(url))


def check_link(
    url: str, *, key: str, upload_hosts: tuple[str, ...], loopback: bool
) -> str | Promise:
    """Return why a signed link for `key` cannot be used; empty if it can."""
    if _AMBIGUOUS.search(url):
        return _("it has characters that parsers read differently")
    if _USER_OR_QUOTED.match(url):  # asked of the text itself: the parser unquotes
        return _("it names a user, or quotes its host")
    parsed = _parse(address := url.partition("?")[0])
    if fault := _host_fault(parsed._replace(path=None), upload_hosts, loopback=loopback):
        return fault
    # What is no UTF-8 becomes a lone surrogate, which no key has.
    if unquote(parsed.path or "", errors="surrogateescape") != "/" + key:
        return _("its path is not the key that was asked for")
    return _path_fault(parsed, address)


def check_address(url: str) -> str | Promise:
    """Return why another address cannot be used; empty if it can."""
    address, _mark, query = url.partition("?")
    if _AMBIGUOUS.search(query):
        return _("it has characters that parsers read differently")
    return _address_fault(address)


@lru_cache(maxsize=HOSTS)
def _address_fault(address: str) -> str | Promise:
    return _path_fault(_parse(address), address)


def _path_fault(parsed: Url, address: str) -> str | Promise:
    # The parser rewrites `/a/../b` and odd escapes: the signature is for the address as it came.
    return "" if parsed.url == address else _("the HTTP library would send another address")


def _parse(url: str) -> Url:
    """Parse an address as urllib3 does; it is imported with the first address."""
    import urllib3  # the whole of it: threads that import its parts can lock each other out

    try:
        return urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        return urllib3.util.Url()


@lru_cache(maxsize=HOSTS)
def _host_fault(parsed: Url, upload_hosts: tuple[str, ...], *, loopback: bool) -> str | Promise:
    host = parsed.host or ""
    if loopback and _stays_here(host):
        return "" if parsed.scheme in ("http", "https") else _("it is not http")
    if parsed.scheme != "https":
        return _("it is not https")
    if parsed.port not in (None, 443):
        return _("it uses port %(port)d", port=parsed.port)
    # Of `.example.com` the buckets of a COS domain, of `cdn.example.com` only itself.
    forms = ((_BUCKET if each.startswith(".") else "") + re.escape(each) for each in upload_hosts)
    if not any(re.fullmatch(form, host) for form in forms):
        return _("its host %(host)s is not in upload_hosts", host=ascii(host))
    return ""
