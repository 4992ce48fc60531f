"""The tests that ``make check`` runs after a change."""

import pytest

from tests.changed import ALWAYS, chosen_tests
from tests.tables import each


@each(
    ("file", "tests"),
    [
        ("wx_static_store/templates/admin/wx_static_store/actions.html", {"tests/admin"}),
        ("wx_static_store/locale/zh_Hans/LC_MESSAGES/django.po", set()),  # always checked
        ("docs/index.rst", {"tests/docs/test_command_lines.py"}),
        ("tests/core/test_qr.py", {"tests/core/test_qr.py"}),
        ("tests/api/conftest.py", {"tests/api"}),
        ("tests/core/test_gone.py", set()),
        ("LICENSE", set()),
    ],
)
def test_a_changed_file_runs_the_tests_of_its_folder(file: str, tests: set[str]) -> None:
    assert {*chosen_tests([file])} == tests | ALWAYS


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("core/qr.py", "tests/core/test_qr.py"),
        ("models/uploads.py", "tests/models/test_uploads.py"),
        ("management/commands/wx_deploy.py", "tests/management/test_wx_deploy.py"),
        ("admin/__init__.py", "tests/admin"),  # has no test module of its own
    ],
)
def test_a_changed_module_runs_its_own_tests(module: str, test: str) -> None:
    assert test in chosen_tests([f"wx_static_store/{module}"])


def test_a_changed_module_runs_the_tests_of_those_that_import_it() -> None:
    chosen = chosen_tests(["wx_static_store/core/hashed_names.py"])
    assert {"tests/core/test_hashed_names.py", "tests/deploy/test_tree.py"} <= {*chosen}
    assert "tests/core/test_naming.py" not in chosen


@pytest.mark.parametrize(
    ("module", "tests"), [("conf/options.py", "tests/conf"), ("i18n.py", "tests/test_i18n.py")]
)
def test_a_changed_module_that_many_import_runs_the_tests_of_its_folder(
    module: str, tests: str
) -> None:
    assert {*chosen_tests([f"wx_static_store/{module}"])} == {tests} | ALWAYS


def test_a_changed_helper_runs_the_tests_that_name_it() -> None:
    assert "tests/security/test_entries.py" in chosen_tests(["tests/permissions.py"])


def test_a_test_module_inside_a_chosen_folder_is_named_once() -> None:
    chosen = chosen_tests(["tests/api/conftest.py", "tests/api/test_log.py"])
    assert {*chosen} == {"tests/api", *ALWAYS}
