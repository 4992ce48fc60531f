"""What CI runs where: each list names tests that exist, and together they leave none out."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import nightly, parts
from tests.conftest import pytest_terminal_summary, slow
from tests.tables import each

ROOT = Path(__file__).parent.parent


@each("name", ["VERSIONS", "CI", "SLOW", "SHARED", "LONG", "DATABASES"])
def test_a_list_names_tests_that_exist(name: str) -> None:
    gone = [path for path in parts.paths(getattr(parts, name)) if not (ROOT / path).exists()]
    assert gone == [], f"correct {name} in tests/parts.py"


def test_no_test_is_in_the_lists_of_versions_and_of_ci() -> None:
    assert {*parts.paths(parts.VERSIONS)}.isdisjoint(parts.paths(parts.CI))


def test_what_is_slow_runs_where_wx_slow_is_set() -> None:
    """Without it those tests are skipped, so CI would run them nowhere."""
    asks = re.compile(r"WX_SLOW|^from tests.conftest import .*\bslow", re.MULTILINE)
    modules = (ROOT / "tests").rglob("test_*.py")
    slow = {path for path in modules if asks.search(path.read_text())}
    tables = (parts.VERSIONS, parts.CI, parts.SLOW)
    run = {ROOT / path for table in tables for path in parts.paths(table)}
    assert {path for path in slow if run.isdisjoint({path, *path.parents})} == set()


def test_a_list_is_printed_for_pytest(capsys: pytest.CaptureFixture[str]) -> None:
    parts.main(["--without", "CI"])
    assert (
        "--ignore=tests/api/test_schemathesis.py --ignore=tests/api/test_version.py "
        in capsys.readouterr().out
    )


def run_whole(*options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", *options]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return re.findall(r"(\d+) passed", done.stdout)[0]


@slow
def test_a_file_that_its_worker_collects_has_all_its_tests() -> None:
    whole = run_whole("-n2", "-p", "tests.whole_files", "tests/test_tables.py")
    assert whole == run_whole("-n0", "tests/test_tables.py")


@slow
def test_after_a_file_without_a_test_the_next_folder_begins_anew() -> None:
    """On SQLite the second has none, and what the first holds is its folder's."""
    files = ["databases/test_transactions.py", "databases/test_live.py", "test_tables.py"]
    paths = [f"tests/{file}" for file in files]
    assert run_whole("-n0", "-p", "tests.whole_files", *paths) == run_whole("-n0", *paths)


# --- make nightly -------------------------------------------------------------------------------


def test_a_commit_names_one_of_the_eleven_parts() -> None:
    commits = [f"{number:040x}" for number in range(2**32, 2**32 + 11)]
    assert sorted(nightly.chosen(commit)[0] for commit in commits) == sorted(nightly.PARTS)
    assert len(nightly.PARTS) == 11


def test_a_person_names_a_part_by_its_number_or_runs_all() -> None:
    assert nightly.chosen("3") == [[*nightly.PARTS][2]]
    assert nightly.chosen("") == [*nightly.PARTS]


@pytest.mark.parametrize(("command", "code"), [("false", 1), ("true", 0)])
def test_each_part_and_its_time_are_printed_at_the_end(
    command: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(nightly, "PARTS", {"one": ("true",), "two": (command, "true")})
    assert nightly.main([]) == code
    *_begun, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(" s  nightly 1 of 2: one")
    assert second.endswith(" s  nightly 2 of 2: two" + " FAILED" * code)


# --- a second try -------------------------------------------------------------------------------


def test_a_test_that_needs_a_second_try_is_noted(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    report = SimpleNamespace(nodeid="tests/test_a.py::test_b")
    summary = SimpleNamespace(stats={"rerun": [report, report], "passed": []})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WX_SECOND_TRIES", str(noted))
        pytest_terminal_summary(summary)
    assert noted.read_text() == f"{report.nodeid}\n" * 2
