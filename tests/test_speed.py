"""What a deploy of many files costs in calls, reads and queries; times are for `benchmarks/`."""

import subprocess
import sys
from collections import Counter
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wx_static_store import sources, tree
from wx_static_store.emulator import EmulatorServer
from wx_static_store.plan import make_plan
from wx_static_store.uploader import get_uploader

FILES = 200
SIZE = 64
# Without REST framework, which imports requests by itself.
CHECK = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles",
        "wx_static_store",
    ],
    STORAGES={
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
        "staticfiles": {"BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage"},
    },
    WX_STATIC_STORE={
        "ENV": "env-1", "ACCESS_TOKEN": "token", "API_BASE_URL": "http://127.0.0.1:9",
        "BASE_URL": "https://www.example.com",
    },
    STATIC_ROOT="/srv/static",
)
made = []
sys.addaudithook(lambda event, args: made.append(event) if event == "socket.__new__" else None)
django.setup()
call_command("check", verbosity=0)
sys.exit("urllib3" in sys.modules or bool(made))
"""


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"BASE_URL": "https://www.example.com"})
    return server


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}.js").write_bytes(b"%064d" % number)
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many times each file is hashed before it is sent."""
    counts: Counter[str] = Counter()
    digest = sources.digest

    def counted(file: Any, *how: Any) -> str:
        counts[file.name] += 1
        return digest(file, *how)

    monkeypatch.setattr(sources, "digest", counted)
    return counts


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many bytes of each file are read."""
    counts: Counter[str] = Counter()

    class Counted(FileIO):
        def read(self, size: int | None = -1) -> bytes:
            block: bytes = super().read(size)
            counts[str(self.name)] += len(block)
            return block

    monkeypatch.setattr(sources, "open", lambda path, *how: Counted(path), raising=False)
    return counts


def deploy(site: Path) -> None:
    call_command("wx_deploy", str(site), yes=True, verbosity=0)


@pytest.mark.django_db
def test_a_new_file_costs_two_calls(cloud: EmulatorServer, site: Path) -> None:
    deploy(site)
    assert len(cloud.calls("staticuploadfile")) == len(cloud.calls("put_object")) == FILES
    assert len(cloud.journal) == 2 * FILES


@pytest.mark.django_db
def test_a_new_file_is_hashed_once_before_it_is_sent(
    cloud: EmulatorServer, site: Path, hashed: Counter[str]
) -> None:
    deploy(site)
    assert (len(hashed), {*hashed.values()}) == (FILES, {1})


@pytest.mark.django_db
def test_a_new_file_is_read_twice(cloud: EmulatorServer, site: Path, read: Counter[str]) -> None:
    deploy(site)
    assert (len(read), {*read.values()}) == (FILES, {2 * SIZE})


@pytest.mark.django_db
def test_a_new_large_file_is_read_once(
    cloud: EmulatorServer, site: Path, read: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HASH_AHEAD", SIZE - 1)
    deploy(site)
    assert (len(read), {*read.values()}) == (FILES, {SIZE})


@pytest.mark.django_db
def test_an_unchanged_file_costs_no_call_and_is_read_and_hashed_once(
    cloud: EmulatorServer, site: Path, read: Counter[str], hashed: Counter[str]
) -> None:
    deploy(site)
    calls = len(cloud.journal)
    read.clear()
    hashed.clear()
    deploy(site)
    assert len(cloud.journal) == calls
    assert (len(read), {*read.values()}) == (FILES, {SIZE})
    assert (len(hashed), {*hashed.values()}) == (FILES, {1})


@pytest.mark.django_db
def test_a_plan_asks_three_queries(cloud: EmulatorServer, site: Path) -> None:
    deploy(site)
    with CaptureQueriesContext(connection) as queries:
        plan = make_plan(get_uploader(), tree.read_tree(site).items)
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert (len(plan.unchanged), len(asked)) == (FILES, 3)


def test_a_check_of_the_project_makes_no_socket() -> None:
    """Importing urllib3 does: it tries whether the machine has IPv6."""
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", CHECK], check=True, cwd=root)
