"""The cache that all processes share: whether it works, how fast it is, and what it may drop."""

import secrets
from collections.abc import Callable, Iterator
from operator import not_
from statistics import median
from time import monotonic
from typing import Any

from django.core.cache import caches

from ...conf.cache_checks import cache_faults
from ...core.frames import described
from ...core.notes import own_caches, redis_client
from ...i18n import gettext_lazy as _
from .findings import Finding, Text, not_asked, ok, warning, wrong
from .target import CheckTarget

SLOW = 100  # milliseconds for a call
SECONDS = 30  # that a value of the doctor lives at most

# What a cache is asked, whether its answer is right, and what a wrong one says.
# fmt: off
_STEPS: tuple[tuple[str, tuple[Any, ...], Callable[[Any], bool], Text], ...] = (
    ("set", ("first", SECONDS), lambda answer: True, ""),
    ("get", (), lambda answer: bool(answer == "first"), _("keeps nothing")),
    ("add", ("second", SECONDS), not_, _("adds what is there already")),
    ("get", (), lambda answer: bool(answer == "first"), _("adds what is there already")),
    ("delete", (), lambda answer: True, ""),
    ("get", (), lambda answer: answer is None, _("keeps what is deleted")),
    ("add", ("third", SECONDS), bool, _("adds nothing")),
    ("delete", (), lambda answer: True, ""),
)
# fmt: on


def check_works(target: CheckTarget) -> Iterator[Finding]:
    alias = target.options.token_cache
    if fault := next(cache_faults(alias), None):
        why, hint = fault
        text = _("The cache %(alias)r cannot be made: %(why)s.", alias=alias, why=why)
        # Where a token is fetched, it is a system check: E019.
        fetches = target.options.fetches_tokens
        yield not_asked(text) if fetches else warning(text, hint=hint)
        return
    with own_caches():
        yield _asked(target, alias, caches[alias])


def _asked(target: CheckTarget, alias: str, cache: Any) -> Finding:
    """Ask the cache step by step; judge its answers and their time."""
    key, seconds = f"wx_static_store:doctor:{secrets.token_hex(8)}", []
    for method, arguments, is_right, fault in _STEPS:
        started = monotonic()
        try:
            answer = getattr(cache, method)(key, *arguments)
        except Exception as error:  # noqa: BLE001 -- each cache has exceptions of its own
            target.cache_fails = True  # the next call may cost as long
            what = _("fails at %(step)s() (%(why)s)", step=method, why=described(error))
            hint = _("Start it, or correct CACHES[%(alias)r].", alias=alias)
            return _faulty(target, alias, what, hint=hint)
        seconds.append(monotonic() - started)
        if not is_right(answer):
            return _faulty(target, alias, fault)
    milliseconds = round(median(seconds) * 1000, 1)
    facts: dict[str, Any] = {"alias": alias, "ms": milliseconds}
    data = {"cache": alias, "milliseconds": milliseconds}
    if milliseconds > SLOW:
        text = _("The cache %(alias)r is slow: %(ms).0f ms a call.", **facts)
        hint = _("Bring it nearer to this machine, or look at its load.")
        return warning(text, hint=hint, data=data)
    return ok(_("The cache %(alias)r works: %(ms).1f ms a call.", **facts), data=data)


def _faulty(target: CheckTarget, alias: str, what: Text, **more: Any) -> Finding:
    text = _("The cache %(alias)r %(what)s.", alias=alias, what=what)
    mark = wrong if target.options.fetches_tokens else warning
    return mark(text, data={"cache": alias}, **more)


# --- what it drops --------------------------------------------------------------------------------


def check_eviction(target: CheckTarget) -> Iterator[Finding]:
    if not target.options.fetches_tokens:
        yield not_asked(_("No token lies in the cache: this project does not fetch it."))
        return
    alias = target.options.token_cache
    with own_caches():
        client = redis_client(caches[alias])
        if client is None:
            text = _("The cache %(alias)r does not show its eviction policy.", alias=alias)
            yield not_asked(text)
            return
        try:
            memory, stats = client.info("memory"), client.info("stats")
        except Exception as error:  # noqa: BLE001 -- of the client's library: a right is missing
            text = _("The cache %(alias)r does not show its eviction policy (%(why)s).",
                     alias=alias, why=described(error))  # fmt: skip
            yield not_asked(text)
            return
    yield _of_redis(alias, {**memory, **stats})


def _of_redis(alias: str, info: dict[str, Any]) -> Finding:
    policy, limit = str(info.get("maxmemory_policy", "")), int(info.get("maxmemory", 0))
    evicted = int(info.get("evicted_keys", 0))
    facts = {"alias": alias, "evicted": evicted, "policy": policy, "mib": limit // 2**20}
    data = {"cache": alias, "policy": policy, "limit": limit, "evicted": evicted}
    if evicted:
        text = _("The cache %(alias)r dropped %(evicted)d keys for want of memory.", **facts)
        return warning(text, data=data)
    if limit and policy != "noeviction":
        text = _(
            "The cache %(alias)r may drop the token when its %(mib)d MiB are full (%(policy)s).",
            **facts,
        )
        return warning(text, data=data)
    text = _("The cache %(alias)r drops nothing before its time (%(policy)s).", **facts)
    return ok(text, data=data)
