"""What fails on the way to a server: TLS, a proxy, and who answers in place of the server."""

from ..i18n import gettext_lazy as _
from .cause import Blame, Cause, Remedy
from .own import ASK, BUSY, CA, CONFIGURATION, CONNECT, PROTOCOL, THROTTLED, TLS

_CLOCK = Blame.PROJECT  # this machine's own

# An entry is read as one.
# fmt: off
UNTRUSTED = TLS.but(
    "tls.other", title=_("The server's certificate is not valid"),
    means=_("TLS refuses the certificate; the message says why in the words of OpenSSL."),
    operator=CA, editor=ASK, remedy=Remedy.CHANGE, stops_batch=True)
GATEWAY = BUSY.but(
    "http.gateway", title=_("A gateway answered with an error"),
    means=_("A gateway stands before every server. WeChat and COS have one, and so may your own "
            "network: the status alone does not say whose it is."),
    operator=_("A gateway on the way has trouble. If it is a proxy or a gateway of your own "
               "network (HTTPS_PROXY, API_BASE_URL), look at its log. If not, try again later."),
    blame=Blame.NETWORK)
LIMITED = THROTTLED.but(
    "http.throttled", title=_("A server allows fewer requests"),
    means=_("The server, or a gateway on the way, counts the requests of this machine."),
    operator=_("The server, or a gateway on the way, allows fewer requests: lower max_workers or "
               "api_concurrency, and try again in some minutes."), blame=Blame.NETWORK)
REDIRECT = PROTOCOL.but(
    "http.redirect", title=_("The request was redirected"),
    means=_("No redirect is followed: it would take the token to another host."),
    operator=_("Look at the host to which the redirect leads. Check the address (API_BASE_URL, "
               "base_url), and look for the login page of a network or a proxy that redirects."))
PAGE = PROTOCOL.but(
    "http.page", title=_("Another server answered"),
    means=_("The answer is not one of WeChat, of COS, or of the public site."),
    operator=_("A proxy or firewall answered in place of the server, or the address is wrong. "
               "Check the address (API_BASE_URL, base_url), HTTPS_PROXY and the firewall."))

TABLE = (
    UNTRUSTED,
    UNTRUSTED.but(
        "tls.expired", title=_("The certificate has expired"),
        means=_("Its last day is over, by the clock of this machine."),
        operator=_("Check the clock of this machine: if it is ahead, every certificate looks "
                   "expired. If the clock is right, whoever runs the server must renew the "
                   "certificate.")),
    UNTRUSTED.but(
        "tls.early", title=_("The certificate is not valid yet"),
        means=_("Its first day has not come, by the clock of this machine."),
        operator=_("Check the clock of this machine: it is probably behind. Set it by NTP. If it "
                   "is right, the certificate was issued for a later date."), blame=_CLOCK),
    UNTRUSTED.but(
        "tls.name", title=_("The certificate is for another name"),
        means=_("The server that answers is not the one of this address."),
        operator=_("Another server answers here. Check the address (API_BASE_URL, base_url), and "
                   "look for the login page of a network or a proxy that opens TLS.")),
    UNTRUSTED.but(
        "tls.issuer",
        title=_("The certificate is from an authority that this machine does not trust"),
        means=_("A proxy that opens TLS shows certificates of its own; a server of your own may, "
                "too."),
        operator=_("If a proxy of your company opens TLS, set REQUESTS_CA_BUNDLE to the file of "
                   "its CA. If not, update the package certifi.")),
    CONFIGURATION.but(
        "tls.store", title=_("There is no certificate store that can be read"),
        means=_("It is the file or folder that REQUESTS_CA_BUNDLE names, or that of certifi."),
        operator=_("Set REQUESTS_CA_BUNDLE to the file of your CA, or unset it.")),
    TLS.but(
        "tls.broken", title=_("The TLS connection broke"),
        means=_("The connection ended before it was encrypted, or in the middle."),
        operator=_("If it breaks each time, a firewall or a proxy on the way ends it, or no TLS is "
                   "spoken at this port.")),
    CONNECT.but(
        "proxy.away", title=_("The proxy could not be reached"),
        means=_("Nobody listens at the address of the proxy, or its name is unknown."),
        operator=_("Check that the proxy runs, and its host and port in HTTPS_PROXY. For a way "
                   "without it, add the server to NO_PROXY.")),
    CONNECT.but(
        "proxy.refused", title=_("The proxy refused the connection"),
        means=_("The rules of the proxy do not allow the server, or the proxy does not reach it."),
        operator=_("Have the proxy allow the server and its port, and look at its log: it may not "
                   "reach the server itself. Check HTTPS_PROXY and NO_PROXY, too.")),
    CONFIGURATION.but(
        "proxy.password", title=_("The proxy wants a password"),
        means=_("HTTPS_PROXY holds no user and password, or wrong ones."),
        operator=_("Put user and password into HTTPS_PROXY: http://user:password@host:port.")),
    CONNECT.but(
        "proxy.hangs", title=_("The proxy gave no answer"),
        means=_("It takes the connection, and does not say whether it reaches the server."),
        operator=_("The proxy hangs, or it does not reach the server. Check the proxy, and the "
                   "host and the port in HTTPS_PROXY.")),
    CONFIGURATION.but(
        "proxy.unusable", title=_("The proxy of the environment cannot be used"),
        means=_("Its address is wrong, or a package is missing."),
        operator=_("Check HTTPS_PROXY: it names an http address, or socks5 with the package "
                   "PySocks.")),
    GATEWAY, LIMITED, REDIRECT, PAGE,
)
# fmt: on

# By the number that OpenSSL gives an error of a certificate.
CERTIFICATES = {
    9: "tls.early",
    10: "tls.expired",
    **dict.fromkeys((62, 64), "tls.name"),
    **dict.fromkeys((2, 18, 19, 20, 21), "tls.issuer"),
}


def of_status(status: int) -> Cause:
    """Return the entry of an answer that is not the server's own."""
    if status >= 500:
        return GATEWAY
    if 300 <= status < 400:
        return REDIRECT
    return LIMITED if status == 429 else PAGE
