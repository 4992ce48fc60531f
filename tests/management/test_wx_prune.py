"""``wx_prune``: what it prints, asks and refuses."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.utils import timezone

from tests.conftest import ENV
from tests.databases.conftest import TABLE
from tests.log.conftest import row, run
from tests.log.test_prune import a_bit_of_all, bodies, folder as folder, kept_release, release
from wx_static_store.management.commands.wx_prune import Command
from wx_static_store.models import (
    Deployment,
    IdempotencyKey,
    Release,
    UploadLog,
    WaitingFile,
)
from wx_static_store.rollouts.models import Rollout

pytestmark = pytest.mark.django_db

COUNTS = "uploads 3, deployments 1"  # of a_bit_of_all()


def test_wx_prune_reports_what_it_deleted() -> None:
    a_bit_of_all()
    assert run("wx_prune", "--days=30", "--yes") == (
        0,
        f"deleted: {COUNTS}\n",
    )
    assert UploadLog.objects.count() == 1


def test_wx_prune_reports_what_it_would_delete() -> None:
    a_bit_of_all()
    code, said = run("wx_prune", "--days=30", "--dry-run")
    assert (code, said) == (0, f"would be deleted: {COUNTS}\n")
    assert UploadLog.objects.count() == 4


@pytest.mark.parametrize(
    ("answer", "said", "rows"),
    [
        ("y", f"deleted: {COUNTS}\n", 1),
        ("", "Nothing was deleted.\n", 4),
    ],
)
def test_wx_prune_asks_before_it_deletes(
    monkeypatch: pytest.MonkeyPatch, answer: str, said: str, rows: int
) -> None:
    a_bit_of_all()
    asked = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)
    assert run("wx_prune", "--days=30") == (0, said)
    assert asked == [f"Delete {COUNTS}? [y/N] "]
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


@pytest.mark.parametrize("option", ["--yes", "-y", "--no-input", "--noinput"])
def test_wx_prune_does_not_ask_if_it_is_told_so(option: str) -> None:
    a_bit_of_all()
    assert run("wx_prune", "--days=30", option) == (
        0,
        f"deleted: {COUNTS}\n",
    )


@pytest.mark.parametrize(
    "argument",
    ["--days=0", "--days=-3", "--days=x", "--batch=0", "--batch=10001", "--releases=0"],
)
def test_a_number_out_of_range_ends_with_2_and_names_the_range(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "wx_prune", "--days=30", argument, "--yes"])
    assert (ended.value.code, "a number from 1 to" in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(("option", "said"), [("-n", "would be deleted"), ("--yes", "deleted")])
def test_wx_prune_names_rollouts_and_keys_where_it_deletes_some(option: str, said: str) -> None:
    long_ago = timezone.now() - timedelta(days=60)
    Rollout.objects.create(using="site", waves="100%", state="done", ended=long_ago)
    IdempotencyKey.objects.create(running_until=long_ago, expires=long_ago)
    counts = "Idempotency-Keys 1, rollouts 1"
    assert run("wx_prune", "--days=30", option) == (0, f"{said}: {counts}\n")
    assert Rollout.objects.exists() == IdempotencyKey.objects.exists() == (option == "-n")


# --- releases ---------------------------------------------------------------------------------


def test_releases_may_be_pruned_without_the_log() -> None:
    a_bit_of_all()
    release()
    assert run("wx_prune", "--releases=5", "--yes") == (0, "deleted: releases 1\n")
    assert (UploadLog.objects.count(), Release.objects.count()) == (4, 0)


def test_days_prune_releases_but_for_the_last_ten() -> None:
    for _ in range(12):
        Deployment.objects.create(env=ENV, release=release(), outcome="done")
    said = "deleted: releases 2\n"
    assert run("wx_prune", "--days=30", "--yes") == (0, said)


def test_days_of_one_environment_leave_releases_alone() -> None:
    release()
    said = "deleted: nothing\n"
    assert run("wx_prune", "--days=30", "--env=tenant-b", "--yes") == (0, said)
    assert Release.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Say what to delete: --days"),
        (["--releases=5", "--env=tenant-b"], "Environments share releases"),
    ],
)
def test_what_says_too_little_or_too_much_ends_with_2(arguments: list[str], why: str) -> None:
    code, said = run("wx_prune", *arguments, "--yes")
    assert (code, why in said) == (2, True)


def test_bytes_are_counted_in_a_release_storage(folder: Path) -> None:
    kept_release(a_js=b"1", b_js=b"22")
    counts = "releases 1, files 2, 3\xa0bytes"
    assert run("wx_prune", "--releases=5", "-n") == (0, f"would be deleted: {counts}\n")
    assert bodies(folder) == [b"1", b"22"]
    assert run("wx_prune", "--releases=5", "--yes") == (0, f"deleted: {counts}\n")
    assert bodies(folder) == []


@pytest.mark.parametrize("option", ["RELEASE_STORAGE", "WAITING_STORAGE"])
def test_a_public_storage_of_kept_bytes_ends_with_2_before_anything_is_deleted(
    configure: Any, option: str
) -> None:
    a_bit_of_all()
    configure(WX_STATIC_STORE={option: "default"})
    code, said = run("wx_prune", "--days=30", "--yes")
    assert (code, "which is public" in said, UploadLog.objects.count()) == (2, True, 4)


def test_a_release_storage_that_fails_ends_with_1_and_says_what_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FileSystemStorage, name: str) -> None:
        raise OSError(30, "Read-only file system")

    kept_release(a_js=b"1")
    monkeypatch.setattr(FileSystemStorage, "delete", refuse)
    code, said = run("wx_prune", "--releases=5", "--yes")
    assert code == 1
    assert "what is done stays: releases 1\n" in said
    assert "Read-only file system" in said


@pytest.mark.django_db(transaction=True)
def test_rows_deleted_before_an_interrupt_stay_deleted() -> None:
    for days in (90, 80, 70):
        row("a", days=days)
    deleted = []

    def interrupt(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("DELETE") and TABLE in sql:
            deleted.append(sql)
        if len(deleted) > 1:
            raise KeyboardInterrupt
        return execute(sql, *more)

    with connection.execute_wrapper(interrupt):
        code, said = run("wx_prune", "--days=30", "--batch=1", "--yes")
    assert (code, UploadLog.objects.count()) == (130, 2)
    assert said.endswith("stays: uploads 1")


@pytest.mark.parametrize(("option", "left"), [("-n", [b"tea"]), ("-y", [])])
def test_old_bytes_of_a_save_that_was_rolled_back_go(
    configure: Any, tmp_path: Path, option: str, left: list[bytes]
) -> None:
    local = "django.core.files.storage.FileSystemStorage"
    kept = {"BACKEND": local, "OPTIONS": {"location": str(tmp_path / "kept")}}
    configure(
        STORAGES={"staticfiles": {"BACKEND": local}, "kept": kept},
        WX_STATIC_STORE={"WAITING_STORAGE": "kept", "WAITING_HOURS": 1},
    )
    path = tmp_path / "kept/waiting/ab" / ("0" * 30)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"tea")
    os.utime(path, (0, 0))
    code, said = run("wx_prune", "--days=30", option)
    assert (code, "files of rolled-back saves 1" in said) == (0, True)
    assert [each.read_bytes() for each in path.parent.iterdir()] == left


@pytest.mark.parametrize(("option", "left"), [("-n", 1), ("-y", 0)])
def test_old_uploads_that_failed_go(configure: Any, option: str, left: int) -> None:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    configure(STORAGES={"kept": memory}, WX_STATIC_STORE={"WAITING_STORAGE": "kept"})
    old = timezone.now() - timedelta(days=3)
    facts = {"state": "left", "source": "api", "token": "f" * 32}
    WaitingFile.objects.create(**facts, next_at=old, created=old, changed=old)
    code, said = run("wx_prune", "--days=30", option)
    assert (code, "files of failed uploads 1" in said) == (0, True)
    assert WaitingFile.objects.count() == left
