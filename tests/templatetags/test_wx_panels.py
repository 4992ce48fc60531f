"""The panels of the opt-in apps on the first page of the core in the admin."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import RequestFactory

from tests.health.doctor.conftest import check
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Result, wrong
from wx_static_store.health.doctor.latest import keep

pytestmark = pytest.mark.django_db

OURS = {"wx_static_store_rollouts": "wx-overview-panel", "wx_static_store_health": "errornote"}


def panels(leave_out: str = "") -> set[str]:
    """Return the labels of the apps whose panel a superuser sees."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True)
    tag = f'{{% load wx_panels %}}{{% wx_panels "{leave_out}" %}}'
    html = Template(tag).render(Context({"request": request}))
    return {label for label, word in OURS.items() if word in html}


@pytest.fixture(autouse=True)
def _something_is_wrong(configure: object, emulator: EmulatorServer) -> None:
    configure()  # type: ignore[operator]
    keep([Result(check("token"), (wrong("Spent"),))])


def test_each_app_shows_its_panel() -> None:
    assert panels() == {*OURS}


@pytest.mark.parametrize("label", OURS)
def test_an_app_can_be_left_out(label: str) -> None:
    assert panels(leave_out=label) == {*OURS} - {label}


def test_each_app_with_a_panel_is_known_here() -> None:
    assert {config.label for config in apps.get_app_configs() if hasattr(config, "wx_panel")} == {
        *OURS
    }
