"""What happened in an environment of late, by day, hour, code and person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import ENV
from tests.log.conftest import row
from wx_static_store.models import UploadLog
from wx_static_store.rollouts import activity as activities
from wx_static_store.rollouts.activity import DAYS, activity, failures, newest_uploads

pytestmark = pytest.mark.django_db


def test_uploads_are_counted_by_day() -> None:
    row("a", size=10)
    row("b", status="failed", size=5)
    row("c", days=2, size=7)
    row("d", days=DAYS)
    days = activity(ENV).days
    found = {DAYS - 1 - place: day[1:] for place, day in enumerate(days) if day.uploads}
    assert found == {0: (2, 1, 10), 2: (1, 0, 7)}
    assert len(days) == DAYS


def test_uploads_of_another_environment_are_not_counted() -> None:
    row("a", env="tenant-b")
    assert not any(day.uploads for day in activity(ENV).days)


def test_the_slowest_hour_comes_first_with_its_spread() -> None:
    now = timezone.now().replace(minute=30)
    for hours, took in [(1, [100] * 19 + [2000]), (2, [300])]:
        for number, milliseconds in enumerate(took):
            made = row(f"{hours}-{number}", duration_ms=milliseconds)
            UploadLog.objects.filter(pk=made.pk).update(created=now - timedelta(hours=hours))
    first, second = activity(ENV).hours
    assert (second.uploads, second.median, second.most) in [(20, 100, 195), (1, 300, 300)]
    assert first.most > second.most


def test_publishers_are_named_with_what_they_stored() -> None:
    user = User.objects.create_user("lin")
    row("a", user=user, source="admin", size=3)
    row("b", user=user, source="admin", size=4)
    row("c", user=user, source="admin", size=4, status="failed")
    row("d", source="wx_deploy")
    assert activity(ENV).publishers == [(user.pk, "admin", 2, 7), (None, "wx_deploy", 1, 0)]


def test_of_many_rows_the_newest_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activities, "MOST", 2)
    assert not activity(ENV).is_cut
    for name in "abc":
        row(name)
    assert activity(ENV).is_cut


def test_failures_are_counted_by_environment_day_and_code() -> None:
    row("a", status="failed", errcode=40001)
    row("b", status="failed", errcode=40001, days=1)
    row("c", status="unknown", cos_code="SlowDown")
    row("d", status="failed", env="tenant-b")
    row("e")
    row("f", status="failed", days=DAYS)
    found: dict[str, Any] = failures(UploadLog.objects.all())
    assert found[ENV].days[-2:] == [1, 2]
    assert found[ENV].codes == [("40001", 2), ("SlowDown", 1)]
    assert (found[ENV].number, found["tenant-b"].codes) == (3, [("", 1)])


def test_the_most_frequent_cause_of_each_deployment_is_known() -> None:
    for number, cause in enumerate(["AccessDenied", "45009", "45009", "TlsFailed"]):
        code = {"errcode": 45009} if cause == "45009" else {}
        row(f"{number}", status="failed", cause=cause, deployment_id=7, **code)
    row("other", status="failed", cause="TlsFailed", deployment_id=8)
    row("alone", status="failed", cause="AccessDenied")
    found = failures(UploadLog.objects.all())[ENV].deployments
    assert found == {7: ("45009", "45009"), 8: ("TlsFailed", "")}


@pytest.mark.parametrize("envs", [[], [ENV], [ENV, "tenant-b", "tenant-c"]])
def test_the_newest_upload_of_each_environment_is_one_query(
    envs: list[str], django_assert_max_num_queries: Any
) -> None:
    for key, env in [("a", ENV), ("b", "tenant-b"), ("c", ENV)]:
        row(key, env=env)
    with django_assert_max_num_queries(1):
        found = newest_uploads(envs)
    wanted = {ENV: "c", "tenant-b": "b"}
    assert {env: one.key for env, one in found.items()} == {
        env: key for env, key in wanted.items() if env in envs
    }
