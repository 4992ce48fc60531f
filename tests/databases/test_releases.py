"""Releases on each database: long lists of files, and deploys and a prune at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.conftest import slow_on_sqlite
from tests.databases.conftest import VENDOR
from wx_static_store.models import Release

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.django_db
def test_a_list_of_eight_megabytes_goes_in_and_out() -> None:
    """As of 100,000 files; MariaDB limits what a statement may hold."""
    files = os.urandom(8_000_000)
    made = Release.objects.create(digest="0" * 64, files=files, count=100_000, size=0)
    assert bytes(Release.objects.get(pk=made.pk).files) == files


@slow_on_sqlite
@pytest.mark.django_db(transaction=True)
def test_deploys_and_a_prune_at_once_of_which_some_are_killed_lose_nothing() -> None:
    name = "mariadb" if VENDOR == "mysql" else VENDOR
    rounds = 300 if os.environ.get("WX_SLOW") else 10
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.prunes", "--rounds", f"{rounds}", "--database", name],
        cwd=ROOT,
        env=os.environ | {"WX_TEST_DATABASE_NAME": connection.settings_dict["NAME"]},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("; 0 lost\n")
