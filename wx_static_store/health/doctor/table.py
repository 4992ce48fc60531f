"""All checks, in the order in which they are asked."""

from . import (
    browser,
    cache,
    clock,
    database,
    environments,
    probe,
    quota,
    services,
    settings,
    token,
    waiting,
)
from .findings import Check

CHECKS: tuple[Check, ...] = (
    *settings.CHECKS[:1],
    # Before all that may ask the database: a function of the project's, too.
    *database.CHECKS,
    *settings.CHECKS[1:],
    *cache.CHECKS,
    *services.CHECKS,
    *waiting.CHECKS,
    *token.CHECKS,
    *quota.CHECKS,
    *environments.CHECKS,
    *browser.CHECKS,
    *clock.CHECKS,
    *probe.CHECKS,
)
