"""Environments and quirks that the emulator starts with."""

from __future__ import annotations

from pathlib import Path

import pytest

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput, Quirks

from .conftest import ENV, Client


def test_an_unknown_quirk_is_refused_with_the_nearest_name() -> None:
    """In the constructor as anywhere."""
    with pytest.raises(BadInput, match="did you mean 'page_size'"):
        EmulatorServer(pagesize=2)


def test_a_wrong_assignment_to_a_quirk_is_refused() -> None:
    """A typo in a test is found where it is made."""
    quirks = Quirks()
    with pytest.raises(BadInput, match="unknown quirk"):
        quirks.page_sise = 1
    with pytest.raises(BadInput, match="takes a whole number"):
        quirks.update({"page_size": "2"})


def test_a_reset_restores_the_quirks_of_the_constructor(tmp_path: Path) -> None:
    """A reset goes back to them."""
    server = EmulatorServer(page_size=2)
    server.quirks.page_size = 3
    server.reset()
    assert server.quirks.page_size == 2


def test_an_unknown_environment_is_refused_with_the_nearest_name(client: Client) -> None:
    """Looking into an environment that is not there."""
    with pytest.raises(BadInput, match=f"did you mean '{ENV}'"):
        client.server.objects(ENV[:-1])


def test_a_malformed_environment_id_is_refused() -> None:
    """An id becomes a folder's name and a part of host names."""
    with pytest.raises(BadInput, match="no environment id"):
        EmulatorServer(envs=["../x"])
