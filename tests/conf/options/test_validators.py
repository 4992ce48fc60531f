"""What the value of an option must be; the table of all values is in test_settings.py."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.tables import each
from wx_static_store.conf.options import validators
from wx_static_store.core.secrets import Secret


def newest() -> str:
    return "emulator-ticket"


@each(
    ("check", "value", "clean"),
    [
        (validators.location, "media", "media/"),
        (validators.location, "e\u0301/", "\u00e9/"),
        (validators.url, "https://a.example/x//", "https://a.example/x/"),
        (validators.api_url, "http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
        (validators.number, 5, 5.0),
        (validators.rate, 100, 100.0),
        (validators.rate, 0.5, 0.5),
        (validators.extensions, ("PNG", "pdf"), ("png", "pdf")),
        (validators.rules, "no-cache", (("*", "no-cache"),)),
        (validators.tokens, Secret("abc"), (Secret("abc"),)),
        (validators.ticket, Secret("ticket@@@abc.def"), Secret("ticket@@@abc.def")),
        (validators.ticket, Secret("tests.conf.options.test_validators.newest"), newest),
        (validators.ticket, newest, newest),
    ],
)
def test_a_valid_value_is_normalized(check: Callable[[Any], Any], value: Any, clean: Any) -> None:
    assert check(value) == clean


@each(
    ("check", "value", "why"),
    [
        (validators.location, "../x", "relative folder"),
        (validators.location, "a\\b", "forward slashes"),
        (validators.url, "https://a.example/?q", "without query"),
        (validators.api_url, "http://a.example", "must be https"),
        (validators.number, True, "seconds above 0"),
        (validators.interval, 601, "600 seconds at most"),
        (validators.rate, 0, "calls a second, from 0.01 to 10000"),
        (validators.count, 257, "from 1 to 256"),
        (validators.hosts, (), "list of hosts"),
        (validators.secret, Secret(""), "must be a text, and not an empty one"),
        (validators.aes_keys, Secret("short"), "43 letters and digits"),
        (validators.function, "tests.no_such_module.f", "cannot be imported"),
    ],
)
def test_a_bad_value_is_refused_with_what_it_must_be(
    check: Callable[[Any], Any], value: Any, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        check(value)
