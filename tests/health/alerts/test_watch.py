"""What the doctor finds wrong and files that still fail are sent, once an hour."""

import pytest

from tests.log.conftest import row
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.watch import watch

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 1 / 24  # of a day


def causes() -> list[str]:
    return [alert.cause for alert, _sent in watch()]


def test_what_the_doctor_finds_wrong_is_sent(alerts: list[Alert], emulator: EmulatorServer) -> None:
    emulator.quirks.update({"batch_opened": False})
    assert {sent for _alert, sent in watch()} == {True}
    assert "check:environments.listed" in [alert.cause for alert in alerts]
    assert {sent for _alert, sent in watch()} == {False}


def test_a_file_that_fails_for_an_hour_is_sent(alerts: list[Alert]) -> None:
    row("a.txt", days=2 * HOUR, status="failed", errcode=40001)
    [alert] = [alert for alert, _sent in watch() if alert.cause == "failing"]
    assert alert.title == "1 file fails for more than an hour"
    assert alert.text.startswith("a.txt\n")


def test_a_file_that_is_tried_again_and_again_is_sent(alerts: list[Alert]) -> None:
    for days in (2 * HOUR, 0.5 * HOUR):
        row("a.txt", days=days, status="failed", errcode=40001)
    assert "failing" in causes()


@pytest.mark.parametrize(
    "rows",
    [
        [(0.5 * HOUR, "failed")],
        [(2 * HOUR, "failed"), (1.5 * HOUR, "stored")],
        [(2 * HOUR, "failed"), (1.5 * HOUR, "stored"), (0.5 * HOUR, "failed")],
        [(30 * HOUR, "failed")],
    ],
    ids=["just now", "mended", "failed anew", "long ago"],
)
def test_other_failures_are_not_sent(alerts: list[Alert], rows: list[tuple[float, str]]) -> None:
    for days, status in rows:
        row("a.txt", days=days, status=status)
    assert "failing" not in causes()
