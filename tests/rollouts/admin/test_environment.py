"""What the page of one environment shows, in the words of its reader."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import RequestFactory

from tests.conftest import ENV
from tests.log.conftest import row
from wx_static_store.conf.offered import Offer
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.admin.environment import EnvironmentPage

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(admin_site: EmulatorServer) -> EnvironmentPage:
    request: HttpRequest = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    return EnvironmentPage(request, ENV, Offer("Tea House"))


def test_a_day_says_how_many_failed(page: EnvironmentPage) -> None:
    row("a")
    row("b", status="failed")
    assert "2 uploads · 1 failed</title>" in page.uploads_chart()


def test_charts_are_for_environments_with_uploads(page: EnvironmentPage) -> None:
    assert not page.has_uploads
    row("a")
    del page.activity
    assert page.has_uploads


def test_a_user_who_is_gone_has_a_number(page: EnvironmentPage) -> None:
    row("a", user_id=987, source="api", size=2048)
    assert [*page.publishers()] == [("#987", "API", 1, "2.0\xa0KB")]


def test_an_hour_says_how_long_uploads_took(page: EnvironmentPage) -> None:
    row("a", duration_ms=1500)
    [(_start, uploads, median, most)] = page.hours()
    assert (uploads, median, most) == (1, "1.5 s", "1.5 s")


def test_what_still_fails_has_a_card(page: EnvironmentPage) -> None:
    row("a", status="failed", errcode=40001, cause="40001")
    [card] = page.causes()
    assert (card["code"], card["count"]) == ("40001", 1)
