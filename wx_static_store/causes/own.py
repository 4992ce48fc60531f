"""Each exception of this app as a cause, and the causes that its classes do not tell apart."""

from typing import Any

from ..i18n import gettext_lazy as _
from .cause import Blame, Cause, Remedy, Text

ASK = _("Your file is in order. Ask the site's operator to repair the cause, then upload it again.")
AGAIN = _(
    "Your file is in order. Upload it again in some minutes; if it fails again, ask the site's "
    "operator."
)
_FILE = _("Check the file on your computer, then choose it again.")
NAME_ANEW = _("Choose another name, and upload the file again.")
_DAMAGED = _("What is public now may be damaged. Upload the file again at once.")
CA = _("Check the certificate store: REQUESTS_CA_BUNDLE may name the file of your CA.")
_NETWORK = _("The network, the DNS, a proxy or a firewall is in the way.")


def _of(id: str, title: Text, **values: Any) -> Cause:
    return Cause(id, title, error=id, **values)


# An entry is read as one.
# fmt: off
BASE = _of(
    "WxStaticStoreError", _("Something failed"),
    means=_("Read its message: no code says more."), editor=AGAIN)
CONFIGURATION = _of(
    "ConfigurationError", _("Not set up for this"),
    means=_("Either a setting has a wrong value, or WeChat refuses because of one."),
    operator=_("Correct what the message names. Run manage.py check."),
    editor=ASK, stops_batch=True, problem="configuration")
NAME = _of(
    "NameRejected", _("The name is refused"),
    means=_("A key is a path below the site: not absolute, without .., without empty parts, at "
            "most 850 bytes long."),
    operator=_("Rename the file. If the key is too long, shorten the name or the location: a "
               "Chinese character takes three bytes."),
    editor=NAME_ANEW, blame=Blame.US, problem="name")
SOURCE = _of(
    "SourceError", _("The file cannot be read"),
    means=_("The file is missing, closed, not readable, or larger than 5 GB."),
    operator=_("Check that the file exists, may be read, is open in binary mode, and does not "
               "change while it is sent."),
    editor=_FILE, problem="gone")
TOKEN = _of(
    "TokenError", _("The token is missing or refused"),
    means=_("Every call to WeChat needs the platform's token."), editor=ASK, stops_batch=True,
    problem="busy")
UNAVAILABLE = TOKEN.but(
    "TokenUnavailable", error="TokenUnavailable", title=_("There is no token"),
    means=_("There is no ticket, WeChat refuses the ticket, or the token provider failed."),
    operator=_("The verify ticket is missing, or older than its 12 hours. Check that WeChat's "
               "pushes reach your authorization event URL. If they stopped, call "
               "api_start_push_ticket."))
REJECTED = TOKEN.but(
    "TokenRejected", error="TokenRejected", title=_("The token is refused"),
    means=_("A token lives two hours, and a platform has only one: five minutes after somebody "
            "fetched a new one, the old one is refused."),
    operator=_("The token was refused. If this comes back, another system refreshes the token of "
               "the same platform: let all systems share one token."),
    remedy=Remedy.NEW_TOKEN, once=True)
_PASSES = UNAVAILABLE.but("token", editor=AGAIN, remedy=Remedy.WAIT)
WECHAT = _of(
    "WeChatError", _("WeChat answered with an errcode"), means=_("See the entry of the errcode."),
    editor=ASK, blame=Blame.WECHAT)
BUSY = WECHAT.but(
    "WeChatBusy", error="WeChatBusy", title=_("WeChat is busy"),
    means=_("WeChat or its cloud has trouble of its own, usually for a moment."),
    operator=_("WeChat is busy, nothing is wrong on your side: try again later."),
    editor=AGAIN, remedy=Remedy.WAIT, problem="busy")
THROTTLED = WECHAT.but(
    "WeChatThrottled", error="WeChatThrottled", title=_("WeChat allows fewer calls"),
    means=_("More calls were sent than WeChat allows. Other systems of the platform count, too."),
    operator=_("WeChat allows fewer calls: lower max_workers or api_concurrency."),
    editor=AGAIN, remedy=Remedy.WAIT, pause=2.0, problem="busy")
REFUSED = WECHAT.but(
    "WeChatRefused", error="WeChatRefused", title=_("WeChat refuses this"), means="",
    operator=_("Look up the errcode; quote the rid when you ask WeChat."))
TRANSPORT = _of(
    "TransportError", _("No usable answer came"), means=_NETWORK,
    operator=_("Check the network, the DNS and the proxy of this server."),
    editor=AGAIN, remedy=Remedy.WAIT, blame=Blame.NETWORK)
CONNECT = TRANSPORT.but(
    "ConnectFailed", error="ConnectFailed", title=_("The server cannot be reached"))
