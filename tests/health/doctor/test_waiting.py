"""Work that nobody does is named by the doctor and by an alert."""

import pytest
from django.utils.translation import override

from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.watch import watch
from wx_static_store.health.doctor.findings import Mark
from wx_static_store.rollouts.models import Rollout

from ..alerts.conftest import alerts as alerts
from .conftest import Examine, said
from .test_faults import forgotten

pytestmark = pytest.mark.django_db(transaction=True)


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
