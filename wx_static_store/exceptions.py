"""
The errors of this package, and what may be done about each.

    WxStaticStoreError
    ├── ConfigurationError (ImproperlyConfigured)
    ├── NameRejected (SuspiciousFileOperation)
    ├── SourceError (OSError)
    │   └── SourceChanged
    ├── TokenError (OSError)
    │   ├── TokenUnavailable
    │   └── TokenRejected
    ├── WeChatError (OSError)
    │   ├── WeChatBusy
    │   ├── WeChatThrottled
    │   └── WeChatRefused
    ├── TransportError (OSError)
    │   ├── ConnectFailed
    │   ├── ResponseLost
    │   └── TlsFailed
    ├── ProtocolError (OSError)
    ├── CosError (OSError)
    │   ├── LinkExpired
    │   ├── CosThrottled
    │   ├── CosRefused
    │   └── IntegrityError
    ├── DeadlineExceeded (TimeoutError)
    └── UploadFailed (OSError)

The remedy of each errcode stands in `core/errcodes.py`, so that one loop can obey it.
"""

from enum import Enum
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.functional import Promise

from .i18n import FACTS, STAGES, english, gettext, gettext_lazy as _, joined, labelled, with_docs


class Remedy(Enum):
    """What may be tried next."""

    GIVE_UP = "give up"
    WAIT = "wait, then try again"
    NEW_TOKEN = "discard the token, then try again"  # noqa: S105
    NEW_LINK = "try again at once: each attempt asks for a link of its own"


_UNSAID = ("", None, 0)