LOST = TRANSPORT.but(
    "ResponseLost", error="ResponseLost", title=_("The answer never came"),
    means=_("The connection broke off after the request was sent."), problem="timeout")
TLS = TRANSPORT.but(
    "TlsFailed", error="TlsFailed", title=_("The encrypted connection failed"),
    means=_("The certificate is not valid, or the connection broke."), operator=CA)
PROTOCOL = _of(
    "ProtocolError", _("The answer is not one that WeChat or COS documents"),
    means=_("Something on the way answers in place of WeChat or COS, or their answers changed."),
    operator=_("Look for a proxy or a firewall that answers in place of WeChat, or report this."),
    editor=ASK, blame=Blame.NETWORK)
COS = _of(
    "CosError", _("The object store has trouble"),
    means=_("COS answered with an error of its own, usually for a moment."),
    operator=_("The object store has trouble of its own: try again later."),
    editor=AGAIN, remedy=Remedy.WAIT, blame=Blame.COS)
EXPIRED = COS.but(
    "LinkExpired", error="LinkExpired", title=_("The link expired"),
    means=_("The file waited before it was sent, or the network is slow."),
    operator=_("A link lives 60 seconds: the way to COS may be too slow."),
    remedy=Remedy.NEW_LINK, blame=Blame.NETWORK)
COS_THROTTLED = COS.but(
    "CosThrottled", error="CosThrottled", title=_("The object store allows fewer requests"),
    means=_("COS allows an environment so many requests in a second."),
    operator=_("Wait some minutes. If this comes back, lower max_workers in the OPTIONS of the "
               "store."), pause=2.0,
    problem="busy")
COS_REFUSED = COS.but(
    "CosRefused", error="CosRefused", title=_("The object store refuses this"),
    means=_("COS refuses the request. Its message says why."),
    operator=_("Quote the request id when you ask Tencent Cloud."), editor=ASK,
    remedy=Remedy.CHANGE)
INTEGRITY = COS.but(
    "IntegrityError", error="IntegrityError", title=_("Other bytes arrived than were sent"),
    means=_("The bytes were changed on the way, or a CDN serves an old file."),
    operator=_("Send the file again. If this comes back, look for a proxy that rewrites bodies."),
    editor=_DAMAGED, remedy=Remedy.NEW_LINK, once=True, blame=Blame.NETWORK)
DEADLINE = _of(
    "DeadlineExceeded", _("It took too long"),
    means=_("The network is slow, the file is large, or WeChat was busy for long."),
    operator=_("If it hangs, look at the network, the proxy and the firewall on the way there. If "
               "the line is slow, set a longer deadline."),
    editor=AGAIN, remedy=Remedy.WAIT, blame=Blame.NETWORK, problem="timeout")
POLICY = _of(
    "PolicyRejected", _("This is not allowed to you"),
    means=_("A rule of this site refuses it; the refusal says which."), blame=Blame.US,
    problem="forbidden")

