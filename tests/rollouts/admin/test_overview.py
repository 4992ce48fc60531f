"""The page *Overview* and that of one environment: what they show to whom, where they lead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import Editor, Rows
from tests.conftest import ENV
from tests.rollouts.admin.pages import NO_TOKEN, address, env, html_of, rollout_of, text_of
from wx_static_store.causes import cause_of
from wx_static_store.clients.wechat import StaticStore
from wx_static_store.conf import platform_options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment
from wx_static_store.rollouts.models import Drift
from wx_static_store.upload.hosting import Hostings

pytestmark = pytest.mark.django_db


OVERVIEW = "/admin/wx_static_store_rollouts/overview/"


def page_of(client: Client, env: str = "") -> str:
    answer = client.get(f"{OVERVIEW}{env}/" if env else OVERVIEW)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment")


@pytest.fixture
def offered(viewer: Client, settings: Any) -> dict[str, Any]:
    """Return what ENVIRONMENTS offers to everybody."""
    names: dict[str, Any] = {env(1): {"label": "Tea House", "tags": ["ring/early"]}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    return names


def keep_hosting(env: str, status: str) -> None:
    found = StaticStore(f"{env}.example", status)
    Hostings(platform_options()).keep(env, found)


def lines(html: str) -> list[str]:
    """Return what a reader sees of each environment."""
    [body] = re.findall(r"<tbody>(.*)</tbody>", html, re.DOTALL) or [""]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]


def test_the_list_of_rollouts_leads_to_the_overview(viewer: Client) -> None:
    assert f'href="{OVERVIEW}"' in html_of(viewer, "changelist")


def test_a_line_shows_release_drift_deploy_and_failure(
    viewer: Client, offered: dict[str, Any]
) -> None:
    rollout_of("df", folder="www/")
    rollout_of("dd", folder="www/")
    Drift.objects.create(env=env(1), using="site", missing=3)
    [line] = lines(page_of(viewer))
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "WHEN", line) == (
        f"Tea House {env(1)} hosting not asked ring/early aaaaaaaaaa ✗ 3 missing WHEN ✓ done WHEN "
        "WHEN 85088 Cloud development is not open for this environment -"
    )


def test_a_failure_without_an_errcode_has_its_cause_too(viewer: Client) -> None:
    why = {"cause": "AccessDenied", "message": "COS refused the upload"}
    rollout_of("f", folder="www/", deployed=False, why=why)
    assert str(cause_of("AccessDenied").title) in text_of(page_of(viewer))


def test_a_failure_leads_to_its_deployment_or_to_its_rollout(viewer: Client) -> None:
    rollout = rollout_of("f", folder="www/", deployed=False, why=NO_TOKEN)
    html = page_of(viewer)
    assert f'href="{address("change", rollout)}"' in html
    assert "There is no token" in text_of(html)
    rollout_of("f", folder="www/")
    page = f"/admin/wx_static_store/deployment/{Deployment.objects.get().pk}/change/"
    assert f'href="{page}"' in page_of(viewer)


def test_only_what_is_offered_is_shown(viewer: Client, offered: dict[str, Any]) -> None:
    rollout_of("ddd", folder="www/")
    html = page_of(viewer)
    assert "1 environment" in text_of(html)
    assert env(0) not in html


def test_a_place_of_others_is_not_offered(viewer: Client, offered: dict[str, Any]) -> None:
    rollout_of("dd", folder="www/")
    rollout_of("d", folder="secret/")
    assert "secret" not in page_of(viewer)


def test_without_environments_all_that_were_deployed_to_are_shown(viewer: Client) -> None:
    rollout_of("dw", folder="www/")
    assert [line.split()[0] for line in lines(page_of(viewer))] == [ENV, env(0), env(1)]


def test_before_the_first_deploy_the_environments_of_the_settings_are_shown(
    viewer: Client,
) -> None:
    assert lines(page_of(viewer)) == [f"{ENV} site.example hosting not asked - - - - -"]


def test_a_line_leads_to_the_site_and_says_that_it_is_closed(
    viewer: Client, offered: dict[str, Any]
) -> None:
    rollout_of("dd", folder="www/")
    keep_hosting(env(1), "offline")
    html = page_of(viewer)
    assert f'href="https://{env(1)}.example/www/" target="_blank" rel="noopener' in html
    assert f"{env(1)}.example/www ✗ hosting is closed ring/early" in lines(html)[0]


def test_hosting_that_took_files_since_it_was_closed_is_open(
    viewer: Client, offered: dict[str, Any]
) -> None:
    keep_hosting(env(1), "none")
    assert "hosting was never opened" in lines(page_of(viewer))[0]
    rollout_of("dd", folder="www/")
    Deployment.objects.update(stored=1)
    assert "hosting" not in lines(page_of(viewer))[0]


def test_a_line_says_nothing_of_hosting_that_is_open(
    viewer: Client, offered: dict[str, Any]
) -> None:
    keep_hosting(env(1), "online")
    assert lines(page_of(viewer))[0].startswith(f"Tea House {env(1)} {env(1)}.example ring/early")


def test_a_site_that_is_not_open_stands_on_the_first_page_of_many(
    viewer: Client, offered: dict[str, Any]
) -> None:
    offered.update({f"tenant-{number:03}": "Bakery" for number in range(150)})
    keep_hosting("tenant-149", "offline")
    assert "tenant-149" in lines(page_of(viewer))[0]


def test_the_page_of_an_environment_says_how_old_the_state_of_its_hosting_is(
    viewer: Client, offered: dict[str, Any]
) -> None:
    keep_hosting(env(1), "online")
    html = page_of(viewer, env(1))
    assert f'href="https://{env(1)}.example/"' in html
    assert "Static hosting ✓ open less than a minute ago" in text_of(html)


def test_the_page_of_an_environment_says_what_would_ask_for_the_state(
    viewer: Client, offered: dict[str, Any]
) -> None:
    text = text_of(page_of(viewer, env(1)))
    assert f"Static hosting – not asked To ask WeChat: wx_doctor --env {env(1)}" in text


def test_without_the_app_health_no_page_names_its_command(
    viewer: Client, offered: dict[str, Any], settings: Any
) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if "health" not in app]
    text = text_of(page_of(viewer, env(1)))
    assert "Static hosting – not asked" in text
    assert "wx_doctor" not in text


def test_a_search_that_finds_nothing_says_so(viewer: Client) -> None:
    answer = viewer.get(OVERVIEW, {"q": "nowhere"})
    assert "There is no such environment." in text_of(answer.content.decode())


def test_pages_and_releases_keep_the_other_filters(viewer: Client, offered: dict[str, Any]) -> None:
    offered.update({f"tenant-{number:03}": "Bakery" for number in range(150)})
    rollout = rollout_of("dd", folder="www/")
    answer = viewer.get(OVERVIEW, {"q": "a", "place": "site:www/"})
    html = answer.content.decode().replace("&amp;", "&")
    assert 'href="?q=a&place=site%3Awww%2F&p=2"' in html
    assert f'href="?q=a&place=site%3Awww%2F&release={rollout.release_id}"' in html


@pytest.mark.parametrize("given", [[], ["deploy"], ["upload"]])
def test_without_the_permission_to_see_deployments_or_uploads_there_is_no_page(
    admin_site: EmulatorServer, editor: Editor, given: list[str]
) -> None:
    assert editor(*given).get(OVERVIEW).status_code == 403


def test_who_sees_uploads_only_sees_no_deployment(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    rollout_of("d", folder="www/")
    rows("a.txt", status="failed", errcode=40001, env=env(0))
    html = page_of(editor("view_uploadlog"))
    assert "1 failure in 14 days" in html
    assert "deployment/" not in html.partition('id="content-main"')[2]


def test_who_sees_deployments_only_sees_no_upload(viewer: Client, rows: Rows) -> None:
    rollout_of("d", folder="www/")
    rows("a.txt", status="failed", errcode=40001, env=env(0))
    assert "in 14 days" not in page_of(viewer)
    assert "a.txt" not in page_of(viewer, env(0))


def test_the_page_of_an_environment_names_what_is_live_and_what_fails(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    rollout_of("d", folder="www/")
    Drift.objects.create(env=env(0), using="site", objects_seen=12, bytes_seen=2048)
    rows("a.txt", status="failed", errcode=40001, env=env(0))
    text = text_of(page_of(editor("view_deployment", "view_uploadlog"), env(0)))
    for part in ("site: /www/", "12 files · 2.0 KB", "40001", "a.txt", "Still failing"):
        assert part in text


def test_the_page_of_an_environment_without_trouble_says_so(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    assert "Nothing fails here." in text_of(page_of(editor("view_uploadlog"), ENV))


def test_an_environment_that_is_not_offered_is_not_found(
    viewer: Client, offered: dict[str, Any]
) -> None:
    assert viewer.get(f"{OVERVIEW}{env(0)}/").status_code == 404
    assert viewer.get(f"{OVERVIEW}{env(1)}/").status_code == 200