class WxStaticStoreError(Exception):
    """
    Base class of all errors. Its text alone is enough to act on, and never holds a secret.

    ``message``: what happened, in our words.
    ``hint``: what to do about it.
    ``docs``: the anchor in the documentation that explains it.
    ``stage``: where it happened: ``name``, ``source``, ``token``, ``link``, ``put`` or ``verify``.
    ``errcode``: the number that WeChat gave.
    ``errmsg``: the text that WeChat or COS gave, or a token provider that failed.
    ``rid``: WeChat's id of the request. Quote it when you ask WeChat.
    ``http_status``: the HTTP status of the answer.
    ``cos_code``: the code that COS gave.
    ``request_id``: the id that COS gave the request. Quote it when you ask Tencent Cloud.
    ``env``: the id of the environment.
    ``key``: the key of the object.
    ``attempts``: how many times the upload was tried.
    ``remedy``: what may be tried next, a ``Remedy``.
    ``once``: whether the remedy works only once in an upload.
    ``pause``: the least number of seconds before the next try.
    ``stops_batch``: whether every other file would fail in this way, too.
    ``maybe_stored``: whether the object may still be there.
    """

    remedy = Remedy.GIVE_UP
    once = stops_batch = maybe_stored = False
    pause = 0.0
    hint: str | Promise = ""
    docs = ""
    stage = errmsg = rid = cos_code = request_id = env = key = ""
    errcode: int | None = None
    http_status: int | None = None
    attempts = 0

    # The documentation has an anchor for each error of this module, and for no other.
    def __init_subclass__(cls) -> None:
        if cls.__module__ == __name__:
            cls.docs = f"exception-{cls.__name__}"

    def __init__(self, message: str | Promise = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.with_context(**details)

    def with_context(self, **details: Any) -> Self:
        """Add facts that the caller knows: the environment, the key, the stage, a better hint."""
        for name, value in details.items():
            if not hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has no detail {name!r}")
            setattr(self, name, value)
        return self

    @property
    def what(self) -> str:
        """Say what happened, in our words and the server's, without the hint."""
        ours = str(self.message)
        return labelled(ours, self.errmsg) if ours and self.errmsg else ours or self.errmsg

    @property
    def full_hint(self) -> str:
        """Return what to do, and the address in the docs that says more."""
        return with_docs(self.hint, self.docs)

    @property
    def code(self) -> str:
        """Return the code to look up: WeChat's errcode, the code of COS, or the HTTP status."""
        if self.errcode:
            return gettext("errcode %(errcode)s", errcode=self.errcode)
        told = self.cos_code or self.http_status in (None, 200)
        return self.cos_code if told else f"HTTP {self.http_status}"

    def __str__(self) -> str:
        said = {name: getattr(self, name) for name in FACTS}
        said["stage"] = STAGES.get(self.stage, self.stage)
        # WeChat answers 200 whatever it says.
        if said["http_status"] == 200:
            del said["http_status"]
        known = joined(str(FACTS[k]) % {"it": v} for k, v in said.items() if v not in _UNSAID)
        text = str(self.message)
        if known:
            text = gettext("%(what)s (%(facts)s)", what=text, facts=known)
        return gettext("%(what)s. %(hint)s", what=text, hint=self.full_hint) if self.hint else text

    # Pickled as text: a lazy one would be read in the language of another process.
    def __reduce__(self) -> tuple[Any, ...]:
        message = str(self.message)
        return type(self), (message,), self.__dict__ | {"message": message}

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values for another process; `revived()` makes an error of them."""
        plain = {k: english(v) if isinstance(v, Promise) else v for k, v in self.__dict__.items()}
        return plain | {"class": type(self).__name__, "remedy": self.remedy.value}


def revived(value: dict[str, Any]) -> WxStaticStoreError:
    """Return the error that `as_dict()` described; raise KeyError or ValueError for others."""
    kinds = {kind.__name__: kind for kind in _all_kinds(WxStaticStoreError)}
    details = {k: v for k, v in value.items() if k not in ("class", "message", "remedy")}
    if "hint" in details:
        details["hint"] = _(str(details["hint"]))
    kind, remedy = kinds[value["class"]], Remedy(value["remedy"])
    return kind(_(str(value["message"])), **details, remedy=remedy)


def _all_kinds(kind: type[WxStaticStoreError]) -> list[type[WxStaticStoreError]]:
    return [kind, *(inner for sub in kind.__subclasses__() for inner in _all_kinds(sub))]


class ConfigurationError(WxStaticStoreError, ImproperlyConfigured):
    """A setting, a secret, the IP whitelist or a certificate is wrong."""

    stops_batch = True


class NameRejected(WxStaticStoreError, SuspiciousFileOperation):
    """The name of the file cannot become the key of an object."""


class SourceError(WxStaticStoreError, OSError):
    """The file to send cannot be read."""

    hint = _("Check that the file exists, may be read, and stands still while it is sent.")


class SourceChanged(SourceError):
    """The file changed while it was sent."""

    remedy, once = Remedy.NEW_LINK, True


class TokenError(WxStaticStoreError, OSError):
    """Base class of the two errors of the token."""

    stops_batch = True


class TokenUnavailable(TokenError):
    """There is no token, and none can be fetched at the moment."""

    hint = _(
        "The verify ticket is missing or of no use any more (it lives 12 hours). Check that "
        "WeChat's pushes reach your authorization event URL; if they stopped, call "
        "api_start_push_ticket."
    )


class TokenRejected(TokenError):
    """WeChat refuses the token."""

    remedy, once = Remedy.NEW_TOKEN, True
    hint = _(
        "The token was refused. If this comes back, another system refreshes the token of the same "
        "platform: let all of them share one."
    )


class WeChatError(WxStaticStoreError, OSError):
    """WeChat answered with an errcode. This is the base class of the next three."""


class WeChatBusy(WeChatError):
    """WeChat or its cloud is busy. The upload is tried again."""

    remedy, hint = Remedy.WAIT, _("WeChat is busy, nothing is wrong on your side: try again later.")


class WeChatThrottled(WeChatError):
    """WeChat allows fewer calls in this time, or a quota is used up."""

    remedy, pause = Remedy.WAIT, 2.0


class WeChatRefused(WeChatError):
    """WeChat refuses the call."""


class TransportError(WxStaticStoreError, OSError):
    """No usable answer came."""

    remedy, hint = Remedy.WAIT, _("Check the network, the DNS and the proxy of this server.")


class ConnectFailed(TransportError):
    """The connection could not be opened."""


class ResponseLost(TransportError):
    """The request was sent, but the answer never came."""


class TlsFailed(TransportError):
    """The certificate of the other side is not valid."""


class ProtocolError(WxStaticStoreError, OSError):
    """The answer is not one that WeChat or COS documents."""

    hint = _("Look for a proxy or a firewall that answers in place of WeChat, or report this.")


class CosError(WxStaticStoreError, OSError):
    """COS, the object store, answered with an error."""

    remedy, hint = Remedy.WAIT, _("The object store has trouble of its own: try again later.")


class LinkExpired(CosError):
    """The signed link is older than 60 seconds."""

    remedy, hint = Remedy.NEW_LINK, _("A link lives 60 seconds: the way to COS may be too slow.")


class CosThrottled(CosError):
    """COS allows fewer requests."""

    pause, hint = 2.0, _("The object store allows fewer requests: lower max_workers.")


class CosRefused(CosError):
    """COS refuses the request."""

    remedy, hint = Remedy.GIVE_UP, _("Quote the request id when you ask Tencent Cloud.")


class IntegrityError(CosError):
    """COS stored other bytes than were sent."""

    remedy, once, maybe_stored = Remedy.NEW_LINK, True, True


class DeadlineExceeded(WxStaticStoreError, TimeoutError):
    """The upload took longer than its ``deadline``."""


class UploadFailed(WxStaticStoreError, OSError):
    """
    What ``save()`` and ``upload()`` raise: the cause, the file, what to do.

    ``status``: ``failed``, or ``unknown`` if the file was sent and the answer never came.
    """

    status = "failed"
