"""A database for one workload: made, filled by single statements, and dropped."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection, models


class Dialect(NamedTuple):
    """What the databases write differently."""

    numbers: str  # a table with the numbers from 1 on, as `n`
    digest: str  # what finds a key, see `key_digest`
    ago: str  # the time so many seconds ago
    div: str  # of whole numbers
    prepare: str
    settle: str  # what a server does by itself sooner or later


DIALECTS = {
    "postgresql": Dialect(
        "generate_series(1, {}) AS numbers(n)",
        "left(encode(sha256(convert_to({}, 'UTF8')), 'hex'), 40)",
        "now() - ({}) * interval '1 second'",
        "/",
        "SET synchronous_commit = off",
        "VACUUM ANALYZE {}",
    ),
    "mysql": Dialect(
        "(SELECT seq AS n FROM seq_1_to_{}) AS numbers",
        "left(sha2({}, 256), 40)",
        "utc_timestamp(6) - interval ({}) second",
        "DIV",
        # It fills an empty table at once, its indexes sorted.
        "SET unique_checks = 0, foreign_key_checks = 0",
        "ANALYZE TABLE {}",
    ),
}


def create() -> dict[str, Any]:
    """Make the database that the settings name, with all tables."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    return {}


def drop() -> dict[str, Any]:
    name = str(connection.settings_dict["NAME"])
    connection.creation.destroy_test_db(name, verbosity=0)
    return {}


def dialect() -> Dialect:
    return DIALECTS[connection.vendor]


def follow_deployments() -> None:
    """Let the rows that say what is live know the inserted deployments; older code has none."""
    from wx_static_store.models import deployments

    if states := getattr(deployments, "FolderState", None):
        for some in states.objects.parts():
            some.settle()


def insert(model: type[models.Model], count: int, **given: str) -> None:
    """Insert rows; SQL of `n` gives a column's values, else they are the field's default."""
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not (field.primary_key or field.generated)
    ]
    values = [given.get(field.attname, "%s") for field in fields]
    defaults = [field.get_default() for field in fields if field.attname not in given]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table, numbers = model._meta.db_table, dialect().numbers.format(count)
    with connection.cursor() as cursor:
        cursor.execute(dialect().prepare)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {numbers}",  # noqa: S608
            defaults,
        )
        cursor.execute(dialect().settle.format(table))
