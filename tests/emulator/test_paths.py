"""The table of calls."""

from __future__ import annotations

from tests.tables import each
from wx_static_store.emulator.paths import PATHS

from .conftest import Client


@each("path", PATHS)
def test_each_path_is_answered_under_its_name(client: Client, path: str) -> None:
    assert client.post(path, [])["errcode"] == 47001
    assert client.server.journal[-1].name == PATHS[path]
