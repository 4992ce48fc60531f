"""Rollouts by the API: the list, and one with its environments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override
from rest_framework.test import APIClient

from tests.api.conftest import Client
from tests.api.test_deployments import deployment, get, release, status
from wx_static_store.causes import CAUSES, with_docs
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

pytestmark = pytest.mark.django_db

NEXT = datetime(2026, 12, 24, 2, tzinfo=UTC)
NONE = dict.fromkeys(RolloutEnvironment.State.values, 0)


@pytest.fixture
def client(client_of: Client) -> APIClient:
    return client_of("view_deployment")


def rollout(*states: str, **columns: Any) -> Rollout:
    """Make a rollout with an environment in each of these states, all in one wave."""
    made = Rollout.objects.create(**{"using": "site", "waves": "100%"} | columns)
    for position, state in enumerate(states):
        RolloutEnvironment.objects.create(
            rollout=made, env=f"tenant-{position}", position=position, wave=1, state=state
        )
    return made


def ids(client: APIClient, query: str = "") -> list[int]:
    return [row["id"] for row in get(client, f"rollouts/?{query}")["results"]]


def envs(page: Any) -> list[str]:
    return [row["env"] for row in page["results"]]


# --- the list -------------------------------------------------------------------------------------


def test_a_rollout_says_what_goes_where_and_how_far_it_is(client: APIClient) -> None:
    of, first = release("a.txt"), rollout()
    facts = {"folder": "app/", "label": "v2", "tolerate": 2, "bake": 60, "verify": True}
    row = rollout("done", "failed", "failed", release=of, undoes=first, **facts)
    shown, _first = get(client, "rollouts/")["results"]
    assert shown.pop("created")
    assert shown == facts | {
        "id": row.pk,
        "store": "site",
        "state": "planned",
        "reason": "",
        "release": of.pk,
        "release_url": f"http://testserver/wx/releases/{of.pk}/",
        "digest": of.digest,
        "undoes": first.pk,
        "undoes_url": f"http://testserver/wx/rollouts/{first.pk}/",
        "waves": "100%",
        "wave": 0,
        "max_parallel": 0,
        "deploy_at": None,
        "user": None,
        "started": None,
        "ended": None,
        "environments": NONE | {"done": 1, "failed": 2},
    }


def test_a_rollout_whose_environments_get_different_releases_has_none(client: APIClient) -> None:
    rollout("waiting")
    (shown,) = get(client, "rollouts/")["results"]
    assert (shown["release"], shown["release_url"], shown["digest"]) == (None, None, "")


def test_rollouts_are_listed_by_their_state(client: APIClient) -> None:
    rows = [rollout(state=state) for state in ("done", "running", "done")]
    assert ids(client) == [row.pk for row in rows[::-1]]
    assert ids(client, "state=done") == [rows[2].pk, rows[0].pk]


def test_the_list_of_rollouts_comes_in_pages(client: APIClient) -> None:
    made = [rollout().pk for _each in range(5)]
    first = get(client, "rollouts/?page_size=3")
    second = client.get(first["next"]).json()
    assert [row["id"] for row in (*first["results"], *second["results"])] == made[::-1]
    assert second["next"] is None


def test_many_rollouts_cost_no_more_queries_than_one(client: APIClient) -> None:
    numbers = []
    for count in (1, 20):
        for number in range(count):
            rollout("done", release=release(f"{count} {number}"))
        with CaptureQueriesContext(connection) as queries:
            ids(client)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


# --- one ------------------------------------------------------------------------------------------


def test_a_rollout_has_its_progress_and_why_environments_failed(client: APIClient) -> None:
    row = rollout("done", "failed", "waiting")
    done, failed, waiting = row.environments.all()
    done.deployment = deployment(env=done.env, stored=3, skipped=4, bytes=5)
    done.save()
    failed.errcode, failed.message, failed.wave = 85088, "WeChat refused the call", 2
    failed.save()
    again = {"errcode": 45011, "message": "WeChat allows fewer calls"}
    row.environments.filter(pk=waiting.pk).update(**again, not_before=NEXT, tries=2)
    shown = get(client, f"rollouts/{row.pk}/")
    [retried] = shown["retries"]
    assert datetime.fromisoformat(retried.pop("not_before")) == NEXT
    assert retried == again | {"envs": [waiting.env], "tries": 2}
    assert datetime.fromisoformat(shown["results"][2]["not_before"]) == NEXT
    assert shown["environments"] == NONE | {"done": 1, "failed": 1, "waiting": 1}
    assert shown["by_wave"] == [NONE | {"done": 1, "waiting": 1}, NONE | {"failed": 1}]
    files = {"stored": 3, "unchanged": 4, "failed": 0, "not_attempted": 0, "bytes": 5}
    assert shown["files"] == files
    cause = {"errcode": 85088, "message": "WeChat refused the call"}
    only = {"envs": ["tenant-1"], "tries": 0, "not_before": None}
    assert shown["failures"] == [cause | only]
    assert envs(shown) == [done.env, failed.env, waiting.env]
    assert shown["results"][1] | cause == shown["results"][1]
    assert shown["results"][0]["deployment"] == done.deployment.pk
    address = f"http://testserver/wx/deployments/{done.deployment.pk}/"
    assert shown["results"][0]["deployment_url"] == address


def test_failures_are_in_the_reader_s_language(client: APIClient, settings: Any) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    row = rollout("failed")
    facts = {"cause": "85088", "errcode": 85088, "message": "staticuploadfile was refused"}
    row.environments.update(**facts)
    shown = get(client, f"rollouts/{row.pk}/")
    with override("zh-hans"):
        hint = with_docs(CAUSES["85088"].operator, "85088")
        why = f"{CAUSES['85088'].title}（错误码 85088）。{hint}"
    assert [shown[one][0]["message"] for one in ("failures", "results")] == [why, why]


def test_the_environments_of_a_rollout_come_in_pages_and_by_state(client: APIClient) -> None:
    row = rollout("done", "failed", "done", "failed", "failed")
    page = get(client, f"rollouts/{row.pk}/?state=failed&page_size=2")
    assert envs(page) == ["tenant-1", "tenant-3"]
    assert envs(client.get(page["next"]).json()) == ["tenant-4"]


@pytest.mark.parametrize("path", ["rollouts/9999/", "rollouts/x/"])
def test_an_unknown_rollout_is_404(client: APIClient, path: str) -> None:
    assert status(client, path) == (404, "not_found")


@pytest.mark.parametrize("query", ["state=good", "page_size=0", "cursor=x", "env=a"])
def test_a_wrong_query_of_rollouts_is_a_problem(client: APIClient, query: str) -> None:
    row = rollout("done")
    for path in ("rollouts/", f"rollouts/{row.pk}/"):
        assert status(client, f"{path}?{query}")[0] in (400, 404)


# --- what a caller may see ------------------------------------------------------------------------


@pytest.fixture
def limited(configure: Any, client: APIClient) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": lambda user: {"tenant-1": "Tea House"}})


def test_a_caller_sees_of_a_rollout_the_environments_that_are_offered(
    client: APIClient, limited: None
) -> None:
    row = rollout("failed", "done", "failed")
    (listed,), shown = get(client, "rollouts/")["results"], get(client, f"rollouts/{row.pk}/")
    assert listed["environments"] == shown["environments"] == NONE | {"done": 1}
    assert (envs(shown), shown["failures"]) == (["tenant-1"], [])


def test_a_rollout_to_other_environments_is_not_there(client: APIClient, limited: None) -> None:
    row = rollout("done")
    assert ids(client) == []
    assert status(client, f"rollouts/{row.pk}/") == (404, "not_found")
