"""The doctor at an emulator: settings are changed, and it is asked what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.clients.conftest import (
    make_transport as make_transport,
    serve as serve,
    transport as transport,
)
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.findings import Check, Finding, Result
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget

Examine = Callable[..., dict[str, Result]]


@pytest.fixture
def examined(configure: Any, emulator: EmulatorServer) -> Examine:
    """`examined(**target)`: the result of each check at the emulator, by its id."""
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url()})

    def ask(**target: Any) -> dict[str, Result]:
        return {result.check.id: result for result in examine(CheckTarget(**target), CHECKS)}

    return ask


def marks(results: dict[str, Result]) -> dict[str, str]:
    return {id: result.mark.value for id, result in results.items()}


def said(result: Result) -> str:
    """Return all that the result says, hints included."""
    return "\n".join(
        f"{found.mark.value} {found.text} {result.hint(found)}" for found in result.findings
    )


def check(id: str, *findings: Finding, **more: Any) -> Check:
    """Make a check that finds these."""
    words = dict.fromkeys(("question", "means", "remedy"), "")
    return Check(id=id, ask=lambda target: findings, **(words | more))


@pytest.fixture
def probed(examined: Examine, emulator: EmulatorServer) -> Examine:
    """`probed(**quirks)`: the result of each check, with --probe, at an emulator so switched."""

    def ask(*, timeout: float = 2.0, envs: Sequence[str] = (), **quirks: Any) -> dict[str, Result]:
        emulator.quirks.update(quirks)
        return examined(probe=True, timeout=timeout, envs=envs)

    return ask


@pytest.fixture
def learned(configure: Any, emulator: EmulatorServer) -> Callable[..., dict[str, str]]:
    """`learned(**quirks)`: the facts that --probe learns of the emulator and its platform."""
    configure()

    def ask(*, timeout: float = 2.0, **quirks: Any) -> dict[str, str]:
        emulator.quirks.update(quirks)
        target = CheckTarget(probe=True, timeout=timeout)
        assert [*examine(target, CHECKS)]
        return target.learned[""] | target.learned[ENV]

    return ask
