"""Each cause is sent once an hour, to every function of `ALERTS`."""

from typing import Any

import pytest

from tests.health.alerts.conftest import fail, remember, sent
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.alert import send

ONE = Alert("deployment:env-1", "A deployment failed", "See why.")


def test_a_cause_is_sent_once_an_hour(alerts: list[Alert]) -> None:
    other = Alert("deployment:env-2", ONE.title, ONE.text)
    assert [send(each) for each in (ONE, ONE, other)] == [True, False, True]
    assert alerts == [ONE, other]


def test_without_functions_nobody_is_sent(configure: Any) -> None:
    configure()
    assert send(ONE) is False


def test_a_function_that_fails_keeps_no_other_from_it(
    configure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure(WX_STATIC_STORE={"ALERTS": [fail, remember]})
    assert send(ONE) is True
    assert sent == [ONE]
    assert "LookupError: nobody is there" in caplog.text


def test_what_nobody_took_is_sent_again(configure: Any) -> None:
    configure(WX_STATIC_STORE={"ALERTS": fail})
    send(ONE)
    configure(WX_STATIC_STORE={"ALERTS": "tests.health.alerts.conftest.remember"})
    assert send(ONE) is True
