"""All checks, in the order in which they are asked."""

from __future__ import annotations

from . import clock, token
from .findings import Check

CHECKS: tuple[Check, ...] = (
    *token.CHECKS,
    *clock.CHECKS,
)
