"""The OpenAPI document against the running example: requests that follow it, and many that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from tests.api.conftest import PNG
from tests.api.servers import PATIENCE, ROOT

REQUIRED = "WX_REQUIRE_SCHEMATHESIS" in os.environ
EXAMPLES = "200" if os.environ.get("WX_SLOW") else "20"  # of each operation and phase
SECONDS = 600
EXAMPLE = ROOT / "example_project"

pytestmark = pytest.mark.skipif(
    not (find_spec("schemathesis") and find_spec("drf_spectacular_sidecar")) and not REQUIRED,
    reason="needs schemathesis and drf-spectacular's sidecar",
)

# The demo, in a folder of this test, where nobody calls too often and `demo` has a token.
DEMO = """
import sys, django, demo
from pathlib import Path
set_up, migrate = django.setup, demo.migrate

def set_up_patiently(**options):
    from django.conf import settings
    scopes = ("wx_static_store_upload", "wx_static_store_list")
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(scopes)
    set_up(**options)

def migrate_and_give_a_token():
    migrate()
    from django.core.management import call_command
    call_command("drf_create_token", "demo")

django.setup, demo.migrate = set_up_patiently, migrate_and_give_a_token
demo.VAR = Path(sys.argv.pop())
demo.TABLE = demo.VAR / "uploaded.txt"
demo.HERE = demo.VAR.parent
sys.exit(demo.main())
"""


class Demo(NamedTuple):
    """Where it serves what, and the token of who may do everything."""

    site: str
    control: str  # of the emulator
    token: str

    @property
    def login(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"}

    def puts(self) -> int:
        """How many objects were sent until now."""
        journal = requests.get(f"{self.control}/journal?name=put_object", timeout=PATIENCE)
        return len(journal.json())


