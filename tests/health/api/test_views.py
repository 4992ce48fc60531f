"""``GET health/``: the doctor's results for monitors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils.translation import override
from rest_framework.test import APIClient

from tests.api.conftest import Client
from tests.health.doctor.conftest import check
from wx_static_store.emulator import EmulatorServer
from wx_static_store.health.doctor.findings import Result, ok
from wx_static_store.health.doctor.latest import keep
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.i18n import gettext_lazy as _

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def monitor(client_of: Client) -> APIClient:
    return client_of("view_health")


@pytest.fixture
def spend(configure: Any) -> Callable[[], object]:
    """Return `spend()`, after which WeChat does not accept the token."""
    return lambda: configure(
        ROOT_URLCONF="tests.api.urls", WX_STATIC_STORE={"ACCESS_TOKEN": "spent"}
    )


def statuses(answer: Any) -> dict[str, str]:
    return {each["id"]: each["status"] for each in answer.json()["checks"]}


def test_every_check_that_needs_no_probe_is_answered_in_its_order(monitor: APIClient) -> None:
    asked = [each.id for each in CHECKS if not each.probe]
    assert [*statuses(monitor.get("/wx/health/"))] == asked


def test_a_token_that_wechat_accepts_is_ok(monitor: APIClient) -> None:
    assert statuses(monitor.get("/wx/health/"))["token.accepted"] == "ok"


def test_what_is_wrong_is_answered_with_503_and_the_list(
    monitor: APIClient, spend: Callable[[], object]
) -> None:
    spend()
    answer = monitor.get("/wx/health/")
    assert (answer.status_code, answer.json()["status"]) == (503, "wrong")
    assert statuses(answer)["token.accepted"] == "wrong"
    assert answer["Content-Type"] == "application/json"


def test_head_has_the_status_alone(monitor: APIClient, spend: Callable[[], object]) -> None:
    spend()
    answer = monitor.head("/wx/health/")
    assert (answer.status_code, answer.content) == (503, b"")


def test_nothing_wrong_is_answered_with_200(monitor: APIClient) -> None:
    keep([])
    answer = monitor.get("/wx/health/")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "All is well.")


def test_the_verdict_counts_the_environments_that_were_asked(monitor: APIClient) -> None:
    verdict = monitor.get("/wx/health/").json()["verdict"]
    assert verdict.endswith(" 1 of 2 environments were asked.")


def test_monitors_that_ask_at_once_cost_the_calls_of_one(
    monitor: APIClient, cloud: EmulatorServer
) -> None:
    assert monitor.get("/wx/health/").json() == monitor.get("/wx/health/").json()
    assert len(cloud.calls("describeenvs")) == 1


@pytest.mark.parametrize(("language", "shown"), [("en", "it is empty"), ("zh-CN", "名称为空")])
def test_the_texts_are_in_the_language_of_the_request(
    monitor: APIClient, settings: Any, language: str, shown: str
) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    keep([Result(check("a"), (ok(_("it is empty")),))])
    with override(None):  # the middleware leaves its language to what this thread does next
        answer = monitor.get("/wx/health/", headers={"accept-language": language})
    assert answer.json()["checks"][0]["findings"][0]["text"] == shown


def test_a_user_who_may_read_the_log_may_not_read_the_health(client_of: Client) -> None:
    assert client_of("view_uploadlog").get("/wx/health/").status_code == 403
