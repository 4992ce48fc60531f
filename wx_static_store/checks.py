"""The system checks of the app: `apps` imports this module, which registers them."""

from .conf import (
    cache_checks as cache_checks,
    checks as checks,
    release_checks as release_checks,
)
