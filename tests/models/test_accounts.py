"""What is remembered of the platform: facts, and accounts."""

from datetime import UTC, datetime, timedelta

import pytest

from wx_static_store.health.models import Fact
from wx_static_store.models import Account

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def test_a_fact_is_remembered_by_its_name() -> None:
    Fact.objects.remember("env-1", {"list.md5": "plain"})
    assert Fact.objects.of("env-1")["list.md5"].value == "plain"


def test_a_newer_fact_takes_the_place_of_the_older() -> None:
    Fact.objects.remember("env-1", {"list.md5": "plain"})
    Fact.objects.remember("env-1", {"list.md5": "multipart"})
    assert [fact.value for fact in Fact.objects.all()] == ["multipart"]


def test_facts_of_another_subject_are_not_shown() -> None:
    Fact.objects.remember("env-2", {"list.md5": "plain"})
    assert Fact.objects.of("env-1") == {}


def test_a_fact_is_forgotten_by_its_name_and_subject() -> None:
    for env in ("env-1", "env-2"):
        Fact.objects.remember(env, {"cors": "on", "cors_methods": "PUT"})
    Fact.objects.forget("env-1", ["cors_methods"])
    assert [*Fact.objects.of("env-1")] == ["cors"]
    assert len(Fact.objects.of("env-2")) == 2


def test_a_fact_that_is_too_long_is_cut() -> None:
    Fact.objects.remember("env-1", {"site.notice": "a" * 300})
    assert Fact.objects.of("env-1")["site.notice"].value == "a" * 255


@pytest.mark.parametrize(
    ("pushes", "withdrawn"),
    [
        ([("authorized", NOW)], False),
        ([("unauthorized", NOW)], True),
        ([("authorized", NOW), ("unauthorized", LATER)], True),
        ([("unauthorized", LATER), ("authorized", NOW)], True),
        ([("unauthorized", NOW), ("authorized", LATER)], False),
        ([("authorized", NOW), ("unauthorized", NOW)], True),
        ([("unauthorized", NOW), ("authorized", NOW)], True),
        ([("unauthorized", NOW), ("unauthorized", NOW)], True),
    ],
    ids=[
        *("given", "withdrawn", "withdrawn later", "an older grant comes late", "given again"),
        *("both at once", "both at once, the other way round", "twice"),
    ],
)
def test_the_newest_push_decides_whether_an_account_is_withdrawn(
    pushes: list[tuple[str, datetime]], withdrawn: bool
) -> None:
    for event, at in pushes:
        Account.objects.note("wx-platform", "wx-1", event=event, at=at)
    found = {"wx-1"} if withdrawn else set()
    assert Account.objects.withdrawn("wx-platform") == found
    assert Account.objects.count() == 1


def test_an_account_of_another_platform_is_not_ours() -> None:
    Account.objects.note("wx-other", "wx-1", event="unauthorized", at=NOW)
    assert Account.objects.withdrawn("wx-platform") == set()


# --- the environments that are shared with an account -------------------------------------------


def shared() -> dict[str, str]:
    return dict(Account.objects.values_list("appid", "envs"))


def test_the_environments_of_an_account_are_noted() -> None:
    Account.objects.note("wx-platform", "wx-1", event="authorized", at=NOW)
    Account.objects.share("wx-platform", {"wx-1": ["a", "b"], "wx-unknown": ["c"]})
    assert shared() == {"wx-1": "a b"}


def test_an_account_that_wechat_no_longer_tells_has_none() -> None:
    Account.objects.note("wx-platform", "wx-1", event="authorized", at=NOW)
    Account.objects.share("wx-platform", {"wx-1": ["a"]})
    Account.objects.share("wx-platform", {})
    assert shared() == {"wx-1": ""}


def test_a_withdrawn_account_keeps_those_that_it_had() -> None:
    Account.objects.note("wx-platform", "wx-1", event="authorized", at=NOW)
    Account.objects.share("wx-platform", {"wx-1": ["a"]})
    Account.objects.note("wx-platform", "wx-1", event="unauthorized", at=LATER)
    Account.objects.share("wx-platform", {"wx-1": []})
    assert shared() == {"wx-1": "a"}


def test_an_account_of_another_platform_shares_nothing_with_ours() -> None:
    Account.objects.note("wx-other", "wx-1", event="authorized", at=NOW)
    Account.objects.share("wx-platform", {"wx-1": ["a"]})
    assert shared() == {"wx-1": ""}
