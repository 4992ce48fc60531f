"""Uploads that are sent again: the bytes arrive, or the reason why not is returned."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError
from django.db.models import F

from tests.conftest import ENV
from tests.log.uploads import again, configured, fail, failed_collect, newest, sent
from tests.upload.conftest import Shop, shop as shop
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log import retry
from wx_static_store.log.retry import sendable_first
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.upload.push import push
from wx_static_store.upload.store import get_store
from wx_static_store.upload.transfer import longest
from wx_static_store.upload.uploader import Uploader

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(configure: Any, folder: Path) -> EmulatorServer:
    return configured(configure, folder)


class Timed(LocMemCache):
    """A cache that remembers for how long each key was claimed."""

    seconds: ClassVar[dict[str, float]] = {}

    def add(self, key: str, value: Any, timeout: Any = None, version: Any = None) -> bool:
        self.seconds[key] = timeout
        return super().add(key, value, timeout, version)


# --- what can be had again ---------------------------------------------------------------------


def test_a_static_file_that_failed_is_stored_when_the_fault_is_gone(
    cloud: EmulatorServer, folder: Path
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"body {}")
    (one,) = again(row)
    assert one.outcome == "stored"
    assert cloud.objects()["static/a.css"].body == b"body {}"


def test_the_result_is_a_new_row_that_names_the_old_one(
    cloud: EmulatorServer, folder: Path, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("eve")
    row = failed_collect(cloud, folder, "a.css", b"body {}")
    again(row, user=user)
    last = newest("static/a.css")
    assert (last.status, last.source, last.source_ref, last.user) == (
        "stored",
        "retry",
        f"row {row.pk}",
        user,
    )
    row.refresh_from_db()
    assert row.status == "failed"


def test_each_of_many_rows_is_named_by_its_own_repetition(
    cloud: EmulatorServer, folder: Path
) -> None:
    for name in ("a.css", "b.css"):
        (folder / name).write_bytes(name.encode())
    fail(cloud, times=2)
    with pytest.raises(Exception, match="failed"):
        call_command("collectstatic", interactive=False, verbosity=0)
    rows = [newest(f"static/{name}") for name in ("a.css", "b.css")]
    again(*rows)
    assert [newest(row.key).source_ref for row in rows] == [f"row {row.pk}" for row in rows]


def test_a_file_that_changed_since_is_not_sent(
    cloud: EmulatorServer, folder: Path, tmp_path: Path
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"old")
    for place in (folder, tmp_path / "static_root"):
        (place / "a.css").write_bytes(b"new one")
    (one,) = again(row)
    assert (one.outcome, str(one.reason.message)) == ("gone", "The file is another one by now")  # type: ignore[union-attr]
    assert cloud.objects() == {}


def test_a_key_is_claimed_for_as_long_as_its_file_may_take(
    cloud: EmulatorServer, folder: Path, settings: Any
) -> None:
    row = failed_collect(cloud, folder, "a.css", b"tea" * 2**20)
    settings.CACHES = {"default": {"BACKEND": "tests.log.test_retry.Timed"}}
    (one,) = again(row)
    assert one.outcome == "stored"
    (claimed,) = (time for key, time in Timed.seconds.items() if ":claim:" in key)
    assert claimed == pytest.approx(longest(get_store(), 3 * 2**20), abs=1)


def test_a_lost_answer_is_settled_by_sending_the_same_bytes_again(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply"})
    row = sent("a.txt", b"hello", source="admin")
    assert row.status == "unknown"
    assert [one.outcome for one in again(row)] == ["stored"]


def test_a_tenants_row_goes_to_the_tenant(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"hello", env="tenant-b")
    default_storage.save("a.txt", ContentFile(b"hello"))
    row = newest("a.txt")
    UploadLog.objects.filter(pk=row.pk).update(env="tenant-b")
    again(newest("a.txt", "tenant-b"))
    assert [call.env for call in cloud.calls("put_object")] == [ENV, "tenant-b"]


# --- what cannot -------------------------------------------------------------------------------


def test_an_older_row_does_not_overwrite_a_newer_upload(cloud: EmulatorServer) -> None:
    old = sent("a.txt", b"old", source="admin")
    sent("a.txt", b"new", source="admin")
    (one,) = again(old)
    assert "A newer upload" in str(one.reason)
    assert cloud.objects()["a.txt"].body == b"new"


# --- bounds ------------------------------------------------------------------------------------


def test_no_retry_is_begun_when_the_time_is_up(cloud: EmulatorServer) -> None:
    row = sent("a.txt", b"hello", source="admin")
    assert [one.outcome for one in again(row, seconds=0)] == ["not attempted"]
    assert len(cloud.calls("put_object")) == 1


@pytest.mark.parametrize(("setting", "seconds"), [(None, 25.0), (7.0, 7.0)])
def test_a_file_keeps_the_page_no_longer_than_a_save_would(
    cloud: EmulatorServer,
    configure: Any,
    monkeypatch: pytest.MonkeyPatch,
    setting: float | None,
    seconds: float,
) -> None:
    row = sent("a.txt", b"hello", source="admin")
    deadlines: list[float | None] = []
    configure(WX_STATIC_STORE={"DEADLINE": setting})
    send = Uploader.send
    monkeypatch.setattr(
        Uploader,
        "send",
        lambda self, *of: deadlines.append(self.options.deadline) or send(self, *of),
    )
    assert [one.outcome for one in again(row)] == ["stored"]
    assert deadlines == [seconds]


def test_an_error_that_stops_the_batch_ends_the_retry(
    cloud: EmulatorServer, configure: Any
) -> None:
    rows = [sent(f"{n}.txt", b"hello", source="admin") for n in range(5)]
    configure(WX_STATIC_STORE={"MAX_WORKERS": 1})
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert [one.outcome for one in again(*rows)] == ["failed", *["not attempted"] * 4]


# --- which rows can be sent --------------------------------------------------------------------


def lost(cloud: EmulatorServer, count: int) -> list[UploadLog]:
    """Rows of which nobody knows whether the file is stored; it is, so its bytes can be had."""
    cloud.script({"on": "put_object", "do": "drop_reply", "times": count})
    return [sent(f"lost {n}.txt", b"hello", source="admin") for n in range(count)]


def test_rows_whose_bytes_are_gone_come_last(cloud: EmulatorServer) -> None:
    older, newer = lost(cloud, 2)
    fail(cloud, times=3)
    gone = [sent(f"{n}.txt", b"1", source="admin") for n in range(3)]
    assert sendable_first([*gone, newer, older], 1) == [newer]
    assert sendable_first([*gone, newer, older], 4) == [newer, older, *gone[:2]]


def test_a_file_that_finds_no_free_worker_in_time_is_not_attempted(
    cloud: EmulatorServer, configure: Any, settings: Any
) -> None:
    settings.WX_STATIC_STORE |= {"MAX_WORKERS": 2}
    rows = [sent(f"{n}.txt", b"tea", source="model") for n in range(4)]
    cloud.script({"on": "put_object", "do": "delay", "seconds": 0.6, "times": None})
    outcomes = sorted(one.outcome for one in again(*rows, seconds=0.5))
    assert outcomes == ["not attempted", "not attempted", "stored", "stored"]


# --- files that wait -----------------------------------------------------------------------------


@pytest.fixture
def here(shop: Callable[..., Shop]) -> Shop:
    """Return a shop where the bytes of an upload that failed are parked."""
    here = shop(file_overwrite=True)
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(source="api", state="parked")
    UploadLog.objects.create(
        env=ENV,
        key="a.txt",
        name="a.txt",
        status="failed",
        source="api",
        **WaitingFile.objects.values("key_digest", "size", "md5").get(),
    )
    return here


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_saved_while_the_older_one_is_retried_is_sent_after_it(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = retry.lease

    def lease_and_save(row: WaitingFile, seconds: float) -> bool:
        ours = lease(row, seconds)
        here.save(b"sea")
        WaitingFile.objects.update(created=F("created") - timedelta(minutes=1))
        return ours

    monkeypatch.setattr(retry, "lease", lease_and_save)
    [one] = again(UploadLog.objects.get())
    assert (one.outcome, push(), here.public()) == ("stored", {"stored": 1}, {"a.txt": b"sea"})


def test_a_retry_sends_nothing_when_its_lease_may_be_over_however_late_it_begins(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, clock = retry.lease, time.time

    def lease_and_stop(row: WaitingFile, seconds: float) -> bool:
        ours = lease(row, seconds)
        monkeypatch.setattr(time, "time", lambda: clock() + 3600)
        return ours

    monkeypatch.setattr(retry, "lease", lease_and_stop)
    [one] = again(UploadLog.objects.get())
    assert (one.outcome, here.public()) == ("failed", {})


@pytest.mark.parametrize("name", ["finish", "end_lease"])
def test_a_retry_whose_row_cannot_be_ended_still_has_its_result(
    here: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*facts: object, **columns: object) -> None:
        raise OperationalError("gone")

    if name == "end_lease":
        here.begin_outage()
    monkeypatch.setattr(retry, name, fail)
    [one] = again(UploadLog.objects.get())
    assert one.outcome == ("stored" if name == "finish" else "failed")
    assert WaitingFile.objects.get().leased_until


def test_what_was_opened_and_not_begun_is_free_after_the_run_halted(
    shop: Callable[..., Shop],
) -> None:
    here = shop(max_attempts=1, max_workers=2)
    for number in range(12):
        name = f"{number}.txt"
        here.save_in_outage(b"tea", name)
        UploadLog.objects.create(
            env=ENV,
            key=name,
            name=name,
            status="failed",
            source="api",
            **WaitingFile.objects.values("key_digest", "size", "md5").get(key=name),
        )
    WaitingFile.objects.update(source="api", state="left")
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None})
    assert "not attempted" in [one.outcome for one in again(*UploadLog.objects.all())]
    assert not WaitingFile.objects.exclude(leased_until=None).exists()
