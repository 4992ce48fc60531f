"""What a deploy of many files costs in calls, reads and queries; times are for `benchmarks/`."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from io import BytesIO, FileIO
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import wx_static_store
from tests.deploys import configure_storages, count_hashes
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy import tree
from wx_static_store.deploy.plan import Plan, make_plan
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog
from wx_static_store.upload import sources
from wx_static_store.upload.uploader import Uploader, get_uploader
from wx_static_store.upload.workers import WorkerPool

FILES = 100  # from so many on, a deploy asks for the quota
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
    server: EmulatorServer = configure(
        STORAGES=configure_storages(), WX_STATIC_STORE={"BASE_URL": "https://www.example.com"}
    )
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
    count_hashes(monkeypatch, lambda path: counts.update([path]))
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

    read_small = sources._read_small

    def counted(path: str, flags: int) -> Any:
        facts, block = read_small(path, flags)
        counts[path] += len(block)
        return facts, block

    monkeypatch.setattr(sources, "_read_small", counted)
    monkeypatch.setattr(sources, "open", lambda path, *how, **more: Counted(path), raising=False)
    return counts


def deploy(site: Path, **options: Any) -> None:
    call_command("wx_deploy", str(site), yes=True, verbosity=0, **options)


def planned(items: Iterable[UploadItem], *, trust_log: bool = False) -> tuple[Plan, list[str]]:
    """Return the plan of a deploy, and the queries that it makes."""
    uploader = Uploader(replace(get_uploader().options, trust_log=trust_log))
    with WorkerPool(4) as pool, CaptureQueriesContext(connection) as queries:
        plan = make_plan(uploader, items, pool=pool)
    return plan, [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def modules_passed(work: Callable[[], object]) -> set[str]:
    """Return the modules of the package in which this thread runs code meanwhile."""
    package, passed = os.path.dirname(wx_static_store.__file__), set[str]()

    def note(frame: FrameType, event: str, _arg: Any) -> None:
        path = os.path.relpath(frame.f_code.co_filename, package)
        # The guard of the pytest plugin stands in `testing`.
        if event == "call" and not path.startswith((os.pardir, "emulator", "testing")):
            passed.add(path)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return passed


@pytest.mark.django_db
def test_a_save_passes_26_modules_at_most(configure: Any) -> None:
    configure()

    def save() -> None:
        default_storage.save("a.txt", ContentFile(b"tea"))

    save()
    passed = modules_passed(save)
    assert len(passed) <= 26, " ".join(sorted(passed))


@pytest.mark.django_db
def test_a_new_file_costs_two_calls(cloud: EmulatorServer, site: Path) -> None:
    deploy(site)
    assert len(cloud.calls("staticuploadfile")) == len(cloud.calls("put_object")) == FILES
    once = [*cloud.calls("staticfilelist"), *cloud.calls("quota_get")]
    assert len(cloud.journal) - len(once) == 2 * FILES
    assert len(cloud.calls("quota_get")) == 1


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
def test_a_new_large_file_is_read_twice_as_well(
    cloud: EmulatorServer, site: Path, read: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release says the SHA-256 before it is sent."""
    monkeypatch.setattr(sources, "HASH_AHEAD", SIZE - 1)
    deploy(site)
    assert (len(read), {*read.values()}) == (FILES, {2 * SIZE})


@pytest.mark.django_db
def test_unchanged_files_cost_one_call_of_the_list_together(
    cloud: EmulatorServer, site: Path
) -> None:
    deploy(site)
    calls = len(cloud.journal)
    deploy(site)
    assert [call.name for call in cloud.journal[calls:]] == ["staticfilelist"]


@pytest.mark.django_db
def test_an_unchanged_file_costs_no_call_with_trust_log(cloud: EmulatorServer, site: Path) -> None:
    deploy(site)
    calls = len(cloud.journal)
    deploy(site, trust_log=True)
    assert len(cloud.journal) == calls


@pytest.mark.django_db
@pytest.mark.parametrize("trust_log", [False, True], ids=["by the list", "by the log"])
def test_an_unchanged_file_is_read_and_hashed_once(
    cloud: EmulatorServer, site: Path, read: Counter[str], hashed: Counter[str], trust_log: bool
) -> None:
    deploy(site)
    read.clear()
    hashed.clear()
    deploy(site, trust_log=trust_log)
    assert (len(read), {*read.values()}) == (FILES, {SIZE})
    assert (len(hashed), {*hashed.values()}) == (FILES, {1})


@pytest.mark.django_db
def test_an_unchanged_file_that_the_log_does_not_know_is_read_and_hashed_once(
    cloud: EmulatorServer, site: Path, read: Counter[str], hashed: Counter[str]
) -> None:
    deploy(site)
    UploadLog.objects.all().delete()
    read.clear()
    hashed.clear()
    deploy(site)
    assert (len(read), {*read.values()}) == (FILES, {SIZE})
    assert (len(hashed), {*hashed.values()}) == (FILES, {1})


@pytest.mark.django_db
def test_2000_unchanged_files_of_three_folders_cost_five_calls_at_most(
    cloud: EmulatorServer,
) -> None:
    names = [f"{'abc'[number % 3]}/{number:04}.js" for number in range(2000)]
    for name in names:
        cloud.put_object(name, name.encode())
    items = [UploadItem(name, open=partial(BytesIO, name.encode())) for name in names]
    plan, _asked = planned(items)
    assert len(plan.unchanged) == 2000
    assert {call.name for call in cloud.journal} == {"staticfilelist"}
    assert len(cloud.journal) <= 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trust_log", "queries"), [(False, 2), (True, 3)], ids=["by the list", "by the log"]
)
def test_a_plan_asks_as_many_queries_whatever_its_size(
    cloud: EmulatorServer, site: Path, trust_log: bool, queries: int
) -> None:
    deploy(site)
    plan, asked = planned(tree.read_tree(site).items, trust_log=trust_log)
    assert (len(plan.unchanged), len(asked)) == (FILES, queries)


def test_a_check_of_the_project_makes_no_socket() -> None:
    """Importing urllib3 does: it tries whether the machine has IPv6."""
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", CHECK], check=True, cwd=root)
