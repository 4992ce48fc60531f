"""The clocks of WeChat and of COS against ours."""

from __future__ import annotations

from collections.abc import Iterator

from ...i18n import gettext_lazy as _
from .findings import Check, Finding, not_asked, ok, warning
from .target import CheckTarget

_NAMES = {"WeChat": _("WeChat")}  # COS has one name in each language
# Seconds: beyond, the times of our log are wrong; uploads need not fail.
SLACK = 30


def _clocks(target: CheckTarget) -> Iterator[Finding]:
    if not target.skews:
        yield not_asked(_("No answer so far names a time."))
    for name, skew in target.skews.items():
        facts = {"name": _NAMES.get(name, name), "seconds": abs(round(skew))}
        data = {"clock": name, "seconds_ahead": round(skew)}
        if abs(skew) <= SLACK:
            yield ok(_("The clock of %(name)s and ours agree.", name=facts["name"]), data=data)
        elif skew > 0:
            text = _("Our clock is %(seconds)d seconds behind that of %(name)s.", **facts)
            yield warning(text, data=data)
        else:
            text = _("Our clock is %(seconds)d seconds ahead of that of %(name)s.", **facts)
            yield warning(text, data=data)


CHECKS = (
    Check(
        id="clock",
        question=_("Is our clock right?"),
        how=_("The Date of the answers of WeChat and COS is compared with our clock."),
        means=_(
            "Half a minute makes no difference. Beyond that, the times of the log are wrong, and "
            "pushes may be refused for their age."
        ),
        remedy=_("Set the clock of this machine by NTP."),
        ask=_clocks,
        needs=("token.accepted",),
    ),
)
