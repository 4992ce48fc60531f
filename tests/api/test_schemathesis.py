"""The OpenAPI document against the running example: requests that obey it, and many that do not."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.api.operations import OPERATIONS
from tests.demo import PATIENCE, VAR, Site, serving, shell

EXAMPLES = "10" if "WX_ALL_EXAMPLES" in os.environ else "2"  # of each operation and phase
SECONDS = 600
OWN = VAR.with_name(f"{VAR.name}-schemathesis")
# Nobody calls too often.
UNTHROTTLED = (
    'settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = '
    'dict.fromkeys(["wx_static_store_upload", "wx_static_store_list"])'
)

FAULTS = [
    *({"on": "staticuploadfile", "do": "errcode", "errcode": e} for e in (40097, 45009, 61004)),
    *({"on": "staticfilelist", "do": "errcode", "errcode": code} for code in (85088, -501005)),
    {"on": "staticfilelist", "do": "delay", "seconds": 0.01, "times": 3},
    {"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"},
    {"on": "put_object", "do": "delay", "seconds": 0.01, "times": 3},
]

pytestmark = pytest.mark.skipif(
    "WX_REQUIRE_SCHEMATHESIS" not in os.environ,
    reason="takes two minutes: WX_REQUIRE_SCHEMATHESIS=1 runs it",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(UNTHROTTLED, tmp_path_factory.mktemp("demo") / "build", OWN) as site:
        yield site


@pytest.fixture(scope="module")
def login(site: Site) -> dict[str, str]:
    """Return the superuser's header."""
    code = "from django.core.management import call_command; "
    token = shell(f"{code} call_command('drf_create_token', 'demo')", OWN).split()[2]
    return {"Authorization": f"Token {token}"}


@pytest.fixture
def document(site: Site, login: dict[str, str], tmp_path: Path) -> Path:
    answer = requests.get(f"{site.site}/api/schema/", headers=login, timeout=PATIENCE)
    answer.raise_for_status()
    path = tmp_path / "schema.yaml"
    path.write_bytes(answer.content)
    return path


def schemathesis(site: Site, document: Path, headers: dict[str, str], *more: str) -> None:
    """Nothing that is not documented, nobody whose login is not asked for."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
        *("run", str(document), "--url", site.site),
        *("--include-path-regex", "^/wx/", "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", "1", "--generation-database", "none"),
        *("--suppress-health-check", "filter_too_much"),
        *(f"--header={name}: {value}" for name, value in headers.items()),
        *more,
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
    assert f"Tested: {len(OPERATIONS)}" in done.stdout


@pytest.mark.parametrize("who", ["demo", "a stranger"])
def test_every_answer_is_as_the_document_says(
    site: Site, document: Path, login: dict[str, str], who: str
) -> None:
    """No server error either."""
    before, known = site.puts(), who == "demo"
    schemathesis(site, document, login if known else {})
    assert (site.puts() > before) == known


def test_every_answer_is_as_the_document_says_while_the_cloud_fails(
    site: Site, document: Path, login: dict[str, str]
) -> None:
    """Many calls meet a fault, in an order of chance, and others go through between them."""
    chance = random.Random(1)
    site.script(*(chance.choice(FAULTS) for _ in range(400)))
    try:
        more = "not_a_server_error", "positive_data_acceptance", "negative_data_rejection"
        schemathesis(site, document, login, f"--exclude-checks={','.join(more)}")
    finally:
        site.script()