TABLE = (
    BASE, CONFIGURATION, NAME, SOURCE,
    SOURCE.but(
        "SourceChanged", error="SourceChanged", title=_("The file changed while it was sent"),
        means=_("Another program writes to it."),
        remedy=Remedy.NEW_LINK, once=True),
    SOURCE.but(
        "SourceGone", title=_("The bytes of the file are no longer available"),
        means=_("No copy of the bytes was kept, or newer bytes replaced them."),
        operator=_("Choose the file again, or deploy its tree again."),
        editor=_("Choose the file again."), remedy=Remedy.NEVER),
    SOURCE.but(
        "release.unknown", title=_("There is no such release"),
        means=_("No deployment that this user may see has this name, or none came before."),
        operator=_("wx_deploy --list shows all releases. Name one of them."),
        editor=_("Choose another release."), problem="release"),
    SOURCE.but(
        "source.kept", title=_("The release storage does not have the bytes"),
        means=_("They were deleted or changed there, or the storage cannot be reached."),
        operator=_("Deploy a tree that has this file with --force, which keeps the file again."),
        editor=AGAIN, remedy=Remedy.WAIT),
    SOURCE.but(
        "waiting.taken", title=_("Another file is public under this name"),
        means=_("The public file is not from this site, or is newer. wx_push does not replace it "
                "by itself."),
        operator=_("To replace the public file, use Upload again on the page Still failing."),
        editor=_("Give the waiting file up, or save it under another name.")),
    SOURCE.but(
        "waiting.unpublished", title=_("The file was made unpublic after this was saved"),
        means=_("Somebody used Make unpublic in the admin."), operator="",
        editor=_("Give the waiting file up, or send it now to publish it.")),
    TOKEN, UNAVAILABLE, REJECTED,
    REJECTED.but(
        "token.fixed", title=_("The fixed token is refused"),
        means=_("ACCESS_TOKEN never renews itself, and a token lives two hours."),
        operator=_("ACCESS_TOKEN is wrong or has expired, and nobody refreshes it. Set a new one, "
                   "or set COMPONENT_APPID and COMPONENT_APPSECRET instead: then tokens are "
                   "fetched.")),
    _PASSES.but(
        "token.provider", title=_("The token provider failed"),
        means=_("The function that gives the token, or the ticket, raised an error."),
        operator=_("Look at the line of code in the message. Text that looks like a secret is "
                   "masked.")),
    _PASSES.but(
        "ticket.database", title=_("The verify ticket cannot be read from the database"),
        means=_("The callback keeps the ticket there. The database did not answer, or lacks the "
                "table."),
        operator=_("Start the database, or run manage.py migrate. manage.py wx_doctor says "
                   "which.")),
    UNAVAILABLE.but(
        "ticket.key", title=_("The verify ticket cannot be decrypted"),
        means=_("It was sealed with another SECRET_KEY."),
        operator=_("Put the former SECRET_KEY into SECRET_KEY_FALLBACKS, or wait ten minutes for "
                   "the next push. If no key was changed, give this process the same SECRET_KEY as "
                   "the server that receives WeChat's pushes.")),
    _PASSES.but(
        "token.wait", title=_("The token cannot be fetched yet"),
        means=_("It was fetched just now, or another process is fetching it."),
        operator=_("This takes some seconds. If it comes back, look at the logs of the other "
                   "processes.")),
    _PASSES.but(
        "token.others", title=_("Another system fetches tokens of this platform"),
        means=_("A platform has one token, and each new one ends the last."),
        operator=_("Another system refreshes the token of the same platform: let one system fetch "
                   "it for all.")),
    _PASSES.but(
        "token.discarded", title=_("The token was fetched just now"), means="",
        operator=_("The last token was discarded by code of this project. Try again then.")),
    _PASSES.but(
        "token.cache", title=_("The token cache fails"),
        means=_("Each process fetches its own token, and each new token ends the others."),
        operator=_("The token cache fails. Repair it, so that all processes can share one token.")),
    CONFIGURATION.but(
        "token.form", title=_("The token provider gave no usable token"), problem="busy",
        means=_("It gave something else than a text of one line."),
        operator=_("A token is one line of printable ASCII, 2,048 characters at most.")),
    CONFIGURATION.but(
        "token.new", title=_("WeChat refuses the token that it gave just now"), means="",
        operator=_("Check that COMPONENT_APPID and API_BASE_URL are of one platform, and that no "
                   "other system refreshes its token.")),
    BASE.but(
        "cloud", title=_("The cloud differs from the log"),
        means=_("The list of the cloud shows another object, or none."),
        operator=_("Deploy the tree again, or upload the file again."),
        editor=_("Upload the file again."), remedy=Remedy.NEW_LINK, blame=Blame.TENANT),
    WECHAT, BUSY, THROTTLED, REFUSED, TRANSPORT, CONNECT, LOST,
    LOST.but(
        "interrupted", title=_("Interrupted"), means=_("The program was ended while it worked."),
        operator=_("Send the file again."), blame=Blame.PROJECT),
    TLS, PROTOCOL,
    PROTOCOL.but(
        "answer.odd", title=_("The answer broke off, or has another form"),
        means=_("A part of it was lost on the way, or its form is not the one that WeChat "
                "documents."),
        operator=_("If this comes back, look for a proxy or a firewall that changes answers, or "
                   "report this."), editor=AGAIN, remedy=Remedy.WAIT),
    PROTOCOL.but(
        "link.refused", title=_("The signed link was not used"),
        means=_("It names another host or another key than was asked for, or cannot be sent."),
        operator=_("If the host is right, add it to upload_hosts."), editor=AGAIN,
        remedy=Remedy.NEW_LINK, once=True, blame=Blame.WECHAT),
    COS, EXPIRED, COS_THROTTLED, COS_REFUSED, INTEGRITY, DEADLINE,
    DEADLINE.but(
        "slots", title=_("Too many calls wait for their turn"),
        means=_("More calls wait than API_RATE or API_CONCURRENCY allows."),
        operator=_("Raise API_RATE, API_CONCURRENCY or the deadline, or upload fewer files at the "
                   "same time."),
        blame=Blame.PROJECT),
    _of("UploadFailed", _("The upload failed"),
        means=_("Its text, codes and hint are those of its cause."),
        operator=_("Follow its hint. If its status is unknown, wx_reconcile finds out whether the "
                   "file is in the cloud."), editor=AGAIN),
    POLICY,
)
# fmt: on
