"""The app that registered last carries out deploys, while it has workers."""

from __future__ import annotations

from typing import Any

import pytest

from wx_static_store.releases import runners


class Workers:
    """A runner that has workers, or none."""

    def __init__(self, *, available: bool) -> None:
        self.available = available

    def is_available(self) -> bool:
        return self.available


@pytest.fixture(autouse=True)
def _of_no_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "_registered", [])


def register(*, available: bool) -> Any:
    found: Any = Workers(available=available)
    runners.run_by(found)
    return found


def test_without_an_app_nothing_carries_out_a_deploy() -> None:
    assert (runners.runner(), runners.available_runner()) == (None, None)


def test_the_app_that_registered_last_carries_out_deploys() -> None:
    register(available=True)
    last = register(available=True)
    assert runners.available_runner() is last


def test_an_app_without_workers_is_known_and_gets_no_deploy() -> None:
    last = register(available=False)
    assert (runners.runner(), runners.available_runner()) == (last, None)
