"""A project whose alerts a list receives."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.conftest import (
    make_transport as make_transport,
    serve as serve,
    transport as transport,
)
from wx_static_store.health.alerts import Alert

sent: list[Alert] = []


def remember(alert: Alert) -> None:
    sent.append(alert)


def fail(alert: Alert) -> None:
    raise LookupError("nobody is there")


@pytest.fixture(autouse=True)
def _nobody_was_sent() -> Iterator[None]:
    sent.clear()
    yield
    sent.clear()


@pytest.fixture
def alerts(configure: Any) -> list[Alert]:
    """Return what was sent so far."""
    configure(WX_STATIC_STORE={"ALERTS": [remember], "MAX_ATTEMPTS": 1})
    return sent
