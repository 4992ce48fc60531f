"""``wx_alert``: what it prints, and what it asks for."""

from typing import Any

import pytest

from tests.health.alerts.conftest import alerts as alerts
from tests.log.conftest import row, run
from wx_static_store.health.alerts import Alert

pytestmark = pytest.mark.django_db(transaction=True)


def test_wx_alert_prints_what_it_sent(alerts: list[Alert]) -> None:
    alerts.clear()
    row("a.txt", days=0.1, status="failed")
    code, said = run("wx_alert")
    assert code == 0
    assert "! 1 file fails for more than an hour" in said.splitlines()
    code, said = run("wx_alert")
    assert "· 1 file fails for more than an hour" in said.splitlines()


def test_wx_alert_without_functions_names_the_setting(configure: Any) -> None:
    configure()
    code, said = run("wx_alert")
    assert code == 2
    assert 'WX_STATIC_STORE["ALERTS"]' in said
