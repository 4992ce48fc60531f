"""A project whose alerts a list receives."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.conftest import serve as serve
from wx_static_store.alerts import Alert

told: list[Alert] = []


def remember(alert: Alert) -> None:
    told.append(alert)


def fail(alert: Alert) -> None:
    raise LookupError("nobody is there")


@pytest.fixture(autouse=True)
def _nobody_was_told() -> Iterator[None]:
    told.clear()
    yield
    told.clear()


@pytest.fixture
def alerts(configure: Any) -> list[Alert]:
    """Return what was told so far."""
    configure(WX_STATIC_STORE={"ALERTS": [remember], "MAX_ATTEMPTS": 1})
    return told
