"""The lines that the command prints first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.greeting import greeting


def test_the_printed_settings_are_those_of_the_first_environment() -> None:
    with EmulatorServer(envs=["one", "two"]) as server:
        text, printed = greeting(server, None).partition("\n\n")[0], dict[str, Any]()
        exec(text, printed)
        assert printed["WX_STATIC_STORE"] == {
            "ENV": "one",
            "API_BASE_URL": server.api_url,
            "ACCESS_TOKEN": "emulator-access-token",
            "BASE_URL": server.site_url("one"),
        }


def test_the_kept_objects_of_all_environments_are_counted(tmp_path: Path) -> None:
    with EmulatorServer(envs=["one", "two"], directory=tmp_path) as server:
        for env in ("one", "two"):
            server.put_object("a.css", b"a{}", env=env)
        assert f"objects              2 in {tmp_path}\n" in greeting(server, tmp_path)


def test_memory_names_the_command_that_corrects_the_log() -> None:
    with EmulatorServer() as server:
        assert "manage.py wx_reconcile --fix" in greeting(server, None)
