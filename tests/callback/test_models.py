"""The table of tickets: its migration, and what a row shows."""

import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.callback.pushes import APPID, TICKET
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.callback.tickets import save
from wx_static_store.core.secrets import Secret

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_migrations_are_up_to_date_with_the_models() -> None:
    said = StringIO()
    call_command("makemigrations", "wx_static_store_callback", dry_run=True, stdout=said)
    assert said.getvalue() == "No changes detected in app 'wx_static_store_callback'\n"


def test_the_migration_can_be_reversed_and_applied_again() -> None:
    for target, there in (("zero", False), ("0001", True)):
        call_command("migrate", "wx_static_store_callback", target, verbosity=0)
        assert (VerifyTicket._meta.db_table in connection.introspection.table_names()) is there


def test_the_text_of_a_ticket_row_shows_no_secret() -> None:
    save(APPID, Secret(TICKET), int(time.time()))
    assert APPID in str(VerifyTicket.objects.get())
    assert "planted" not in str(VerifyTicket.objects.get())
