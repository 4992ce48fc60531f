"""The clocks of the other side against ours."""

import pytest

from wx_static_store.emulator import EmulatorServer

from .conftest import Examine, said

pytestmark = pytest.mark.django_db(transaction=True)


def test_clocks_that_agree_are_well(examined: Examine) -> None:
    assert said(examined()["clock"]) == "✓ The clock of WeChat and ours agree. "


@pytest.mark.parametrize(
    ("ahead", "text"), [(90, "90 seconds behind"), (-90, "90 seconds ahead of")]
)
def test_a_clock_that_is_off_is_named_with_its_seconds(
    examined: Examine, emulator: EmulatorServer, ahead: int, text: str
) -> None:
    emulator.quirks.update({"api_date_skew": ahead})
    found = said(examined()["clock"])
    assert any(text.replace("90", seconds) in found for seconds in ("89", "90", "91"))
    assert "NTP" in found
