"""
Show what the admin offers to each visitor, and where it leads a stranger.

Who may open which address is in the table of tests/permissions.py.
"""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import Editor, Rows
from tests.conftest import ENV
from tests.permissions import EVERY, OURS, TABLE, address, ask
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db

VISITORS = ["staff", "superuser", *EVERY]

UPLOAD, RETRY = {"upload", "superuser"}, {"retry", "superuser"}
BUTTONS = {"upload": UPLOAD, "failing": {*VISITORS}}
ACTIONS = {
    "upload_again": RETRY,
    "compare": {*VISITORS},
    "export_csv": {*VISITORS},
    "export_json": {*VISITORS},
    "delete_selected": set[str](),
}
NAMES = [name for entry, name in TABLE if entry == "admin"]


@pytest.fixture
def row(admin_site: EmulatorServer, rows: Rows) -> int:
    """Return the id of a row of the log; a deployment and a rollout have this id, too."""
    [row] = rows("a")
    Deployment.objects.create(pk=row.pk, env=ENV)
    Rollout.objects.create(pk=row.pk, using="default", waves="100%")
    return int(row.pk)


@pytest.fixture
def urls(row: int) -> dict[str, str]:
    """Return the addresses by name, with a row for those that need one."""
    return {name: address("admin", name, row) for name in NAMES}


def test_a_stranger_is_led_to_the_login(row: int) -> None:
    asked = [(name, method) for name in NAMES for method in ("GET", "POST")]
    answers = {at: ask(Client(), "admin", *at, row).headers.get("Location", "") for at in asked}
    login = reverse("admin:login")
    assert [at for at, location in answers.items() if not location.startswith(login)] == []


@pytest.mark.parametrize("who", VISITORS)
def test_a_button_is_shown_to_those_who_may_press_it(
    editor: Editor, urls: dict[str, str], who: str
) -> None:
    given = {who, "view_uploadlog"} - {"staff", "superuser"}
    page = editor(*given, is_superuser=who == "superuser").get(urls["uploadlog_changelist"])
    html = page.content.decode()
    shown = {name for name in BUTTONS if f'href="{urls[f"uploadlog_{name}"]}"' in html}
    assert shown == {name for name, whom in BUTTONS.items() if who in whom}


@pytest.mark.parametrize(
    ("page", "given", "steps"),
    [
        ("uploadlog_upload", {"upload"}, 1),
        ("uploadlog_upload", {"upload", "view_uploadlog"}, 3),
        ("uploadlog_failing", {"retry"}, 1),
        ("uploadlog_failing", {"retry", "view_uploadlog"}, 3),
    ],
)
def test_each_breadcrumb_leads_to_a_page_that_the_user_may_see(
    editor: Editor, urls: dict[str, str], page: str, given: set[str], steps: int
) -> None:
    client = editor(*given)
    html = client.get(urls[page]).content.decode()
    [crumbs] = re.findall(r'<nav class="wx-way"[^>]*>(.*?)</nav>', html, re.DOTALL)
    links = re.findall(r'href="([^"]*)"', crumbs)
    assert len(links) == steps
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("who", VISITORS)
def test_an_action_is_offered_to_those_who_may_run_it(
    editor: Editor, urls: dict[str, str], who: str
) -> None:
    given = {who, "view_uploadlog"} - {"staff", "superuser"}
    client, url = editor(*given, is_superuser=who == "superuser"), urls["uploadlog_changelist"]
    offered = client.get(url).context["action_form"]
    names = dict(offered.fields["action"].choices) if offered else {}
    allowed = {name for name, whom in ACTIONS.items() if who in whom}
    sent = {name: {"action": name, "_selected_action": "0"} for name in ACTIONS}
    refused = {name for name in ACTIONS if client.post(url, sent[name]).status_code == 403}
    assert ({*ACTIONS} & {*names}, refused) == (allowed, {*ACTIONS} - allowed)


def test_a_user_of_the_site_who_is_no_staff_gets_nothing(
    editor: Editor, urls: dict[str, str]
) -> None:
    client = editor(*OURS, "view_uploadlog", "view_deployment", is_staff=False)
    assert {client.get(url).status_code for url in urls.values()} == {302}


def test_no_other_permission_implies_ours() -> None:
    user = User.objects.create_user("staff", is_staff=True)
    assert not [name for name in OURS if user.has_perm(f"wx_static_store.{name}")]
