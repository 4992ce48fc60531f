"""The deployments in the admin: how each ended, and what of it failed."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import SITE, Editor, Rows
from tests.conftest import ENV
from tests.rows import add_deployments
from wx_static_store.admin.deployments import SHOWN
from wx_static_store.causes import cause_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db

LIST = "admin:wx_static_store_deployment_changelist"
UPLOADS = "/admin/wx_static_store/uploadlog/"


@pytest.fixture
def viewer(admin_site: EmulatorServer, editor: Editor) -> Client:
    return editor("view_uploadlog", "view_deployment")


def deployment(**columns: Any) -> Deployment:
    return Deployment.objects.create(**{"env": ENV, "source": "wx_deploy"} | columns)


def labels(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"{reverse(LIST)}?{query}")
    assert answer.status_code == 200
    return [row.label for row in answer.context["cl"].result_list]


def page(client: Client, of: Deployment) -> str:
    answer = client.get(reverse("admin:wx_static_store_deployment_change", args=[of.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("outcome", "sign"), [("done", "✓"), ("failed", "✗"), ("running", "…")], ids=str
)
def test_an_outcome_needs_no_colour_to_be_understood(
    viewer: Client, outcome: str, sign: str
) -> None:
    deployment(outcome=outcome)
    html = viewer.get(reverse(LIST)).content.decode()
    assert f'<span aria-hidden="true">{sign}</span> {outcome}</span>' in html


def test_the_list_shows_counts_bytes_duration_and_user(viewer: Client) -> None:
    user = User.objects.create_user("deployer")
    deployment(
        label="spring",
        stored=11,
        skipped=12,
        failed=13,
        not_attempted=14,
        bytes=15 * 2**20,
        duration_ms=65_000,
        user=user,
    )
    html = viewer.get(reverse(LIST)).content.decode()
    cells = re.findall(r'<td class="field-(\w+)(?: nowrap)?">(.*?)</td>', html)
    shown = {name: unescape(re.sub("<.*?>", "", text)) for name, text in cells}
    assert shown == {
        "ended": shown["ended"],
        "release": f"spring {ENV}",
        "files": "11 stored 12 unchanged · 13 failed · 14 not attempted · 15.0\xa0MB",
        "origin": "wx_deploy deployer",
    }
    assert shown["ended"].endswith("1 min 5 s")


def test_a_killed_deployment_has_no_duration(viewer: Client) -> None:
    deployment(duration_ms=None)
    assert "<span>-</span></small></td>" in viewer.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c", "b", "a"]),
        ("outcome=failed", ["b"]),
        ("outcome=%00", []),
        (f"store={ENV}", ["b", "a"]),
        ("time=hour", ["c", "b", "a"]),
    ],
)
def test_a_filter_lists_the_deployments_that_match(
    viewer: Client, settings: Any, query: str, found: list[str]
) -> None:
    deployment(label="a", outcome="done")
    deployment(label="b", outcome="failed")
    deployment(label="c", outcome="done", env="tenant-b")
    assert labels(viewer, query) == found


def test_deployments_of_other_environments_are_neither_listed_nor_shown(
    viewer: Client, settings: Any
) -> None:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    theirs = deployment(label="theirs")
    deployment(label="ours", env="tenant-b")
    assert labels(viewer) == ["ours"]
    answer = viewer.get(reverse("admin:wx_static_store_deployment_change", args=[theirs.pk]))
    assert answer.status_code == 302


def test_a_hundred_deployments_cost_no_more_queries_than_one(viewer: Client) -> None:
    users = [User.objects.create_user(f"user-{n}") for n in range(10)]
    asked = []
    for count in (1, 99):
        for number in range(count):
            deployment(user=users[number % 10])
        with CaptureQueriesContext(connection) as queries:
            labels(viewer, "all=")
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_two_thousand_environments_cost_no_more_queries_than_twenty(viewer: Client) -> None:
    asked = []
    for start, end in ((0, 20), (20, 2000)):
        add_deployments([f"tenant-{number:04}" for number in range(start, end)])
        with CaptureQueriesContext(connection) as queries:
            assert len(live_now(viewer)) == SHOWN
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 12


# --- what is live -----------------------------------------------------------------------------


def live_now(client: Client, query: str = "") -> list[str]:
    """Return the texts of the lines above the list."""
    html = client.get(f"{reverse(LIST)}?{query}").content.decode()
    table = re.findall(r'<details class="module wx-live-now".*?</details>', html, re.DOTALL)
    lines = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", "".join(table), re.DOTALL)
    return [" ".join(unescape(re.sub("<.*?>", " ", line)).split()) for line in lines]


@pytest.fixture
def release() -> Release:
    return Release.objects.create(digest="0123456789abcdef" * 4, files=b"", count=3, size=2048)


def test_what_is_live_in_each_folder_stands_above_the_list(
    viewer: Client, release: Release
) -> None:
    deployment(label="v1", outcome="done", folder="a/", release=release)
    new = deployment(label="v2", outcome="done", folder="a/", release=release)
    other = deployment(label="v1", outcome="done", env="tenant-b", using="site", release=release)
    first, second = live_now(viewer)
    assert first.startswith(f"tenant-b (site) / #{other.pk} v1 0123456789 ")
    assert second.startswith(f"{ENV} /a/ #{new.pk} v2 0123456789 ")


def test_the_filter_of_stores_is_one_of_what_is_live(viewer: Client, release: Release) -> None:
    deployment(outcome="done", release=release)
    deployment(outcome="done", env="tenant-b", release=release)
    assert [line.split()[0] for line in live_now(viewer, f"store={ENV}")] == [ENV]


def test_what_is_live_elsewhere_is_not_shown(
    viewer: Client, settings: Any, release: Release
) -> None:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    deployment(outcome="done", release=release)
    assert live_now(viewer) == []


def test_many_live_folders_are_folded_and_bounded(viewer: Client, release: Release) -> None:
    for number in range(25):
        deployment(outcome="done", folder=f"{number}/", release=release)
    html = viewer.get(reverse(LIST)).content.decode()
    assert '<details class="module wx-live-now">' in html
    assert len(live_now(viewer)) == 20
    assert "These are the stores that were deployed to last." in html


# --- the page of one --------------------------------------------------------------------------


def linked(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(rf'<a href="{UPLOADS}(\d+)/change/"', html)]


def test_the_page_of_a_deployment_groups_its_failures_by_cause(viewer: Client, rows: Rows) -> None:
    one, other = deployment(), deployment()
    rows("good", deployment=one)
    rows("other", deployment=other, status="failed")
    bad = rows("bad", "worse", deployment=one, status="failed", errcode=45009)
    lost = rows("lost", deployment=one, status="unknown", cause="ResponseLost")
    html = page(viewer, one)
    assert linked(html) == [bad[1].pk, bad[0].pk, lost[0].pk]
    assert re.findall(r">45009 · ([^<]*)</h2>", html) == [cause_of("45009").title]
    assert 'name="retry' not in html


def test_why_a_deployment_failed_is_said_at_the_head_of_its_page(
    viewer: Client, rows: Rows
) -> None:
    row = deployment(outcome="failed")
    rows("a.js", "b.js", deployment=row, errcode=61004, status="failed")
    html = page(viewer, row)
    head = html[: html.index("<fieldset")]
    [(anchor, title)] = re.findall(r'<a href="#([^"]*)">.*?61004 · ([^<]*)</a>', head)
    assert unescape(title) == cause_of("61004").title
    assert f'id="{anchor}"' in html


def test_many_failures_end_with_a_link_to_all(viewer: Client, rows: Rows) -> None:
    one = deployment()
    rows(*"abcdefghijklmnopqrstu", deployment=one, status="failed", errcode=45009)
    html = page(viewer, one)
    assert len(linked(html)) == 10
    [query] = re.findall(rf'href="{UPLOADS}\?([^"]*cause[^"]*)"', html)
    answer = viewer.get(f"{UPLOADS}?{unescape(query)}")
    assert len(answer.context["cl"].result_list) == 21


def test_the_page_of_a_failed_deployment_has_address_and_command(viewer: Client) -> None:
    columns = {"using": "default", "folder": "media/app/", "not_attempted": 3}
    html = page(viewer, deployment(outcome="failed", **columns))
    assert f'<a href="{SITE}media/app/"' in html
    assert f"wx_deploy DIR app/ --using default --env {ENV}</pre>" in html
    assert "3 files were held back, or not attempted" in html
    assert "wx_deploy DIR" not in page(viewer, deployment(outcome="done", **columns))


def test_the_page_of_a_deployment_that_is_done_has_its_address_as_a_code_for_phones(
    admin_site: EmulatorServer, editor: Editor
) -> None:
    who = editor("view_deployment")  # and no permission to see uploads
    columns = {"using": "default", "folder": "media/app/"}
    done = page(who, deployment(outcome="done", **columns))
    assert f'<a href="{SITE}media/app/"' in done
    assert 'class="wx-code"' in done
    assert 'class="wx-code"' not in page(who, deployment(outcome="failed", **columns))


def test_the_page_of_a_deployment_links_to_all_its_uploads(viewer: Client, rows: Rows) -> None:
    one = deployment()
    rows("a", deployment=one)
    rows("b")
    query = f"?deployment={one.pk}"
    assert f'href="{UPLOADS}{query}"' in page(viewer, one)
    answer = viewer.get(UPLOADS + query)
    assert [row.key for row in answer.context["cl"].result_list] == ["a"]


def test_the_links_of_a_deployment_have_plain_numbers(
    viewer: Client, rows: Rows, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    one = deployment(pk=12345, outcome="failed", failed=1)
    rows("a", deployment=one, status="failed")
    html = page(viewer, one)
    assert "?deployment=12345" in html
    assert "?deployment=12,345" not in html


def test_uploads_of_a_deployment_are_hidden_from_those_who_may_not_see_the_log(
    admin_site: EmulatorServer, editor: Editor, rows: Rows
) -> None:
    one = deployment()
    rows("secret-file", deployment=one, status="failed")
    html = page(editor("view_deployment"), one)
    assert "secret-file" not in html
    assert UPLOADS not in html
