"""What fails on the way to a server: TLS, a proxy, and who answers in place of the server."""

from typing import Any, NamedTuple

from django.utils.functional import Promise

from ..core.errcodes import Verdict
from ..exceptions import (
    ConfigurationError,
    ConnectFailed,
    ProtocolError,
    Remedy,
    TlsFailed,
    WeChatBusy,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _

CERTIFICATE = _("Check the certificate store: REQUESTS_CA_BUNDLE may name the file of your CA.")


class Cause(NamedTuple):
    message: str | Promise
    verdict: Verdict


def _untrusted(message: str | Promise, hint: str | Promise) -> Cause:
    return Cause(message, Verdict(TlsFailed, hint, Remedy.GIVE_UP, stops_batch=True))


CAUSES: dict[str, Cause] = {
    "tls.expired": _untrusted(
        _("The certificate has expired"),
        _(
            "Check the clock of this machine: if it is ahead, every certificate looks expired. If "
            "the clock is right, whoever runs the server must renew the certificate."
        ),
    ),
    "tls.early": _untrusted(
        _("The certificate is not valid yet"),
        _(
            "Check the clock of this machine: it is probably behind. Set it by NTP. If it is "
            "right, the certificate was issued for a later date."
        ),
    ),
    "tls.name": _untrusted(
        _("The certificate is for another name"),
        _(
            "Another server answers here. Check the address (API_BASE_URL, base_url), and look for "
            "the login page of a network or a proxy that opens TLS."
        ),
    ),
    "tls.issuer": _untrusted(
        _("The certificate is from an authority that this machine does not trust"),
        _(
            "If a proxy of your company opens TLS, set REQUESTS_CA_BUNDLE to the file of its CA. "
            "If not, update the package certifi."
        ),
    ),
    "tls.other": _untrusted(_("The server's certificate is not valid"), CERTIFICATE),
    "tls.broken": Cause(
        _("The TLS connection broke"),
        Verdict(
            TlsFailed,
            _(
                "If it breaks each time, a firewall or a proxy on the way ends it, or no TLS is "
                "spoken at this port."
            ),
        ),
    ),
    "proxy.away": Cause(
        _("The proxy could not be reached"),
        Verdict(
            ConnectFailed,
            _(
                "Check that the proxy runs, and its host and port in HTTPS_PROXY. For a way "
                "without it, add the server to NO_PROXY."
            ),
        ),
    ),
    "proxy.refused": Cause(
        _("The proxy refused the connection"),
        Verdict(
            ConnectFailed,
            _(
                "Have the proxy allow the server and its port. If it does, the proxy itself does "
                "not reach the server. Check HTTPS_PROXY and NO_PROXY in the environment, too."
            ),
        ),
    ),
    "proxy.password": Cause(
        _("The proxy wants a password"),
        Verdict(
            ConfigurationError,
            _("Put user and password into HTTPS_PROXY: http://user:password@host:port."),
        ),
    ),
    "proxy.hangs": Cause(
        _("The proxy gave no answer"),
        Verdict(
            ConnectFailed,
            _(
                "The proxy hangs, or it does not reach the server. Check the proxy, and the host "
                "and the port in HTTPS_PROXY."
            ),
        ),
    ),
    "http.gateway": Cause(
        _("A gateway answered with an error"),
        Verdict(
            WeChatBusy,
            _(
                "A gateway on the way has trouble. If it is a proxy or a gateway of your own "
                "network (HTTPS_PROXY, API_BASE_URL), look at its log. If not, try again later."
            ),
        ),
    ),
    "http.throttled": Cause(
        _("Too many requests"),
        Verdict(
            WeChatThrottled,
            _(
                "The server, or a gateway on the way, allows fewer requests: lower max_workers or "
                "api_concurrency, and try again in some minutes."
            ),
        ),
    ),
    "http.redirect": Cause(
        _("The request was redirected"),
        Verdict(
            ProtocolError,
            _(
                "No redirect is followed: it would take the token to another host. Check the "
                "address (API_BASE_URL, base_url), and look for the login page of a network or a "
                "proxy that redirects."
            ),
        ),
    ),
    "http.page": Cause(
        _("Another server answered"),
        Verdict(
            ProtocolError,
            _(
                "A proxy or firewall answered in place of the server, or the address is wrong. "
                "Check the address (API_BASE_URL, base_url), HTTPS_PROXY and the firewall."
            ),
        ),
    ),
}

# By the number that OpenSSL gives an error of a certificate.
CERTIFICATES = {
    9: "tls.early",
    10: "tls.expired",
    **dict.fromkeys((62, 64), "tls.name"),
    **dict.fromkeys((2, 18, 19, 20, 21), "tls.issuer"),
}


def failure(cause: str, where: str | Promise, **details: Any) -> WxStaticStoreError:
    """Return the error of a cause; `where` names hosts and no secret."""
    message, verdict = CAUSES[cause]
    return verdict.build(_("%(label)s: %(text)s", label=message, text=where), **details)


def of_status(status: int) -> str:
    """Return the cause of an answer that is not the server's own."""
    if status >= 500:
        return "http.gateway"
    if 300 <= status < 400:
        return "http.redirect"
    return "http.throttled" if status == 429 else "http.page"
