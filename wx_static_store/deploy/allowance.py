"""Whether WeChat allows the calls that a deploy needs: today's quota, and the rate."""

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
from ..upload.quota import quota_of
from .environments import Orders, preview_of
from .plan import Plan

FEW = 100  # links: for fewer, WeChat is not asked
PATIENCE = 5.0  # seconds for the one question

logger = logging.getLogger("wx_static_store.deploy")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The links that a deploy needs, and how many WeChat allows."""

    needed: int
    quota: Quota

    @property
    def missing(self) -> int:
        """Return how many calls are too many for today; 0 where there is no figure."""
        return max(0, self.needed - self.quota.remain) if self.quota.daily_limit else 0

    @property
    def minutes(self) -> int:
        """Return the whole minutes that the rate takes at least; 0 where there is none."""
        calls = self.quota.calls
        periods = (self.needed - 1) // calls if self.needed and calls else 0
        return periods * self.quota.seconds // 60

    def doubts(self) -> Iterator[str]:
        """Yield a sentence for what is too little."""
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
    Return what the deploy of all environments needs, and what WeChat allows if that is not little.

    Without `plans`, they are made only where sending all files would be too much, as each costs a
    list; with `trust_log` they cost nothing, and an unchanged tree makes no call at all.
    """
    options = orders[0][0].options
    if options.trust_log and not plans:
        plans = _plans(orders)
    most = sum(len(order.everything) for _uploader, order in orders)
    needed = sum(map(len, plans)) if plans else most
    found = allowance_for(options, needed)
    if plans or not (found.missing or found.minutes):
        return found
    return replace(found, needed=sum(map(len, _plans(orders))))


def allowance_for(options: Options, needed: int) -> Allowance:
    """Return what WeChat allows beside so many links, if these are not few."""
    return Allowance(needed, _quota(options) if needed >= FEW else Quota())


def _plans(orders: Orders) -> list[Plan]:
    return [preview_of(uploader, order) for uploader, order in orders]


def _quota(options: Options) -> Quota:
    """Return the quota of links; its failure is no trouble of the deploy."""
    try:
        platform, deadline = platform_for(options), Deadline.after(PATIENCE)
        client = PlatformClient(platform.transport, options.api_base_url)

        def ask() -> Quota:
            token = current_token(platform.tokens)  # refused, it is left to the deploy's first call
            with platform.api_limiter.slot(deadline):
                return client.quota(token, LINKS, deadline=deadline)

        return quota_of(platform, LINKS, ask)
    except WxStaticStoreError as error:
        logger.debug("WeChat's quota is not known: %s", english(error))
        return Quota()
