"""The panels of the core and the opt-in apps on the first page of the core in the admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.files import text_of
from tests.conftest import ENV
from tests.health.doctor.conftest import check
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Result, wrong
from wx_static_store.health.doctor.latest import keep
from wx_static_store.models import WaitingFile

pytestmark = pytest.mark.django_db

SINCE = datetime(2026, 11, 30, 4, tzinfo=UTC)
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


def waiting(user: User) -> str:
    """Return what the panel of the waiting files says to this user."""
    request = RequestFactory().get("/")
    request.user = user
    html = Template("{% load wx_panels %}{% wx_panels %}").render(Context({"request": request}))
    [*found] = re.findall(r'(?s)<p class="wx-waiting.*?</p>', html)
    return text_of("".join(found))


def wait(key: str, **columns: Any) -> None:
    times = dict.fromkeys(("next_at", "created", "changed"), SINCE)
    WaitingFile.objects.create(key=key, key_digest=key, **{"env": ENV} | times | columns)


def test_nothing_is_said_where_nothing_waits() -> None:
    assert waiting(User(is_superuser=True, is_active=True)) == ""


def test_the_core_says_how_many_files_wait_and_need_a_person() -> None:
    for key in "abc":
        wait(key)
    wait("d", state="parked")
    wait("e", state="left")
    with CaptureQueriesContext(connection) as queries:
        text = waiting(User(is_superuser=True, is_active=True))
    since = f"{timezone.localtime(SINCE):%Y-%m-%d %H:%M}"
    assert text == f"3 files wait since {since} · 1 waiting file needs a person"
    assert sum("waitingfile" in query["sql"] for query in queries) == 1


def test_the_waiting_files_of_other_environments_are_not_counted(settings: Any) -> None:
    wait("a")
    wait("b", env="tenant-b")
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "Tenant B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_uploadlog"))
    assert waiting(user).startswith("1 file waits")


def test_who_may_not_see_the_log_learns_nothing_of_waiting_files() -> None:
    wait("a")
    assert waiting(User.objects.create_user("ann", is_staff=True)) == ""


def test_each_app_shows_its_panel() -> None:
    assert panels() == {*OURS}


@pytest.mark.parametrize("label", OURS)
def test_an_app_can_be_left_out(label: str) -> None:
    assert panels(leave_out=label) == {*OURS} - {label}


def test_each_app_with_a_panel_is_known_here() -> None:
    assert {config.label for config in apps.get_app_configs() if hasattr(config, "wx_panel")} == {
        *OURS
    }
