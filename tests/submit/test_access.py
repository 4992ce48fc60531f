"""Show who may publish what where, and that it is asked again where the work is done."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.submit.conftest import UserWith
from wx_static_store.conf.offered import Offer
from wx_static_store.core.refusals import EXISTS, SIZE, PolicyRejected
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.models import Deployment
from wx_static_store.submit.access import MOST, Act, enforce, may, reach, require, visible

pytestmark = pytest.mark.django_db


@pytest.fixture
def offered(settings: Any) -> dict[str, str]:
    """Return what ENVIRONMENTS offers: it may be filled."""
    found = {"tenant-a": "Tea House"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: found}
    return found


def refusal(user: User | None, act: Act = Act.DEPLOY, env: str = "tenant-a") -> str:
    with pytest.raises(PolicyRejected) as caught:
        require(user and user.pk, act, env)
    return str(caught.value.message)


def test_a_permission_of_another_app_is_named_with_its_label(user_with: UserWith) -> None:
    user = user_with("view_health", "retry")
    assert may(user, "wx_static_store_health.view_health")
    assert may(user, Act.UPLOAD, Act.RETRY)
    assert not may(user, "view_health")


def test_no_permission_is_held_by_nobody(user_with: UserWith) -> None:
    assert not may(user_with(is_superuser=True), "")


def test_a_rule_is_lifted_by_its_permission_only(user_with: UserWith) -> None:
    enforce(user_with("replace"), EXISTS, key="a.png")
    for user, rule in ((user_with("upload"), EXISTS), (user_with(is_superuser=True), SIZE)):
        with pytest.raises(PolicyRejected):
            enforce(user, rule, key="a.png", limit="1 MiB")


def test_a_user_needs_the_permission_of_the_act(user_with: UserWith) -> None:
    user = user_with("retry")
    assert require(user.pk, Act.RETRY, "tenant-a") == user
    assert "no longer has the permission" in refusal(user)


def test_a_user_who_may_not_log_in_may_do_nothing(user_with: UserWith) -> None:
    user = user_with(is_active=False, is_superuser=True)
    assert "no longer has the permission" in refusal(user)


def test_a_deleted_user_may_do_nothing() -> None:
    assert "no longer has the permission" in refusal(User(pk=4711))


def test_an_environment_must_be_offered_to_users_and_commands_alike(
    user_with: UserWith, offered: dict[str, str]
) -> None:
    for user in (None, user_with("deploy")):
        assert require(user and user.pk, Act.DEPLOY, "tenant-a") == user
        assert "no longer offered" in refusal(user, env="tenant-b")


def test_a_command_may_use_any_environment_without_a_list_of_them() -> None:
    assert require(None, Act.DEPLOY, "tenant-b") is None


def test_without_a_list_every_environment_is_in_reach(user_with: UserWith) -> None:
    assert reach(user_with()) is None


def test_the_offered_environments_are_in_reach(
    user_with: UserWith, offered: dict[str, str]
) -> None:
    assert reach(user_with()) == {"tenant-a": Offer("Tea House")}


def test_rows_of_offered_environments_are_visible(
    user_with: UserWith, offered: dict[str, str]
) -> None:
    rows = [Deployment.objects.create(env=env) for env in ("tenant-a", "tenant-b")]
    assert [*visible(Deployment.objects.all(), user_with())] == rows[:1]


def test_a_condition_names_fewer_environments_than_mariadb_makes_a_subquery_of(
    user_with: UserWith, offered: dict[str, str]
) -> None:
    offered |= {f"tenant-{number}": "" for number in range(2 * MOST)}
    last = Deployment.objects.create(env=f"tenant-{2 * MOST - 1}")
    Deployment.objects.create(env="tenant-b")
    rows = visible(Deployment.objects.all(), user_with())
    assert ([*rows], str(rows.query).count(" IN (")) == ([last], 3)
    offered.clear()
    assert [*visible(Deployment.objects.all(), user_with())] == []


def test_a_superuser_sees_the_rows_of_all_environments_without_naming_them(
    user_with: UserWith, offered: dict[str, str]
) -> None:
    rows = visible(Deployment.objects.all(), user_with(is_superuser=True))
    assert "WHERE" not in str(rows.query)


def test_a_list_that_fails_shows_nothing_and_allows_nothing(
    user_with: UserWith, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"ENVIRONMENTS": lambda user: 1 // 0}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | broken
    assert reach(user_with()) == {}
    assert "ZeroDivisionError" in caplog.text
    with pytest.raises(ConfigurationError):
        require(user_with("deploy").pk, Act.DEPLOY, "tenant-a")
