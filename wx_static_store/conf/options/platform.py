"""The options of a platform: stores with equal values share connections and the token."""

# ruff: noqa: RUF009 -- `option` makes a field

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import validators
from .entries import Scope, option_of

option = option_of(Scope.PLATFORM)


# An entry is read as one.
# fmt: off
@dataclass(frozen=True)
class PlatformOptions:
    max_workers: int = option(20, validators.count,
        "Number of files that are sent at the same time. 1 is serial; more than 64 brings nothing.")
    api_concurrency: int | None = option(None, validators.count,
        "Most calls in flight at WeChat's API. After a throttle (45011, -501003, -501004) half as "
        "many run at once, in all processes that share ``token_cache``, then slowly more again. "
        "PUTs of the process are limited likewise after the ``SlowDown`` of COS.",
        shown="``max_workers``")
    connect_timeout: float = option(10.0, validators.number, "Seconds to connect.")
    read_timeout: float = option(60.0, validators.number,
        "Seconds to wait for an answer, or for the other side to take a block of the body.")
    api_base_url: str = option("https://api.weixin.qq.com", validators.api_url,
        "Address of WeChat's API. Plain http is allowed on this machine only: for the emulator.")
    upload_hosts: tuple[str, ...] = option((".myqcloud.com", ".tencentcos.cn"), validators.hosts,
        "Hosts, or domains with a leading dot, to which a signed link may point.")
    token_provider: str | Callable[..., Any] | None = option(
        None, lambda value: value if callable(value) else validators.text(value),
        "A function that returns the token, or a class with ``get()`` and ``invalidate(token)``; "
        "or the dotted path of one.")
    token_cache: str = option(
        "default", validators.text, "Alias of a cache that all processes share (Redis, Memcached)."
    )
