"""Failed deployments and rollouts are sent, and those that went well are not."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.conftest import ENV
from tests.health.alerts.conftest import remember, sent
from tests.rollouts.conftest import (
    Broker,
    broker as broker,
    cloud as cloud,
    envs as envs,
    release as release,
)
from tests.rollouts.test_advance import settle
from tests.rollouts.test_lifecycle import begin
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.alerts import Alert
from wx_static_store.models import Release
from wx_static_store.rollouts.lifecycle import act

pytestmark = pytest.mark.django_db

REFUSED = {"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403}


def deploy(folder: Path) -> None:
    (folder / "a.txt").write_text("tea")
    call_command("wx_deploy", folder, "--using=staticfiles", "--yes")


def test_a_failed_deployment_is_sent(
    alerts: list[Alert], emulator: EmulatorServer, tmp_path: Path
) -> None:
    emulator.script(REFUSED | {"times": None})
    with pytest.raises(CommandError):
        deploy(tmp_path)
    [alert] = alerts
    assert (alert.cause, alert.title) == (f"deployment:{ENV}", f"A deployment to {ENV} failed")
    assert "1 failed" in alert.text
    assert "1 file: COS denies the access. A proxy may change the link" in alert.text


def test_a_deployment_without_a_row_is_sent(
    alerts: list[Alert], emulator: EmulatorServer, tmp_path: Path
) -> None:
    emulator.script({"on": "staticfilelist", "do": "errcode", "errcode": 48001, "times": None})
    (tmp_path / "a.txt").write_text("tea")
    with pytest.raises(CommandError):
        call_command("wx_deploy", tmp_path, "--using=staticfiles", "--yes", "--verify")
    assert [alert.cause for alert in alerts] == [f"deployment:{ENV}"]


def test_a_deployment_that_goes_well_is_not_sent(alerts: list[Alert], tmp_path: Path) -> None:
    deploy(tmp_path)
    assert alerts == []


def test_an_alert_is_in_the_project_s_language(
    alerts: list[Alert], emulator: EmulatorServer, tmp_path: Path
) -> None:
    emulator.script(REFUSED | {"times": None})
    with override_settings(LANGUAGE_CODE="zh-hans"), pytest.raises(CommandError):
        deploy(tmp_path)
    assert "失败 1" in alerts[0].text


def test_a_rollout_that_its_failures_stop_is_sent(
    broker: Broker,
    envs: list[str],
    release: Release,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ALERTS": remember}
    rollout = begin(envs, release)
    with django_capture_on_commit_callbacks(execute=True):
        settle(rollout, envs[0], state="failed")
    assert [alert.cause for alert in sent] == [f"rollout:{rollout.pk}"]
    assert "1 environment failed." in sent[0].text


def test_a_rollout_that_a_person_stops_is_not_sent(
    broker: Broker,
    envs: list[str],
    release: Release,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ALERTS": remember}
    rollout = begin(envs, release)
    with django_capture_on_commit_callbacks(execute=True):
        act(rollout.pk, "stop")
    assert sent == []
