"""The manual has everything, and its commands run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.__main__ import main
from wx_static_store.emulator.kinds import KINDS
from wx_static_store.emulator.manual import FLOW
from wx_static_store.emulator.paths import PATHS
from wx_static_store.emulator.quirks import quirk_names
from wx_static_store.emulator.variants import names


def test_the_help_is_the_whole_manual(capsys: pytest.CaptureFixture[str]) -> None:
    """The flow, the control plane, every call, kind of fault, quirk and push."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for word in (
        "curl -X PUT",
        "/__emulator__/clock",
        *KINDS,
        *quirk_names(),
        *names(),
        *PATHS.values(),
    ):
        assert word in text


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="needs curl and sh")
def test_the_example_of_the_manual_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    """Each command of the manual, as it stands there but for the ports."""
    with EmulatorServer() as server:
        script = FLOW.partition("\n")[2].replace("http://127.0.0.1:8900", server.api_url)
        script = script.replace("http://127.0.0.1:8901", server.site_url())
        env = {"PATH": os.environ["PATH"], "no_proxy": "*"}
        shell = subprocess.run(
            ["sh", "-e"], input=script, cwd=tmp_path, env=env, text=True, capture_output=True
        )
        assert shell.returncode == 0, shell.stderr
        assert server.objects()["static/a.css"].body == b"body{}"
        assert {(entry.status, entry.errcode or 0) for entry in server.journal} == {(200, 0)}
        assert len(server.journal) == 6
