"""The rollouts in the admin: how far each is, and who sees it."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.admin.conftest import Editor
from tests.rollouts.admin.pages import address, env, html_of, rollout_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment")


def shown(client: Client, query: str = "") -> list[Rollout]:
    answer = client.get(f"{address('changelist')}?{query}")
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def test_the_newest_rollout_stands_first(viewer: Client) -> None:
    first, second = rollout_of("d"), rollout_of("w")
    assert shown(viewer) == [second, first]


def test_the_list_shows_progress_place_release_and_user(viewer: Client) -> None:
    ann = User.objects.create_user("ann")
    rollout = rollout_of("d", "dfqw", label="spring", folder="www/", user=ann)
    html = html_of(viewer, "changelist")
    cells = re.findall(r'<t[dh] class="field-(\w+)(?: nowrap)?">(.*?)</t[dh]>', html)
    found = {name: unescape(re.sub("<.*?>", "", text)) for name, text in cells}
    assert found.pop("begun")
    assert found == {
        "state": "… running",
        "rollout": f"#{rollout.pk} spring site: /www/ · aaaaaaaaaa",
        "environments": "2 of 5 done 1 failed · 1 under way",
        "user": "ann",
    }


@pytest.mark.parametrize("state", Rollout.State.values)
def test_the_filter_by_state_finds_rollouts_in_it(viewer: Client, state: str) -> None:
    found = {each: rollout_of("w", state=each) for each in Rollout.State.values}
    assert shown(viewer, f"state={state}") == [found[state]]


def test_fifteen_rollouts_cost_no_more_queries_than_one(viewer: Client) -> None:
    asked = []
    for count in (1, 14):
        for number in range(count):
            rollout_of("df", user=User.objects.create_user(f"user-{count}-{number}"))
        with CaptureQueriesContext(connection) as queries:
            viewer.get(address("changelist"))
        asked.append(len(queries))
    assert asked[0] == asked[1]


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[], ["deploy"], ["view_uploadlog"]])
def test_without_the_permission_to_see_deployments_nothing_is_listed(
    admin_site: EmulatorServer, editor: Editor, given: list[str]
) -> None:
    assert editor(*given).get(address("changelist")).status_code == 403


@pytest.fixture
def tenant(viewer: Client, settings: Any) -> Client:
    """Return who is offered the second environment."""
    names = {env(1): "Tea House"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return viewer


def test_a_tenant_sees_the_rollouts_of_its_own_environment(tenant: Client) -> None:
    _other, own = rollout_of("d"), rollout_of("dfw")
    assert shown(tenant) == [own]
    assert "0 of 1 done" in html_of(tenant, "changelist")
