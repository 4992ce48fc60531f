"""The private storages, and Celery where rollouts are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploys import configure_releases
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor import services
from wx_static_store.releases import runners

from .conftest import Examine, marks, said
from .faults import UNWRITABLE, celery

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
    assert "the space that is left" in said(result)


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
    monkeypatch.setattr(services, "answering_worker", lambda seconds: "celery@shop")
    with celery(tmp_path, broker="memory://"):
        found = said(examined()["workers.answer"])
    assert found == "✓ The broker of Celery answers, and so does a worker: celery@shop. "


def test_no_worker_at_all_is_wrong(
    examined: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(services, "PATIENCE", 0.2)
    with celery(tmp_path, broker="memory://"):
        result = examined()["workers.answer"]
    assert result.mark.value == "✗"
    assert "celery -A PROJECT worker" in said(result)
