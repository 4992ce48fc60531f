"""What fails on the way to a server: TLS, a proxy, and who answers in place of the server."""

from ..i18n import gettext_lazy as _
from .cause import Blame, Cause, Remedy
from .own import AGAIN, ASK, BUSY, CA, CONFIGURATION, CONNECT, PROTOCOL, THROTTLED, TLS

# An entry is read as one.
# fmt: off
UNTRUSTED = TLS.but(
    "tls.other", title=_("The server's certificate is not valid"),
    means=_("The message says why, in the words of OpenSSL."),
    operator=CA, editor=ASK, remedy=Remedy.CHANGE, stops_batch=True)
GATEWAY = BUSY.but(
    "http.gateway", title=_("A gateway answered with an error"),
    means=_("WeChat and COS stand behind gateways, and your own network may have one, too. The "
            "answer does not say whose gateway it is."),
    operator=_("If your network has a proxy or a gateway (HTTPS_PROXY, API_BASE_URL), look at its "
               "log. If not, WeChat or Tencent Cloud has trouble: try again later."),
    blame=Blame.NETWORK)
LIMITED = THROTTLED.but(
    "http.throttled", title=_("A server allows fewer requests"),
    means=_("The server, or a gateway on the way, counts the requests of this machine."),
    operator=_("The server, or a gateway on the way, allows fewer requests: lower max_workers or "
               "api_concurrency, and try again in some minutes."), blame=Blame.NETWORK)
REDIRECT = PROTOCOL.but(
    "http.redirect", title=_("The request was redirected"),
    means=_("No redirect is followed: it would take the token to another host."),
    operator=_("Look at the host that the redirect names. Check the address (API_BASE_URL, "
               "base_url). If it is right, look for the login page of a network."))
PAGE = PROTOCOL.but(
    "http.page", title=_("Another server answered"),
    means=_("The answer has the form of neither WeChat nor COS."),
    operator=_("A proxy or firewall answered in place of the server, or the address is wrong. "
               "Check the address (API_BASE_URL, base_url), HTTPS_PROXY and the firewall."))
PORTAL = PAGE.but(
    "http.portal", title=_("A web page came in place of an answer"),
    means=_("The status says that all is well, and the answer is a page for people."),
    operator=_("A proxy or firewall answered, or the login page of a network. Check API_BASE_URL, "
               "HTTPS_PROXY and the firewall."),
    editor=AGAIN, remedy=Remedy.WAIT, once=True)

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
                   "is right, the certificate was issued for a later date."), blame=Blame.PROJECT),
    UNTRUSTED.but(
        "tls.name", title=_("The certificate is for another host name"),
        means=_("The server that answers is not the one that was asked."),
        operator=_("Check the address (API_BASE_URL, base_url). If it is right, look for the login "
                   "page of a network, or a proxy that decrypts TLS.")),
    UNTRUSTED.but(
        "tls.issuer",
        title=_("The certificate is from an authority that this machine does not trust"),
        means=_("A proxy that decrypts TLS shows certificates of its own. A server in your own "
                "network may do so, too."),
        operator=_("If a proxy of your company decrypts TLS, set REQUESTS_CA_BUNDLE to the file of "
                   "its CA. If not, update the package certifi.")),
    CONFIGURATION.but(
        "tls.store", title=_("There is no certificate store that can be read"),
        means=_("REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that is missing or damaged."),
        operator=_("Set REQUESTS_CA_BUNDLE to the file of your CA, or remove it.")),
    TLS.but(
        "tls.broken", title=_("The TLS connection broke"),
        means=_("The connection ended during the TLS handshake, or while data was sent."),
        operator=_("If this happens every time, a firewall or a proxy ends the connection, or the "
                   "server speaks no TLS at this port.")),
    CONNECT.but(
        "proxy.away", title=_("The proxy could not be reached"),
        means=_("No program listens at the address of the proxy, or its host name has no address."),
        operator=_("Check that the proxy runs, and check its host and port in HTTPS_PROXY. To "
                   "connect without it, add the server to NO_PROXY.")),
    CONNECT.but(
        "proxy.refused", title=_("The proxy refused the connection"),
        means=_("The rules of the proxy do not allow this server or its port."),
        operator=_("Let the rules of the proxy allow the server and its port, or add the server to "
                   "NO_PROXY."),
        editor=ASK, remedy=Remedy.CHANGE, stops_batch=True),
    CONNECT.but(
        "proxy.gateway", title=_("The proxy cannot reach the server"),
        means=_("The proxy works. It does not know the name of the server, or gets no connection."),
        operator=_("Look at the log of the proxy, and at its own DNS and network.")),
    CONFIGURATION.but(
        "proxy.password", title=_("The proxy wants a password"),
        means=_("HTTPS_PROXY holds no user and password, or wrong ones."),
        operator=_("Put user and password into HTTPS_PROXY: http://user:password@host:port.")),
    CONNECT.but(
        "proxy.hangs", title=_("The proxy gave no usable answer"),
        means=_("It accepted the connection, but did not say whether it reaches the server."),
        operator=_("The proxy hangs, or it cannot reach the server. Check the proxy, and its host "
                   "and port in HTTPS_PROXY.")),
    CONFIGURATION.but(
        "proxy.unusable", title=_("The proxy of the environment cannot be used"),
        means=_("Its address is wrong, or a package is missing."),
        operator=_("Check HTTPS_PROXY: it names an http address, or socks5 with the package "
                   "PySocks.")),
    GATEWAY, LIMITED, REDIRECT, PAGE, PORTAL,
)
# fmt: on

# By the number that OpenSSL gives an error of a certificate.
CERTIFICATES = {
    9: "tls.early",
    10: "tls.expired",
    **dict.fromkeys((62, 64), "tls.name"),
    **dict.fromkeys((2, 18, 19, 20, 21), "tls.issuer"),
}

# By the class of an error of PySocks.
SOCKS = {
    "ProxyConnectionError": "proxy.away",
    "GeneralProxyError": "proxy.hangs",
    "SOCKS5AuthError": "proxy.password",
    "SOCKS5Error": "proxy.gateway",
    "SOCKS4Error": "proxy.gateway",
}


def of_status(status: int) -> Cause:
    """Return the entry of an answer that is not the server's own."""
    if status >= 500:
        return GATEWAY
    if 300 <= status < 400:
        return REDIRECT
    return {200: PORTAL, 429: LIMITED}.get(status, PAGE)


def of_proxy_status(status: int) -> str:
    """Return the cause of a proxy's answer that opens no way to the server."""
    if status == 407:
        return "proxy.password"
    return "proxy.gateway" if status >= 500 else "proxy.refused"
