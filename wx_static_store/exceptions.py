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

What each means, and whether a new try helps, stands in `causes`.
"""

import re
from copy import copy
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.functional import Promise

from .causes import CAUSES, Cause, Remedy as Remedy, advice, hint, with_docs
from .i18n import FACTS, STAGES, english, gettext, gettext_lazy as _, joined, labelled, with_facts

_UNSAID = ("", None, 0)
_ERRMSG = re.compile(r"errmsg (.+?)(?:, http status \d+)?(?:, cos code \w+)?\)(?:\. |$)")
_OWN = ("ConfigurationError", "NameRejected", "WxStaticStoreError", "http.redirect", "link.refused")
_KINDS: dict[str, type["WxStaticStoreError"]] = {}  # each class by its name


class WxStaticStoreError(Exception):
    """
    Base class of all errors. Its text alone is enough to act on, and never holds a secret.

    ``message``: what happened, in our words; without one, the title of its cause.
    ``cause``: the code of its entry in the table of causes; ``wx_explain`` prints it.
    ``hint``: what to do about it, if the message needs more than the entry says.
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

    cause: str = "WxStaticStoreError"
    # Of the entry, unless the message needs other values.
    hint: str | Promise
    remedy: Remedy
    once: bool
    stops_batch: bool
    pause: float
    maybe_stored = False
    stage = errmsg = rid = cos_code = request_id = env = key = ""
    errcode: int | None = None
    http_status: int | None = None
    attempts = 0

    # An error without an entry of its own is explained by that of its base class.
    def __init_subclass__(cls) -> None:
        _KINDS[cls.__name__] = cls
        if cls.__name__ in CAUSES:
            cls.cause = cls.__name__

    def __init__(self, message: str | Promise = "", *, cause: str = "", **details: Any) -> None:
        if cause:
            self.cause = cause
        entry = self.entry
        self.message: str | Promise = message or entry.title
        super().__init__(self.message)
        self.hint, self.remedy, self.pause = entry.operator, entry.remedy, entry.pause
        self.once, self.stops_batch = entry.once, entry.stops_batch
        self.with_context(**details)

    def with_context(self, **details: Any) -> Self:
        """Add facts that the caller knows: the environment, the key, the stage, a better hint."""
        for name, value in details.items():
            if not hasattr(self, name):
                raise TypeError(f"{type(self).__name__} has no detail {name!r}")
            setattr(self, name, value)
        return self

    def in_general(self) -> Self:
        """Return a copy without the facts in which errors with the same cause differ."""
        return copy(self).with_context(env="", key="", rid="", request_id="", attempts=0)

    @property
    def what(self) -> str:
        """Say what happened, in our words and the server's, without the hint."""
        ours = str(self.message)
        return labelled(ours, self.errmsg) if ours and self.errmsg else ours or self.errmsg

    @property
    def sentence(self) -> str:
        """Say for an editor what happened, the code to look up, and what to do."""
        text = with_facts(self.what, self.code)
        return gettext("%(what)s. %(hint)s", what=text, hint=self.hint) if self.hint else text

    @property
    def full_hint(self) -> str:
        """Return what to do, and where more is said."""
        return with_docs(self.hint, self.cause)

    @property
    def entry(self) -> Cause:
        """Return the entry of the table of causes that explains it."""
        return CAUSES.get(self.cause) or CAUSES[type(self).cause]

    def advice(self, status: str = "failed") -> str | Promise:
        """Return what an editor can do; empty for our own refusals, whose hints are for editors."""
        return advice(self.cause, status)

    @property
    def code(self) -> str:
        """Return the code to look up: WeChat's errcode, the code of COS, or the HTTP status."""
        if self.errcode:
            return gettext("errcode %(errcode)s", errcode=self.errcode)
        if self.cos_code or self.http_status in (None, 200):
            return self.cos_code
        return f"HTTP {self.http_status}"

    def __str__(self) -> str:
        said = {name: getattr(self, name) for name in FACTS}
        said["stage"] = STAGES.get(self.stage, self.stage)
        # WeChat answers 200 whatever it says.
        if said["http_status"] == 200:
            del said["http_status"]
        known = joined(str(FACTS[k]) % {"it": v} for k, v in said.items() if v not in _UNSAID)
        text = with_facts(self.message, known)
        return gettext("%(what)s. %(hint)s", what=text, hint=self.full_hint) if self.hint else text

    # Pickled as text: a lazy one would be read in the language of another process.
    def __reduce__(self) -> tuple[Any, ...]:
        message = str(self.message)
        return type(self), (message,), self.__dict__ | {"message": message}

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values for another process; `revived()` makes an error of them."""
        plain = {k: english(v) if isinstance(v, Promise) else v for k, v in self.__dict__.items()}
        return plain | {"class": type(self).__name__, "remedy": self.remedy.name}


_KINDS["WxStaticStoreError"] = WxStaticStoreError


def revived(value: dict[str, Any]) -> WxStaticStoreError:
    """Return the error that `as_dict()` described; raise KeyError or ValueError for others."""
    details = {k: v for k, v in value.items() if k not in ("class", "message", "remedy")}
    if "hint" in details:
        details["hint"] = _(str(details["hint"]))
    kind, remedy = _KINDS[value["class"]], Remedy[value["remedy"]]
    return kind(_(str(value["message"])), **details, remedy=remedy)


class ConfigurationError(WxStaticStoreError, ImproperlyConfigured):
    """A setting, a secret, the IP whitelist or a certificate is wrong."""


class NameRejected(WxStaticStoreError, SuspiciousFileOperation):
    """The name of the file cannot become the key of an object."""


class SourceError(WxStaticStoreError, OSError):
    """The file to send cannot be read."""


class SourceChanged(SourceError):
    """The file changed while it was sent."""


class TokenError(WxStaticStoreError, OSError):
    """The token is missing or refused."""


class TokenUnavailable(TokenError):
    """There is no token, and none can be fetched at the moment."""


class TokenRejected(TokenError):
    """WeChat refuses the token."""


class WeChatError(WxStaticStoreError, OSError):
    """WeChat answered with an errcode."""


class WeChatBusy(WeChatError):
    """WeChat or its cloud is busy. The upload is tried again."""


class WeChatThrottled(WeChatError):
    """WeChat allows fewer calls in this time, or a quota is used up."""


class WeChatRefused(WeChatError):
    """WeChat refuses the call."""


class TransportError(WxStaticStoreError, OSError):
    """No usable answer came."""


class ConnectFailed(TransportError):
    """The connection could not be opened."""


class ResponseLost(TransportError):
    """The request was sent, but the answer never came."""


class TlsFailed(TransportError):
    """The certificate of the other side is not valid."""


class ProtocolError(WxStaticStoreError, OSError):
    """The answer is not one that WeChat or COS documents."""


class CosError(WxStaticStoreError, OSError):
    """COS, the object store, answered with an error."""


class LinkExpired(CosError):
    """The signed link is older than 60 seconds."""


class CosThrottled(CosError):
    """COS allows fewer requests."""


class CosRefused(CosError):
    """COS refuses the request."""


class IntegrityError(CosError):
    """COS stored other bytes than were sent."""

    maybe_stored = True


class DeadlineExceeded(WxStaticStoreError, TimeoutError):
    """The upload took longer than its ``deadline``."""


class UploadFailed(WxStaticStoreError, OSError):
    """
    What ``save()`` and ``upload()`` raise: the cause, the file, what to do.

    ``status``: ``failed``, or ``unknown`` if the file was sent and the answer never came.
    """

    status = "failed"


def error_of(entry: Cause, message: str | Promise, **details: Any) -> WxStaticStoreError:
    """Return the error of a cause, by the exception that its entry names."""
    return _KINDS[entry.error](message, cause=entry.id, **details)


def recorded(message: str, cause: str, errcode: int | None, env: str) -> str:
    """Return a recorded message in the reader's language: translated, or by the entry's texts."""
    text, entry = message and gettext(message), CAUSES.get(cause)
    if text != message or entry is None or str(entry.title) == english(entry.title):
        return text
    # Their messages say more than their entries.
    if entry.id in _OWN or entry.error in ("PolicyRejected", "SourceError"):
        return labelled(entry.title, message)
    found, what_to_do = _ERRMSG.search(message), with_docs(hint(cause, message, env), cause)
    more = {"errcode": errcode, "errmsg": found[1] if found else "", "hint": what_to_do}
    return error_of(entry, entry.title, **more).sentence
