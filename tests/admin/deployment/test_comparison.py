"""What is offered to compare with, and which of it is wanted first."""

from __future__ import annotations

import pytest

from tests.conftest import ENV
from wx_static_store.admin.deployment import comparison
from wx_static_store.admin.deployment.comparison import counterpart, others_of
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db


def deployed(number: int, *, folder: str = "www/", outcome: str = "done") -> Deployment:
    """Return a new deployment of the release with this number."""
    facts = {"files": b"", "count": 0, "size": 0}
    release, _new = Release.objects.get_or_create(digest=f"{number:064}", defaults=facts)
    return Deployment.objects.create(env=ENV, folder=folder, outcome=outcome, release=release)


def others(row: Deployment) -> list[Deployment]:
    return others_of(Deployment.objects.all(), row)


def test_other_releases_of_the_folder_are_offered_the_newest_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(2), deployed(4, folder="docs/")]
    assert others(rows[3]) == [rows[2], rows[0]]


def test_only_so_many_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "OFFERED", 2)
    rows = [deployed(number) for number in range(4)]
    assert others(rows[0]) == [rows[3], rows[2]]


def test_what_is_live_is_wanted_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(4, outcome="failed")]
    assert counterpart(rows[0], others(rows[0])) == rows[2]


def test_of_what_is_live_the_one_before_is_wanted_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(4, outcome="failed")]
    assert counterpart(rows[2], others(rows[2])) == rows[1]


def test_an_only_release_has_no_counterpart() -> None:
    row = deployed(1)
    assert counterpart(row, others(row)) is None
