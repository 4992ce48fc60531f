"""Which environments are shared with which accounts: asked by the fifty."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..exceptions import WxStaticStoreError

MOST = 50  # appids that one call is tried with; no limit is documented

# What WeChat may answer to too many appids, or to a source_type that it does not want or misses.
_REFUSALS = (40097, 40101, 47001)

Shares = dict[str, tuple[str, ...]]


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
