"""Deployments and releases by the API: the list, one with its failures, and the files of a tree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.conftest import Client, add
from tests.conftest import ENV
from tests.rows import add_deployments
from wx_static_store.core.releases import ReleaseFile, pack
from wx_static_store.core.types import ContentHeaders
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, FolderState, Release
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def client(client_of: Client) -> APIClient:
    return client_of("view_deployment", "view_uploadlog")


def release(*names: str) -> Release:
    headers = ContentHeaders("text/plain", "no-cache", "Expires: 0")
    files = [ReleaseFile(name, 3, "a" * 32, "b" * 64, headers, name == "m.json") for name in names]
    packed = pack(files)
    columns = {name: getattr(packed, name) for name in ("digest", "files", "count", "size")}
    return Release.objects.create(**columns)


def deployment(**columns: Any) -> Deployment:
    given = {"env": ENV, "using": "site", "source": "wx_deploy", "outcome": "done"} | columns
    return Deployment.objects.create(**given)


def get(client: APIClient, path: str) -> Any:
    response = client.get(f"/wx/{path}")
    assert response.status_code == 200, response.json()
    return response.json()


def ids(client: APIClient, query: str = "") -> list[int]:
    return [row["id"] for row in get(client, f"deployments/?{query}")["results"]]


def status(client: APIClient, path: str) -> tuple[int, str]:
    response = client.get(f"/wx/{path}")
    return response.status_code, response.json()["code"]


# --- the list -------------------------------------------------------------------------------------


def test_a_deployment_says_where_it_went_how_it_ended_and_which_release_it_is(
    client: APIClient, cloud: EmulatorServer
) -> None:
    get_store("staticfiles").root()  # asks WeChat for it, once
    of = release("a.txt")
    counts = {"stored": 3, "skipped": 4, "bytes": 5}
    facts = {"using": "staticfiles", "folder": "app/", "label": "v1", "checked": "ok"}
    row = deployment(release=of, **facts, **counts)
    (shown,) = get(client, "deployments/")["results"]
    assert shown.pop("created")
    assert shown == {
        "id": row.pk,
        "store": "staticfiles",
        "env": ENV,
        "folder": "app/",
        "url": f"{cloud.site_url()}/app/",
        "preview": "",
        "ends": None,
        "source": "wx_deploy",
        "label": "v1",
        "outcome": "done",
        "checked": "ok",
        "live": True,
        "release": of.pk,
        "release_url": f"http://testserver/wx/releases/{of.pk}/",
        "digest": of.digest,
        "stored": 3,
        "unchanged": 4,
        "failed": 0,
        "not_attempted": 0,
        "bytes": 5,
        "duration_ms": None,
        "user": None,
    }


def test_a_generated_label_stays_as_it_can_be_named_in_a_request(
    client: APIClient, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    deployment(label="repair of v1")
    (shown,) = get(client, "deployments/")["results"]
    assert shown["label"] == "repair of v1"


def test_a_deployment_from_before_there_were_releases_has_none(client: APIClient) -> None:
    deployment()
    (shown,) = get(client, "deployments/")["results"]
    assert (shown["release"], shown["release_url"], shown["digest"]) == (None, None, "")
    assert not shown["live"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 2, 1, 0]),
        (f"env={ENV}", [2, 1, 0]),
        ("outcome=failed", [2]),
        ("store=other", [1]),
        ("folder=app/", [3, 1]),
        ("folder=App/", []),
        ("folder=", [2, 0]),
        ("folder=app/&env=tenant-b", [3]),
    ],
)
def test_a_filter_lists_the_deployments_that_match(
    client: APIClient, query: str, found: list[int]
) -> None:
    made = [
        deployment(),
        deployment(using="other", folder="app/"),
        deployment(outcome="failed"),
        deployment(env="tenant-b", folder="app/"),
    ]
    assert ids(client, query) == [made[number].pk for number in found]


def test_the_deployments_of_a_release_are_listed(client: APIClient) -> None:
    of = release("a.txt")
    rows = [deployment(release=of), deployment(), deployment(release=of, env="tenant-b")]
    assert ids(client, f"release={of.pk}") == [rows[2].pk, rows[0].pk]


def test_the_list_comes_in_pages(client: APIClient) -> None:
    made = [deployment().pk for _each in range(5)]
    first = get(client, "deployments/?page_size=3")
    second = client.get(first["next"]).json()
    assert [row["id"] for row in (*first["results"], *second["results"])] == made[::-1]
    assert second["next"] is None


def test_a_cursor_of_the_log_is_not_one_of_deployments(client: APIClient) -> None:
    add("a.txt")
    add("b.txt")
    cursor = get(client, "uploads/?page_size=1")["next"].partition("cursor=")[2].partition("&")[0]
    assert status(client, f"deployments/?cursor={cursor}") == (404, "not_found")


@pytest.mark.parametrize("query", ["outcome=good", "page_size=101", "release=x", "using=site"])
def test_a_wrong_query_is_a_problem(client: APIClient, query: str) -> None:
    assert status(client, f"deployments/?{query}") == (400, "invalid")


def test_many_deployments_cost_no_more_queries_than_one(
    client: APIClient, django_assert_num_queries: Any
) -> None:
    def measured() -> Iterator[int]:
        for count in (1, 20):
            for number in range(count):
                deployment(release=release(f"{count} {number}"), folder=f"{number}/")
            with CaptureQueriesContext(connection) as queries:
                ids(client)
            yield len(queries)

    one, many = measured()
    assert one == many


def test_two_thousand_environments_cost_no_more_queries_than_twenty(client: APIClient) -> None:
    asked = []
    for start, end in ((0, 20), (20, 2000)):
        add_deployments([f"tenant-{number:04}" for number in range(start, end)])
        with CaptureQueriesContext(connection) as queries:
            assert len(ids(client, "page_size=20")) == 20
        asked.append(len(queries))
    assert asked[0] == asked[1]


# --- one ------------------------------------------------------------------------------------------


def test_a_deployment_has_the_uploads_that_failed(client: APIClient) -> None:
    row = deployment(outcome="failed", failed=2)
    add("good.txt", deployment=row)
    add("other.txt", status="failed")
    bad = add("bad.txt", status="failed", errcode=45009, deployment=row)
    lost = add("lost.txt", status="unknown", deployment=row)
    shown = get(client, f"deployments/{row.pk}/")
    assert (shown["id"], shown["failed"]) == (row.pk, 2)
    assert [each["id"] for each in shown["failures"]] == [bad.pk, lost.pk]
    assert shown["failures"][0]["errcode"] == 45009


def test_at_most_a_hundred_failures_are_shown(client: APIClient) -> None:
    row = deployment(outcome="failed")
    for number in range(101):
        add(f"{number}.txt", status="failed", deployment=row)
    assert len(get(client, f"deployments/{row.pk}/")["failures"]) == 100


def test_the_failures_are_for_readers_of_the_log(client_of: Client) -> None:
    row = deployment(outcome="failed", failed=1)
    add("bad.txt", status="failed", deployment=row)
    shown = get(client_of("view_deployment"), f"deployments/{row.pk}/")
    assert (shown["failed"], shown["failures"]) == (1, [])


@pytest.mark.parametrize("path", ["deployments/9999/", "deployments/x/", "releases/9999/"])
def test_what_is_unknown_is_404(client: APIClient, path: str) -> None:
    assert status(client, path) == (404, "not_found")


# --- previews -------------------------------------------------------------------------------------


@pytest.fixture
def preview(client: APIClient) -> Deployment:
    """Make a deployment of a preview that ends tomorrow."""
    row = deployment(folder="static/_preview/new-menu-1a2b3c4d/")
    FolderState.objects.in_folder(row.folder).update(ends=timezone.now() + DAY)
    return row


def end(client: APIClient, row: Deployment, **body: Any) -> Any:
    return client.post(f"/wx/deployments/{row.pk}/end/", body, format="json")


def days_left(row: Deployment) -> float:
    ends = FolderState.objects.in_folder(row.folder).get().ends
    assert ends is not None
    return round((ends - timezone.now()) / DAY, 2)


def test_a_preview_has_its_name_and_its_end(client: APIClient, preview: Deployment) -> None:
    shown = get(client, f"deployments/{preview.pk}/")
    assert (shown["preview"], shown["live"]) == ("new-menu", False)
    ends = FolderState.objects.in_folder(preview.folder).get().ends
    assert datetime.fromisoformat(shown["ends"]) == ends


def test_an_address_that_only_wechat_could_tell_is_null(client: APIClient) -> None:
    deployment(using="gone")
    (shown,) = get(client, "deployments/")["results"]
    assert shown["url"] is None


def test_a_preview_is_ended_now_or_kept(client_of: Client, preview: Deployment) -> None:
    client = client_of("deploy", name="ben")
    answer = end(client, preview, ends=f"{timezone.now() + 12 * DAY:%Y-%m-%dT%H:%M:%SZ}")
    assert (answer.status_code, answer.json()["preview"]) == (200, "new-menu")
    assert days_left(preview) == 12
    assert client.generic("POST", f"/wx/deployments/{preview.pk}/end").status_code == 200
    assert days_left(preview) == 0


@pytest.mark.parametrize("days", [-1, 31])
def test_an_end_that_is_over_or_too_late_is_refused(
    client_of: Client, preview: Deployment, days: int
) -> None:
    answer = end(
        client_of("deploy", name="ben"), preview, ends=(timezone.now() + days * DAY).isoformat()
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "A preview cannot end at this time" in answer.json()["detail"]
    assert days_left(preview) == 1


def test_the_site_has_no_end(client_of: Client, preview: Deployment) -> None:
    row = deployment()
    assert end(client_of("deploy", name="ben"), row).status_code == 404
    assert FolderState.objects.in_folder("").get().ends is None
    assert days_left(preview) == 1


# --- a release ------------------------------------------------------------------------------------


def test_a_release_has_its_files_and_where_it_was_deployed(client: APIClient) -> None:
    of = release("a.txt", "b.txt", "m.json")
    old, new = deployment(release=of), deployment(release=of)
    shown = get(client, f"releases/{of.pk}/")
    assert (shown["digest"], shown["count"], shown["size"]) == (of.digest, 3, 9)
    assert [(row["id"], row["live"]) for row in shown["deployments"]] == [
        (new.pk, True),
        (old.pk, False),
    ]
    assert [(file["name"], file["last"]) for file in shown["files"]] == [
        ("a.txt", False),
        ("b.txt", False),
        ("m.json", True),
    ]
    assert shown["files"][0] == {
        "name": "a.txt",
        "size": 3,
        "md5": "a" * 32,
        "sha256": "b" * 64,
        "content_type": "text/plain",
        "cache_control": "no-cache",
        "other_headers": "Expires: 0",
        "last": False,
    }


def test_the_files_of_a_release_come_in_pages(client: APIClient) -> None:
    names = [f"{number}.txt" for number in range(5)]
    of, found, url = release(*names), list[str](), ""
    deployment(release=of)
    page = get(client, f"releases/{of.pk}/?page_size=2")
    while True:
        found += [file["name"] for file in page["files"]]
        if not (url := page["next"]):
            break
        page = client.get(url).json()
    assert found == names


def test_a_cursor_of_another_release_is_refused(client: APIClient) -> None:
    one, other = release("a", "b"), release("a", "c")
    url = get(client, f"releases/{one.pk}/?page_size=1")["next"]
    assert client.get(url.replace(f"/{one.pk}/", f"/{other.pk}/")).status_code == 404


# --- what a caller may see ------------------------------------------------------------------------


@pytest.fixture
def hidden(configure: Any, client: APIClient) -> Deployment:
    """Make a deployment of an environment that this user may not see."""
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-b": "B"}})
    return deployment(release=release("secret.txt"))


def test_deployments_of_other_environments_are_not_there(
    client: APIClient, hidden: Deployment
) -> None:
    ours = deployment(env="tenant-b", release=hidden.release)
    assert ids(client) == [ours.pk]
    assert ids(client, f"env={ENV}") == []
    assert status(client, f"deployments/{hidden.pk}/") == (404, "not_found")
    shown = get(client, f"releases/{hidden.release_id}/")["deployments"]
    assert [row["id"] for row in shown] == [ours.pk]


def test_a_preview_of_another_environment_is_not_ended(
    client_of: Client, hidden: Deployment
) -> None:
    FolderState.objects.update(ends=timezone.now() + DAY)
    assert end(client_of("deploy", name="ben"), hidden).status_code == 404
    assert days_left(hidden) == 1


def test_a_release_of_other_environments_only_is_404(client: APIClient, hidden: Deployment) -> None:
    assert status(client, f"releases/{hidden.release_id}/") == (404, "not_found")
