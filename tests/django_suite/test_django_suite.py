"""Django's own tests, from the source archive of the running Django, over our three storages."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
VERSION = django.get_version()
NEEDED = ("admin_scripts", "file_storage", "staticfiles_tests", "user_commands")
FEWEST = 140  # a run that loses its tests must not pass

pytestmark = pytest.mark.skipif(
    not {"WX_SLOW", "WX_REQUIRE_DJANGO_SUITE"} & {*os.environ},
    reason="takes half a minute: WX_SLOW=1 runs it",
)


@pytest.fixture(scope="module")
def archive() -> Path:
    try:
        return source_archive()
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("WX_REQUIRE_DJANGO_SUITE"):
            raise
        pytest.skip(f"Django's source archive cannot be fetched: {error}")


def source_archive() -> Path:
    """Fetch Django's source once, by name and version, to a place outside of the checkout."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "wx_static_store")
    kept = cache / f"django-{VERSION}.tar.gz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as folder:
            download(folder)
            [fetched] = Path(folder).iterdir()
            fetched.replace(kept)
    return kept


def download(folder: str) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    how = ["--no-deps", "--no-binary", "django", "--retries", "1", "--timeout", "15"]
    done = subprocess.run(
        [*pip, *how, "--dest", folder, f"Django=={VERSION}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise OSError(done.stderr.strip())


@pytest.fixture(scope="module")
def django_tests(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of Django's tests."""
    folder = tmp_path_factory.mktemp("django")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, [m for m in tar if is_needed(m.name)], filter="data")
    [tests] = folder.glob("*/tests")
    return tests


def is_needed(name: str) -> bool:
    _root, *parts = name.split("/")
    return len(parts) > 1 and parts[0] == "tests" and parts[1] in NEEDED


@pytest.fixture(scope="module")
def report(django_tests: Path) -> dict[str, Any]:
    """Return the report that `run.py` prints, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "run.py"), str(django_tests)],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    *lines, last = done.stdout.splitlines() or [""]
    assert last.startswith("{"), done.stderr
    left_out = [line for line in lines if line.startswith("left out")]
    return json.loads(last) | {"left_out": left_out, "output": done.stderr}


def test_every_test_of_django_passes(report: dict[str, Any]) -> None:
    assert report["failed"] == [], report["output"]


def test_no_test_of_django_is_skipped(report: dict[str, Any]) -> None:
    assert report["skipped"] == []


def test_enough_tests_of_django_ran(report: dict[str, Any]) -> None:
    assert report["ran"] >= FEWEST


@pytest.mark.parametrize(
    ("storage", "case"),
    [
        ("WxStorage", "FileFieldStorageTests"),
        ("WxStorage for static files", "TestCollectionNonLocalStorage"),
        ("WxStaticFilesStorage", "TestCollection"),
        ("WxManifestStaticFilesStorage", "TestCollectionManifestStorage"),
    ],
)
def test_the_files_of_django_s_tests_went_to_the_emulator(
    report: dict[str, Any], storage: str, case: str
) -> None:
    assert report["puts"][case] > 0, storage


def test_the_tests_of_django_that_are_left_out_are_printed(
    report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write("\n".join(["", f"Django {VERSION}:", *report["left_out"], ""]))
    assert 0 < len(report["left_out"]) < 10


def test_nothing_of_django_is_in_the_checkout(archive: Path, django_tests: Path) -> None:
    assert CHECKOUT not in archive.parents
    theirs = {path.read_bytes() for path in django_tests.rglob("*.py")} - {b""}
    ours = {path.read_bytes() for path in (CHECKOUT / "tests").rglob("*.py")}
    assert ours.isdisjoint(theirs)
