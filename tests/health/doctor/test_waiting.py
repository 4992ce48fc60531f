"""The files that wait: whether they are sent, how old they are, which need a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.rows import add_waiting
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.watch import watch
from wx_static_store.upload.push import push

from ..alerts.conftest import _nobody_was_sent as _nobody_was_sent, alerts as alerts
from .conftest import Examine, marks, said
from .faults import DEAD, LOCAL, SHARED

pytestmark = pytest.mark.django_db(transaction=True)

CHECKS = ("waiting.nobody", "waiting.old", "waiting.parked")


def share_cache(settings: Any) -> None:
    """Give the project an empty cache that all processes share."""
    settings.CACHES = SHARED
    cache.clear()


@pytest.fixture
def asked(examined: Examine, settings: Any) -> Any:
    """`asked(cache)`: the mark of each check of waiting files, with this cache."""
    share_cache(settings)

    def ask(cache: dict[str, Any] = SHARED) -> str:
        settings.CACHES = cache
        found = marks(examined())
        return " ".join(found[id] for id in CHECKS)

    return ask


def run_wx_push() -> None:
    """Begin a push, which finds no storage for the bytes and ends."""
    with pytest.raises(ConfigurationError, match="WAITING_STORAGE"):
        push()


def test_where_no_file_may_wait_nothing_is_asked(asked: Any) -> None:
    assert asked() == "– – –"


def test_no_file_that_waits_is_well(examined: Examine, configure: Any) -> None:
    kept = {"BACKEND": "tests.doubles.ObjectStore"}
    store = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(
        STORAGES={"default": store, "kept": kept}, WX_STATIC_STORE={"WAITING_STORAGE": "kept"}
    )
    assert [marks(examined())[id] for id in CHECKS] == ["✓"] * 3


def test_what_is_old_because_nobody_sends_it_is_one_fault(asked: Any) -> None:
    add_waiting()
    assert asked() == "✗ – –"


def test_a_file_that_is_due_for_a_moment_is_well(asked: Any) -> None:
    add_waiting(minutes=5)
    assert "✗" not in asked()


def test_after_a_push_files_are_only_old(asked: Any) -> None:
    add_waiting()
    run_wx_push()
    assert asked() == "– ! –"


@pytest.mark.parametrize("unfit", [LOCAL, DEAD], ids=["of this process", "dead"])
def test_a_cache_that_nobody_shares_does_not_say_that_nobody_pushes(asked: Any, unfit: Any) -> None:
    add_waiting()
    assert asked(unfit) == "– ! –"


def test_the_remedy_is_that_of_the_last_failure(examined: Examine) -> None:
    add_waiting(next_at=timezone.now() + timedelta(minutes=5), cause="61004")
    assert "whitelist" in said(examined()["waiting.old"])


@pytest.mark.parametrize(
    ("columns", "cause", "words"),
    [
        ({}, "waiting.nobody", "wx_push each minute"),
        ({"next_at": timezone.now() + timedelta(days=1)}, "waiting.old", "Run manage.py wx_push"),
        ({"state": "parked"}, "waiting.parked", "Open Waiting files in the admin"),
    ],
)
def test_an_alert_names_the_fault_and_its_remedy(
    columns: dict[str, Any],
    cause: str,
    words: str,
    alerts: list[Alert],
    emulator: EmulatorServer,
    settings: Any,
) -> None:
    share_cache(settings)
    add_waiting("tea.txt", **columns)
    assert [*watch()]
    [alert] = [one for one in alerts if one.cause.startswith("check:waiting")]
    assert alert.cause == f"check:{cause}"
    assert words in alert.text
