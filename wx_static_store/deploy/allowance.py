"""Compare the calls that a deploy needs with WeChat's quota of today and its rate."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..clients.platform import PlatformClient, Quota
from ..clients.tokens import current_token
from ..clients.wechat import LINKS
from ..conf.options import Options
from ..core.retry import Deadline
from ..exceptions import WxStaticStoreError
from ..i18n import english, gettext as _, ngettext
from ..upload.platform import platform_for
from .environments import Orders, preview_of
from .plan import Plan

FEW = 100  # links: for fewer, WeChat is not asked
PATIENCE = 5.0  # seconds for the one question

logger = logging.getLogger("wx_static_store.deploy")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The number of links that a deploy needs, and WeChat's quota."""

    needed: int
    quota: Quota

    @property
    def missing(self) -> int:
        """Return the number of calls above today's quota; 0 if the quota is unknown."""
        return max(0, self.needed - self.quota.remain) if self.quota.daily_limit else 0

    @property
    def minutes(self) -> int:
        """Return the minutes that the rate needs at least; 0 if the rate is unknown."""
        calls = self.quota.calls
        periods = (self.needed - 1) // calls if self.needed and calls else 0
        return periods * self.quota.seconds // 60

    def doubts(self) -> Iterator[str]:
        """Yield a warning for each limit that is too low."""
        if self.missing:
            yield _(
                "Needed calls of staticuploadfile: %(needed)s. WeChat allows %(remain)s today.",
                needed=f"{self.needed:,}",
                remain=f"{self.quota.remain:,}",
            )
        if self.minutes:
            yield ngettext(
                "WeChat allows %(calls)s calls in %(seconds)d seconds, so this takes %(count)d "
                "minute or more.",
                "WeChat allows %(calls)s calls in %(seconds)d seconds, so this takes %(count)d "
                "minutes or more.",
                self.minutes,
                calls=f"{self.quota.calls:,}",
                seconds=self.quota.seconds,
            )


def allowance(orders: Orders, plans: Sequence[Plan] = ()) -> Allowance:
    """
    Return the calls that the deploy of all environments needs, and WeChat's quota for many.

    Without `plans`, they are made only if sending all files would exceed the quota.
    """
    options = orders[0][0].options
    # A plan costs a list of the cloud; with `trust_log` it costs nothing.
    if options.trust_log and not plans:
        plans = _plans(orders)
    most = sum(len(order.everything) for _uploader, order in orders)
    needed = sum(map(len, plans)) if plans else most
    found = allowance_for(options, needed)
    if plans or not (found.missing or found.minutes):
        return found
    return replace(found, needed=sum(map(len, _plans(orders))))


def allowance_for(options: Options, needed: int) -> Allowance:
    """Return the needed links with WeChat's quota, which is not asked for a few links."""
    return Allowance(needed, _quota(options) if needed >= FEW else Quota())


def _plans(orders: Orders) -> list[Plan]:
    return [preview_of(uploader, order) for uploader, order in orders]


def _quota(options: Options) -> Quota:
    """Return the quota of links; empty if it cannot be had, which stops no deploy."""
    try:
        platform, deadline = platform_for(options), Deadline.after(PATIENCE)
        client = PlatformClient(platform.transport, options.api_base_url)

        def ask() -> Quota:
            token = current_token(platform.tokens)  # if refused, the deploy's first call reports it
            with platform.api_limiter.slot(deadline):
                return client.quota(token, LINKS, deadline=deadline)

        return platform.quota(LINKS, ask)
    except WxStaticStoreError as error:
        logger.debug("WeChat's quota is not known: %s", english(error))
        return Quota()
