"""Previews in the list of deployments: their end, and the actions that change it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import Editor
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, FolderState

pytestmark = pytest.mark.django_db

LIST = "admin:wx_static_store_deployment_changelist"
DAY = timedelta(days=1)
FOLDER = "static/_preview/menu-1a2b3c4d/"


@pytest.fixture
def row(admin_site: EmulatorServer) -> Deployment:
    """Return the deployment of a preview that ends tomorrow, beside one of the site."""
    facts = {"env": ENV, "source": "wx_deploy", "using": "staticfiles", "outcome": "done"}
    Deployment.objects.create(**facts)
    made = Deployment.objects.create(folder=FOLDER, **facts)
    tomorrow = timezone.now() + DAY
    FolderState.objects.in_folder(FOLDER).update(ends=tomorrow)
    return made


def act(client: Client, action: str, until: str = "") -> str:
    rows = Deployment.objects.values_list("pk", flat=True)
    data = {"action": action, "_selected_action": [*rows], "until": until}
    return client.post(reverse(LIST), data, follow=True).content.decode()


def days_left() -> int | None:
    ends = FolderState.objects.get(folder=FOLDER).ends
    return ends and round((ends - timezone.now()) / DAY)


def in_days(number: int) -> str:
    return f"{timezone.localdate() + number * DAY}"


def test_the_list_shows_the_end_of_a_preview(row: Deployment, editor: Editor) -> None:
    client = editor("view_deployment")
    until = f"{timezone.localtime(timezone.now() + DAY):%Y-%m-%d}"
    assert (
        f'until <span><span class="wx-nowrap">{until}' in client.get(reverse(LIST)).content.decode()
    )
    FolderState.objects.in_folder(FOLDER).update(ends=timezone.now())
    page = reverse("admin:wx_static_store_deployment_change", args=[row.pk])
    assert "ended <span>" in client.get(page).content.decode()


@pytest.mark.parametrize(("action", "left"), [("end_previews", 0), ("keep_previews", 30)])
def test_an_action_changes_the_end_of_previews_alone(
    row: Deployment, editor: Editor, action: str, left: int
) -> None:
    assert "Previews with a new end: 1." in act(editor("view_deployment", "deploy"), action)
    assert days_left() == left
    assert FolderState.objects.get(folder="").ends is None


@pytest.mark.parametrize("number", [0, 12, 29])
def test_a_preview_is_kept_until_the_end_of_a_day(
    row: Deployment, editor: Editor, number: int
) -> None:
    act(editor("view_deployment", "deploy"), "keep_previews", in_days(number))
    ends = FolderState.objects.get(folder=FOLDER).ends
    assert ends is not None
    assert f"{timezone.localtime(ends):%Y-%m-%d %H:%M}" == f"{in_days(number)} 23:59"


def test_the_last_day_ends_thirty_days_from_now(row: Deployment, editor: Editor) -> None:
    act(editor("view_deployment", "deploy"), "keep_previews", in_days(30))
    ends = FolderState.objects.get(folder=FOLDER).ends
    assert ends is not None
    assert timedelta(0) <= timezone.now() + 30 * DAY - ends < timedelta(minutes=1)


@pytest.mark.parametrize("number", [-1, 31])
def test_a_day_that_is_over_or_too_late_changes_no_end(
    row: Deployment, editor: Editor, number: int
) -> None:
    said = act(editor("view_deployment", "deploy"), "keep_previews", in_days(number))
    assert "A preview cannot end at this time. Choose a time within the next 30 days." in said
    assert days_left() == 1


def test_the_list_asks_who_may_deploy_for_the_day(row: Deployment, editor: Editor) -> None:
    page = editor("view_deployment", "deploy").get(reverse(LIST)).content.decode()
    assert '<input type="date" name="until">' in page
    assert 'name="until"' not in editor("view_deployment").get(reverse(LIST)).content.decode()


def test_who_may_not_deploy_changes_no_end(row: Deployment, editor: Editor) -> None:
    act(editor("view_deployment"), "end_previews")
    assert days_left() == 1
