"""
What the admin shows to each kind of user, and where it leads those who may not come in.

Who may open which address, tests/permissions.py says for both doors.
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

pytestmark = pytest.mark.django_db

VISITORS = ["anonymous", "staff", "superuser", *EVERY]

EVERYBODY = set(VISITORS) - {"anonymous"}
NOBODY: set[str] = set()
UPLOAD, RETRY = {"upload", "superuser"}, {"retry", "superuser"}
NAMES = [name for door, name in TABLE if door == "admin"]


@pytest.fixture
def row(admin_site: EmulatorServer, rows: Rows) -> int:
    """The id of a row of the log; a deployment has the same."""
    [row] = rows("a")
    Deployment.objects.create(pk=row.pk, env=ENV)
    return int(row.pk)


@pytest.fixture
def urls(row: int) -> dict[str, str]:
    """By name, with a row for those that need one."""
    return {name: address("admin", name, row) for name in NAMES}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_is_led_to_the_login(row: int, name: str, method: str) -> None:
    answer = ask(Client(), "admin", name, method, row)
    assert answer.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize(("button", "whom"), [("upload", UPLOAD), ("retry_failed", RETRY)])
def test_a_button_is_there_for_those_who_may_press_it(
    editor: Editor, urls: dict[str, str], who: str, button: str, whom: set[str]
) -> None:
    given = {who, "view_uploadlog"} - {"anonymous", "staff", "superuser"}
    html = editor(*given, is_superuser=who == "superuser").get(urls["uploadlog_changelist"])
    assert (f'href="{urls[f"uploadlog_{button}"]}"' in html.content.decode()) is (who in whom)


@pytest.mark.parametrize(
    ("page", "given", "steps"),
    [
        ("uploadlog_upload", {"upload"}, 1),
        ("uploadlog_upload", {"upload", "view_uploadlog"}, 3),
        ("uploadlog_retry_failed", {"retry"}, 1),
        ("uploadlog_retry_failed", {"retry", "view_uploadlog"}, 3),
    ],
)
def test_each_step_back_leads_somewhere(
    editor: Editor, urls: dict[str, str], page: str, given: set[str], steps: int
) -> None:
    client = editor(*given)
    html = client.get(urls[page]).content.decode()
    [crumbs] = re.findall(r'<div class="breadcrumbs">(.*?)</div>', html, re.DOTALL)
    links = re.findall(r'href="([^"]*)"', crumbs)
    assert len(links) == steps
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize(
    ("action", "whom"),
    [
        ("upload_again", RETRY),
        ("compare", EVERYBODY),
        ("export_csv", EVERYBODY),
        ("export_json", EVERYBODY),
        ("delete_selected", NOBODY),
    ],
)
def test_an_action_is_there_for_those_who_may_do_it(
    editor: Editor, urls: dict[str, str], who: str, action: str, whom: set[str]
) -> None:
    given = {who, "view_uploadlog"} - {"anonymous", "staff", "superuser"}
    client = editor(*given, is_superuser=who == "superuser")
    offered = client.get(urls["uploadlog_changelist"]).context["action_form"]
    names = dict(offered.fields["action"].choices) if offered else {}
    assert (action in names) is (who in whom or (who == "anonymous" and "staff" in whom))
    sent = {"action": action, "_selected_action": "0"}
    answer = client.post(urls["uploadlog_changelist"], sent)
    assert (answer.status_code == 403) is (action not in names)


def test_a_user_of_the_site_who_is_no_staff_gets_nothing(
    editor: Editor, urls: dict[str, str]
) -> None:
    client = editor(*OURS, "view_uploadlog", "view_deployment", is_staff=False)
    assert {client.get(url).status_code for url in urls.values()} == {302}


def test_our_permissions_are_implied_by_none() -> None:
    user = User.objects.create_user("staff", is_staff=True)
    assert not [name for name in OURS if user.has_perm(f"wx_static_store.{name}")]
