"""How many calls WeChat still allows: asked once in ten minutes, whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from ..clients.platform import Quota
from ..exceptions import WxStaticStoreError
from .platform import Platform

KEPT = 600.0  # seconds: the calls that ask are limited, too

# The path is not known there, the path is another account's, quota/get has none left itself.
NO_FIGURE = (76021, 76022, 45009)


def quota_of(platform: Platform, path: str, ask: Callable[[], Quota]) -> Quota:
    """
    Return the quota of the call at `path`, as it was in the last ten minutes.

    Call `ask()` if no process asked since. A quota without figures means that WeChat gives none.
    """
    name = f"quota:{path}"
    if known := platform.remembered.read(name):
        return Quota(**known)
    try:
        found = ask()
    except WxStaticStoreError as error:
        if error.errcode not in NO_FIGURE:
            raise
        found = Quota()
    platform.remembered.write(name, asdict(found), KEPT)
    return found
