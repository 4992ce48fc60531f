"""
The address that WeChat calls: pushes by POST, and a test by GET when it is set up.

The cheapest checks come first, and nothing is decrypted or asked of a database before the
signature is right. Every fault of a body that was read gets the same empty 403.
"""

import logging
import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from .. import conf
from ..conf import Options
from ..core.pushes import NEEDED, keep_refused
from ..core.secrets import Secret
from ..exceptions import ConfigurationError, TokenUnavailable
from ..i18n import english
from ..signals import event_received
from ..upload.database import outside_transactions
from .crypto import decrypt, is_signed
from .refusals import Refusal
from .safe_xml import read
from .tickets import save, try_database

logger = logging.getLogger("wx_static_store.tokens")
security = logging.getLogger("wx_static_store.security")


BODY_LIMIT = 64 * 1024
QUERY_LIMIT = 1024
TICKET = "component_verify_ticket"
ACCOUNT_EVENTS = ("authorized", "updateauthorized", "unauthorized")
CREDENTIALS = ("ComponentVerifyTicket", "AuthorizationCode", "PreAuthCode")

_FORMS = {
    "msg_signature": r"[0-9a-f]{40}",
    "timestamp": r"[0-9]{1,10}",
    "nonce": r"[!-~]{1,128}",
    "echostr": r"[A-Za-z0-9+/=_.-]{1,128}",
}
_EVENT_LIMITS = {"depth": 8, "elements": 512}  # of what WeChat signed: other events hold more
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@csrf_exempt
@login_not_required
# Else each request of a stranger would open a transaction.
@outside_transactions
def receive(request: HttpRequest) -> HttpResponse:
    """Answer `success` to a genuine push; log the reason of a refusal, never the content."""
    try:
        return _answer(request, _options())
    except Refusal as refusal:
        security.warning("A call of the callback was refused: %s", refusal.logged)
        options = conf.platform_options()
        appid = options.component_appid
        keep_refused(options.token_cache, appid, refusal.reason, signed=refusal.signed)
        return _plain(status=refusal.status)
    except (ConfigurationError, TokenUnavailable) as error:
        logger.error("A push is lost: %s", english(error))
        return _plain(status=500)


def _options() -> Options:
    options = conf.platform_options()
    if all(getattr(options, name) for name in NEEDED):
        return options
    raise ConfigurationError(
        "WeChat's pushes cannot be read",
        hint="Set COMPONENT_APPID, CALLBACK_TOKEN and CALLBACK_AES_KEY in WX_STATIC_STORE.",
    )


def _plain(text: str = "", status: int = 200) -> HttpResponse:
    headers = _HEADERS | ({"Allow": "GET, POST"} if status == 405 else {})
    content_type = "text/plain; charset=utf-8"
    return HttpResponse(text, status=status, content_type=content_type, headers=headers)


def _answer(request: HttpRequest, options: Options) -> HttpResponse:
    if request.method == "GET":
        return _plain(_echo(request, options))
    if request.method != "POST":
        raise Refusal("method", 405)
    envelope = _envelope(request, options)
    try:
        kept = _act(options, _event(envelope, options))
    except Refusal as refusal:
        refusal.signed = True
        raise
    return _plain("success") if kept else _plain(status=500)


def _echo(request: HttpRequest, options: Options) -> str:
    given = _parameters(request, options, "timestamp", "nonce", "echostr")
    tokens, stamp = options.callback_token, (given["timestamp"], given["nonce"])
    # A `signature` leaves the echostr out, a `msg_signature` covers it, too.
    plain = is_signed(given.get("signature", ""), tokens, *stamp)
    whole = is_signed(given.get("msg_signature", ""), tokens, *stamp, given["echostr"])
    if not (plain or whole):
        raise Refusal("signature")
    return given["echostr"]


def _envelope(request: HttpRequest, options: Options) -> dict[str, Any]:
    """Return a push whose signature is right; raise Refusal."""
    body = _body(request)
    given = _parameters(request, options, "timestamp", "nonce", "msg_signature")
    envelope = read(body)
    encrypted = _text(envelope, "Encrypt")
    stamp = (given["timestamp"], given["nonce"])
    if not is_signed(given["msg_signature"], options.callback_token, *stamp, encrypted):
        raise Refusal("signature")
    return envelope


