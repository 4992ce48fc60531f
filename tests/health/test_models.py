"""What probes have learned is remembered as facts, the newest of each name."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from wx_static_store.health.models import Fact

pytestmark = pytest.mark.django_db


def test_the_migrations_are_up_to_date_with_the_models() -> None:
    said = StringIO()
    call_command("makemigrations", "wx_static_store_health", dry_run=True, stdout=said)
    assert said.getvalue() == "No changes detected in app 'wx_static_store_health'\n"


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_reversed_and_applied_again() -> None:
    for target, there in (("zero", False), ("0001", True)):
        call_command("migrate", "wx_static_store_health", target, verbosity=0)
        assert (Fact._meta.db_table in connection.introspection.table_names()) is there


def test_a_fact_is_remembered_by_its_name() -> None:
    Fact.objects.remember("env-1", {"list.md5": "plain"})
    fact = Fact.objects.get()
    assert (fact.subject, fact.name, fact.value) == ("env-1", "list.md5", "plain")


def test_a_newer_fact_takes_the_place_of_the_older() -> None:
    Fact.objects.remember("env-1", {"list.md5": "plain"})
    Fact.objects.remember("env-1", {"list.md5": "multipart"})
    assert [fact.value for fact in Fact.objects.all()] == ["multipart"]


def test_a_fact_is_forgotten_by_its_name_and_subject() -> None:
    for env in ("env-1", "env-2"):
        Fact.objects.remember(env, {"cors": "on", "cors_methods": "PUT"})
    Fact.objects.forget("env-1", ["cors_methods"])
    left = [("env-1", "cors"), ("env-2", "cors"), ("env-2", "cors_methods")]
    assert [*Fact.objects.values_list("subject", "name")] == left


def test_a_fact_that_is_too_long_is_cut() -> None:
    Fact.objects.remember("env-1", {"site.notice": "a" * 300})
    assert Fact.objects.get().value == "a" * 255
