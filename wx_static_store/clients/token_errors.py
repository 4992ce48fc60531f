"""The errors of a token that cannot be fetched now."""

from django.utils.functional import Promise

from ..exceptions import ConfigurationError, Remedy, TokenUnavailable
from ..i18n import gettext_lazy as _

OTHERS = _(
    "Another system refreshes the token of the same platform: let one place fetch it, and all "
    "others ask that place."
)
DISCARDED = _("The last token was discarded, but WeChat had not refused it. Try again then.")
NO_CACHE = _("The token cache fails. Repair it, so that all processes can share one token.")
_NEVER_WORKED = _(
    "Check that COMPONENT_APPID and API_BASE_URL are of one platform, and that no other system "
    "refreshes its token."
)
_SLOW = _("It takes some seconds. If this comes back, look into the log of the other processes.")


def never_worked(errcode: int) -> ConfigurationError:
    """Return the error of a token that was refused when it was young, with WeChat's number."""
    message = _("WeChat refuses the token that it gave just now")
    return ConfigurationError(message, stage="token", hint=_NEVER_WORKED, errcode=errcode)


def too_soon(pause: float, hint: str | Promise, errcode: int | None = None) -> TokenUnavailable:
    """Return the error of a fetch that may be made only after `pause` seconds."""
    text = _("The token was fetched just now; the next fetch may be in %(pause).0f s", pause=pause)
    then = {"remedy": Remedy.WAIT, "pause": pause}
    return TokenUnavailable(text, stage="token", hint=hint, errcode=errcode, **then)


def slow() -> TokenUnavailable:
    """Return the error of a fetch by another process that does not end."""
    text = _("Another process is fetching the token and has not ended yet")
    return TokenUnavailable(text, stage="token", hint=_SLOW, remedy=Remedy.WAIT)
