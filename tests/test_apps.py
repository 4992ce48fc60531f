"""Show that the core works without the opt-in apps, and loads nothing of them."""

import subprocess
import sys
from functools import cache
from pathlib import Path

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
