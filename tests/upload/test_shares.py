"""Many accounts are asked about in batches, in the form that WeChat takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store import conf
from wx_static_store.clients.platform import PlatformClient
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.upload.platform import platform_for
from wx_static_store.upload.shares import Shares, shares_of

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
