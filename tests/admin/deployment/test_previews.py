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
FOLDER = "static/_preview/menu-1a2b3c4d/"


@pytest.fixture
def row(admin_site: EmulatorServer) -> Deployment:
    """Return the deployment of a preview that ends tomorrow, beside one of the site."""
    facts = {"env": ENV, "source": "wx_deploy", "using": "staticfiles", "outcome": "done"}
    Deployment.objects.create(**facts)
    made = Deployment.objects.create(folder=FOLDER, **facts)
    tomorrow = timezone.now() + timedelta(days=1)
    FolderState.objects.in_folder(FOLDER).update(ends=tomorrow)
    return made


def act(client: Client, action: str) -> int:
    rows = Deployment.objects.values_list("pk", flat=True)
    data = {"action": action, "_selected_action": [*rows]}
    return client.post(reverse(LIST), data).status_code


def days_left() -> int | None:
    ends = FolderState.objects.get(folder=FOLDER).ends
    return ends and round((ends - timezone.now()) / timedelta(days=1))


def test_the_list_shows_the_end_of_a_preview(row: Deployment, editor: Editor) -> None:
    client = editor("view_deployment")
    until = f"{timezone.localtime(timezone.now() + timedelta(days=1)):%Y-%m-%d}"
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
    assert act(editor("view_deployment", "deploy"), action) == 302
    assert days_left() == left
    assert FolderState.objects.get(folder="").ends is None


def test_who_may_not_deploy_changes_no_end(row: Deployment, editor: Editor) -> None:
    act(editor("view_deployment"), "end_previews")
    assert days_left() == 1
