"""``wx_prune``: what it prints, asks and refuses."""

import sys
from typing import Any

import pytest
from django.db import connection

from tests.log.conftest import row, run
from tests.log.test_prune import a_bit_of_all
from wx_static_store.management.commands.wx_prune import Command
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


def test_wx_prune_reports_what_it_deleted() -> None:
    a_bit_of_all()
    assert run("wx_prune", "--days=30", "--yes") == (0, "deleted: uploads 3, deployments 1\n")
    assert UploadLog.objects.count() == 1


def test_wx_prune_reports_what_it_would_delete() -> None:
    a_bit_of_all()
    code, said = run("wx_prune", "--days=30", "--dry-run")
    assert (code, said) == (0, "would be deleted: uploads 3, deployments 1\n")
    assert UploadLog.objects.count() == 4


@pytest.mark.parametrize(
    ("answer", "said", "rows"),
    [("y", "deleted: uploads 3, deployments 1\n", 1), ("", "Nothing was deleted.\n", 4)],
)
def test_wx_prune_asks_before_it_deletes(
    monkeypatch: pytest.MonkeyPatch, answer: str, said: str, rows: int
) -> None:
    a_bit_of_all()
    asked = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)
    assert run("wx_prune", "--days=30") == (0, said)
    assert asked == ["Delete 3 uploads and 1 deployments that are older than 30 days? [y/N] "]
    assert UploadLog.objects.count() == rows


class Terminal:
    def isatty(self) -> bool:
        return True


def test_wx_prune_deletes_nothing_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    a_bit_of_all()
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    monkeypatch.setattr(sys, "stdin", Terminal())
    code, said = run("wx_prune", "--days=30")
    assert (code, "--yes" in said, UploadLog.objects.count()) == (2, True, 4)


@pytest.mark.parametrize(
    "argument", ["--days=0", "--days=-3", "--days=x", "--batch=0", "--batch=10001"]
)
def test_a_number_out_of_range_ends_with_2_and_names_the_range(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "wx_prune", "--days=30", argument, "--yes"])
    assert (ended.value.code, "a number from 1 to" in capsys.readouterr().err) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_rows_deleted_before_an_interrupt_stay_deleted() -> None:
    for days in (90, 80, 70):
        row("a", days=days)
    deleted = []

    def interrupt(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("DELETE"):
            deleted.append(sql)
        if len(deleted) > 1:
            raise KeyboardInterrupt
        return execute(sql, *more)

    with connection.execute_wrapper(interrupt):
        code, said = run("wx_prune", "--days=30", "--batch=1", "--yes")
    assert (code, UploadLog.objects.count()) == (130, 2)
    assert "uploads 1, deployments 0" in said
