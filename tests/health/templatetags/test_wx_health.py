"""The line on the app's page of the admin."""

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import Editor
from tests.health.doctor.conftest import check
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Finding, Result, ok, warning, wrong
from wx_static_store.health.doctor.latest import keep

pytestmark = pytest.mark.django_db

LINE = "Health: 1 thing is wrong: token · less than a minute ago"


@pytest.fixture
def operator(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_health", "view_uploadlog")


def index(client: Client) -> str:
    answer = client.get(reverse("admin:app_list", args=["wx_static_store"]))
    assert answer.status_code == 200
    return answer.content.decode()


def found(finding: Finding) -> None:
    keep([Result(check("token"), (finding,))])


def test_a_line_says_what_is_wrong_and_links_to_the_page(
    operator: Client, emulator: EmulatorServer
) -> None:
    found(wrong("Spent"))
    link = f'<a href="{reverse("admin:wx_static_store_health_health_changelist")}">{LINE}</a>'
    assert link in index(operator)
    assert emulator.journal == []


@pytest.mark.parametrize("finding", [ok(""), warning("")], ids=["well", "warning"])
def test_there_is_no_line_while_nothing_is_wrong(operator: Client, finding: Finding) -> None:
    found(finding)
    assert "errornote" not in index(operator)


def test_there_is_no_line_before_anybody_asked(operator: Client, emulator: EmulatorServer) -> None:
    assert "errornote" not in index(operator)
    assert emulator.journal == []


def test_who_may_not_see_the_health_gets_no_line(operator: Client, editor: Editor) -> None:
    found(wrong("Spent"))
    assert "errornote" not in index(editor("view_uploadlog"))


def test_the_tag_shows_nothing_in_a_template_without_a_request() -> None:
    found(wrong("Spent"))
    assert Template("{% load wx_health %}{% wx_health %}").render(Context()).strip() == ""
