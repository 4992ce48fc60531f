"""
The errors of this package, and what may be done about each.

    WxStaticStoreError
    ├── ConfigurationError (ImproperlyConfigured)       settings, secrets, whitelist, certificate
    ├── NameRejected (SuspiciousFileOperation)          this name cannot become an object key
    ├── SourceError (OSError)                           the file to send cannot be read
    │   └── SourceChanged                               it changed while it was sent
    ├── TokenError (OSError)
    │   ├── TokenUnavailable                            there is no token to be had
    │   └── TokenRejected                               WeChat refuses the token that we have
    ├── WeChatError (OSError)                           WeChat answered with an errcode
    │   ├── WeChatBusy
    │   ├── WeChatThrottled
    │   └── WeChatRefused
    ├── TransportError (OSError)                        no usable answer came
    │   ├── ConnectFailed
    │   ├── ResponseLost                                it was sent, the answer never came
    │   └── TlsFailed
    ├── ProtocolError (OSError)                         an answer that the contract does not know
    ├── CosError (OSError)                              COS answered with an error
    │   ├── LinkExpired
    │   ├── CosThrottled
    │   ├── CosRefused
    │   └── IntegrityError                              COS holds other bytes than we sent
    ├── DeadlineExceeded (TimeoutError)                 our own clock ran out
    └── UploadFailed (OSError)                          what `save()` raises, with the cause's words

The remedy of each errcode stands in `ERRCODES`, so that one loop (`retry.py`) can obey it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.functional import Promise

from .i18n import english, gettext, gettext_lazy as _


class Remedy(Enum):
    """What may be tried next."""

    GIVE_UP = "give up"
    WAIT = "wait, then try again"
    NEW_TOKEN = "discard the token, then try again"  # noqa: S105
    NEW_LINK = "try again at once: each attempt asks for a link of its own"


_UNSAID = ("", None, 0)


class WxStaticStoreError(Exception):
    """
    Base of all; its text alone is enough to act on, and never holds a secret.

    `stage` is where it happened (name, source, token, link, put, verify); `once` says that the
    remedy works only once in an upload, `stops_batch` that every other file would fail alike,
    `pause` the least seconds before the next try, `maybe_stored` that the object may be there.
    """

    remedy = Remedy.GIVE_UP
    once = stops_batch = maybe_stored = False
    pause = 0.0
    hint: str | Promise = ""
    stage = errmsg = rid = cos_code = request_id = env = key = ""
    errcode: int | None = None
    http_status: int | None = None
    attempts = 0

    def __init__(self, message: str | Promise = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.with_context(**details)

    def with_context(self, **details: Any) -> Self:
        """Add what is known further out: the environment, the key, the stage, a better hint."""
        for name, value in details.items():
            if not hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has no detail {name!r}")
            setattr(self, name, value)
        return self

    @property
    def what(self) -> str:
        """Say what happened, in our words and the server's, without the hint."""
        return ": ".join(filter(None, [str(self.message), self.errmsg]))

    @property
    def code(self) -> str:
        """Return what to look up: WeChat's errcode, or the code of COS."""
        return f"errcode {self.errcode}" if self.errcode else self.cos_code

    def __str__(self) -> str:
        facts = ("stage", "errcode", "errmsg", "rid", "http_status", "cos_code", "request_id")
        said = {name: getattr(self, name) for name in (*facts, "env", "key", "attempts")}
        if said["http_status"] == 200:
            del said["http_status"]  # WeChat answers 200 whatever it says
        known = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in said.items() if v not in _UNSAID)
        text = str(self.message)
        if known:
            text = gettext("%(what)s (%(facts)s)", what=text, facts=known)
        return gettext("%(what)s. %(hint)s", what=text, hint=self.hint) if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        message = str(self.message)
        return type(self), (message,), self.__dict__ | {"message": message}

    def as_dict(self) -> dict[str, Any]:
        """Describe it in JSON values for another process; `revived()` makes it an error again."""
        plain = {k: english(v) if isinstance(v, Promise) else v for k, v in self.__dict__.items()}
        return plain | {"class": type(self).__name__, "remedy": self.remedy.value}


