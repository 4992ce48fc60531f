"""Clients that generators make of the OpenAPI document: they type-check, and they upload."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import PNG
from tests.api.servers import ROOT, TOKEN, Site, serving
from tests.conftest import ENV, ci_npm, ci_package, slow
from wx_static_store.emulator import EmulatorServer

pytestmark = slow

SCRIPTS = Path(__file__).with_name("generated")
SECONDS = 300
BIN = Path(sys.executable).parent


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the document, the scripts, and the clients."""
    ci_package("openapi_python_client")
    ci_npm()
    folder = tmp_path_factory.mktemp("clients") / "generated"
    shutil.copytree(SCRIPTS, folder)
    path = folder / "schema.yaml"
    example = {"DJANGO_SETTINGS_MODULE": "example.settings"}
    spectacular = (sys.executable, "manage.py", "spectacular", "--file", path)
    run(ROOT / "example_project", *spectacular, **example)
    run(folder, "npm", "install", "--silent", "--prefer-offline", "--no-audit", "--no-fund")
    run(folder, "npx", "openapi-typescript", path, "-o", "schema.d.ts")
    run(folder, "npx", "openapi-ts", "-i", path, "-o", "hey")
    generate = ("generate", "--path", path, "--output-path", "client", "--meta", "none")
    run(folder, BIN / "openapi-python-client", *generate)
    (folder / "client").rename(folder / "tea_house_client")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with (
        EmulatorServer(envs=(ENV,)) as cloud,
        serving(Site(cloud, tmp_path), "gunicorn threads") as site,
    ):
        yield site


def facts(site: Site) -> dict[str, str]:
    return {"SITE": site.url, "TOKEN": TOKEN, "PNG": base64.b64encode(PNG).decode()}


def assert_stored(site: Site, said: str) -> None:
    assert said.split() == ["stored", "uploads/form.png", "stored", "uploads/put.png"]
    stored = {key: found.body for key, found in site.cloud.objects().items()}
    assert stored == {"uploads/form.png": PNG, "uploads/put.png": PNG}


def test_the_typescript_clients_type_check(workshop: Path) -> None:
    run(workshop, "npx", "tsc")


@pytest.mark.parametrize("script", ["fetch.ts", "hey.ts"])
def test_a_typescript_client_uploads_by_form_and_put(
    workshop: Path, site: Site, script: str
) -> None:
    bundle = ("--bundle", "--platform=node", "--format=esm", f"--outfile={script}.mjs")
    run(workshop, "npx", "esbuild", script, "--log-level=error", *bundle)
    assert_stored(site, run(workshop, "node", f"{script}.mjs", **facts(site)))


def test_the_python_client_type_checks(workshop: Path) -> None:
    run(workshop, sys.executable, "-m", "mypy", "--strict", "--config-file=", "python.py")


def test_the_python_client_uploads_by_form_and_put(workshop: Path, site: Site) -> None:
    script = run(workshop, sys.executable, "python.py", PYTHONPATH=str(workshop), **facts(site))
    assert_stored(site, script)
