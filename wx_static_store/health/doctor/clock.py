"""The clocks of WeChat and of COS against ours."""

from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime

from ...exceptions import ConfigurationError
from ...i18n import gettext_lazy as _
from .findings import Finding, not_asked, ok, warning
from .target import CheckTarget

# Seconds: beyond, the times of our log are wrong; uploads need not fail.
SLACK = 30
_OF_THE_CLOUD = ("WeChat", "COS")


def check_clocks(target: CheckTarget) -> Iterator[Finding]:
    skews = _skews(target)
    if not skews:
        yield not_asked(_("No answer so far names a time."))
    for name, skew in skews.items():
        facts = {"name": _("WeChat") if name == "WeChat" else name, "seconds": abs(round(skew))}
        data = {"clock": name, "seconds_ahead": round(skew)}
        if abs(skew) <= SLACK:
            yield ok(_("The clock of %(name)s and ours agree.", name=facts["name"]), data=data)
        else:
            behind = _("Our clock is %(seconds)d seconds behind that of %(name)s.", **facts)
            ahead = _("Our clock is %(seconds)d seconds ahead of that of %(name)s.", **facts)
            yield warning(behind if skew > 0 else ahead, data=data)


def _skews(target: CheckTarget) -> dict[str, float]:
    """Return by how many seconds the clocks of WeChat and COS, or of others, are ahead of ours."""
    found: dict[str, float] = {}
    try:
        dates = target.platform.transport.dates
    except ConfigurationError:  # of the settings: nobody was asked
        return {}
    for address, (date, came) in [*dates.items()]:
        with suppress(ValueError):
            ahead = parsedate_to_datetime(date).timestamp() - came
            if came >= target.began:
                at_wechat = target.errcodes and target.options.api_base_url.startswith(address)
                other = "COS" if address in target.buckets else address.partition("//")[2]
                found.setdefault("WeChat" if at_wechat else other, ahead)
    # What a proxy says counts only where neither of the two answered.
    return {name: found[name] for name in found if name in _OF_THE_CLOUD} or found
