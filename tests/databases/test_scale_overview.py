"""The pages of a platform with a thousand environments: their queries, and how long they take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import admin_site
from tests.conftest import slow_but
from tests.databases.conftest import VENDOR, run
from tests.databases.test_scale import show
from tests.rows import rebuild_folders
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, FolderState, Release, key_digest
from wx_static_store.rollouts.models import Drift, Rollout, RolloutEnvironment

WHY = {"cause": "85088", "errcode": 85088}

__all__ = ["admin_site"]

pytestmark = pytest.mark.django_db

ENVIRONMENTS, RELEASES = 1000, 5
MEASURED = bool(os.environ.get("WX_TEST_SCALE"))
MOST_QUERIES = 21
MOST_MS = {"postgresql": 300.0}.get(VENDOR) if MEASURED else None  # promised for one of them
TABLES = [
    model._meta.db_table for model in (Deployment, FolderState, Drift, RolloutEnvironment, Rollout)
]
SETTLE = {
    "sqlite": ["ANALYZE"],
    "postgresql": [f"ANALYZE {table}" for table in TABLES],
    "mysql": [f"ANALYZE TABLE {table}" for table in TABLES],
}[VENDOR]
ENVS = [f"tenant-{number:04}" for number in range(ENVIRONMENTS)]
OFFERED = {
    env: {"label": f"Tea House {number}", "tags": [f"ring/{number % 10}", f"customer/{number}"]}
    for number, env in enumerate(ENVS)
}
PLACE = {"using": "site", "folder": "www/"}


@pytest.fixture(scope="module")
def platform(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Every environment got five releases in rollouts; of the last one, each tenth failed."""
    with django_db_blocker.unblock():
        for number in range(RELEASES):
            digest = f"{number:064}"
            release = Release.objects.create(digest=digest, files=b"", count=1, size=1)
            roll_out(release, f"v{number}", ends_well=number < RELEASES - 1)
        rebuild_folders()
        differs = (Drift(env=env, using="site", missing=n % 7 == 0) for n, env in enumerate(ENVS))
        Drift.objects.bulk_create(differs, batch_size=500)
        run(connection, *SETTLE)
        yield
        for model in (RolloutEnvironment, Rollout, Drift, FolderState, Deployment, Release):
            model.objects.all().delete()


def roll_out(release: Release, label: str, *, ends_well: bool) -> None:
    state = "done" if ends_well else "stopped"
    rollout = Rollout.objects.create(**PLACE, release=release, label=label, state=state, waves="1")
    Deployment.objects.bulk_create(
        (deployment(release, n, failed=not ends_well and n % 10 == 0) for n in range(ENVIRONMENTS)),
        batch_size=500,
    )
    deployed = Deployment.objects.filter(release=release).order_by("id")
    RolloutEnvironment.objects.bulk_create(
        (
            RolloutEnvironment(
                rollout=rollout,
                env=row.env,
                position=position,
                wave=1 + (position > 0) + (position > ENVIRONMENTS // 10),
                release=release,
                state=row.outcome,
                deployment=row,
                **(WHY if row.outcome == "failed" else {}),
            )
            for position, row in enumerate(deployed)
        ),
        batch_size=500,
    )


def deployment(release: Release, number: int, *, failed: bool) -> Deployment:
    outcome, digest = "failed" if failed else "done", key_digest(PLACE["folder"])
    return Deployment(
        **PLACE, env=ENVS[number], folder_digest=digest, outcome=outcome, release=release
    )


PAGES = {
    "the rollouts": "changelist",
    "one rollout": "change",
    "the part of it that is fetched again": "progress",
    "its roll back": "rollback",
    "the overview": "overview",
    "the last page": "overview?p=10",
    "of two rings": "overview?tag=ring/1&tag=ring/2",
    "of one customer": "overview?tag=customer/7",
    "that failed": "overview?show=failing",
    "with drift": "overview?show=drift",
    "by name": "overview?q=Tea House 99",
}


@pytest.fixture
def operator(platform: None, admin_site: EmulatorServer, settings: Any) -> Client:
    named = {"ENVIRONMENTS": lambda user: OFFERED}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | named
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def address(page: str) -> str:
    name, _mark, query = page.partition("?")
    args = [Rollout.objects.latest("pk").pk] if name in ("change", "progress", "rollback") else []
    of = "overview_changelist" if name == "overview" else f"rollout_{name}"
    return f"{reverse(f'admin:wx_static_store_rollouts_{of}', args=args)}?{query}"


# SQLite is not what a project of this size has.
QUICK = [page for page in PAGES if VENDOR != "sqlite" or page in ("one rollout", "the overview")]


@pytest.mark.parametrize("page", slow_but(PAGES, *QUICK))
def test_a_page_of_a_thousand_environments_asks_few_queries(
    operator: Client, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = address(PAGES[page])
    runs = [asked(operator, url) for _again in range(5 if MEASURED else 1)]  # one warms up
    took, number = min(runs)
    if MEASURED:
        whole = min(duration(operator, url) for _again in range(5))
        numbers = f"{number} queries, {took:.0f} ms; the whole page {whole:.0f} ms"
        show([f"{connection.display_name}, {page}: {numbers}"], capsys)

    assert number <= MOST_QUERIES
    assert MOST_MS is None or took < MOST_MS


def asked(client: Client, url: str) -> tuple[float, int]:
    """Return the milliseconds of a page's queries, and their number."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return sum(float(query["time"]) for query in queries) * 1000, len(queries)


def duration(client: Client, url: str) -> float:
    """Return how many milliseconds the whole page takes, which depend on what else runs."""
    begun = time.perf_counter()
    client.get(url)
    return (time.perf_counter() - begun) * 1000


def test_without_environments_the_overview_has_what_was_deployed_to(
    operator: Client, settings: Any
) -> None:
    settings.WX_STATIC_STORE = {
        name: value for name, value in settings.WX_STATIC_STORE.items() if name != "ENVIRONMENTS"
    }
    with CaptureQueriesContext(connection) as queries:
        answer = operator.get(address("overview"))
    count = answer.context["overview"].page.paginator.count
    assert count == ENVIRONMENTS + 1  # and that of the settings
    assert len(queries) <= MOST_QUERIES
