"""The `flush` that ends each test of real transactions."""

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connections


class Command(flush.Command):
    """
    Empty the tables, but for content types and permissions: no test changes these.

    To make them anew, as Django does, takes longer than most of the tests.
    """

    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        kept = {model._meta.db_table for model in (ContentType, Permission)}
        statements = connection.ops.sql_flush(no_style(), sorted({*tables} - kept))
        connection.ops.execute_sql_flush(statements)
