"""
Each errcode of WeChat; codes of the same meaning share an entry.

Sources: the error tables of the upload page, the token page and the rid page; habits of the family.
"""

from ..i18n import gettext_lazy as _
from .cause import Blame, Remedy
from .own import ASK, BUSY, CONFIGURATION, PROTOCOL, REFUSED, REJECTED, THROTTLED, UNAVAILABLE

_TOMORROW = _(
    "This site's calls to WeChat are used up for today. Upload it again tomorrow, or ask the "
    "site's operator."
)
_OPERATOR = _("The cloud refuses the call: errmsg says why; quote the rid when you ask WeChat.")
# No upload ends with one.
_OF_RID = REFUSED.but("rid", editor="", remedy=Remedy.NEVER)
UNKNOWN = "errcode"  # the entry of a number that is not listed

# An entry is read as one.
# fmt: off
TABLE = (
    BUSY.but("-1 -1000 -501001 -501002 -503001 -601001 -601003"),
    REJECTED.but("40001 40014 42001 42006", docs="tokens-fixed"),
    UNAVAILABLE.but(
        "61005 61006 40091", title=_("The verify ticket is refused"),
        means=_("WeChat pushes a ticket to your authorization event URL every ten minutes. The "
                "pushes do not arrive, or WeChat has stopped them."),
        remedy=Remedy.NEW_TOKEN, once=True),
    CONFIGURATION.but(
        "40013 41002 61011", title=_("The appid is not that of the platform"),
        means=_("COMPONENT_APPID is missing, has a typing error, or belongs to a mini program in "
                "place of the platform."),
        operator=_("Check COMPONENT_APPID: it must be the appid of your service provider "
                   "platform.")),
    CONFIGURATION.but(
        "41004 40125 40094", title=_("The appsecret is wrong"),
        means=_("COMPONENT_APPSECRET is missing or wrong, or it was reset on the page of the "
                "platform."),
        operator=_("Check COMPONENT_APPSECRET: it belongs to the platform of COMPONENT_APPID.")),
    CONFIGURATION.but(
        "61004 40164 45035", title=_("This server's address is not in the IP whitelist"),
        means=_("The open platform answers listed addresses only. The address of the server has "
                "changed, or calls leave by a proxy. Tickets still arrive."),
        operator=_("Add the server's address ({request_ip}) to the IP whitelist of your platform, "
                   "on its page at the open platform. Then try again."),
        docs="account-whitelist"),
    CONFIGURATION.but(
        "61007 48001 -501019 -503002", title=_("The platform lacks the permission for this call"),
        means=_("The permission sets of the platform lack cloud development, or a change of them "
                "was not published."),
        operator=_("Add cloud development to your platform's permission sets, then publish it "
                   "again.")),
    CONFIGURATION.but(
        "61014", title=_("The token is of the wrong kind"),
        means=_("The token belongs to an authorizer or a mini program. ACCESS_TOKEN or "
                "TOKEN_PROVIDER gives the wrong one."),
        operator=_("This call takes a component_access_token, not the token of an authorizer.")),
    CONFIGURATION.but(
        "48004 50002 89503 89506 89507", title=_("WeChat has limited the platform's account"),
        means=_("WeChat protects the account of the platform; only a person can lift this. 89507 "
                "blocks an address for an hour, 89506 for 24 hours."),
        operator=_("WeChat wants the platform's administrator to confirm, or to lift a "
                   "restriction."), blame=Blame.WECHAT),
    CONFIGURATION.but(
        "85088", title=_("Cloud development is not open for this environment"),
        means=_("A platform can publish only to environments that it created itself for its "
                "tenants. WeChat does not document what else leads to this number."),
        operator=_("Open cloud development for your platform, in the batch mode, or static hosting "
                   "of this environment: wx_doctor shows which is closed. If both are open, your "
                   "platform did not create this environment: wx_doctor lists those that it did."),
        stops_batch=True, blame=Blame.TENANT, docs="account-environment"),
    THROTTLED.but(
        "45009", title=_("The quota of the day is used up"),
        means=_("Each call has a quota for the day. A system that fetches tokens in a loop uses it "
                "up."),
        operator=_("The daily quota is used up: wait for tomorrow, or have an administrator call "
                   "clear_quota v2."),
        editor=_TOMORROW, remedy=Remedy.LATER, stops_batch=True, pause=0.0),
    REFUSED.but(
        "48006", title=_("The calls of clear_quota are used up"),
        means=_("WeChat allows ten of these calls in a month."),
        operator=_("This month's clear-quota calls are used up: wait for next month."),
        remedy=Remedy.LATER, stops_batch=True),
    THROTTLED.but(
        "45011", title=_("There were too many calls in this minute"), pause=60.0),
    THROTTLED.but(
        "-501003 -501004", title=_("The environment allows fewer calls at once"),
        means=_("More calls reach one environment at the same time than its plan allows."),
        blame=Blame.TENANT),
    REFUSED.but(
        "40097 40101 40033", title=_("WeChat refuses the arguments"),
        means=_("The id of the environment has a typing error, or WeChat does not accept the file "
                "name."),
        operator=_("If all files fail, compare the environment id with the console's; if one does, "
                   "rename it."), blame=Blame.PROJECT),
    PROTOCOL.but(
        "41001 43002 44002 47001", title=_("The request arrived damaged"),
        means=_("The app sends complete requests. Something on the way changes them, such as a "
                "proxy."),
        operator=_("The request arrived damaged: look for a proxy that drops bodies, or report "
                   "this.")),
    REFUSED.but(
        "-501005 -501018", title=_("The environment is not in order"),
        means=_("WeChat does not document which number has which cause."),
        operator=_("Look at the environment in the CloudBase console. It is in arrears, isolated, "
                   "destroyed or not yours, or its static hosting is closed."),
        stops_batch=True, blame=Blame.TENANT, docs="account-hosting"),
    REFUSED.but(
        "ResourceNotFound", title=_("The platform has no such environment"),
        means=_("The id is wrong, or the platform did not create the environment."),
        operator=_("There is no environment '{env}' on this platform: check ENV. WeChat's call "
                   "describeenvs lists the ids."),
        stops_batch=True, blame=Blame.PROJECT, docs="account-environment"),
    REFUSED.but(
        "-501000 -501007 -501009 -501021 -503003", title=_("The cloud refuses the call"),
        means=_("errmsg says more, often in the form TcbCode: [Name.Of.The.Error]."),
        operator=_OPERATOR, blame=Blame.TENANT),
    _OF_RID.but(
        "76001", title=_("WeChat did not keep this call"),
        operator=_("WeChat keeps only refused calls, for seven days. If this call is new, ask "
                   "again in some minutes."), remedy=Remedy.WAIT),
    _OF_RID.but(
        "76002", title=_("The rid of this upload is malformed"),
        operator=_("A rid has three groups of eight hex digits, as in "
                   "66f00000-0a0b0c0d-01020304.")),
    _OF_RID.but(
        "76003", title=_("Another account made this call"),
        means=_("Only the account of the call can ask about its rid. From quota/get it means that "
                "the path has a host, or lacks its first slash."),
        operator=_("Another account made the call: another platform, or an authorizer. Only its "
                   "own token can ask.")),
    _OF_RID.but(
        "76004", title=_("This call is older than seven days"),
        operator=_("WeChat keeps refused calls for seven days. Upload the file again, and ask "
                   "about the new call.")),
    _OF_RID.but(
        "76021 76022", title=_("WeChat names no quota of this call"),
        means=_("quota/get does not know every call."),
        operator=_("WeChat names no quota of this call. Nothing is wrong with the call itself.")),
    REFUSED.but(
        UNKNOWN, title=_("WeChat refuses this by a number that this app does not know"),
        means=_("WeChat adds numbers without notice."),
        operator=_OPERATOR, editor=ASK),
)
# fmt: on
