"""What is live where two deployments of a folder end at once, or one is killed at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import Error, connection, transaction

from tests.databases.conftest import another_connection
from tests.waiting import wait_for
from wx_static_store.models import Deployment, FolderState, Release
from wx_static_store.upload.recorder import finish_deployment

WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND wait_event_type = 'Lock'",
    # Not information_schema.innodb_trx: MariaDB keeps its rows while somebody reads them often.
    "mysql": "SHOW ENGINE INNODB STATUS",
}.get(connection.vendor, "")


pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.only_on("postgresql", "mysql"),  # SQLite lets one write at a time
]


@pytest.fixture
def release() -> Release:
    return Release.objects.create(digest="a" * 64, files=b"", count=0, size=0)


def deployed(release: Release, outcome: str = "running") -> Deployment:
    return Deployment.objects.create(env="one", outcome=outcome, release=release)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def alone() -> None:
        try:
            work()
        finally:
            with suppress(Error):  # it is closed already
                connection.close()

    thread = threading.Thread(target=alone)
    thread.start()
    return thread


@pytest.mark.parametrize("first", [0, 1], ids=["the older first", "the newer first"])
def test_of_two_deployments_that_end_at_once_the_newer_is_live(
    release: Release, first: int
) -> None:
    pair = [deployed(release), deployed(release)]
    with transaction.atomic():
        finish_deployment(pair[first].pk, outcome="done")
        other = in_thread(lambda: finish_deployment(pair[1 - first].pk, outcome="done"))
        wait_for(waits)
    other.join(20)
    assert FolderState.objects.get().live == pair[1]


def test_of_two_first_deployments_that_begin_at_once_the_newer_is_wanted(release: Release) -> None:
    with transaction.atomic():
        older = deployed(release)
        other = in_thread(lambda: deployed(release))
        wait_for(waits)
    other.join(20)
    assert Deployment.objects.latest("pk") != older
    assert FolderState.objects.get().wanted == Deployment.objects.latest("pk")


def test_a_process_that_is_killed_at_the_end_leaves_the_one_before_live(release: Release) -> None:
    old, new = deployed(release, "done"), deployed(release)

    def end() -> None:
        with suppress(Error), transaction.atomic():
            finish_deployment(new.pk, outcome="done")
            connection.connection.close()  # all that the server sees of a kill

    in_thread(end).join(20)
    new.refresh_from_db()
    assert (new.outcome, FolderState.objects.get().live) == ("running", old)


def waits() -> bool:
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute(WAITING)
        *_, found = cursor.fetchone()
    return "LOCK WAIT" in found if connection.vendor == "mysql" else found > 0
