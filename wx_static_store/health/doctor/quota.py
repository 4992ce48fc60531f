"""How many calls WeChat still allows today."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from ...clients.platform import QUOTA, Quota
from ...clients.wechat import DESCRIBE, LINKS, LIST
from ...exceptions import WeChatThrottled, WxStaticStoreError
from ...i18n import gettext_lazy as _, listed
from .findings import (
    Finding,
    Mark,
    Text,
    explained,
    not_asked,
    not_well,
    of_error,
    ok,
    warning,
    wrong,
)
from .target import CheckTarget

PATHS = (LINKS, LIST, DESCRIBE)
SMALL = 10  # percent of a day's calls
DAY_IS_OVER = 45009  # errcode: no call is left today


def of_call(error: WxStaticStoreError, target: CheckTarget) -> Finding:
    """Return the finding of a call that failed, unless its quota is known to be used up."""
    if error.errcode == DAY_IS_OVER:
        return explained(target, "quota.calls") or of_error(error)
    return of_error(error, Mark.WARNING if isinstance(error, WeChatThrottled) else Mark.WRONG)


def check_calls(target: CheckTarget) -> Iterator[Finding]:
    # The figures are kept in the cache: without it, each question would cost calls.
    if target.cache_is_away:
        yield not_well("cache.works")
        return
    quotas: dict[str, Quota] = {}
    for path in PATHS:
        try:
            found = target.platform.quota(path, partial(target.ask, target.console.quota, path))
            quotas[path.rpartition("/")[2]] = found
        except WxStaticStoreError as error:
            # The calls themselves may be well: only their figures are unknown.
            yield of_error(error, Mark.WARNING)
            break
    known = {name: quota for name, quota in quotas.items() if quota.daily_limit or quota.calls}
    for name, quota in known.items():
        yield from _short(name, quota)
    if known:
        data = {name: asdict(quota) for name, quota in quotas.items()}
        yield ok(listed(_figures(*each) for each in quotas.items()), data=data)
    elif target.errcodes.get(QUOTA) == DAY_IS_OVER:
        text = _(
            "WeChat gives no figures: the calls that ask for them are used up (errcode 45009)."
        )
        yield not_asked(text)
    elif quotas:
        yield not_asked(_("WeChat gives no figures for these calls."))


def _short(name: str, quota: Quota) -> Iterator[Finding]:
    facts: dict[str, Any] = {"name": name, "remain": f"{quota.remain:,}"}
    facts["limit"] = f"{quota.daily_limit:,}"
    data = {"call": name, **asdict(quota)}
    if not quota.daily_limit or quota.remain * 100 >= quota.daily_limit * SMALL:
        return
    if quota.remain:
        text = _("Few calls of %(name)s are left today: %(remain)s of %(limit)s.", **facts)
        yield warning(text, data=data)
    else:
        text = _("No call of %(name)s is left today: all %(limit)s are used.", **facts)
        yield wrong(text, cause=str(DAY_IS_OVER), data=data)


def _figures(name: str, quota: Quota) -> Text:
    remain, limit = f"{quota.remain:,}", f"{quota.daily_limit:,}"
    day = _("%(remain)s of %(limit)s left today", remain=remain, limit=limit)
    rate = _("%(calls)s in %(seconds)d s", calls=f"{quota.calls:,}", seconds=quota.seconds)
    text: Text = day if quota.daily_limit else rate if quota.calls else _("no figure")
    if quota.daily_limit and quota.calls:
        text = _("%(what)s (%(facts)s)", what=day, facts=rate)
    return _("%(label)s: %(text)s", label=name, text=text)
