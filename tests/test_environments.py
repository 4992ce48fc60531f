"""The environments that WeChat lists, offered without a function of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.utils.translation import override

from tests.conftest import ENV, lost_table
from tests.deploys import TREE, bodies, fails, run, write
from wx_static_store import conf
from wx_static_store.clients.platform import PlatformClient
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.environments import Shares, of_platform, shares_of
from wx_static_store.exceptions import ConfigurationError, WxStaticStoreError
from wx_static_store.health.doctor.table import CHECKS
from wx_static_store.health.doctor.target import CheckTarget
from wx_static_store.models import Account
from wx_static_store.submit.policy import stores_for
from wx_static_store.upload.platform import platform_for

pytestmark = pytest.mark.django_db

PLATFORM = settings.WX_STATIC_STORE["COMPONENT_APPID"]
SHOP, BRANCH = "wxfake00000000000a", "wxfake00000000000b"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SOMEBODY = AnonymousUser()
BOTH = {ENV: "demo", "tenant-b": "tenant"}
OFFER = {"ENVIRONMENTS": "wx_static_store.environments.of_platform"}


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    emulator: EmulatorServer = configure(WX_STATIC_STORE=OFFER)
    return emulator


def later(seconds: float) -> None:
    """Let the list be so much older, and let another ask."""
    remembered = platform_for(conf.platform_options()).remembered
    if known := remembered.read("environments"):
        remembered.write("environments", known | {"at": known["at"] - seconds}, 60)
    remembered.forget("asked")


def account(appid: str, event: str = "authorized", seconds: int = 0) -> None:
    at = NOW + timedelta(seconds=seconds)
    Account.objects.note(PLATFORM, appid, event=event, at=at)


def lists(cloud: EmulatorServer) -> int:
    return len(cloud.calls("describeenvs"))


# --- the list -----------------------------------------------------------------------------------


def test_the_environments_are_offered_with_their_aliases(cloud: EmulatorServer) -> None:
    offered = {env: offer.label for env, offer in conf.offers().items()}
    assert offered == of_platform(SOMEBODY) == BOTH


def test_an_environment_without_an_alias_is_called_by_its_id(cloud: EmulatorServer) -> None:
    cloud.add_env("tenant-b", alias="")
    assert of_platform() == {ENV: "demo", "tenant-b": "tenant-b"}


@pytest.mark.parametrize("condition", ["HALTED", "UNAVAILABLE", "SLEEPING"])
def test_an_environment_that_is_not_normal_is_not_offered(
    cloud: EmulatorServer, condition: str
) -> None:
    cloud.add_env("tenant-b", condition=condition)
    assert of_platform() == {ENV: "demo"}


@pytest.mark.parametrize("form", ["null", "[]", "missing"])
def test_a_platform_without_environments_offers_none(cloud: EmulatorServer, form: str) -> None:
    cloud.quirks.update({"envs_as": form})
    assert of_platform() == {}


def test_each_user_sees_all_of_them(cloud: EmulatorServer) -> None:
    editor = User.objects.create(username="editor")
    assert of_platform(editor) == BOTH


# --- how often WeChat is asked ------------------------------------------------------------------


def test_a_list_of_the_last_minute_is_not_asked_for_again(cloud: EmulatorServer) -> None:
    assert of_platform() == of_platform()
    assert lists(cloud) == 1
    later(59)
    of_platform()
    assert lists(cloud) == 1
    later(2)
    of_platform()
    assert lists(cloud) == 2


def test_a_new_environment_is_seen_after_a_minute(cloud: EmulatorServer) -> None:
    of_platform()
    cloud.add_env("tenant-c")
    later(61)
    assert [*of_platform()] == [ENV, "tenant-b", "tenant-c"]


def test_while_one_asks_the_others_go_on_with_the_last_list(cloud: EmulatorServer) -> None:
    of_platform()
    later(61)
    assert platform_for(conf.platform_options()).remembered.first("asked", seconds=60)
    assert of_platform() == BOTH
    assert lists(cloud) == 1


def test_a_dead_call_keeps_the_last_list_and_is_logged_once(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    of_platform()
    cloud.script({"on": "describeenvs", "do": "errcode", "errcode": 85088, "times": None})
    for _number in range(3):
        later(600)
        assert of_platform() == BOTH
    assert lists(cloud) == 4
    [line] = [r.getMessage() for r in caplog.records if r.name == "wx_static_store.environments"]
    assert line.startswith("The environments cannot be listed, those of 10 minutes ago go on: ")
    assert "85088" in line


def test_a_dead_call_is_tried_once_a_minute_only(cloud: EmulatorServer) -> None:
    of_platform()
    cloud.script({"on": "describeenvs", "do": "errcode", "errcode": 85088, "times": None})
    later(61)
    for _number in range(3):
        of_platform()
    assert lists(cloud) == 2


def test_a_failure_after_a_success_is_logged_again(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    of_platform()
    for _number in range(2):
        cloud.script({"on": "describeenvs", "do": "errcode", "errcode": 85088})
        later(61)
        of_platform()
        later(61)
        of_platform()
    lines = [r for r in caplog.records if r.name == "wx_static_store.environments"]
    assert len(lines) == 2


def test_without_any_list_the_error_says_what_to_do(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"batch_opened": False})
    with pytest.raises(WxStaticStoreError, match="85088"):
        of_platform()
    with pytest.raises(ConfigurationError, match=r"ENVIRONMENTS failed .* Open cloud development"):
        conf.offers()


# --- the accounts -------------------------------------------------------------------------------


def test_the_accounts_stand_behind_the_alias(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP, BRANCH])
    account(SHOP)
    account(BRANCH)
    assert of_platform()[ENV] == f"demo ({SHOP}, {BRANCH})"
    assert of_platform()["tenant-b"] == "tenant"


def test_of_many_accounts_three_are_shown(cloud: EmulatorServer) -> None:
    appids = [f"wxfake000000000{number:03}" for number in range(60)]
    cloud.add_env(ENV, appids=appids)
    for appid in appids:
        account(appid)
    assert of_platform()[ENV] == f"demo ({', '.join(appids[:3])} and 57 more)"
    assert len(cloud.calls("batchgetenvid")) == 2


def test_without_a_known_account_none_is_asked_about(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    assert of_platform() == BOTH
    assert cloud.calls("batchgetenvid") == []


def test_the_accounts_are_asked_about_every_ten_minutes_and_after_a_push(
    cloud: EmulatorServer,
) -> None:
    cloud.add_env(ENV, appids=[SHOP, BRANCH])
    account(SHOP)
    for _number in range(2):
        later(61)
        of_platform()
    assert len(cloud.calls("batchgetenvid")) == 1
    account(BRANCH, seconds=5)
    later(61)
    assert of_platform()[ENV] == f"demo ({SHOP}, {BRANCH})"
    assert len(cloud.calls("batchgetenvid")) == 2


@pytest.mark.parametrize("quirks", [{"source_type": "refused"}, {"most_appids": 1}], ids=str)
def test_the_accounts_are_had_in_whatever_form_wechat_takes(
    cloud: EmulatorServer, quirks: dict[str, Any]
) -> None:
    cloud.quirks.update(quirks)
    cloud.add_env(ENV, appids=[SHOP, BRANCH])
    account(SHOP)
    account(BRANCH)
    assert of_platform()[ENV] == f"demo ({SHOP}, {BRANCH})"


@pytest.mark.parametrize("form", ["missing", "null", "[]"])
def test_an_account_without_an_environment_is_not_shown(cloud: EmulatorServer, form: str) -> None:
    cloud.quirks.update({"unshared_appid": form})
    cloud.state.authorize(SHOP)
    account(SHOP)
    assert of_platform() == BOTH


def test_accounts_that_cannot_be_had_are_left_out(cloud: EmulatorServer) -> None:
    cloud.script({"on": "batchgetenvid", "do": "errcode", "errcode": -501005, "times": None})
    account(SHOP)
    assert of_platform() == BOTH


def test_without_a_database_the_environments_are_offered(cloud: EmulatorServer) -> None:
    with lost_table(Account):
        assert of_platform() == BOTH


# --- accounts that withdrew their authorization -------------------------------------------------


def withdraw(cloud: EmulatorServer, appid: str) -> None:
    """Let an account withdraw after it was asked about once."""
    of_platform()
    account(appid, "unauthorized", seconds=60)
    cloud.state.withdraw(appid)
    later(61)


def test_a_withdrawn_account_is_shown_and_its_environment_left_out_of_commands(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    label = f"demo ({SHOP}, authorization withdrawn)"
    assert of_platform(SOMEBODY) == {ENV: label, "tenant-b": "tenant"}
    assert of_platform() == {"tenant-b": "tenant"}
    assert f"Left out, as their accounts withdrew the authorization: {ENV}" in caplog.text


def test_an_environment_of_which_one_account_remains_is_offered(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP, BRANCH])
    account(SHOP)
    account(BRANCH)
    withdraw(cloud, SHOP)
    assert of_platform()[ENV] == f"demo ({BRANCH})"


def test_a_withdrawn_account_is_remembered_without_the_cache(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    cache.clear()
    assert [*of_platform()] == ["tenant-b"]


def test_an_account_that_comes_back_is_offered_again(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    of_platform()
    account(SHOP, seconds=120)
    cloud.state.authorize(SHOP)
    later(61)
    assert of_platform()[ENV] == f"demo ({SHOP})"


def test_the_label_is_in_the_language_of_the_reader(cloud: EmulatorServer) -> None:
    """And the cache holds none."""
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    with override("zh-hans"):
        of_platform(SOMEBODY)
    assert "authorization withdrawn" in of_platform(SOMEBODY)[ENV]


def test_a_deploy_to_all_leaves_a_withdrawn_account_alone(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    write(tmp_path, TREE)
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    assert "tenant-b: done" in run(tmp_path, all=True, using="staticfiles")
    assert bodies(cloud, ENV) == {}
    assert "ENVIRONMENTS does not offer" in fails(tmp_path, env=[ENV], using="staticfiles", code=2)


def test_a_user_may_upload_where_the_account_withdrew(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    editor = User.objects.create(username="editor", is_superuser=True)
    labels = {target.env: target.label for target in stores_for(editor)}
    assert labels[ENV] == f"staticfiles: demo ({SHOP}, authorization withdrawn)"


def test_the_doctor_looks_at_those_that_are_offered(cloud: EmulatorServer) -> None:
    cloud.add_env(ENV, appids=[SHOP])
    account(SHOP)
    withdraw(cloud, SHOP)
    known = next(check for check in CHECKS if check.id == "environments.known")
    [found] = known.ask(CheckTarget(envs=[*conf.offers()]))
    assert str(found.text) == f"The platform has: tenant-b. ENVIRONMENTS does not offer: {ENV}."


# --- many accounts are asked about in batches, in the form that WeChat takes ---------------------


APPIDS = [f"wxfake0000000{number:05}" for number in range(120)]

Ask = Callable[[Sequence[str], bool], Shares]


@pytest.fixture
def ask(configure: Any, emulator: EmulatorServer) -> Ask:
    """Ask the emulator, which shares its first environment with all these accounts."""
    configure()
    emulator.add_env(ENV, appids=APPIDS)
    options = conf.platform_options()
    client = PlatformClient(platform_for(options).transport, options.api_base_url)
    token = Secret(emulator.access_token)

    def one_call(appids: Sequence[str], typed: bool) -> Shares:
        return client.shared_with(token, appids, typed=typed, deadline=Deadline.after(10))

    return one_call


def test_fifty_accounts_are_one_call(ask: Ask, emulator: EmulatorServer) -> None:
    assert shares_of(APPIDS, ask) == dict.fromkeys(APPIDS, (ENV,))
    assert len(emulator.calls("batchgetenvid")) == 3


def test_no_account_is_no_call(ask: Ask, emulator: EmulatorServer) -> None:
    assert shares_of([], ask) == {}
    assert emulator.calls("batchgetenvid") == []


@pytest.mark.parametrize("source_type", ["required", "optional"])
def test_a_source_type_that_is_taken_costs_no_further_call(
    ask: Ask, emulator: EmulatorServer, source_type: str
) -> None:
    emulator.quirks.update({"source_type": source_type})
    assert len(shares_of(APPIDS, ask)) == 120
    assert len(emulator.calls("batchgetenvid")) == 3


def test_a_source_type_that_is_refused_is_left_out_from_then_on(
    ask: Ask, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"source_type": "refused"})
    assert len(shares_of(APPIDS, ask)) == 120
    assert len(emulator.calls("batchgetenvid")) == 4


@pytest.mark.parametrize("errcode", [40097, 47001])
def test_a_body_that_is_refused_once_is_sent_without_the_source_type(
    ask: Ask, emulator: EmulatorServer, errcode: int
) -> None:
    emulator.script({"on": "batchgetenvid", "do": "errcode", "errcode": errcode})
    assert len(shares_of(APPIDS[:50], ask)) == 50
    assert len(emulator.calls("batchgetenvid")) == 2


@pytest.mark.parametrize("source_type", ["required", "optional", "refused"])
def test_too_many_accounts_for_one_call_are_halved(
    ask: Ask, emulator: EmulatorServer, source_type: str
) -> None:
    emulator.quirks.update({"most_appids": 20, "source_type": source_type})
    assert len(shares_of(APPIDS, ask)) == 120
    refused = [call for call in emulator.calls("batchgetenvid") if call.errcode]
    assert len(refused) <= 5


def test_a_call_that_takes_not_even_one_account_is_an_error(
    ask: Ask, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "batchgetenvid", "do": "errcode", "errcode": 40097, "times": None})
    with pytest.raises(WxStaticStoreError, match="40097"):
        shares_of(APPIDS, ask)


def test_another_refusal_is_no_reason_to_ask_again(ask: Ask, emulator: EmulatorServer) -> None:
    emulator.script({"on": "batchgetenvid", "do": "errcode", "errcode": 85088, "times": None})
    with pytest.raises(WxStaticStoreError, match="85088"):
        shares_of(APPIDS, ask)
    assert len(emulator.calls("batchgetenvid")) == 1
