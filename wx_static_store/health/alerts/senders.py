"""Ready-made functions for ``ALERTS``: a mail, and a message of a WeCom robot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.core import mail

from ...conf import platform_options
from ...core.frames import cleared_frames
from ...core.retry import Deadline
from ...core.secrets import Secret
from ...exceptions import ConfigurationError, ProtocolError, WeChatRefused
from ...i18n import gettext_lazy as _
from ...upload.platform import platform_for
from .alert import Alert

if TYPE_CHECKING:
    from ...clients.transport import Transport

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


@cleared_frames()
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
    errcode = _errcode(reply.body) if reply.status == 200 else None
    if errcode is None:
        what = _("The WeCom robot gave no errcode (HTTP %(status)d)", status=reply.status)
        raise ProtocolError(what, http_status=reply.status)
    if errcode:
        what = _("The WeCom robot refused the message")
        raise WeChatRefused(what, errcode=errcode, hint=_CHECK)


def _errcode(body: bytes) -> int | None:
    try:
        found = json.loads(body)["errcode"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, int) else None
