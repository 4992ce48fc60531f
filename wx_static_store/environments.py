"""
The environments that WeChat lists: ``"ENVIRONMENTS": "wx_static_store.environments.of_platform"``.

WeChat is asked for the list once a minute. While it does not answer, the last list is used.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from . import conf
from .clients.platform import NORMAL, PlatformClient
from .conf import Options
from .core.retry import REQUEST, Deadline
from .exceptions import WxStaticStoreError
from .i18n import english, gettext as _, gettext_noop, listed
from .upload.database import in_database
from .upload.platform import Platform, platform_for

if TYPE_CHECKING:
    from .models import Account

__all__ = ["of_platform"]

FRESH = 60.0  # seconds
KEPT = 30 * 24 * 3600.0  # seconds of the last list, while WeChat gives no newer one
HOUR = 3600.0
SHARES_FRESH = 600.0
PATIENCE = REQUEST * 0.4  # seconds if there is no list yet
SHORT = REQUEST * 0.2  # seconds if there is an older list
SHOWN = 3  # appids in a label
MOST = 50  # appids that one call is tried with; no limit is documented

# What WeChat may answer to too many appids, or to a source_type that it does not want or misses.
_REFUSALS = (40097, 40101, 47001)

Shares = dict[str, tuple[str, ...]]

logger = logging.getLogger("wx_static_store.environments")


@dataclass(frozen=True)
class _Tenant:
    """An environment that can be used, and the accounts that it is shared with."""

    env: str
    alias: str
    appids: Sequence[str] = ()
    withdrawn: bool = False  # all of these accounts withdrew their authorization

    @property
    def label(self) -> str:
        alias = self.alias or self.env
        if not self.appids:
            return alias
        appids = listed(self.appids, SHOWN)
        if self.withdrawn:
            return _("%(alias)s (%(appids)s, authorization withdrawn)", alias=alias, appids=appids)
        return _("%(alias)s (%(appids)s)", alias=alias, appids=appids)


def of_platform(user: Any = None) -> dict[str, str]:
    """Return the environments that are ready, ``{id: label}``; every user sees all of them."""
    tenants = _tenants()
    # A command asks nobody: what goes to all must not go where WeChat would refuse each file.
    if user is None and (left_out := [tenant.env for tenant in tenants if tenant.withdrawn]):
        tenants = [tenant for tenant in tenants if not tenant.withdrawn]
        text = gettext_noop("Left out, as their accounts withdrew the authorization: %s")
        logger.warning(text, ", ".join(left_out))
    return {tenant.env: tenant.label for tenant in tenants}


def _tenants() -> list[_Tenant]:
    """Return the newest list; one process at a time asks WeChat for a newer one."""
    options = conf.platform_options()
    platform = platform_for(options)
    remembered = platform.remembered
    known, age = None, 0.0
    if kept := remembered.read("environments"):
        known, age = [_Tenant(*each) for each in kept["tenants"]], time.time() - kept["at"]
    is_fresh = 0 <= age < FRESH
    if known is not None and (is_fresh or remembered.first("asked", seconds=FRESH) is False):
        return known
    try:
        found = _ask(platform, options, PATIENCE if known is None else SHORT)
    except WxStaticStoreError as error:
        if known is None:
            raise
        if remembered.first("failed", seconds=HOUR) is not False:
            text = gettext_noop(
                "The environments cannot be listed, those of %d minutes ago go on: %s"
            )
            logger.warning(text, age // 60, english(error))
        return known
    remembered.forget("failed")
    value = {"at": time.time(), "tenants": [astuple(tenant) for tenant in found]}
    remembered.write("environments", value, KEPT)
    return found


def _ask(platform: Platform, options: Options, seconds: float) -> list[_Tenant]:
    client = PlatformClient(platform.transport, options.api_base_url)
    deadline = Deadline.after(seconds)
    environments = platform.ask(
        client.environments, deadline=deadline, max_attempts=options.max_attempts
    )
    accounts = _accounts(platform, client, options, deadline)
    tenants = []
    for each in environments:
        if each.status == NORMAL:
            shared = accounts.get(each.env, [])
            # One account that is left keeps the environment in use.
            withdrawn = bool(shared) and all(account.withdrawn for account in shared)
            appids = [account.appid for account in shared if account.withdrawn == withdrawn]
            tenants.append(_Tenant(each.env, each.alias, appids, withdrawn))
    return tenants


def _accounts(
    platform: Platform, client: PlatformClient, options: Options, deadline: Deadline
) -> dict[str, list[Account]]:
    """Return the known accounts by their shared environments."""
    from .models import Account

    appid = options.component_appid
    known = Account.objects.filter(platform=appid)
    rows: list[Account] = in_database(lambda: list(known), otherwise=[])
    newest = max((row.changed.timestamp() for row in rows), default=0)
    # The name of the claim changes with each push, so that WeChat is asked at once.
    claim = f"shares:{len(rows)}:{newest}"
    if rows and platform.remembered.first(claim, seconds=SHARES_FRESH) is not False:

        def ask(some: Sequence[str], typed: bool) -> Shares:
            shared_with = partial(client.shared_with, typed=typed)
            return platform.ask(shared_with, some, deadline=deadline, max_attempts=1)

        try:
            found = shares_of([row.appid for row in rows], ask)
            in_database(lambda: Account.objects.share(appid, found), otherwise=None)
            rows = in_database(lambda: list(known.all()), otherwise=rows)
        except WxStaticStoreError as error:
            logger.info("The accounts of the environments cannot be had: %s", english(error))
    by_env: dict[str, list[Account]] = defaultdict(list)
    for row in rows:
        for env in row.envs.split():
            by_env[env].append(row)
    return by_env


def shares_of(appids: Sequence[str], ask: Callable[[Sequence[str], bool], Shares]) -> Shares:
    """
    Return the environments that are shared with each account, of those that WeChat knows.

    `ask(appids, typed)` makes one call. A refused call is made once without `source_type`, then
    for half as many accounts; the form that worked is kept.
    """
    found: Shares = {}
    rest, most, forms = list(appids), MOST, [True, False]
    while rest:
        batch, refusal = rest[:most], None
        for typed in forms:
            try:
                found |= ask(batch, typed)
            except WxStaticStoreError as error:
                if error.errcode not in _REFUSALS:
                    raise
                refusal = error
            else:
                rest, forms, refusal = rest[len(batch) :], [typed], None
                break
        if refusal and len(batch) == 1:
            raise refusal
        if refusal:
            most = len(batch) // 2
    return found
