"""The calls about the platform itself: what is made of each answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wx_static_store.clients.platform import Environment, PlatformClient, Quota
from wx_static_store.clients.transport import Transport
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ProtocolError, WxStaticStoreError

from .conftest import ENV, PLENTY, TOKEN, ScriptedServer, answer, as_json

LINKS = "/componenttcb/staticuploadfile"


@pytest.fixture
def emulated(transport: Transport, emulator: EmulatorServer) -> PlatformClient:
    return PlatformClient(transport, emulator.api_url)


@pytest.fixture
def scripted(
    transport: Transport, serve: Callable[..., ScriptedServer]
) -> Callable[[bytes], PlatformClient]:
    return lambda says: PlatformClient(transport, serve(says).url)


def environments(client: PlatformClient) -> tuple[Environment, ...]:
    return client.environments(Secret(TOKEN), deadline=PLENTY)


def test_the_environments_of_the_platform_are_listed(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    token = Secret(emulator.access_token)
    first, *_others = emulated.environments(token, deadline=PLENTY)
    assert (first.env, first.status) == (ENV, "NORMAL")


@pytest.mark.parametrize("form", ["null", "[]", "missing"])
def test_a_platform_without_environments_has_an_empty_list(
    emulated: PlatformClient, emulator: EmulatorServer, form: str
) -> None:
    emulator.quirks.update({"envs_as": form})
    token = Secret(emulator.access_token)
    assert emulated.environments(token, deadline=PLENTY) == ()


def test_a_list_of_three_thousand_environments_is_read_whole(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"more_envs": 3000})
    token = Secret(emulator.access_token)
    assert len(emulated.environments(token, deadline=PLENTY)) > 3000


def test_an_entry_without_an_id_is_left_out(scripted: Any) -> None:
    client = scripted(as_json({"info_list": [{"alias": "a"}, {"env": "b"}]}))
    assert environments(client) == (Environment("b", "", ""),)


@pytest.mark.parametrize("odd", ['"a"', "1", '["a"]', '{"a": 1}'])
def test_a_list_of_another_shape_is_refused(scripted: Any, odd: str) -> None:
    with pytest.raises(ProtocolError, match="a list of another shape"):
        environments(scripted(answer(body=f'{{"info_list": {odd}}}')))


def test_a_quota_has_the_figures_of_the_day_and_of_the_period(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"daily_limit": 1000, "minute_limit": 60, "period_seconds": 30})
    found = emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert found == Quota(daily_limit=1000, used=0, remain=1000, calls=60, seconds=30)


@pytest.mark.parametrize(
    "quirks",
    [{"quota_as": "string"}, {"quota_rates": "missing"}, {"quota_rates": "null"}],
    ids=["texts", "no rates", "null in place of rates"],
)
def test_a_quota_is_read_in_each_form(
    emulated: PlatformClient, emulator: EmulatorServer, quirks: dict[str, Any]
) -> None:
    emulator.quirks.update({"daily_limit": 1000} | quirks)
    found = emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert (found.daily_limit, found.remain, found.calls) == (1000, 1000, 0)


@pytest.mark.parametrize("given", [None, -1, 1.5, "many", [], {}])
def test_what_is_no_number_is_no_figure(scripted: Any, given: Any) -> None:
    client = scripted(as_json({"quota": {"daily_limit": given}, "rate_limit": given}))
    assert client.quota(Secret(TOKEN), LINKS, deadline=PLENTY) == Quota()


def test_a_path_that_wechat_knows_no_quota_of_is_refused_with_its_code(
    emulated: PlatformClient, emulator: EmulatorServer
) -> None:
    emulator.quirks.update({"quota_knows_cloud": False})
    with pytest.raises(WxStaticStoreError) as caught:
        emulated.quota(Secret(emulator.access_token), LINKS, deadline=PLENTY)
    assert caught.value.errcode == 76021


def test_a_witness_sees_the_form_of_each_answer(
    transport: Transport, emulator: EmulatorServer
) -> None:
    seen: list[tuple[str, set[str]]] = []
    client = PlatformClient(
        transport,
        emulator.api_url,
        lambda path, answer, headers: seen.append(
            (path, {*answer, *headers} & {"info_list", "Date"})
        ),
    )
    client.environments(Secret(emulator.access_token), deadline=PLENTY)
    assert seen == [("/componenttcb/describeenvs", {"info_list", "Date"})]
