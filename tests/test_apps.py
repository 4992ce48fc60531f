"""Show that the core works without the opt-in apps, and loads nothing of them."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import slow_but

ROOT = Path(__file__).parent.parent


@cache
def core_alone() -> list[str]:
    """Run a project that has the core alone; return what it printed."""
    words = [sys.executable, "-W", "error", "-m", "tests.core_alone"]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )


def test_every_page_and_address_of_the_core_works_without_the_apps() -> None:
    opened = [line for line in core_alone() if "/" in line]
    assert len(opened) > 10
    assert [line for line in opened if not line.startswith("200 ")] == []


def test_no_module_of_the_apps_is_loaded_without_them() -> None:
    assert [line for line in core_alone() if line.startswith("wx_static_store.")] == []


def test_a_module_of_an_app_that_is_not_installed_adds_no_table_to_the_core() -> None:
    """A project may import one by mistake, such as by an address of the callback."""
    code = (
        "from tests import core_alone; core_alone.configure()\n"
        "from wx_static_store.callback import models\n"
        "from wx_static_store.health import models\n"
        "from wx_static_store.rollouts import models\n"
        "from django.core.management import call_command\n"
        "call_command('makemigrations', 'wx_static_store', check=True, dry_run=True)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_alerts_are_imported_with_the_first_signal() -> None:
    code = (
        "import sys, django; from tests import core_alone; core_alone.configure()\n"
        "from django.conf import settings\n"
        "from django.test import override_settings\n"
        "apps = [*settings.INSTALLED_APPS, 'wx_static_store.health']\n"
        "with override_settings(INSTALLED_APPS=apps):\n"
        "    sys.exit('wx_static_store.health.alerts' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("app", slow_but(["health", "rollouts"], "health"))
def test_an_app_without_the_core_says_what_to_add(app: str) -> None:
    code = (
        "import django; from django.conf import settings\n"
        f"settings.configure(INSTALLED_APPS=['wx_static_store.{app}'])\n"
        "django.setup()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert 'Add "wx_static_store" to INSTALLED_APPS' in done.stderr
