"""The panel on the app's page of the admin: the environments with trouble."""

import re

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import Editor
from tests.rollouts.admin.pages import env, rollout_of
from wx_static_store.conf import platform_options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.models import Drift
from wx_static_store.upload.hosting import Hostings

pytestmark = pytest.mark.django_db


def index(client: Client) -> str:
    answer = client.get(reverse("admin:app_list", args=["wx_static_store"]), {"q": "nowhere"})
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


def test_the_panel_names_the_environments_with_trouble(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    rollout_of("ddf", folder="www/")
    Drift.objects.create(env=env(1), using="site", missing=3)
    shown = index(editor("view_deployment"))
    failed, drifted = shown.index(f"{env(2)} ✗ last deploy failed"), shown.index(f"{env(1)} ✗ 3")
    assert failed < drifted
    assert "4 environments on WeChat" in shown
    assert env(0) not in shown


def test_the_panel_names_a_site_that_is_not_open(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    rollout_of("dd", folder="www/")
    Hostings(platform_options()).keep(env(1), None)
    shown = index(editor("view_deployment"))
    assert f"{env(1)} ✗ hosting was never opened" in shown
    assert env(0) not in shown


def test_without_trouble_the_panel_says_so(admin_site: EmulatorServer, editor: Editor) -> None:
    rollout_of("d", folder="www/")
    assert "No deploy failed" in index(editor("view_deployment"))


def test_who_may_not_see_the_overview_sees_no_panel(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    assert "environments on WeChat" not in index(editor("view_health"))


def test_a_page_without_a_request_has_no_panel() -> None:
    assert Template("{% load wx_overview %}{% wx_overview %}").render(Context()).strip() == ""
