"""The page *Environments*: whose environments it shows, and where it leads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import Editor
from tests.admin.rollouts import address, env, html_of, rollout_of, text_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Drift

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment")


@pytest.fixture
def offered(viewer: Client, settings: Any) -> dict[str, Any]:
    """Return what ENVIRONMENTS offers to everybody."""
    names: dict[str, Any] = {env(1): {"label": "Tea House", "tags": ["ring/early"]}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return names


def lines(html: str) -> list[str]:
    """Return what a reader sees of each environment."""
    [body] = re.findall(r"<tbody>(.*)</tbody>", html, re.DOTALL) or [""]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]


def test_the_list_of_rollouts_leads_to_the_environments(viewer: Client) -> None:
    assert f'href="{address("environments")}"' in html_of(viewer, "changelist")


def test_a_line_shows_release_drift_deploy_and_failure(
    viewer: Client, offered: dict[str, Any]
) -> None:
    rollout_of("df", folder="www/")
    rollout_of("dd", folder="www/")
    Drift.objects.create(env=env(1), using="site", missing=3)
    [line] = lines(html_of(viewer, "environments"))
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "WHEN", line) == (
        f"Tea House {env(1)} ring/early aaaaaaaaaa ✗ 3 missing WHEN ✓ done WHEN "
        "WHEN 85088 not set up for this"
    )


def test_a_failure_leads_to_its_deployment_or_to_its_rollout(viewer: Client) -> None:
    why = {"errcode": None, "message": "There is no token"}
    rollout = rollout_of("f", folder="www/", deployed=False, why=why)
    html = html_of(viewer, "environments")
    assert f'href="{address("change", rollout)}"' in html
    assert "There is no token" in text_of(html)
    rollout_of("f", folder="www/")
    page = f"/admin/wx_static_store/deployment/{Deployment.objects.get().pk}/change/"
    assert f'href="{page}"' in html_of(viewer, "environments")


def test_only_what_is_offered_is_shown(viewer: Client, offered: dict[str, Any]) -> None:
    rollout_of("ddd", folder="www/")
    html = html_of(viewer, "environments")
    assert "1 environment" in text_of(html)
    assert env(0) not in html


def test_a_place_of_others_is_not_offered(viewer: Client, offered: dict[str, Any]) -> None:
    rollout_of("dd", folder="www/")
    rollout_of("d", folder="secret/")
    assert "secret" not in html_of(viewer, "environments")


def test_without_environments_all_that_were_deployed_to_are_shown(viewer: Client) -> None:
    rollout_of("dw", folder="www/")
    assert [line.split()[0] for line in lines(html_of(viewer, "environments"))] == [env(0), env(1)]


def test_before_the_first_deploy_the_page_is_empty(viewer: Client) -> None:
    assert "There is no such environment." in text_of(html_of(viewer, "environments"))


def test_pages_and_releases_keep_the_other_filters(viewer: Client, offered: dict[str, Any]) -> None:
    offered.update({f"tenant-{number:03}": "Bakery" for number in range(150)})
    rollout = rollout_of("dd", folder="www/")
    answer = viewer.get(address("environments"), {"q": "a", "place": "site:www/"})
    html = answer.content.decode().replace("&amp;", "&")
    assert 'href="?q=a&place=site%3Awww%2F&p=2"' in html
    assert f'href="?q=a&place=site%3Awww%2F&release={rollout.release_id}"' in html


@pytest.mark.parametrize("given", [[], ["deploy"], ["view_uploadlog"]])
def test_without_the_permission_to_see_deployments_there_is_no_page(
    admin_site: EmulatorServer, editor: Editor, given: list[str]
) -> None:
    assert editor(*given).get(address("environments")).status_code == 403
