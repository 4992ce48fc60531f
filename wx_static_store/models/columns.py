"""Texts that every database keeps, digests, and foreign keys without a constraint."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import models, router
from django.db.models import functions
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)
Rows = TypeVar("Rows", bound=models.QuerySet[Any])

SKEW = timedelta(days=1)  # rows are in the order of their ids but for clocks and transactions


class PrimaryQuerySet(models.QuerySet[Row]):
    def primary(self) -> Self:
        """Read from the database that is written to: a replica may be behind."""
        return self.using(router.db_for_write(self.model))


class Now(functions.Now):
    """The database's clock, which all machines share."""

    # MySQL's own is in the time zone of its server.
    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra)


def fitting(model: type[models.Model], columns: dict[str, Any]) -> dict[str, Any]:
    """Make texts and times that every database keeps: a refused one would fail its whole batch."""
    longest, fitted = _longest(model), dict(columns)
    for name, value in columns.items():
        if isinstance(value, str):
            if not value.isprintable():
                # No database keeps NUL, nor the lone surrogates of undecodable file names.
                value = value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
            fitted[name] = value[: longest.get(name)]
        elif isinstance(value, datetime) and value.tzinfo and not settings.USE_TZ:
            fitted[name] = timezone.make_naive(value)
    return fitted


@cache
def _longest(model: type[models.Model]) -> dict[str, int | None]:
    return {field.name: getattr(field, "max_length", None) for field in model._meta.fields}


def created_between(rows: Rows, since: datetime | None, until: datetime | None) -> Rows:
    """Return the rows of a time; ids bound them, too, so that an index of any filter serves."""
    ids = rows.model._base_manager.using(rows.db).values_list("id", flat=True)
    if since:
        older = ids.filter(created__lt=since - SKEW).order_by("-created").first()
        rows = rows.filter(created__gte=since, id__gt=older or 0)
    if until:
        rows = rows.filter(created__lt=until)
        newer = ids.filter(created__gte=until + SKEW).order_by("created").first()
        rows = rows.filter(id__lt=newer) if newer else rows
    return rows


def key_digest(key: str) -> str:
    """Return the text of fixed width by which rows are found."""
    # MariaDB indexes 3072 bytes at most, and compares without case: a key is not indexed whole.
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def link(to: Any, verbose_name: Any, *, related_name: str, **options: Any) -> Any:
    """Make a foreign key without a constraint, which outlives its target."""
    # A constraint would make a row of the log wait for locks on the user's row, and fail the
    # caller's commit when that row is gone; and a router may give the log a database of its own.
    return models.ForeignKey(
        to,
        verbose_name=verbose_name,
        null=True,
        blank=True,
        db_constraint=False,
        related_name=related_name,
        **{"on_delete": models.SET_NULL} | options,
    )
