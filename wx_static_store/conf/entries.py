"""What an option is: an entry with its scope, its check, and its sentence in both languages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Scope(Enum):
    """Say which stores have an option in common; each value is the scope's name in the docs."""

    STORE = ("store", "存储")
    PLATFORM = ("platform", "平台")  # stores with equal values share connections and the token
    SETTINGS = ("settings only", "仅限设置")  # in WX_STATIC_STORE, never in OPTIONS


STORE, PLATFORM, SETTINGS = Scope


@dataclass(frozen=True)
class Option:
    """Describe one option; the table in the docs is made of it."""

    scope: Scope
    check: Callable[[Any], Any]
    english: str
    chinese: str
    shown: tuple[str, str] | None = None  # the default, in both languages, if it is not the value
    secret: bool = False


def option(default: Any, *parts: Any, **more: Any) -> Any:
    entry = Option(*parts, **more)
    return field(default=default, repr=not entry.secret, metadata={"option": entry})
