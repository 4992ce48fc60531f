"""The log: its newest rows, and what the table promises."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tables import each
from wx_static_store.causes import CAUSES, LOOK
from wx_static_store.core.types import UploadContext, UploadResult, UploadStatus, facts
from wx_static_store.log import source_of
from wx_static_store.models import Deployment, Dismissal, UploadLog, key_digest
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db


def row(key: str, status: str = "stored", env: str = "env-1", **more: Any) -> UploadLog:
    digest = key_digest(key)
    return UploadLog.objects.create(env=env, key=key, key_digest=digest, status=status, **more)


def test_the_migrations_are_up_to_date_with_the_models() -> None:
    said = StringIO()
    call_command("makemigrations", "wx_static_store", dry_run=True, stdout=said)
    assert said.getvalue() == "No changes detected in app 'wx_static_store'\n"


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_reversed_and_applied_again() -> None:
    """With it go the tables of rollouts, whose migration depends on it."""
    for words, there in ((["wx_static_store", "zero"], False), ([], True)):
        call_command("migrate", *words, verbosity=0)
        tables = connection.introspection.table_names()
        assert [model._meta.db_table in tables for model in (UploadLog, Rollout)] == [there] * 2


def test_the_permissions_are_those_that_the_entries_ask_for() -> None:
    names = Permission.objects.filter(content_type__app_label__startswith="wx_static_store")
    assert set(names.values_list("codename", flat=True)) == {
        "view_deployment",
        "view_uploadlog",
        "upload",
        "upload_active_content",
        "replace",
        "replace_protected",
        "unpublish",
        "retry",
        "diagnose",
        "deploy",
        "view_health",
    }


def test_the_newest_rows_of_many_environments_cost_two_queries(
    django_assert_num_queries: Any,
) -> None:
    older = [row(key, env=f"env-{number}") for number, key in enumerate("aabbc")]
    newer = row("a", "failed", env="env-1")
    row("b", env="env-1")  # another key
    with django_assert_num_queries(2):
        found = UploadLog.objects.newest_of(older)
    assert {*found.values()} == {older[0], newer, *older[2:]}
    stored = UploadLog.objects.filter(status="stored").newest_of(older)
    assert {*stored.values()} == {*older}


def test_the_newest_row_counts_whatever_its_status() -> None:
    row("a")
    newest = row("a", "failed")
    assert UploadLog.objects.newest("env-1", ["a"]) == {"a": newest}


def test_rows_of_another_environment_are_not_the_newest() -> None:
    row("a", env="env-2")
    assert UploadLog.objects.newest("env-1", ["a"]) == {}


@each("keys", ["aA", "eé", "ßs", "😀😁", ("a", "a "), "中文", "ⅠI"])
def test_keys_that_a_collation_takes_for_equal_have_rows_of_their_own(keys: tuple[str]) -> None:
    rows = {key: row(key) for key in keys}
    assert UploadLog.objects.newest("env-1", keys) == rows


def test_five_hundred_keys_cost_two_queries() -> None:
    keys = [str(n) for n in range(500)]
    for key in keys[:3]:
        row(key)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = UploadLog.objects.newest("env-1", keys)
    assert set(found) == set(keys[:3])
    assert len(queries) == 2


def test_keys_of_many_queries_are_all_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wx_static_store.models.uploads.DIGESTS_A_QUERY", 3)
    rows = {key: row(key) for key in "abcde"}
    assert UploadLog.objects.newest("env-1", "abcdef") == rows


def test_newest_values_are_those_of_the_newest_rows() -> None:
    row("a")
    row("a", "failed")
    row("b")
    found = UploadLog.objects.newest_values("env-1", ["a", "b", "c"], "key", "status")
    assert sorted(found) == [("a", "failed", None), ("b", "stored", None)]


def test_newest_values_come_with_the_last_stored_at_of_any_row() -> None:
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    for moment in (first, last, None):
        row("a", stored_at=moment)
    row("a", env="env-2", stored_at=datetime(2026, 1, 3, tzinfo=UTC))
    assert [*UploadLog.objects.newest_values("env-1", ["a"], "stored_at")] == [(None, last)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the others have no limit of this kind")
def test_no_query_has_more_parameters_than_the_database_takes() -> None:
    rows = {key: row(key) for key in ("a", "b")}
    code = sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER
    before = connection.connection.setlimit(code, 999)  # of SQLite before 3.32
    try:
        assert UploadLog.objects.newest("env-1", [*map(str, range(1500)), *rows]) == rows
    finally:
        connection.connection.setlimit(code, before)


def test_the_newest_rows_are_found_by_index() -> None:
    keys = {str(number): key_digest(str(number)) for number in range(1000)}
    UploadLog.objects.bulk_create(
        UploadLog(env="env-1", key=key, key_digest=digest) for key, digest in keys.items()
    )
    if connection.vendor == "postgresql":  # it plans by what it has counted
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {UploadLog._meta.db_table}")
    rows = UploadLog.objects.filter(env="env-1", key_digest__in=[key_digest("a")]).order_by()
    assert "wx_upload_newest" in rows.values("key_digest").explain()


def test_a_key_digest_has_a_fixed_width() -> None:
    assert len(key_digest("")) == len(key_digest("文" * 283)) == 40


# --- a copy to read from --------------------------------------------------------------------------


class Router:
    """Whatever is read without naming a database comes from one that does not answer."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "copy"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def first_source() -> str:
    again = UploadLog(env="env-1", key="a", key_digest=key_digest("a"), source="retry")
    [first] = source_of.earlier_uploads([again])[0].values()
    return first.source


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda: [*UploadLog.objects.newest("env-1", ["a"])], ["a"]),
        (lambda: [*UploadLog.objects.newest_values("env-1", ["a"], "key")], [("a", None)]),
        (lambda: Deployment.objects.unfinished("env-1").count(), 1),
        (first_source, "admin"),
    ],
    ids=["newest rows", "their values", "unfinished deployments", "source of repeated bytes"],
)
def test_a_read_that_decides_uses_the_database_that_is_written_to(
    settings: Any, read: Callable[[], object], found: object
) -> None:
    row("a", source="admin")
    Deployment.objects.create(env="env-1")
    settings.DATABASE_ROUTERS = [Router()]
    assert read() == found


