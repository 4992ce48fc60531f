"""What a roll back would do, and whether a request may do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.admin.releases import configure_site, deploy
from wx_static_store.core.types import UploadContext
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, SourceError
from wx_static_store.models import Deployment
from wx_static_store.releases import rollback
from wx_static_store.releases.rollback import RollbackPlan, move_of, plan_rollback

pytestmark = pytest.mark.django_db(transaction=True)

OLD = {"index.html": b"12345", "a.css": b"1"}
NEW = {"index.html": b"2", "a.css": b"2"}


@pytest.fixture
def cloud(configure: Callable[..., Any], tmp_path: Path) -> EmulatorServer:
    return configure_site(configure, tmp_path / "releases")


@pytest.fixture
def old(cloud: EmulatorServer) -> Deployment:
    row = deploy(OLD)
    deploy(NEW)
    return row


def plan(row: Deployment) -> RollbackPlan:
    using, move = move_of(row.env, str(row.pk), using=row.using)
    return plan_rollback(using, move, UploadContext("wx_deploy"))


@pytest.mark.parametrize(
    ("limit", "value", "small"),
    [
        ("MOST_FILES", 2, True),
        ("MOST_FILES", 1, False),
        ("MOST_BYTES", 6, True),
        ("MOST_BYTES", 5, False),
    ],
)
def test_a_request_takes_few_files_and_bytes(
    old: Deployment, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, *, small: bool
) -> None:
    monkeypatch.setattr(rollback, limit, value)
    assert plan(old).is_small is small


def test_planning_sends_nothing_and_leaves_no_row(old: Deployment, cloud: EmulatorServer) -> None:
    cloud.journal.clear()
    found = plan(old).plan
    assert [item.name for item in (*found.assets, *found.pages)] == ["a.css", "index.html"]
    assert cloud.journal == []
    assert Deployment.objects.count() == 2


def test_without_a_name_an_environment_goes_to_the_release_before(old: Deployment) -> None:
    using, move = move_of(old.env)
    assert (using, move.target) == ("site", old)


def test_a_release_of_other_environments_cannot_be_named(old: Deployment) -> None:
    assert move_of(old.env, str(old.pk), among=[old.env])[1].target == old
    with pytest.raises(SourceError, match="No release is named"):
        move_of(old.env, str(old.pk), among=["tenant-b"])


def test_an_environment_without_a_release_has_none_before(old: Deployment) -> None:
    with pytest.raises(SourceError, match="No release was deployed to tenant-b"):
        move_of("tenant-b")


def test_a_store_that_moved_is_said(old: Deployment, settings: Any) -> None:
    storages = dict(settings.STORAGES)
    storages["site"] = storages["site"] | {"OPTIONS": {"location": "elsewhere"}}
    settings.STORAGES = storages
    with pytest.raises(ConfigurationError, match="location of 'site' is /elsewhere/"):
        plan(old)
