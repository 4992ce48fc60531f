"""All checks, in the order in which they are asked."""

from __future__ import annotations

from . import (
    browser,
    cache,
    clock,
    database,
    environments,
    probe,
    quota,
    settings,
    token,
    waiting,
)
from .findings import Check

CHECKS: tuple[Check, ...] = (
    *settings.CHECKS,
    *database.CHECKS,
    *waiting.CHECKS,
    *cache.CHECKS,
    *token.CHECKS,
    *environments.CHECKS,
    *quota.CHECKS,
    *browser.CHECKS,
    *clock.CHECKS,
    *probe.CHECKS,
)
