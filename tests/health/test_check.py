"""The check for django-health-check, at an address of its view."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import path

from tests.conftest import ci_package
from wx_static_store.health.doctor.latest import keep

views = ci_package("health_check.views")
pytestmark = pytest.mark.django_db(transaction=True)

NAME = "wx_static_store.health.check.DoctorCheck"
urlpatterns = [
    path("health/", views.HealthCheckView.as_view(checks=[NAME])),
    path("live/", views.HealthCheckView.as_view(checks=[(NAME, {"max_age": 0})])),
]


@pytest.fixture(autouse=True)
def _addresses(configure: Any) -> None:
    configure(ROOT_URLCONF=__name__)


def asked(address: str = "/health/") -> tuple[int, Any]:
    """Return the status, and what is said of the doctor's check."""
    answer = Client().get(address, headers={"accept": "application/json"})
    [said] = answer.json().values()
    return answer.status_code, said


def test_the_check_is_ok_while_nothing_is_wrong() -> None:
    keep([])
    assert asked() == (200, "OK")


def test_the_check_names_what_is_wrong(configure: Any) -> None:
    configure(ROOT_URLCONF=__name__, WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    status, said = asked()
    assert status == 500
    assert said.lower().startswith("unavailable: ")  # 4.0 has the capital
    assert "token.accepted" in said


def test_the_check_takes_young_results(configure: Any) -> None:
    keep([])
    configure(ROOT_URLCONF=__name__, WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    assert asked()[0] == 200
    assert asked("/live/")[0] == 500
