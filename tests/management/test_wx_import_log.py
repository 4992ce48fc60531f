"""``wx_import_log``: what it reads and prints, and a build without a database end to end."""

import io
import sys
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from tests.log.conftest import run, statuses
from tests.log.test_import_lines import NOON, line
from tests.management.conftest import Build
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.plan import make_plan
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db

SAVE = """
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
for name in sys.argv[1:]:
    default_storage.save(name, ContentFile(name.encode()))
"""


def test_wx_import_log_reads_files(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.jsonl").write_bytes(line("a", NOON + number) + line(f"{number}"))
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    assert run("wx_import_log", *paths) == (0, "added 4, known 0, left out 0, broken 0\n")


def test_wx_import_log_reads_its_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line())))
    assert run("wx_import_log", "-") == (0, "added 1, known 0, left out 0, broken 0\n")


def test_wx_import_log_ends_with_1_where_a_line_is_broken(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(line("a") + b"secret=planted\n" + line("b"))
    code, said = run("wx_import_log", str(tmp_path / "log"))
    assert (code, len(statuses())) == (1, 2)
    assert f"{tmp_path}/log:2: not a JSON object\n" in said
    assert "added 2, known 0, left out 0, broken 1\n" in said
    assert "planted" not in said


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_ends_with_2_before_any_is_imported(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "log").write_bytes(line())
    code, said = run("wx_import_log", str(tmp_path / "log"), str(tmp_path / name))
    assert (code, statuses()) == (2, [])
    assert str(tmp_path / name) in said


def test_a_deploy_after_a_build_without_a_database_sends_nothing_again(
    cloud: EmulatorServer, build: Build
) -> None:
    names = ["a.css", "图/文 档.txt", "b.js"]
    assert build.run(SAVE, *names).returncode == 0
    assert run("wx_import_log", str(build.lines)) == (0, "added 3, known 0, left out 0, broken 0\n")
    items = [UploadItem(n, open=partial(BytesIO, cloud.objects()[n].body)) for n in names]
    with WorkerPool(1) as pool:
        plan = make_plan(get_uploader(), items, pool=pool)
    assert (len(plan.unchanged), len(plan)) == (3, 0)
