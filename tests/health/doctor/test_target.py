"""What is examined, and what is asked once only."""

from typing import Any

import pytest

from tests.conftest import ENV
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.health.doctor.target import CheckTarget


def test_the_environments_of_the_stores_are_looked_at(configure: Any) -> None:
    configure()
    assert CheckTarget().envs == [ENV]


def test_environments_that_are_named_take_their_place(configure: Any) -> None:
    configure()
    assert CheckTarget(envs=["a", "b", "a"]).envs == ["a", "b"]


def test_the_list_of_environments_is_asked_for_once(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    target = CheckTarget()
    assert [*target.environments] == [*target.environments]
    assert len(emulator.calls("describeenvs")) == 1


def test_an_error_of_the_list_is_raised_to_each_who_asks(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure()
    emulator.quirks.update({"batch_opened": False})
    target = CheckTarget()
    for _number in range(2):
        with pytest.raises(WxStaticStoreError, match="85088"):
            target.environments  # noqa: B018
    assert len(emulator.calls("describeenvs")) == 1


def test_a_token_that_is_held_is_used_from_then_on(
    configure: Any, emulator: EmulatorServer
) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": "spent"})
    target = CheckTarget()
    target.hold(Secret(emulator.access_token))
    assert ENV in target.environments
