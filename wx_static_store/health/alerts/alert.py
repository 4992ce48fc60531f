"""An alert: sent to the functions of the option ``ALERTS``, of which two are ready made here."""

import json
import logging
from dataclasses import dataclass, replace

from django.core import mail
from django.utils import translation

from ...clients.transport import Transport
from ...conf import platform_options
from ...conf.settings import setting
from ...core.frames import clearing_frames, described
from ...core.notes import Notes
from ...core.retry import Deadline
from ...core.secrets import Secret
from ...exceptions import ConfigurationError, ProtocolError, WeChatRefused
from ...i18n import gettext_lazy as _
from ...upload.platform import platform_for

logger = logging.getLogger("wx_static_store.alerts")

QUIET = 60 * 60  # seconds in which no second alert of a cause is sent


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that failed, in the language of ``LANGUAGE_CODE``; without secrets.

    `cause` names what failed in a form that stays the same, as ``deployment:env-1``.
    """

    cause: str
    title: str
    text: str


def in_own_language() -> translation.override:
    # The request in which something failed may be in another language.
    return translation.override(setting("LANGUAGE_CODE"))


def send(alert: Alert) -> bool:
    """
    Hand the alert to each function of ``ALERTS``; return whether one took it.

    For an hour, no process that shares the cache ``TOKEN_CACHE`` sends an alert of this cause. A
    function that fails is logged, and changes nothing else.
    """
    options, alert = platform_options(), replace(alert, title=" ".join(alert.title.split()))
    notes = Notes("alert", options.token_cache, seconds=QUIET)
    if not options.alerts or notes.first(alert.cause) is False:
        return False
    taken = [_hand_over(function, alert) for function in options.alerts]
    if not any(taken):
        notes.forget(alert.cause)
    return any(taken)


def _hand_over(function: object, alert: Alert) -> bool:
    try:
        function(alert)  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 -- of a project's function
        why = described(error)
        logger.error("The alert %s was not sent by %s: %s", alert.cause, function, why)
        return False
    return True


SECONDS = 10.0  # for the robot; a mail has EMAIL_TIMEOUT
LONGEST = 2048  # bytes of UTF-8 that a robot takes; it takes 20 messages a minute
_CHECK = _("Compare ALERT_WECOM_URL with the webhook of the robot in its group.")


def send_mail(alert: Alert) -> None:
    """Mail the alert to ``ALERT_EMAILS``, from ``DEFAULT_FROM_EMAIL``, by ``EMAIL_BACKEND``."""
    addresses = platform_options().alert_emails
    if not addresses:
        raise ConfigurationError(
            _("No address for alerts is set"),
            hint=_('Set WX_STATIC_STORE["ALERT_EMAILS"] to a list of addresses.'),
        )
    mail.send_mail(alert.title, alert.text, None, [*addresses])


def send_wecom(alert: Alert) -> None:
    """Send the alert to the WeCom group whose robot has the address ``ALERT_WECOM_URL``."""
    options = platform_options()
    if options.alert_wecom_url is None:
        raise ConfigurationError(
            _("No WeCom robot is set"),
            hint=_('Set WX_STATIC_STORE["ALERT_WECOM_URL"] to its webhook, with the key.'),
        )
    transport = platform_for(options).transport
    text = f"{alert.title}\n\n{alert.text}"
    send_text(transport, options.alert_wecom_url, text, Deadline.after(SECONDS))


@clearing_frames
def send_text(transport: Transport, address: Secret, text: str, deadline: Deadline) -> None:
    """Send a text, cut at 2,048 bytes; raise a WxStaticStoreError unless the robot took it."""
    content = text.encode()[:LONGEST].decode("utf-8", "ignore")
    message = {"msgtype": "text", "text": {"content": content}}
    reply = transport.exchange(
        "POST",
        address,
        stage="alert",
        deadline=deadline,
        headers={"Content-Type": "application/json"},
        body=json.dumps(message, ensure_ascii=False).encode(),
    )
    try:
        errcode = json.loads(reply.body)["errcode"]
    except (ValueError, LookupError, TypeError):
        errcode = None
    if reply.status != 200 or not isinstance(errcode, int):
        what = _("The WeCom robot gave no errcode (HTTP %(status)d)", status=reply.status)
        raise ProtocolError(what, http_status=reply.status)
    if errcode:
        what = _("The WeCom robot refused the message")
        raise WeChatRefused(what, errcode=errcode, hint=_CHECK)
