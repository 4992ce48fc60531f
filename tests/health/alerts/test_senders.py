"""Alerts go out as mails, and as messages of a WeCom robot."""

import json
from typing import Any

import pytest

from tests.clients.conftest import ScriptedServer, as_json
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.health.alerts import Alert, send_mail, send_wecom

ONE = Alert("deployment:env-1", "A deployment failed", "See why.")


def test_an_alert_is_mailed(configure: Any, mailoutbox: Any) -> None:
    mailer = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    addresses = ["ops@example.com", "dev@example.com"]
    # Django 6.1 warns at a mail without MAILERS; older ones ignore it.
    configure(MAILERS={"default": mailer}, WX_STATIC_STORE={"ALERT_EMAILS": addresses})
    send_mail(ONE)
    [message] = mailoutbox
    assert (message.subject, message.body) == (ONE.title, ONE.text)
    assert message.to == addresses


def test_an_alert_goes_to_the_robot(configure: Any, serve: Any) -> None:
    robot: ScriptedServer = serve(as_json({"errcode": 0, "errmsg": "ok"}))
    configure(WX_STATIC_STORE={"ALERT_WECOM_URL": f"{robot.url}/cgi-bin/webhook/send?key=k-1"})
    send_wecom(ONE)
    [request] = robot.requests
    assert request.target == "/cgi-bin/webhook/send?key=k-1"
    said = json.loads(request.body)
    assert said == {"msgtype": "text", "text": {"content": "A deployment failed\n\nSee why."}}


@pytest.mark.parametrize(
    ("send", "named"), [(send_mail, "ALERT_EMAILS"), (send_wecom, "ALERT_WECOM_URL")]
)
def test_a_missing_setting_is_named(configure: Any, send: Any, named: str) -> None:
    configure()
    with pytest.raises(ConfigurationError, match=named):
        send(ONE)
