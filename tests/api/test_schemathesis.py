"""The OpenAPI document against a running site: requests that follow it, and many that do not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.api.conftest import PNG
from tests.api.servers import ROOT, TOKEN, Site, serving
from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer

REQUIRED = "WX_REQUIRE_SCHEMATHESIS" in os.environ
EXAMPLES = "200" if os.environ.get("WX_SLOW") else "20"  # of each operation and phase
SECONDS = 600

pytestmark = pytest.mark.skipif(
    not (find_spec("schemathesis") and find_spec("drf_spectacular")) and not REQUIRED,
    reason="needs schemathesis and drf-spectacular",
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With two rows in its log, of which one can be sent again."""
    with (
        EmulatorServer(envs=(ENV,)) as cloud,
        serving(Site(cloud, tmp_path / "site"), "gunicorn threads") as site,
    ):
        path = "/wx/uploads/default/uploads/a.png?overwrite=true"
        assert [site.send("PUT", path, PNG)[0] for _ in range(2)] == [201, 201]
        yield site


@pytest.mark.parametrize(
    "who", [["--header", f"Authorization: Token {TOKEN}"], []], ids=["ann", "a stranger"]
)
def test_every_answer_is_as_the_document_says(site: Site, who: list[str]) -> None:
    """No server error, nothing that is not documented, nobody whose login is not asked for."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(ROOT / "tests" / "api" / "schemathesis.toml")),
        *("run", f"{site.url}/schema/", "--include-path-regex", "^/wx/", "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", "1", "--generation-database", "none"),
        *("--suppress-health-check", "filter_too_much", *who),
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=site.folder, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "Tested: 7" in done.stdout
    if not who:
        assert set(site.cloud.objects()) == {"uploads/a.png"}
