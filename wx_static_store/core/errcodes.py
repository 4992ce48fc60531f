"""Each errcode of WeChat: the error that it raises, what may be tried next, what to do."""

from collections.abc import Container
from dataclasses import dataclass, fields
from typing import Any

from django.utils.functional import Promise

from ..exceptions import (
    ConfigurationError,
    ProtocolError,
    Remedy,
    TokenRejected,
    TokenUnavailable,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)
from ..i18n import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one code: the error to raise, and the values that differ from its class."""

    error: type[WxStaticStoreError]
    hint: str | Promise = ""
    remedy: Remedy | None = None
    once: bool | None = None
    stops_batch: bool | None = None
    pause: float | None = None

    def build(self, message: str | Promise, **details: Any) -> WxStaticStoreError:
        values = {each.name: getattr(self, each.name) for each in fields(self)[1:]}
        own = {name: value for name, value in values.items() if value not in ("", None)}
        return self.error(message, **own | details)


_APPID = _("Check COMPONENT_APPID: it must be the appid of your service provider platform.")
_SECRET = _("Check COMPONENT_APPSECRET: it belongs to the platform of COMPONENT_APPID.")
_ADDRESS = _("Add the server's address ({request_ip}) to the IP whitelist of your platform.")
_PERMISSION = _("Add cloud development to your platform's permission sets, then publish it again.")
_TOKEN_KIND = _("This call takes a component_access_token, not the token of an authorizer.")
_CONFIRM = _("WeChat wants the platform's administrator to confirm, or to lift a restriction.")
_QUOTA = _(
    "The daily quota is used up: wait for tomorrow, or have an administrator call clear_quota v2."
)
_CLEARED = _("This month's clear-quota calls are used up: wait for next month.")
_SLOWER = _("WeChat allows fewer calls: lower max_workers or api_concurrency.")
_ARGUMENTS = _("WeChat refuses the arguments: check the environment id and the file name shown.")
_DAMAGED = _("The request arrived damaged: look for a proxy that drops bodies, or report this.")
_NO_CLOUD = _(
    "Cloud hosting is not open here: open cloud development for your platform. Look with "
    "describeenvs: your own platform must have created the environment."
)
_NO_ENVIRONMENT = _(
    "There is no environment '{env}' on this platform: check ENV. WeChat's call describeenvs "
    "lists the ids."
)
_ENVIRONMENT = _(
    "Look at the environment in the CloudBase console: in arrears, isolated, not yours, or its "
    "static hosting closed?"
)
_NOT_KEPT = _(
    "WeChat keeps the calls that it refused for seven days, and no others. If this one is new, ask "
    "again in some minutes."
)
_NO_RID = _("A rid has three groups of eight hex digits, as in 66f00000-0a0b0c0d-01020304.")
_FOREIGN = _(
    "Another account made the call: another platform, or an authorizer. Only its own token can ask."
)
_TOO_OLD = _(
    "WeChat keeps refused calls for seven days. Upload the file again, and ask about the new call."
)
_NO_FIGURE = _("WeChat names no quota of this call. Nothing is wrong with the call itself.")
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
    ((76001,), Verdict(WeChatRefused, _NOT_KEPT)),
    ((76002,), Verdict(WeChatRefused, _NO_RID)),
    ((76003,), Verdict(WeChatRefused, _FOREIGN)),
    ((76004,), Verdict(WeChatRefused, _TOO_OLD)),
    ((76021, 76022), Verdict(WeChatRefused, _NO_FIGURE)),
    ((-501000, -501007, -501009, -501021, -503003), Verdict(WeChatRefused, _CLOUD)),
)
ERRCODES = {code: verdict for codes, verdict in _TABLE for code in codes}
UNKNOWN_ERRCODE = Verdict(WeChatRefused, _CLOUD)

_NOT_FOUND = Verdict(WeChatRefused, _NO_ENVIRONMENT, stops_batch=True)


def verdict_on(errcode: int, errmsg: str) -> Verdict:
    """Return the meaning of a refusal, by its number and by the TcbCode in its text."""
    # The cloud's errcode for all that has no number of its own: its TcbCode says more.
    if errcode == -501000 and "TcbCode: [ResourceNotFound" in errmsg:
        return _NOT_FOUND
    return ERRCODES.get(errcode, UNKNOWN_ERRCODE)


def anchor(kind: str, code: object, known: Container[Any]) -> str:
    """Return the anchor in the documentation that explains a code; unknown codes share one."""
    return f"{kind}-{code if code in known else 'other'}"
