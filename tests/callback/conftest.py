"""What is kept, what the loggers say, and places that fail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache

from tests.callback.pushes import AES_KEY, APPID, TICKET, TOKEN, push, ticket
from tests.notes import planted
from wx_static_store.callback.models import VerifyTicket

BROKEN = {"default": {"BACKEND": "tests.callback.conftest.BrokenCache"}}
DUMMY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

Kept = Callable[[], tuple[Any, Any]]


class BrokenCache(BaseCache):
    """A server that is gone; its error quotes what it was asked, as some do."""

    def __init__(self, *args: Any) -> None:
        super().__init__({})

    def get(self, key: str, default: Any = None, version: Any = None) -> Any:
        raise ConnectionError(key)

    def set(self, key: str, value: Any, timeout: Any = None, version: Any = None) -> None:
        raise ConnectionError(f"{key}={value}")


@pytest.fixture
def kept(db: None) -> Kept:
    """`kept()`: the row and the cache's entry as they lie there; a ticket has come before."""
    assert push(ticket(f"{TICKET}-before", age=3000)).send().content == b"success"

    def look() -> tuple[Any, Any]:
        return VerifyTicket.objects.values_list().get(appid=APPID), planted("ticket", APPID)

    return look


class LogLines:
    """The lines of the app's loggers, at every level."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        self._caplog = caplog

    def clear(self) -> None:
        self._caplog.clear()

    def by(self, name: str) -> list[str]:
        records = self._caplog.records
        return [f"{r.levelname} {r.getMessage()}" for r in records if r.name == name]

    @property
    def security(self) -> list[str]:
        return self.by("wx_static_store.security")

    @property
    def tokens(self) -> list[str]:
        return self.by("wx_static_store.tokens")

    @property
    def secrets(self) -> list[str]:
        everything = self._caplog.text + "".join(str(vars(r)) for r in self._caplog.records)
        return [secret for secret in ("planted-ticket", TOKEN, AES_KEY) if secret in everything]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> LogLines:
    return LogLines(caplog)
