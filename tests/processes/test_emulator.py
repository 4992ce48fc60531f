"""The emulator's command and a project, each in processes of their own."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.emulator.command import ROOT, running
from tests.emulator.test_server import free_ports

pytestmark = slow

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "wx_static_store",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
STATIC_URL = "/static/"
STATIC_ROOT = "static_root"
STATICFILES_DIRS = ["source"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"location": "media"}},
    "staticfiles": {
        "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
        "OPTIONS": {"location": "static"},
    },
}
"""


class Shop:
    """A new project; its emulator keeps its files in the project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_ports(2)
        (folder / "source").mkdir()
        (folder / "source/a.css").write_text("a{}")

    @contextmanager
    def emulator(self, *options: str) -> Iterator[str]:
        """Run the command; paste what it prints for settings.py; give the control plane."""
        with running("--port", str(self.port), *options, cwd=self.folder) as (_, lines):
            block = "\n".join(lines[: lines.index("")])
            assert block.startswith("# Paste into settings.py:")
            (self.folder / "shop_settings.py").write_text(SETTINGS + block)
            yield f"http://127.0.0.1:{self.port}/__emulator__"

    def manage(self, *command: str) -> str:
        """Run a management command that ends well; return everything it printed."""
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "shop_settings"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def puts(control: str) -> int:
    return len(json.loads(read(f"{control}/journal?name=put_object")))


def test_a_restarted_emulator_serves_the_files_and_nothing_is_sent_again(shop: Shop) -> None:
    with shop.emulator() as control:
        shop.manage("migrate", "-v0")
        shop.manage("collectstatic", "--noinput", "-v0")
        assert puts(control) == 1
    with shop.emulator() as control:
        shop.manage("collectstatic", "--noinput", "-v0")
        assert read(f"http://127.0.0.1:{shop.port + 1}/static/a.css") == b"a{}"
        assert puts(control) == 0


def test_the_printed_settings_leave_no_warning(shop: Shop) -> None:
    with shop.emulator():
        assert "no issues" in shop.manage("check")
        assert "W005" not in shop.manage("collectstatic", "--noinput")
