"""The task sends what needs attention."""

import pytest

from tests.health.alerts.conftest import alerts as alerts
from tests.log.conftest import row
from wx_static_store.health import tasks
from wx_static_store.health.alerts import Alert


@pytest.mark.django_db(transaction=True)
def test_what_needs_attention_is_sent(alerts: list[Alert]) -> None:
    row("a.txt", days=0.1, status="failed")
    tasks.watch.run()
    assert "failing" in [alert.cause for alert in alerts]