def revived(value: dict[str, Any]) -> WxStaticStoreError:
    """Return the error that `as_dict()` described; raise KeyError or ValueError otherwise."""
    kinds = {kind.__name__: kind for kind in _all_kinds(WxStaticStoreError)}
    details = {k: v for k, v in value.items() if k not in ("class", "message", "remedy")}
    if "hint" in details:
        details["hint"] = _(str(details["hint"]))
    kind, remedy = kinds[value["class"]], Remedy(value["remedy"])
    return kind(_(str(value["message"])), **details, remedy=remedy)


def _all_kinds(kind: type[WxStaticStoreError]) -> list[type[WxStaticStoreError]]:
    return [kind, *(inner for sub in kind.__subclasses__() for inner in _all_kinds(sub))]


class ConfigurationError(WxStaticStoreError, ImproperlyConfigured):
    stops_batch = True


class NameRejected(WxStaticStoreError, SuspiciousFileOperation): ...


class SourceError(WxStaticStoreError, OSError):
    hint = _("Check that the file exists, may be read, and stands still while it is sent.")


class SourceChanged(SourceError):
    remedy, once = Remedy.NEW_LINK, True


class TokenError(WxStaticStoreError, OSError):
    stops_batch = True


class TokenUnavailable(TokenError):
    hint = _(
        "The verify ticket is missing or of no use any more (it lives 12 hours). Check that "
        "WeChat's pushes reach your authorization event URL; if they stopped, call "
        "api_start_push_ticket."
    )


class TokenRejected(TokenError):
    remedy, once = Remedy.NEW_TOKEN, True
    hint = _(
        "The token was refused. If this comes back, another system refreshes the token of the same "
        "platform: let all of them share one."
    )


class WeChatError(WxStaticStoreError, OSError): ...


class WeChatBusy(WeChatError):
    remedy, hint = Remedy.WAIT, _("WeChat is busy, nothing is wrong on your side: try again later.")


class WeChatThrottled(WeChatError):
    remedy, pause = Remedy.WAIT, 2.0


class WeChatRefused(WeChatError): ...


class TransportError(WxStaticStoreError, OSError):
    remedy, hint = Remedy.WAIT, _("Check the network, the DNS and the proxy of this server.")


class ConnectFailed(TransportError): ...


class ResponseLost(TransportError): ...


class TlsFailed(TransportError): ...


class ProtocolError(WxStaticStoreError, OSError):
    hint = _("Look for a proxy or a firewall that answers in place of WeChat, or report this.")


class CosError(WxStaticStoreError, OSError):
    remedy, hint = Remedy.WAIT, _("The object store has trouble of its own: try again later.")


class LinkExpired(CosError):
    remedy, hint = Remedy.NEW_LINK, _("A link lives 60 seconds: the way to COS may be too slow.")


class CosThrottled(CosError):
    pause, hint = 2.0, _("The object store allows fewer requests: lower max_workers.")


class CosRefused(CosError):
    remedy, hint = Remedy.GIVE_UP, _("Quote the request id when you ask Tencent Cloud.")


class IntegrityError(CosError):
    remedy, once, maybe_stored = Remedy.NEW_LINK, True, True


class DeadlineExceeded(WxStaticStoreError, TimeoutError): ...


