"""The private storages, and Celery where rollouts are used."""

from __future__ import annotations

from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.utils.translation import override

from tests.deploys import configure_releases
from tests.rollouts.conftest import Broker, broker as broker
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.watch import watch
from wx_static_store.health.doctor import services
from wx_static_store.health.doctor.findings import Mark
from wx_static_store.releases import runners
from wx_static_store.rollouts.models import Rollout

from ..alerts.conftest import alerts as alerts
from .conftest import Examine, marks, said
from .faults import UNWRITABLE, celery, forgotten

pytestmark = pytest.mark.django_db(transaction=True)

NO_ROLLOUTS = "– No rollouts are handed to workers here"


# --- the private storages -----------------------------------------------------------------------


def test_a_storage_that_can_be_written_is_well_and_keeps_nothing(
    examined: Examine, configure: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    configure(**configure_releases(folder))
    assert said(examined()["storages.writable"]) == (
        "✓ RELEASE_STORAGE ('releases') can be written. "
    )
    assert [*folder.iterdir()] == []


def test_a_release_storage_that_cannot_be_written_is_wrong_with_its_reason(
    examined: Examine, configure: Any, tmp_path: Path
) -> None:
    changes = configure_releases(tmp_path)
    changes["STORAGES"]["releases"] = UNWRITABLE
    configure(**changes)
    result = examined()["storages.writable"]
    assert result.mark.value == "✗"
    assert "NotADirectoryError" in said(result)
    assert "its free space" in said(result)


def test_a_storage_that_is_public_is_not_written(
    examined: Examine, configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE={"RELEASE_STORAGE": "default"})
    found = examined()
    assert marks(found)["settings.checks"] == "✗"
    assert "this is not well: settings.checks" in said(found["storages.writable"])
    assert emulator.objects() == {}


# --- Celery -------------------------------------------------------------------------------------


def test_without_a_celery_app_no_worker_is_asked(examined: Examine) -> None:
    assert said(examined()["workers.answer"]).startswith(NO_ROLLOUTS)


def test_without_the_app_of_rollouts_no_worker_is_asked(
    examined: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runners, "_registered", [])
    with celery(tmp_path, broker="memory://"):
        assert said(examined()["workers.answer"]).startswith(NO_ROLLOUTS)


def test_a_broker_that_is_down_is_wrong_and_its_workers_are_not_asked(
    examined: Examine, tmp_path: Path
) -> None:
    with celery(tmp_path, broker="amqp://127.0.0.1:9//"):
        found = said(examined()["workers.answer"])
    assert found.startswith("✗ The broker of Celery cannot be reached (")
    assert "No worker" not in found


def test_a_worker_that_answers_is_named(
    examined: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(services, "_answering_worker", lambda seconds: "celery@shop")
    with celery(tmp_path, broker="memory://"):
        found = said(examined()["workers.answer"])
    assert found == "✓ The broker of Celery answers, and so does a worker: celery@shop. "


def test_the_worker_that_answers_is_named(broker: Broker) -> None:
    broker.app.conf.broker_transport_options = {"polling_interval": 0.01}
    settings = {"pool": "solo", "perform_ping_check": False, "hostname": "celery@shop"}
    with start_worker(broker.app, **settings):
        assert services._answering_worker(10) == "celery@shop"
        # A worker that is to end waits two seconds for a message first.
        Timer(0.1, services._answering_worker, [0.1]).start()


def test_without_a_worker_nobody_answers(broker: Broker) -> None:
    assert services._answering_worker(0.1) == ""


def test_no_worker_at_all_is_wrong(examined: Examine, tmp_path: Path) -> None:
    with celery(tmp_path, broker="memory://"):
        result = examined()["workers.answer"]
    assert result.mark.value == "✗"
    assert "celery -A PROJECT worker" in said(result)


# --- what waits for a worker --------------------------------------------------------------------


@pytest.fixture
def rollout() -> Rollout:
    """Return a rollout whose worker was asked a day ago."""
    forgotten()
    return Rollout.objects.get()


def test_nothing_waits_where_every_rollout_goes_on(examined: Examine) -> None:
    found = examined()["workers.waiting"]
    assert (found.mark, "Nothing has waited" in said(found)) == (Mark.OK, True)


def test_a_rollout_without_a_worker_is_wrong(rollout: Rollout, examined: Examine) -> None:
    found = examined()["workers.waiting"]
    text = f"Rollout {rollout.pk} has waited for Celery's workers since"
    assert (found.mark, text in said(found)) == (Mark.WRONG, True)
    assert "Start the workers and beat" in said(found)


def test_a_rollout_without_a_worker_is_wrong_in_the_reader_s_language(
    rollout: Rollout, examined: Examine
) -> None:
    found = examined()["workers.waiting"]
    with override("zh-hans"):
        assert f"分批发布 {rollout.pk} 自" in said(found)


def test_a_rollout_that_somebody_ended_waits_for_nobody(
    rollout: Rollout, examined: Examine
) -> None:
    Rollout.objects.update(state="stopped")
    assert examined()["workers.waiting"].mark is Mark.OK


def test_an_alert_says_that_a_rollout_waits(
    rollout: Rollout, emulator: EmulatorServer, alerts: list[Alert]
) -> None:
    assert [*watch()]
    [alert] = [one for one in alerts if one.cause == "check:workers.waiting"]
    assert alert.title.startswith(f"Rollout {rollout.pk} has waited for Celery's workers")
    assert "Start the workers and beat" in alert.text
