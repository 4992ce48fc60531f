"""What a worker does with a row that is to be sent again, and what it notes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from tests.log.uploads import MEDIA, newest
from tests.notes import planted
from tests.submit.conftest import HERE
from wx_static_store.core import notes
from wx_static_store.core.types import UploadContext
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.log.failing import dismiss
from wx_static_store.models import UploadLog
from wx_static_store.submit import by_workers
from wx_static_store.submit.by_workers import forget, refusals, send_again
from wx_static_store.submit.send import send
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

FILES = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    shared = "django.core.cache.backends.filebased.FileBasedCache"
    server: EmulatorServer = configure(
        STORAGES={
            "default": MEDIA,
            "local": {"BACKEND": FILES, "OPTIONS": {"location": tmp_path / "local"}},
        },
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "WAITING_STORAGE": "local"},
        CACHES={"default": {"BACKEND": shared, "LOCATION": str(tmp_path / "cache")}},
    )
    return server


@pytest.fixture
def row(cloud: EmulatorServer) -> UploadLog:
    """Return an upload that failed; its bytes are parked."""
    cloud.script({"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403})
    anna, file = User(is_active=True, is_superuser=True), BytesIO(b"tea")
    send(anna, HERE, "a.txt", file, UploadContext("admin"), size=3)
    return newest("a.txt")


def user(*permissions: str) -> int:
    found = User.objects.create_user("-".join(["eve", *permissions]))
    found.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    pk: int = found.pk
    return pk


def why(row: UploadLog) -> str:
    """Return the sentence that was noted; empty: none."""
    found = refusals([row]).get(row.pk)
    return str(found.reason) if found else ""


def test_a_worker_sends_the_bytes_for_the_user(cloud: EmulatorServer, row: UploadLog) -> None:
    eve = user("retry")
    send_again(row.pk, eve)
    last = newest("a.txt")
    assert (last.status, last.user_id, last.source_ref) == ("stored", eve, f"row {row.pk}")
    assert cloud.objects()["a.txt"].body == b"tea"
    assert refusals([row]) == {}


def test_a_message_that_comes_twice_costs_no_second_upload(
    cloud: EmulatorServer, row: UploadLog
) -> None:
    eve = user("retry")
    for _ in range(2):
        send_again(row.pk, eve)
    assert len(cloud.calls("put_object")) == 2  # with the one that failed
    assert UploadLog.objects.count() == 2


def test_a_file_that_another_upload_has_claimed_is_refused_with_a_note(
    cloud: EmulatorServer, row: UploadLog
) -> None:
    Claim().take(get_uploader().options, "a.txt")
    send_again(row.pk, user("retry"))
    assert "Another upload of a.txt is running" in why(row)
    assert UploadLog.objects.count() == 1


def test_other_bytes_are_not_replaced_without_the_permission(
    cloud: EmulatorServer, row: UploadLog
) -> None:
    cloud.put_object("a.txt", b"of somebody else")
    send_again(row.pk, user("retry"))
    assert "There is a file a.txt already" in why(row)
    send_again(row.pk, user("retry", "replace"))
    assert cloud.objects()["a.txt"].body == b"tea"


@pytest.mark.parametrize("permissions", [None, ["replace"]])
def test_nothing_is_sent_for_a_user_who_may_not_any_more(
    cloud: EmulatorServer, row: UploadLog, permissions: list[str] | None
) -> None:
    send_again(row.pk, 4711 if permissions is None else user(*permissions))
    assert "no longer has the permission" in why(row)
    assert UploadLog.objects.count() == 1


def test_nothing_is_sent_to_an_environment_that_the_user_is_not_offered_any_more(
    cloud: EmulatorServer, row: UploadLog, settings: Any
) -> None:
    puts, eve = len(cloud.calls("put_object")), user("retry")
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered
    send_again(row.pk, eve)
    assert "no longer offered" in why(row)
    assert len(cloud.calls("put_object")) == puts


def test_a_failure_that_was_dismissed_after_the_press_is_not_sent(
    cloud: EmulatorServer, row: UploadLog
) -> None:
    puts, asked_at = len(cloud.calls("put_object")), time()
    dismiss([row], None)
    send_again(row.pk, user("retry"), asked_at)
    assert "Somebody has dismissed this failure meanwhile" in why(row)
    assert len(cloud.calls("put_object")) == puts


def test_a_failure_that_was_dismissed_before_the_press_is_sent(
    cloud: EmulatorServer, row: UploadLog
) -> None:
    dismiss([row], None)
    send_again(row.pk, user("retry"), time())
    assert newest("a.txt").status == "stored"


def test_notes_of_many_rows_cost_one_question_each(
    row: UploadLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Asked:
        def __getattr__(self, method: str) -> Any:
            asked.append(method)
            return lambda keys: {}

    monkeypatch.setattr(notes, "caches", {"default": Asked()})
    rows = [UploadLog(pk=pk) for pk in range(1, 41)]
    forget(rows)
    assert refusals(rows) == {}
    assert asked == ["delete_many", "get_many"]


def test_settings_of_the_worker_that_know_no_such_store_are_noted(
    row: UploadLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **how: Any) -> Any:
        raise ConfigurationError("No such store")

    monkeypatch.setattr(by_workers, "retry_uploads", refuse)
    send_again(row.pk, user("retry"))
    assert why(row).startswith("No such store. ")


def test_a_row_that_was_pruned_meanwhile_is_nothing_to_do(cloud: EmulatorServer) -> None:
    send_again(4711, user("retry"))
    assert cloud.journal == []


def test_a_note_is_forgotten_before_the_next_message(row: UploadLog) -> None:
    send_again(row.pk, 4711)
    forget([row])
    assert refusals([row]) == {}


def test_a_cache_of_one_process_gets_no_notes(row: UploadLog, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    send_again(row.pk, 4711)
    forget([row])
    assert refusals([row]) == {}
    assert planted("again", str(row.pk)) is None
