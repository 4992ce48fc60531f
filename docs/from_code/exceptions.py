"""Write an entry for each exception from the classes in wx_static_store/exceptions.py."""

from inspect import getdoc

from wx_static_store import exceptions
from wx_static_store.exceptions import WxStaticStoreError

from .entries import entry, hint_of

CLASSES: list[type[WxStaticStoreError]] = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, WxStaticStoreError)
]
_NETWORK = "The network, the DNS, a proxy or a firewall is in the way."
_CODE = "See the entry of the errcode."
# Why, and what to do where the class has no hint of its own.
REASONS = {
    "ConfigurationError": (
        "Either a setting has a wrong value, or WeChat refuses because of one.",
        "Correct what the message names. Run ``manage.py check``.",
    ),
    "NameRejected": (
        (
            "A key is a path below the site: not absolute, without ``..``, without empty parts, at "
            "most 850 bytes long."
        ),
        "Rename the file. A Chinese character takes three bytes.",
    ),
    "SourceError": ("The file is missing, closed, not readable, or larger than 5 GB.", ""),
    "SourceChanged": ("Another program writes the file while it is sent.", ""),
    "TokenError": ("See the two exceptions below.", "Catch it to treat both in one way."),
    "TokenUnavailable": (
        "There is no ticket, WeChat refuses the ticket, or the token provider failed.",
        "",
    ),
    "TokenRejected": ("The token has expired, or a newer one was fetched elsewhere.", ""),
    "WeChatError": (_CODE, "Catch it to treat all errcodes in one way."),
    "WeChatBusy": ("WeChat or its cloud has trouble of its own.", ""),
    "WeChatThrottled": (_CODE, "Lower ``max_workers`` or ``api_concurrency``, or wait."),
    "WeChatRefused": (_CODE, "Do what the entry of the errcode says."),
    "TransportError": (_NETWORK, ""),
    "ConnectFailed": (_NETWORK, ""),
    "ResponseLost": ("The connection broke off after the request was sent.", ""),
    "TlsFailed": (
        "The certificate is self-signed, expired, or made by a proxy that reads the traffic.",
        "",
    ),
    "ProtocolError": ("Something on the way answers in place of WeChat or COS.", ""),
    "CosError": ("See the entry of the COS code.", ""),
    "LinkExpired": ("The file waited before it was sent, or the network is slow.", ""),
    "CosThrottled": ("Too many files are sent at the same time.", ""),
    "CosRefused": ("See the entry of the COS code.", ""),
    "IntegrityError": (
        "The bytes were changed on the way, or a CDN serves an old file.",
        "Send the file again. If this comes back, look for a proxy that rewrites bodies.",
    ),
    "DeadlineExceeded": (
        "The network is slow, the file is large, or WeChat was busy for long.",
        "Send the file again, or raise ``deadline``.",
    ),
    "UploadFailed": (
        "It takes the text, the codes and the hint of its cause.",
        (
            "Do what its hint says. If ``status`` is ``unknown``, look whether the file is there: "
            "``wx_reconcile`` compares the log with the cloud."
        ),
    ),
}


def summary(kind: type) -> str:
    """Return the first paragraph of a class's docstring, on one line."""
    return " ".join((getdoc(kind) or "").partition("\n\n")[0].split())


def text() -> str:
    return "\n".join(map(_entry, CLASSES[1:]))


def _entry(kind: type[WxStaticStoreError]) -> str:
    why, do = REASONS[kind.__name__]
    error = kind("")
    return entry(kind.__name__, error.docs, summary(kind), why, do or hint_of(error), error)
