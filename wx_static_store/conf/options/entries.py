"""The form of an option: an entry with its scope, its check, and its sentence for the docs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Callback = Callable[[], str]


class Scope(Enum):
    """Say which stores have an option in common; each value is the scope's name in the docs."""

    STORE = "store"
    PLATFORM = "platform"  # stores with equal values share connections and the token
    SETTINGS = "settings only"  # in WX_STATIC_STORE, never in OPTIONS


@dataclass(frozen=True)
class Option:
    """Describe one option; the table in the docs is made of it, its Chinese is in docs/locale."""

    scope: Scope
    check: Callable[[Any], Any]
    sentence: str
    shown: str = ""  # the default in words, if it is not the value
    secret: bool = False


def option_of(scope: Scope) -> Callable[..., Any]:
    """Return a function that makes a field of this scope from a default, a check and a sentence."""

    def option(default: Any, check: Callable[[Any], Any], sentence: str, **more: Any) -> Any:
        entry = Option(scope, check, sentence, **more)
        return field(default=default, repr=not entry.secret, metadata={"option": entry})

    return option
