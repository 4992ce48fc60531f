"""What ``wx_deploy`` says of a failure: the cause, and the setting that mends it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import configure_storages, fails

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]

Deploy = Callable[..., str]


@pytest.fixture
def deploy(configure: Any, dist: Path) -> Deploy:
    """`deploy(ENV="…")`: what a deploy shows that must fail with these settings."""

    def shown(**changes: Any) -> str:
        configure(STORAGES=configure_storages(), WX_STATIC_STORE=changes)
        return fails(dist, code=1)

    return shown


def test_a_spent_access_token_is_named(deploy: Deploy) -> None:
    out = deploy(ACCESS_TOKEN="spent")
    assert "ACCESS_TOKEN is spent, and nobody refreshes it: set a new one" in out
    assert "another system" not in out


def test_an_unknown_environment_is_named_with_the_setting(deploy: Deploy) -> None:
    out = deploy(ENV="dev-2")
    assert "There is no environment 'dev-2' on this platform: check ENV." in out


def test_a_provider_that_fails_is_quoted_with_its_line_and_without_its_secret(
    deploy: Deploy,
) -> None:
    def ask_vault() -> str:
        raise ConnectionError("vault:8200 refused token=planted")

    out = deploy(TOKEN_PROVIDER=ask_vault, MAX_ATTEMPTS=1)
    line = ask_vault.__code__.co_firstlineno + 1
    place = f"({Path(__file__).name}, line {line})"
    assert f"ConnectionError: vault:8200 refused token=*** {place}" in out
    assert "planted" not in out


@pytest.fixture
def mute() -> Iterator[str]:
    """Open a port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hang_is_reported_with_the_peer_and_the_step(deploy: Deploy, mute: str) -> None:
    out = deploy(API_BASE_URL=mute, DEADLINE=0.5)
    text = f"The time allowed was over while waiting for the answer of {mute} (stage link"
    assert text in out
