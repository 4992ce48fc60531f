"""What is remembered of the accounts that authorized a platform, or withdrew."""

from datetime import UTC, datetime, timedelta

import pytest

from wx_static_store.models import Account

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


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
