"""Pushes about an account's authorization: what they say, and what becomes true by them."""

from __future__ import annotations

import pytest

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.messages import KINDS
from wx_static_store.emulator.quirks import BadInput
from wx_static_store.emulator.server import APPID

from .conftest import NOON, Client
from .receiver import Receiver

ANNA = "wxfake00000000000a"


@pytest.fixture
def emulator(pushing: EmulatorServer, receiver: Receiver) -> EmulatorServer:
    receiver.next()  # the ticket
    return pushing


@pytest.mark.parametrize("kind", ["authorized", "updateauthorized"])
def test_a_grant_holds_the_code_and_the_account(
    emulator: EmulatorServer, receiver: Receiver, kind: str
) -> None:
    push = emulator.push(kind=kind, appid=ANNA)
    pushed = receiver.next()
    assert (push.kind, push.appid, push.ticket, push.success) == (kind, ANNA, "", True)
    assert pushed.signed
    fields = pushed.fields
    codes = [fields.pop(name) for name in ("AuthorizationCode", "PreAuthCode")]
    assert all("@@@emulator-" in code for code in codes)
    assert fields == {
        "AppId": APPID,
        "CreateTime": str(int(NOON)),
        "InfoType": kind,
        "AuthorizerAppid": ANNA,
        "AuthorizationCodeExpiredTime": str(int(NOON) + 600),
    }


def test_a_withdrawal_holds_the_account_only(emulator: EmulatorServer, receiver: Receiver) -> None:
    emulator.push(kind="unauthorized", appid=ANNA)
    assert receiver.next().fields == {
        "AppId": APPID,
        "CreateTime": str(int(NOON)),
        "InfoType": "unauthorized",
        "AuthorizerAppid": ANNA,
    }


def test_a_push_about_an_account_is_true(emulator: EmulatorServer) -> None:
    emulator.push(kind="authorized", appid=ANNA)
    assert list(emulator.state.accounts) == [ANNA]
    emulator.push(kind="unauthorized", appid=ANNA)
    assert list(emulator.state.accounts) == []


@pytest.mark.parametrize(("variant", "age"), [("bad_signature", 0), ("plain", 60)])
def test_a_wrong_or_late_push_changes_no_account(
    emulator: EmulatorServer, variant: str, age: int
) -> None:
    emulator.push(variant, "authorized", appid=ANNA, age=age)
    assert list(emulator.state.accounts) == []


def test_a_push_may_come_late_and_so_after_a_newer_one(
    emulator: EmulatorServer, receiver: Receiver
) -> None:
    emulator.push(kind="unauthorized", appid=ANNA)
    emulator.push(kind="authorized", appid=ANNA, age=60)
    newer, older = receiver.next(), receiver.next()
    assert int(newer.fields["CreateTime"]) - int(older.fields["CreateTime"]) == 60
    assert older.one("timestamp") == str(int(NOON))


def test_a_push_about_an_account_may_come_twice(
    emulator: EmulatorServer, receiver: Receiver
) -> None:
    emulator.push(kind="authorized", appid=ANNA)
    again = emulator.push("replay")
    first, second = receiver.next(), receiver.next()
    assert (first.body, first.query) == (second.body, second.query)
    assert (again.kind, again.appid) == ("authorized", ANNA)


def test_a_push_about_an_account_may_have_a_wrong_signature(
    emulator: EmulatorServer, receiver: Receiver
) -> None:
    emulator.push("bad_signature", "authorized", appid=ANNA)
    assert not receiver.next().signed


def test_a_grant_may_lack_its_pre_auth_code(emulator: EmulatorServer, receiver: Receiver) -> None:
    emulator.push("no_pre_auth_code", "authorized", appid=ANNA)
    fields = receiver.next().fields
    assert ("PreAuthCode" in fields, "AuthorizationCode" in fields) == (False, True)
    assert list(emulator.state.accounts) == [ANNA]


@pytest.mark.parametrize(
    ("kind", "appid", "text"),
    [
        ("authorised", ANNA, "did you mean 'authorized'"),
        ("authorized", "", "give its appid"),
        ("unauthorized", "nobody", "is no appid"),
    ],
)
def test_a_wrong_kind_or_appid_of_a_push_is_refused(
    emulator: EmulatorServer, kind: str, appid: str, text: str
) -> None:
    with pytest.raises(BadInput, match=text):
        emulator.push(kind=kind, appid=appid)
    assert len(emulator.pushes) == 1


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_control_plane_pushes_each_kind(client: Client, receiver: Receiver, kind: str) -> None:
    body = {"kind": kind, "appid": ANNA, "age": 5}
    assert client.control("POST", "push", json=body).json()["kind"] == kind
    fields = receiver.next().fields
    assert (fields["InfoType"], fields["CreateTime"]) == (kind, str(int(NOON) - 5))