class UploadFailed(WxStaticStoreError, OSError):
    """`status` is ``failed``, or ``unknown``: the body was sent and the answer never came."""

    status = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one code means: the error to raise, and only what differs from its class."""

    error: type[WxStaticStoreError]
    hint: str | Promise = ""
    remedy: Remedy | None = None
    once: bool | None = None
    stops_batch: bool | None = None
    pause: float | None = None

    def build(self, message: str | Promise, **details: Any) -> WxStaticStoreError:
        names = ("hint", "remedy", "once", "stops_batch", "pause")
        own = {name: getattr(self, name) for name in names}
        return self.error(
            message, **{k: v for k, v in own.items() if v not in ("", None)} | details
        )


_APPID = _("Check COMPONENT_APPID: it must be the appid of your service provider platform.")
_SECRET = _("Check COMPONENT_APPSECRET: it belongs to the platform of COMPONENT_APPID.")
_ADDRESS = _("Add the server's address ({request_ip}) to the IP whitelist of your platform.")
_PERMISSION = _("Add cloud development to your platform's permission sets, then publish it again.")
_TOKEN_KIND = _("This call takes a component_access_token, not the token of an authorizer.")
_CONFIRM = _("WeChat wants the platform's administrator to confirm, or to lift a restriction.")
_QUOTA = _(
    "The daily quota is used up: wait for tomorrow, or have an administrator call clear_quota v2."
)
_CLEARED = _("This month's clear-quota calls are used up: wait for tomorrow.")
_SLOWER = _("WeChat allows fewer calls: lower max_workers or api_concurrency.")
_ARGUMENTS = _("WeChat refuses the arguments: check the environment id and the file name shown.")
_DAMAGED = _("The request arrived damaged: look for a proxy that drops bodies, or report this.")
_NO_CLOUD = _(
    "Cloud hosting is not open here: your own platform must have created the environment."
)
_ENVIRONMENT = _(
    "Look at the environment in the CloudBase console: in arrears, isolated, not yours?"
)
_CLOUD = _("The cloud refuses the call: errmsg says why; quote the rid when you ask WeChat.")

# Sources: error tables of the upload page and of the token page, habits of the family.
_TABLE: tuple[tuple[tuple[int, ...], Verdict], ...] = (
    ((-1, -1000, -501001, -501002, -503001, -601001, -601003), Verdict(WeChatBusy)),
    ((40001, 40014, 42001, 42006), Verdict(TokenRejected)),
    ((61005, 61006, 40091), Verdict(TokenUnavailable, remedy=Remedy.NEW_TOKEN, once=True)),
    ((40013, 41002, 61011), Verdict(ConfigurationError, _APPID)),
    ((41004, 40125, 40094), Verdict(ConfigurationError, _SECRET)),
    ((61004, 40164, 45035), Verdict(ConfigurationError, _ADDRESS)),
    ((61007, 48001, -501019, -503002), Verdict(ConfigurationError, _PERMISSION)),
    ((61014,), Verdict(ConfigurationError, _TOKEN_KIND)),
    ((48004, 50002, 89503, 89506, 89507), Verdict(ConfigurationError, _CONFIRM)),
    ((85088,), Verdict(ConfigurationError, _NO_CLOUD)),
    ((45009,), Verdict(WeChatThrottled, _QUOTA, Remedy.GIVE_UP, stops_batch=True)),
    ((48006,), Verdict(WeChatRefused, _CLEARED, stops_batch=True)),
    ((45011,), Verdict(WeChatThrottled, _SLOWER, pause=60.0)),
    ((-501003, -501004), Verdict(WeChatThrottled, _SLOWER)),
    ((40097, 40101, 40033), Verdict(WeChatRefused, _ARGUMENTS)),
    ((41001, 43002, 44002, 47001), Verdict(ProtocolError, _DAMAGED)),
    ((-501005, -501018), Verdict(WeChatRefused, _ENVIRONMENT, stops_batch=True)),
    ((-501000, -501007, -501009, -501021, -503003), Verdict(WeChatRefused, _CLOUD)),
)
ERRCODES = {code: verdict for codes, verdict in _TABLE for code in codes}
UNKNOWN_ERRCODE = Verdict(WeChatRefused, _CLOUD)
