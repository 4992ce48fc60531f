"""All checks, in the order in which they are asked."""

from __future__ import annotations

from . import browser, cache, clock, database, environments, probe, quota, settings, token
from .findings import Check

CHECKS: tuple[Check, ...] = (
    *settings.CHECKS,
    *database.CHECKS,
    *cache.CHECKS,
    *token.CHECKS,
    *environments.CHECKS,
    *quota.CHECKS,
    *browser.CHECKS,
    *clock.CHECKS,
    *probe.CHECKS,
)