def test_a_dismissal_outlives_its_user_and_goes_with_its_upload(django_user_model: Any) -> None:
    user, upload = django_user_model.objects.create_user("eve"), row("a.txt", status="failed")
    Dismissal.objects.create(upload=upload, user=user)
    user.delete()
    assert Dismissal.objects.get().user is None
    upload.delete()
    assert not Dismissal.objects.exists()


# --- why it failed ----------------------------------------------------------------------------


def test_a_row_is_explained_by_the_entry_of_its_cause_with_its_own_facts() -> None:
    failed = UploadLog(status="failed", cause="ResourceNotFound", env="dev\x1b")
    assert failed.why is CAUSES["ResourceNotFound"]
    assert failed.advice == failed.why.editor
    assert "no environment 'dev\\x1b' on" in str(failed.hint)


def test_a_row_of_a_stored_file_has_nothing_to_explain() -> None:
    stored = UploadLog(status="stored", errcode=0)
    assert (stored.why, stored.advice, stored.hint) == (None, "", "")


def test_a_row_whose_end_is_unknown_tells_to_look_first() -> None:
    assert UploadLog(status="unknown", cause="ResponseLost").advice is LOOK


def columns(key: str, **others: Any) -> dict[str, Any]:
    """Return the columns of a stored file's row, as `insert` takes them."""
    stored = UploadResult(key, key, UploadStatus.STORED, "e", size=5)
    return facts(stored, UploadContext("test")) | {"key_digest": key_digest(key)} | others


@pytest.mark.django_db
def test_inserted_rows_hold_their_columns_and_no_object_is_made_of_them() -> None:
    moment, made = timezone.now().replace(microsecond=0), list[object]()
    rows = [columns("文.txt"), columns("b", errcode=40097, stored_at=moment)]

    def note(instance: object, **_more: object) -> None:
        made.append(instance)

    post_init.connect(note, sender=UploadLog)
    try:
        assert UploadLog.objects.insert(rows) == 2
    finally:
        post_init.disconnect(note, sender=UploadLog)
    assert made == []
    found = list(UploadLog.objects.order_by("id").values(*rows[0], "created"))
    assert all(row.pop("created") >= moment for row in found)
    assert found == rows


@pytest.mark.django_db
def test_a_hundred_rows_are_inserted_by_three_statements_at_most(
    django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(3):
        UploadLog.objects.insert([columns(str(number)) for number in range(100)])
    assert UploadLog.objects.count() == 100
