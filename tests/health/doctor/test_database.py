"""The database of the log: its tables, its migrations, a row that is rolled back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models.signals import post_save

from tests.elsewhere import ALIAS, Elsewhere, elsewhere as elsewhere, migrated as migrated
from wx_static_store.models import UploadLog

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

# --- the tables -----------------------------------------------------------------------------------


def test_tables_that_are_there_are_well(examined: Examine, elsewhere: Elsewhere) -> None:
    found = examined()
    assert said(found["database.tables"]).startswith("✓ All ")
    assert ALIAS in said(found["database.tables"])


def test_an_unapplied_migration_is_named_with_the_command(
    examined: Examine, elsewhere: Elsewhere
) -> None:
    elsewhere.execute("DELETE FROM django_migrations WHERE app = 'wx_static_store_callback'")
    found = examined()
    assert said(found["database.tables"]) == (
        "✗ Migrations are not applied: wx_static_store_callback.0001_initial. "
        "Run manage.py migrate --database elsewhere."
    )
    assert marks(found)["database.log"] == "–"


def test_a_database_that_was_never_migrated_misses_all_migrations(
    examined: Examine, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    elsewhere.set_up(NAME=str(tmp_path / "new.sqlite3"))
    found = said(examined()["database.tables"])
    assert "wx_static_store.0001_initial" in found
    assert "wx_static_store_callback.0001_initial" in found
    assert "auth" not in found


def test_a_missing_table_is_named(examined: Examine, elsewhere: Elsewhere) -> None:
    elsewhere.execute("DROP TABLE wx_static_store_uploadlog")
    found = examined()
    assert said(found["database.tables"]).startswith(
        "✗ Tables are missing: wx_static_store_uploadlog. Restore the database"
    )
    assert marks(found)["database.log"] == "–"


def test_the_tables_of_the_opt_in_apps_are_asked_for(
    examined: Examine, elsewhere: Elsewhere
) -> None:
    elsewhere.execute("DROP TABLE wx_static_store_rollouts_drift")
    found = said(examined()["database.tables"])
    assert found.startswith("✗ Tables are missing: wx_static_store_rollouts_drift.")


def test_a_migration_of_a_newer_version_is_a_warning(
    examined: Examine, elsewhere: Elsewhere
) -> None:
    elsewhere.execute(
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('wx_static_store', '9999_later', '2030-01-01')"
    )
    assert said(examined()["database.tables"]).startswith(
        "! A newer version migrated the database: wx_static_store.9999_later."
    )


def test_the_migrations_of_a_callback_that_was_removed_are_no_fault(
    examined: Examine, elsewhere: Elsewhere, settings: Any
) -> None:
    callback = "wx_static_store.callback"
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != callback]
    assert said(examined()["database.tables"]).startswith("✓ All ")


def test_a_database_that_is_away_is_named(
    examined: Examine, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    elsewhere.set_up(NAME=str(tmp_path / "no_such_folder" / "db.sqlite3"))
    found = said(examined()["database.tables"])
    assert found.startswith("✗ The database 'elsewhere' cannot be asked (OperationalError: unable")
    assert "DATABASES['elsewhere']" in found


def test_a_project_without_a_database_is_no_fault(examined: Examine, elsewhere: Elsewhere) -> None:
    elsewhere.set_up(ENGINE="django.db.backends.dummy")
    found = examined()
    assert said(found["database.tables"]).startswith("– This project has no database")
    assert marks(found)["database.log"] == "–"


# --- the log --------------------------------------------------------------------------------------


def test_a_row_of_the_log_is_written_and_rolled_back(
    examined: Examine, elsewhere: Elsewhere
) -> None:
    saved: list[object] = []

    def listen(instance: object, **kwargs: Any) -> None:
        saved.append(instance)

    post_save.connect(listen, sender=UploadLog)
    try:
        found = examined()
    finally:
        post_save.disconnect(listen, sender=UploadLog)
    assert marks(found)["database.log"] == "✓"
    assert elsewhere.count() == 0
    assert saved == []  # a project's receiver never hears of it


def test_a_database_that_is_read_only_is_named(examined: Examine, elsewhere: Elsewhere) -> None:
    elsewhere.set_up(NAME=f"file:{elsewhere.file}?mode=ro", OPTIONS={"uri": True})
    found = examined()
    assert marks(found)["database.tables"] == "✓"
    assert said(found["database.log"]).startswith("✗ The database 'elsewhere' is read-only")


def test_a_log_that_refuses_rows_is_named(examined: Examine, elsewhere: Elsewhere) -> None:
    elsewhere.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON wx_static_store_uploadlog "
        "BEGIN SELECT RAISE(ABORT, 'permission denied'); END"
    )
    found = said(examined()["database.log"])
    assert found.startswith("✗ The log cannot be written to 'elsewhere' (")
    assert "permission denied" in found