def _event(envelope: dict[str, Any], options: Options) -> dict[str, Any]:
    """Decrypt a push; raise Refusal, and leave no plaintext in a frame."""
    ours = options.component_appid
    if not constant_time_compare(str(envelope.get("AppId", ours)), ours):
        raise Refusal("appid")
    return read(decrypt(envelope["Encrypt"], options.callback_aes_key, ours), **_EVENT_LIMITS)


def _body(request: HttpRequest) -> bytes:
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        declared = 0  # then the server has no body for us
    try:
        # Never more than the limit and a byte, whatever length was declared.
        body = b"" if declared > BODY_LIMIT else request.read(BODY_LIMIT + 1)
    except OSError:
        raise Refusal("unreadable", 400) from None
    if max(declared, len(body)) > BODY_LIMIT:
        raise Refusal("size", 413)
    return body


def _parameters(request: HttpRequest, options: Options, *names: str) -> dict[str, str]:
    """Return the query's parameters: well-formed, each given once, with a recent timestamp."""
    query = request.META.get("QUERY_STRING", "")
    pairs = parse_qsl(query[:QUERY_LIMIT], keep_blank_values=True)
    given = dict(pairs)
    once = len(query) <= QUERY_LIMIT and len(given) == len(pairs)
    if not once or not all(re.fullmatch(_FORMS[name], given.get(name, "")) for name in names):
        raise Refusal("parameters")
    if abs(time.time() - int(given["timestamp"])) > options.callback_window:
        raise Refusal("window")
    return given


def _text(fields: dict[str, Any], name: str, form: str = r"(?s).+") -> str:
    text = fields.get(name)
    if not (isinstance(text, str) and re.fullmatch(form, text)):
        raise Refusal(name)
    return text


def _act(options: Options, fields: dict[str, Any]) -> bool:
    info_type = _text(fields, "InfoType")
    # False means that nothing kept the push: WeChat pushes it again.
    if info_type != TICKET:
        return _pass_on(options, info_type, fields)
    created = _created(options, fields)
    ticket = Secret(_text(fields, "ComponentVerifyTicket", r"[!-~]{1,512}"))
    # No frame of a traceback shows it if nothing keeps it.
    del fields["ComponentVerifyTicket"]
    save(options.component_appid, ticket, created)
    return True


def _created(options: Options, fields: dict[str, Any]) -> int:
    if fields.get("AppId", options.component_appid) != options.component_appid:
        raise Refusal("appid")
    created = int(_text(fields, "CreateTime", r"[0-9]{1,10}"))
    # One in the future would block all later pushes.
    if created > time.time() + options.callback_window:
        raise Refusal("CreateTime")
    return created


def _pass_on(options: Options, info_type: str, fields: dict[str, Any]) -> bool:
    """Drop the credentials, note the account's authorization, then send the project its signal."""
    for name in CREDENTIALS:
        fields.pop(name, None)
    appid, noted = options.component_appid, True
    if info_type in ACCOUNT_EVENTS:
        noted = _note_account(appid, info_type, fields, _created(options, fields))
    # Even if the account could not be noted: WeChat may not push it again.
    event_received.send_robust(sender=None, info_type=info_type, appid=appid, fields=fields)
    return noted


def _note_account(platform: str, event: str, fields: dict[str, Any], created: int) -> bool:
    """Note a push about an account; return False if the database cannot keep it."""
    appid = str(fields.get("AuthorizerAppid", ""))
    if not re.fullmatch(r"[!-~]{1,64}", appid):
        logger.warning("A push '%s' names no account: nothing is noted", event)
        # Sent again, it would name none either.
        return True

    def note() -> bool:
        from ..models import Account  # not before Django is ready, and E014 names a missing app

        # A push may come twice, late, or after a newer one: the newest CreateTime decides.
        at = datetime.fromtimestamp(created, UTC)
        Account.objects.note(platform, appid, event=event, at=at)
        return True

    text = "The database fails to note '%s' of the account %s (%s)"
    return bool(try_database(note, partial(logger.error, text, event, appid)))
