"""The doctor at an emulator: settings are changed, and it is asked what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wx_static_store.doctor.examination import examine
from wx_static_store.doctor.findings import Check, Finding, Result
from wx_static_store.doctor.patient import Patient
from wx_static_store.doctor.table import CHECKS
from wx_static_store.emulator import EmulatorServer

Examine = Callable[..., dict[str, Result]]


@pytest.fixture
def examined(configure: Any, emulator: EmulatorServer) -> Examine:
    """`examined(**patient)`: the result of each check at the emulator, by its id."""
    configure(WX_STATIC_STORE={"BASE_URL": emulator.site_url()})

    def ask(**patient: Any) -> dict[str, Result]:
        return {result.check.id: result for result in examine(Patient(**patient), CHECKS)}

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
    words = dict.fromkeys(("question", "how", "means", "remedy"), "")
    return Check(id=id, ask=lambda patient: findings, **(words | more))
