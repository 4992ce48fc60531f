"""The OpenAPI document against the running example: requests that obey it, and many that do not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.demo import PATIENCE, Site, manage, serving

EXAMPLES = "20"  # of each operation and phase
SECONDS = 600
# Nobody calls too often.
UNTHROTTLED = (
    'settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = '
    'dict.fromkeys(["wx_static_store_upload", "wx_static_store_list"])'
)

pytestmark = pytest.mark.skipif(
    "WX_REQUIRE_SCHEMATHESIS" not in os.environ,
    reason="takes two minutes: WX_REQUIRE_SCHEMATHESIS=1 runs it",
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(UNTHROTTLED) as site:
        yield site


@pytest.fixture(scope="module")
def login(site: Site) -> dict[str, str]:
    """The superuser's header."""
    token = manage("drf_create_token", "demo").split()[2]
    return {"Authorization": f"Token {token}"}


@pytest.fixture
def document(site: Site, login: dict[str, str], tmp_path: Path) -> Path:
    answer = requests.get(f"{site.site}/api/schema/", headers=login, timeout=PATIENCE)
    answer.raise_for_status()
    path = tmp_path / "schema.yaml"
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("who", ["demo", "a stranger"])
def test_every_answer_is_as_the_document_says(
    site: Site, document: Path, login: dict[str, str], who: str
) -> None:
    """No server error, nothing that is not documented, nobody whose login is not asked for."""
    before, known = site.puts(), who == "demo"
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
        *("run", str(document), "--url", site.site),
        *("--include-path-regex", "^/wx/", "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", "1", "--generation-database", "none"),
        *("--suppress-health-check", "filter_too_much"),
        *(f"--header={name}: {value}" for name, value in (login.items() if known else ())),
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=document.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "Tested: 8" in done.stdout
    assert (site.puts() > before) == known
