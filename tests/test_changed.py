"""The tests that ``make check`` runs after a change."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import changed
from tests.changed import ALWAYS, MOST, OTHERS, ROOT, chosen_tests, count_tests, modules_in
from tests.tables import each


def chosen(*files: str) -> set[str]:
    return {*chosen_tests(files)[0]}


@each(
    ("file", "tests"),
    [
        ("wx_static_store/locale/zh_Hans/LC_MESSAGES/django.po", set()),  # always checked
        ("docs/howto/deploy.rst", {"tests/docs/test_deploy.py"}),
        ("tests/core/test_qr.py", {"tests/core/test_qr.py"}),
        ("tests/callback/conftest.py", {*modules_in("tests/callback")}),
        ("tests/core/test_gone.py", set()),
        ("LICENSE", set()),
    ],
)
def test_a_changed_file_runs_the_tests_of_its_folder(file: str, tests: set[str]) -> None:
    assert chosen(file) == tests | ALWAYS


def test_a_changed_template_runs_tests_of_the_admin() -> None:
    run = chosen("wx_static_store/templates/admin/wx_static_store/actions.html") - ALWAYS
    assert len(run) > 10
    assert run <= {*modules_in("tests/admin")}


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("core/qr.py", "tests/core/test_qr.py"),
        ("models/uploads.py", "tests/models/test_uploads.py"),
        ("management/commands/wx_deploy.py", "tests/management/test_wx_deploy.py"),
        ("admin/__init__.py", "tests/admin/test_base.py"),  # has no test module of its own
        ("i18n.py", "tests/test_i18n.py"),
    ],
)
def test_a_changed_module_runs_its_own_tests(module: str, test: str) -> None:
    assert test in chosen(f"wx_static_store/{module}")


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("core/hashed_names.py", "tests/deploy/test_tree.py"),
        ("models/uploads.py", "tests/api/test_serializers.py"),
    ],
)
def test_a_changed_module_runs_the_tests_of_those_that_import_it(module: str, test: str) -> None:
    assert test in chosen(f"wx_static_store/{module}")


def test_a_changed_module_runs_no_test_of_what_does_not_import_it() -> None:
    assert "tests/core/test_naming.py" not in chosen("wx_static_store/core/hashed_names.py")


def test_a_changed_table_runs_no_test_of_what_does_not_name_it() -> None:
    run = chosen("wx_static_store/models/accounts.py")
    assert "tests/callback/test_views.py" in run
    assert "tests/log/test_retry.py" not in run


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("conf/options/entries.py", "tests/conf/test_settings.py"),  # has the refused values
        ("models/uploads.py", "tests/admin/test_uploads.py"),  # its page shows all columns
    ],
)
def test_what_a_page_of_contributing_names_is_run(file: str, test: str) -> None:
    assert test in chosen(f"wx_static_store/{file}")


@pytest.mark.parametrize("page", ["reference_pages", "troubleshooting", "command_lines"])
def test_the_tables_of_the_docs_are_always_checked(page: str) -> None:
    assert f"tests/docs/test_{page}.py" in chosen("wx_static_store/causes/wechat.py")


def test_a_changed_module_that_nearly_all_import_runs_a_minute_of_tests() -> None:
    run, left_out = chosen_tests(["wx_static_store/i18n.py"])
    assert 0.8 * MOST < sum(count_tests(test) for test in {*run} - ALWAYS) <= MOST
    assert len(left_out) > 10
    assert {*run}.isdisjoint(left_out)


def test_the_last_line_says_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(changed, "changed_files", lambda: ["wx_static_store/i18n.py"])
    monkeypatch.setattr(subprocess, "run", run)
    assert changed.main() == 3
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"Left out: \d+ test modules \(\d+ of \w+, .+ …\): run make test\.", last)


def test_what_is_always_run_and_what_a_folder_names_exists() -> None:
    assert [test for test in [*ALWAYS, *OTHERS.values()] if not (ROOT / test).exists()] == []
    assert [start for start in OTHERS if not [*ROOT.glob(f"{start.rstrip('/')}*")]] == []


def test_a_changed_helper_runs_the_tests_that_name_it() -> None:
    assert "tests/security/test_entries.py" in chosen("tests/permissions.py")


# --- main -------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the tests look at a clone that is on a branch with one new file, without local main."""
    who = ("-c", "user.name=T", "-c", "user.email=t@example.com")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(changed, "ROOT", tmp_path)
    git("init", "--initial-branch", "topic")
    git("commit", "--allow-empty", "--message", "Begin")
    (tmp_path / "new.py").touch()
    return git


@each("ref", ["refs/heads/main", "refs/remotes/origin/main"])
def test_main_may_be_known_as_that_of_origin_alone(clone: Callable[..., None], ref: str) -> None:
    clone("update-ref", "-d", "refs/heads/main")
    clone("update-ref", "-d", "refs/remotes/origin/main")
    clone("update-ref", ref, "HEAD")
    assert changed.changed_files() == ["new.py"]


@pytest.mark.usefixtures("clone")
def test_without_any_main_one_sentence_says_so() -> None:
    with pytest.raises(SystemExit, match="git fetch origin main"):
        changed.changed_files()
