"""CONTRIBUTING.rst is true: its files are there, its changes are small, no place is forgotten."""

import inspect
import re
from pathlib import Path

from tests.tables import each, none_of
from wx_static_store.admin.columns import UploadColumns
from wx_static_store.admin.uploads import UploadLogAdmin
from wx_static_store.conf.check_table import CHECKS
from wx_static_store.models import UploadLog

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wx_static_store"
TEXT = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^(.+)\n===+\n((?:.*\n)*?)(?=.+\n===+\n|\Z)", TEXT, re.MULTILINE))
CHANGES = [title for title in SECTIONS if title.startswith("How to add ")]
MOST = 5  # places
NAMED = re.compile(r"``([\w.-]+(?:/[\w.-]+)*/?)``")
# Paths that an example or the build makes.
MADE = {"docs/_build/html", "dist/", "tests/browser/screenshots", ".venv"}

# Columns that the database fills, and those that no page shows.
OF_THE_DATABASE = {"id", "key_digest", "key_start", "created"}
NOT_ON_THE_PAGE = {"stored_at"}
SHOWN_AS = {"env": "store", "duration_ms": "duration"}


@each("title", CHANGES)
def test_a_change_has_at_most_five_places(title: str) -> None:
    assert 1 < len(re.findall(r"^\d\. ", SECTIONS[title], re.MULTILINE)) <= MOST


@each("path", sorted({path for path in NAMED.findall(TEXT) if "/" in path} - MADE))
def test_a_file_that_is_named_is_there(path: str) -> None:
    """A path begins at the root, or in the package where the layout is explained."""
    below = (ROOT / path, PACKAGE / path, PACKAGE / "health" / path)
    assert any(place.exists() for place in below), f"CONTRIBUTING.rst names {path}: correct it"


def test_a_column_of_the_log_is_on_the_page_of_an_upload() -> None:
    shown = {
        *re.findall(r'columns\.(\w+)|"(\w+)"', inspect.getsource(UploadLogAdmin.get_fieldsets))
    }
    on_page = {name for names in shown for name in names} | NOT_ON_THE_PAGE
    none_of(
        f"UploadLog.{field.name} is on no page: add it to get_fieldsets() in "
        "wx_static_store/admin/uploads.py, or to NOT_ON_THE_PAGE in tests/test_contributing.py"
        for field in UploadLog._meta.concrete_fields
        if field.editable and SHOWN_AS.get(field.name, field.name) not in on_page | OF_THE_DATABASE
    )


def test_a_column_of_the_admin_is_shown() -> None:
    text = "".join(path.read_text() for path in (PACKAGE / "admin").rglob("*.py"))
    none_of(
        f"UploadColumns.{name} is shown nowhere: add it to get_list_display() in "
        "wx_static_store/admin/uploads.py"
        for name in vars(UploadColumns)
        if not (name.startswith("_") or re.search(rf"\bcolumns\.{name}\b", text))
    )


def test_a_system_check_is_asked() -> None:
    table = PACKAGE / "conf/check_table.py"
    text = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path != table)
    none_of(
        f"Nothing asks {id}: yield it in wx_static_store/conf/checks.py"
        for id in CHECKS
        if f'"{id}"' not in text
    )
