"""Labels for the words and numbers that the log keeps."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..core.errcodes import ERRCODES, UNKNOWN_ERRCODE
from ..exceptions import (
    ConfigurationError,
    CosError,
    CosRefused,
    CosThrottled,
    IntegrityError,
    LinkExpired,
    ProtocolError,
    TokenRejected,
    TokenUnavailable,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext, labelled
from ..log.advice import error_rule
from ..models import UploadLog

Text = str | Promise

SOURCES: dict[str, Text] = {
    "admin": _("admin"),
    "api": _("API"),
    "collectstatic": "collectstatic",
    "delete": _("deletion"),
    "list": _("the cloud's list"),
    "reconcile": _("comparison with the cloud"),
    "retry": _("repetition"),
    "storage": _("file field"),
    "wx_deploy": "wx_deploy",
}
STAGES: dict[str, Text] = {
    "name": _("checking the name"),
    "source": _("reading the file"),
    "token": _("getting a token"),
    "link": _("asking WeChat for a link"),
    "put": _("sending the file"),
    "verify": _("comparing what is stored"),
}
MEANINGS: dict[type[WxStaticStoreError], Text] = {
    WeChatBusy: _("WeChat is busy"),
    WeChatThrottled: _("a limit is reached"),
    WeChatRefused: _("WeChat refuses this"),
    TokenRejected: _("the token is refused"),
    TokenUnavailable: _("there is no token"),
    ConfigurationError: _("not set up for this"),
    ProtocolError: _("the request was damaged"),
    LinkExpired: _("the link expired"),
    CosThrottled: _("a limit of the object store is reached"),
    CosRefused: _("the object store refuses this"),
    CosError: _("the object store has trouble"),
    IntegrityError: _("other bytes arrived than were sent"),
}
# Without a code of WeChat or COS, the stage says what is wrong.
_WITHOUT_CODE: dict[str, Text] = {
    "name": _("the name is refused"),
    "source": _("the file cannot be read"),
    "token": MEANINGS[TokenUnavailable],
    "link": _("no usable answer from WeChat"),
    "put": _("no usable answer from the object store"),
    "verify": _("the cloud does not have it so"),
}

_NO_LOOK = _("it could not be asked whether the name is free")


def meaning(errcode: int) -> Text:
    """Return the meaning of one of WeChat's codes."""
    return MEANINGS[ERRCODES.get(errcode, UNKNOWN_ERRCODE).error]


def trouble(row: UploadLog) -> Text:
    """Return the meaning of a row's error; empty if there was none."""
    if row.status == UploadLog.Status.STORED:
        return ""
    verdict = error_rule(row)
    if verdict:
        return MEANINGS[verdict.error]
    looked = row.stage == "name" and row.key  # a refused name has no key
    return _NO_LOOK if looked else _WITHOUT_CODE.get(row.stage, "")


def describe_error(row: UploadLog) -> str:
    """Return the row's English message in the reader's language, or an empty text."""
    translated = gettext(row.message) if row.message else ""
    if translated != row.message:
        return translated
    what = trouble(row)
    if not what:
        return ""
    return capfirst(labelled(STAGES[row.stage], what) if row.stage in STAGES else str(what))


def sentence(error: WxStaticStoreError) -> str:
    """Return for an editor what happened, the code to look up, and what to do."""
    text = error.what
    if error.code:
        text = gettext("%(what)s (%(facts)s)", what=text, facts=error.code)
    return gettext("%(what)s. %(hint)s", what=text, hint=error.full_hint) if error.hint else text
