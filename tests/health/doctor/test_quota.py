"""What WeChat says of its quotas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wx_static_store.clients.wechat import DESCRIBE, LINKS, LIST
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.examination import examine
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import Examine, said

pytestmark = pytest.mark.django_db(transaction=True)

NO_FIGURES = "– WeChat gives no figures for these calls."


def use(emulator: EmulatorServer, name: str, number: int) -> None:
    """Count calls that were made before."""
    counters = emulator.state.counters
    for _call in range(number):
        counters.count(name, emulator.state.now(), emulator.quirks)


def test_the_figures_of_the_day_and_of_the_period_are_shown(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"daily_limit": 10000, "minute_limit": 600})
    use(emulator, "staticfilelist", 200)
    found = examined()["quota.calls"]
    assert "staticfilelist: 9,800 of 10,000 left today (600 in 60 s)" in said(found)
    figures = found.findings[0].data["staticfilelist"]
    assert (figures["used"], figures["remain"]) == (200, 9800)


@pytest.mark.parametrize("quirks", [{"daily_limit": 10000}, {"minute_limit": 600}], ids=str)
def test_one_figure_is_shown_without_the_other(
    examined: Examine, emulator: EmulatorServer, quirks: dict[str, Any]
) -> None:
    emulator.quirks.update(quirks)
    found = examined()["quota.calls"]
    assert found.mark.value == "✓"
    assert "(" not in said(found)


@pytest.mark.parametrize(
    "quirks",
    [{}, {"quota_knows_cloud": False}, {"quota_as": "zeros", "daily_limit": 10000}],
    ids=["no limit", "76021", "zeros"],
)
def test_no_figure_is_no_fault(
    examined: Examine, emulator: EmulatorServer, quirks: dict[str, Any]
) -> None:
    emulator.quirks.update(quirks)
    assert said(examined()["quota.calls"]).strip() == NO_FIGURES


@pytest.mark.parametrize(
    ("errcode", "text"),
    [
        (76022, NO_FIGURES),
        (
            45009,
            "– WeChat gives no figures: the calls that ask for them are used up (errcode 45009).",
        ),
    ],
)
def test_a_refusal_that_means_no_figure_is_no_fault(
    examined: Examine, emulator: EmulatorServer, errcode: int, text: str
) -> None:
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": errcode, "times": None})
    assert said(examined()["quota.calls"]).strip() == text


@pytest.mark.parametrize("form", ["string", "number"])
@pytest.mark.parametrize(
    ("used", "mark", "text"),
    [
        (89, "✓", "staticfilelist: 11 of 100 left today"),
        (91, "!", "Few calls of staticfilelist are left today: 9 of 100."),
        (100, "✗", "No call of staticfilelist is left today: all 100 are used."),
    ],
)
def test_what_is_nearly_used_up_is_a_warning_and_what_is_used_up_is_wrong(
    examined: Examine, emulator: EmulatorServer, used: int, mark: str, text: str, form: str
) -> None:
    emulator.quirks.update({"daily_limit": 100, "quota_as": form})
    use(emulator, "staticfilelist", used)
    found = examined()["quota.calls"]
    assert (found.mark.value, text in said(found)) == (mark, True)


def test_a_call_without_a_figure_stands_among_the_others(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"daily_limit": 10000})
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": 76021})
    found = examined()["quota.calls"]
    assert said(found).startswith("✓ staticuploadfile: no figure, staticfilelist: 10,000 of")


def test_a_figure_that_cannot_be_had_is_a_warning(
    examined: Examine, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "quota_get", "do": "errcode", "errcode": 40097, "times": None})
    found = examined()["quota.calls"]
    assert (found.mark.value, len(found.findings)) == ("!", 1)


def test_two_examinations_ask_once(examined: Examine, emulator: EmulatorServer) -> None:
    examined()
    examined()
    assert len(emulator.calls("quota_get")) == len({LINKS, LIST, DESCRIBE})


def test_a_cache_that_is_away_is_not_asked_for_figures(configure: Any) -> None:
    configure()
    target = CheckTarget()
    target.cache_fails = True
    results = examine(
        target, [replace(check, needs=()) for check in CHECKS if check.id == "quota.calls"]
    )
    assert said(next(results)) == "– Not asked, because this is not well: cache.works. "
