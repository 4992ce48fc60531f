"""What a push about an account leaves in the table of accounts."""

import signal
import time
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.callback.conftest import LogLines
from tests.callback.pushes import APPID, PATH, element, event, push
from tests.conftest import lost_table
from tests.waiting import wait_for
from wx_static_store.callback.views import _note_account
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN
from wx_static_store.models import Account
from wx_static_store.signals import event_received

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "wxfake00000000000a"
CREDENTIALS = ("planted-authorization-code", "planted-pre-auth-code")


def news(info_type: str, age: float = 0, appid: str | None = SHOP, **fields: Any) -> Any:
    """Push what became of an account; return the answer."""
    created = int(time.time() - age)
    codes = dict(zip(("AuthorizationCode", "PreAuthCode"), CREDENTIALS, strict=True))
    given = {} if info_type == "unauthorized" else codes
    said = {"CreateTime": created, "AuthorizerAppid": appid} | given | fields
    return push(event(info_type, **said)).send()


def withdrawn() -> dict[str, bool]:
    return dict(Account.objects.values_list("appid", "withdrawn"))


@pytest.mark.parametrize(
    ("info_type", "is_withdrawn"),
    [("authorized", False), ("updateauthorized", False), ("unauthorized", True)],
)
def test_a_push_about_an_account_is_noted(info_type: str, is_withdrawn: bool) -> None:
    assert news(info_type).content == b"success"
    account = Account.objects.get()
    assert (account.platform, account.appid, account.withdrawn) == (APPID, SHOP, is_withdrawn)


def test_a_push_that_comes_twice_is_one_account() -> None:
    for _number in range(2):
        assert news("authorized", age=5).content == b"success"
    assert withdrawn() == {SHOP: False}


def test_a_push_that_comes_after_a_newer_one_changes_nothing() -> None:
    news("unauthorized", age=5)
    assert news("authorized", age=60).content == b"success"
    assert withdrawn() == {SHOP: True}


def test_the_time_of_the_push_is_kept_without_time_zones_too(settings: Any) -> None:
    settings.USE_TZ = False
    assert news("authorized").content == b"success"
    assert withdrawn() == {SHOP: False}


@pytest.mark.parametrize("appid", [None, "", "a b", "票", "a" * 65, element("nested", "a")])
def test_a_push_that_names_no_account_is_acknowledged_and_noted_nowhere(
    appid: Any, logged: LogLines
) -> None:
    assert news("unauthorized", appid=appid).content == b"success"
    assert withdrawn() == {}
    assert logged.tokens == ["WARNING A push 'unauthorized' names no account: nothing is noted"]


def test_a_push_of_the_future_is_refused() -> None:
    """It would shut later ones out."""
    assert news("unauthorized", age=-4000).status_code == 403
    assert withdrawn() == {}


def test_a_push_about_another_platform_is_refused() -> None:
    assert news("unauthorized", AppId="wx0000000000000009").status_code == 403
    assert withdrawn() == {}


def test_another_event_is_noted_nowhere() -> None:
    news("unheard-of")
    assert withdrawn() == {}


def test_a_push_that_the_database_does_not_keep_is_answered_with_500(logged: LogLines) -> None:
    """WeChat may push it again."""
    with lost_table(Account):
        answer = news("unauthorized")
    assert (answer.status_code, answer.content) == (500, b"")
    [line] = logged.tokens
    assert line.startswith(f"ERROR The database fails to note 'unauthorized' of the account {SHOP}")


def test_the_project_hears_of_what_the_database_does_not_keep() -> None:
    heard: list[str] = []

    def hear(fields: dict[str, Any], **more: Any) -> None:
        heard.append(fields["AuthorizerAppid"])

    event_received.connect(hear)
    with lost_table(Account):
        news("unauthorized")
    event_received.disconnect(hear)
    assert heard == [SHOP]


@pytest.mark.parametrize("info_type", ["authorized", "unheard-of"])
@pytest.mark.parametrize("fails", [False, True], ids=["kept", "not kept"])
def test_no_credential_of_a_push_is_stored_logged_or_sent(
    info_type: str, fails: bool, logged: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def hear(**arguments: Any) -> None:
        heard.append(str(arguments))

    event_received.connect(hear)
    lost = lost_table(Account) if fails else nullcontext()
    with CaptureQueriesContext(connection) as queries, lost:
        news(info_type, ComponentVerifyTicket="planted-ticket")
    event_received.disconnect(hear)
    records = [str(vars(record)) for record in caplog.records]
    everything = "".join([*heard, *records, *(query["sql"] for query in queries)])
    assert info_type in "".join(heard)
    assert "planted-" not in everything


def test_a_known_account_costs_three_queries() -> None:
    """WeChat waits for five seconds."""
    news("authorized", age=5)
    with CaptureQueriesContext(connection) as queries:
        news("unauthorized")
    assert len(queries) <= 3


def test_the_time_out_of_a_worker_is_not_held_back() -> None:
    """It belongs to whoever set the handler."""

    def end(*args: object) -> None:
        raise TimeoutError("the worker's time is over")

    def interrupt(execute: Any, *more: Any) -> Any:
        signal.raise_signal(signal.SIGALRM)
        return execute(*more)

    before = signal.signal(signal.SIGALRM, end)
    try:
        with connection.execute_wrapper(interrupt), pytest.raises(TimeoutError):
            _note_account(APPID, "unauthorized", {"AuthorizerAppid": SHOP}, 1)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_the_emulator_pushes_is_noted(
    emulator: EmulatorServer, live_server: Any, settings: Any
) -> None:
    settings.WX_STATIC_STORE = {
        "COMPONENT_APPID": emulator.state.account.appid,
        "CALLBACK_TOKEN": PUSH_TOKEN,
        "CALLBACK_AES_KEY": PUSH_AES_KEY,
    }
    emulator.push_to(live_server.url + PATH)
    wait_for(lambda: emulator.pushes, "the first push, which comes by itself")
    for kind in ("authorized", "updateauthorized", "unauthorized"):
        assert emulator.push(kind=kind, appid=SHOP).answer == "success"
    assert emulator.push("no_pre_auth_code", "authorized", appid=SHOP, age=60).answer == "success"
    assert withdrawn() == {SHOP: True}
