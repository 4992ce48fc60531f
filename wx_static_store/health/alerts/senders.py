"""Ready-made functions for ``ALERTS``: a mail, and a message of a WeCom robot."""

from __future__ import annotations

from django.core import mail

from ...clients.wecom import send_text
from ...conf import platform_options
from ...core.retry import Deadline
from ...exceptions import ConfigurationError
from ...i18n import gettext_lazy as _
from ...upload.platform import platform_for
from .alert import Alert

SECONDS = 10.0  # for the robot; a mail has EMAIL_TIMEOUT


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
