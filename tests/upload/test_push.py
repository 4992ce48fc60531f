"""The push sends what waits, once, and leaves to a person what only a person can decide."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.db.models.signals import pre_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.upload.conftest import Shop, wait_at_a_wrong_store
from wx_static_store.conf import options_for
from wx_static_store.core.types import RemoteFile, UploadContext, UploadItem
from wx_static_store.exceptions import ConfigurationError, WxStaticStoreError
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.models.columns import Now
from wx_static_store.upload import database, push as pushes, recorder, uploader
from wx_static_store.upload.presence import find
from wx_static_store.upload.push import push
from wx_static_store.upload.recorder import record_one
from wx_static_store.upload.transfer import longest
from wx_static_store.upload.uploader import Uploader
from wx_static_store.upload.waiting import LINK_SECONDS, is_away, open_row

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
ROUNDING = timedelta(seconds=0.1)  # of a database's clock


def due_again() -> None:
    """Let the pauses be over."""
    WaitingFile.objects.update(next_at=Now() - timedelta(seconds=1))


def lease_over() -> None:
    WaitingFile.objects.update(leased_until=Now() - timedelta(seconds=1))


def states() -> dict[str, str]:
    return dict(WaitingFile.objects.values_list("key", "state"))


# --- what is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", ["outage", "always"])
def test_a_waiting_file_becomes_public_and_leaves_nothing_behind(shop: Make, wait: str) -> None:
    here = shop(wait=wait)
    here.save_in_outage(b"tea")
    assert push() == {"stored": 1}
    assert (here.public(), here.waiting(), here.kept()) == ({"a.txt": b"tea"}, {}, [])


def test_the_log_says_that_the_file_waited(shop: Make, settings: Any) -> None:
    here = shop()
    settings.TIME_ZONE = "Asia/Shanghai"
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    push()
    row = UploadLog.objects.get()
    assert (row.status, row.source) == ("stored", "storage")
    assert row.message == "It waited since 2026-01-02 03:04:05 (UTC)"


def test_many_files_are_sent_with_the_headers_that_a_save_gives(shop: Make) -> None:
    here = shop()
    for number in range(50):
        here.save_in_outage(b"%d" % number, f"{number}.css")
    assert push() == {"stored": 50}
    assert here.public() == {f"{number}.css": b"%d" % number for number in range(50)}
    headers = here.cloud.objects()["7.css"].headers
    assert headers["Content-Type"] == "text/css; charset=utf-8"


def test_the_file_that_is_due_the_longest_is_sent_first(shop: Make) -> None:
    here = shop(max_workers=1)
    for name in ("a.txt", "b.txt", "c.txt"):
        here.save_in_outage(b"tea", name)
    WaitingFile.objects.filter(key="b.txt").update(next_at=Now() - timedelta(hours=1))
    push()
    assert [call.key for call in here.cloud.calls("put_object")] == ["b.txt", "a.txt", "c.txt"]


def test_a_waiting_deletion_is_sent(shop: Make) -> None:
    here = shop()
    here.save(b"old")
    here.notice_outage()
    here.storage.delete("a.txt")
    here.end_outage()
    assert push() == {"deleted": 1}
    assert (here.storage.exists("a.txt"), here.waiting()) == (False, {})


def test_a_deletion_of_what_is_not_there_sends_nothing(shop: Make) -> None:
    here = shop(wait="always")
    here.storage.delete("a.txt")
    assert push() == {"deleted": 1}
    assert (here.public(), here.waiting()) == ({}, {})


def test_a_deletion_of_what_may_have_been_sent_is_sent_whatever_the_list_shows(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(maybe_public=True)
    here.storage.delete("a.txt")
    push()
    assert list(here.public()) == ["a.txt"]
    assert not here.storage.exists("a.txt")


def test_a_deletion_whose_answer_was_lost_is_in_the_log(shop: Make, no_pauses: None) -> None:
    here = shop()
    here.save(b"tea")
    here.cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    here.storage.delete("a.txt")
    here.end_outage()
    push()
    here.notice_outage()
    assert (here.storage.exists("a.txt"), here.waiting()) == (False, {})


def test_nothing_is_done_where_nothing_is_due(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(next_at=Now() + timedelta(hours=1))
    assert push() == {}
    assert here.calls() == 0


def test_no_more_is_begun_when_the_time_is_over(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    assert push(0) == {}
    assert here.waiting() == {"a.txt": "save"}


def test_a_file_that_was_sent_by_a_killed_process_is_not_sent_again(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    Uploader(options_for("default")).transfer(UploadItem("a.txt", lambda: BytesIO(b"tea")))
    before = len(here.cloud.calls("put_object"))
    assert push() == {"stored": 1}
    assert len(here.cloud.calls("put_object")) == before


# --- what is not overwritten, or not sent --------------------------------------------------------


def test_another_object_under_the_name_is_left_and_the_file_parked(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.cloud.put_object("a.txt", b"of somebody else")
    assert push() == {"parked": 1}
    assert here.public() == {"a.txt": b"of somebody else"}
    assert WaitingFile.objects.get().cause == "waiting.taken"
    assert UploadLog.objects.get().status == "failed"


def test_a_parked_file_that_is_deleted_leaves_the_object_of_somebody_else(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.cloud.put_object("a.txt", b"of somebody else")
    push()
    here.storage.delete("a.txt")
    push()
    assert here.public() == {"a.txt": b"of somebody else"}


def test_a_save_that_may_replace_does(shop: Make) -> None:
    here = shop(file_overwrite=True)
    here.save(b"old")
    here.save_in_outage(b"tea")
    assert push() == {"stored": 1}
    assert here.public() == {"a.txt": b"tea"}


def upload_meanwhile(content: bytes) -> None:
    """Upload as an admin does, past the storage and its waiting files."""
    WaitingFile.objects.update(created=F("created") - timedelta(minutes=1))
    item = UploadItem("a.txt", lambda: BytesIO(content))
    Uploader(options_for("default")).upload(item, UploadContext("admin"))


def test_a_waiting_file_does_not_overwrite_a_newer_upload_of_another_kind(shop: Make) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"old")
    upload_meanwhile(b"new")
    assert push() == {"parked": 1}
    assert here.public() == {"a.txt": b"new"}
    row, logged = WaitingFile.objects.get(), UploadLog.objects.get(status="failed")
    assert (row.cause, logged.cause, logged.stage) == ("waiting.taken", "waiting.taken", "name")


@pytest.mark.parametrize("source", ["storage", "delete"])
def test_what_was_sent_late_is_not_taken_for_newer_than_its_successor(
    shop: Make, source: str
) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"new")
    upload_meanwhile(b"old")
    UploadLog.objects.update(source=source)
    assert push() == {"stored": 1}


def test_an_upload_at_the_time_of_the_save_is_not_taken_for_newer(shop: Make) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"new")
    upload_meanwhile(b"old")
    WaitingFile.objects.update(created=UploadLog.objects.get().created)
    assert push() == {"stored": 1}


def test_nothing_is_sent_while_nobody_can_read_whether_the_log_has_something_newer(
    shop: Make,
) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"tea")
    database.rest(30)  # it failed a moment ago
    assert push() == {}
    database.rest(0)
    row = WaitingFile.objects.get()
    assert (row.attempts, row.leased_until, here.public()) == (0, None, {})


def test_a_newer_upload_that_failed_keeps_no_waiting_file_back(shop: Make) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"tea")
    upload_meanwhile(b"other")
    UploadLog.objects.update(status="failed")
    assert push() == {"stored": 1}


def test_the_content_before_is_not_newer_however_late_its_upload_ended(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, record = shop(file_overwrite=True), pushes.record_one
    here.save_in_outage(b"old")
    WaitingFile.objects.update(source="api")

    def save_before(*facts: Any) -> Any:
        if here.kept() == [b"old"]:
            here.save(b"new")
            WaitingFile.objects.update(created=F("created") - timedelta(minutes=1))
        return record(*facts)

    monkeypatch.setattr(pushes, "record_one", save_before)
    assert push() + push() == {"stored": 2}
    assert here.public() == {"a.txt": b"new"}


def test_the_content_before_is_not_newer_after_the_process_that_sent_it_was_killed(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(file_overwrite=True)
    here.save_in_outage(b"old")
    with monkeypatch.context() as killed:
        killed.setattr(pushes, "finish", lambda row: here.save(b"new"))
        push()
    UploadLog.objects.update(source="api", created=F("created") + timedelta(minutes=1))
    here.begin_outage(on="staticuploadfile")
    lease_over()
    assert push() == {"failed": 1}
    here.end_outage()
    due_again()
    assert push() == {"stored": 1}
    assert here.public() == {"a.txt": b"new"}


def test_a_waiting_deletion_does_not_delete_a_newer_upload(shop: Make) -> None:
    here = shop(wait="always")
    here.storage.delete("a.txt")
    upload_meanwhile(b"new")
    assert push() == {"parked": 1}
    assert here.public() == {"a.txt": b"new"}


@pytest.mark.parametrize(
    ("using", "env", "name"),
    [("gone", None, None), (None, "production", None), (None, None, "moved/a.txt")],
)
def test_a_row_of_another_project_is_not_sent(
    shop: Make, using: str | None, env: str | None, name: str | None
) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    columns = {"using": using, "env": env, "name": name}
    WaitingFile.objects.update(**{k: v for k, v in columns.items() if v})
    assert push() == {"elsewhere": 1}
    assert here.public() == {}
    assert len(here.waiting()) == 1


def test_a_row_whose_store_has_another_location_rests_a_while(shop: Make) -> None:
    here = shop()
    for name in ("a.txt", "b.txt"):
        here.save_in_outage(b"tea", name)
    WaitingFile.objects.update(name=Concat(Value("moved/"), "name"))
    assert push() == {"elsewhere": 2}
    assert push() == {}


@pytest.mark.parametrize(("offered", "counts"), [("tenant-b", "stored"), ("demo", "elsewhere")])
def test_a_file_of_a_tenant_is_sent_if_its_environment_is_offered(
    shop: Make, settings: Any, offered: str, counts: str
) -> None:
    here = shop(env=lambda: "tenant-b")
    here.save_in_outage(b"tea")
    own = {"ENVIRONMENTS": lambda user: {offered: "B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | own
    assert push() == {counts: 1}


def test_a_push_inside_a_transaction_is_refused() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        push()


def test_a_file_of_another_that_may_have_the_same_bytes_is_left_after_a_try_that_sent_nothing(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(attempts=1, maybe_public=False)
    here.cloud.put_object("a.txt", b"sea")
    monkeypatch.setattr(pushes, "find", lambda store, key: RemoteFile(key, 3, None, None))
    assert push() == {"parked": 1}
    assert here.public() == {"a.txt": b"sea"}


@pytest.mark.parametrize("max_workers", [1, 3])
def test_a_key_that_cannot_be_looked_up_keeps_no_other_from_being_sent(
    shop: Make, monkeypatch: pytest.MonkeyPatch, max_workers: int
) -> None:
    here = shop(max_workers=max_workers)
    for name in ("a.txt", "b.txt", "c.txt"):
        here.save_in_outage(b"tea", name)

    def find_or_refuse(store: Any, key: str) -> RemoteFile | None:
        if key == "a.txt":
            raise WxStaticStoreError("no such key")
        return find(store, key)

    monkeypatch.setattr(pushes, "find", find_or_refuse)
    assert push() == {"stored": 2, "parked": 1}
    assert states() == {"a.txt": "parked"}


def test_a_store_with_wrong_settings_keeps_no_other_from_being_sent(
    shop: Make, settings: Any
) -> None:
    here = wait_at_a_wrong_store(shop, settings)
    with pytest.raises(ConfigurationError, match="max_attempts"):
        push()
    assert here.public() == {"a.txt": b"tea"}


# --- outages -------------------------------------------------------------------------------------


def test_an_outage_costs_a_push_one_call(shop: Make) -> None:
    here = shop(max_workers=1)
    for number in range(5):
        here.save_in_outage(b"tea", f"{number}.txt")
    here.begin_outage()
    before = here.calls()
    assert push() == {"failed": 1}
    assert here.calls() - before == 1
    assert is_away(options_for("default"))


def test_what_a_halted_push_did_not_begin_is_as_it_was(shop: Make) -> None:
    here = shop(max_workers=3)
    for name in ("a.txt", "b.txt", "c.txt"):
        here.save_in_outage(b"tea", name)
    here.begin_outage()
    assert push() == {"failed": 1}
    rows = WaitingFile.objects.order_by("id").values_list("attempts", "maybe_public")
    assert list(rows) == [(1, False), (0, False), (0, False)]
    assert not WaitingFile.objects.exclude(leased_until=None).exists()


def test_a_file_that_failed_is_due_again_later(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.begin_outage(on="staticuploadfile")
    assert push() == {"failed": 1}
    assert push() == {}
    row = WaitingFile.objects.get()
    assert (row.attempts, row.errcode, row.maybe_public) == (1, 45009, False)
    here.end_outage()
    due_again()
    assert push() == {"stored": 1}


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 10), (5, 160), (7, 600), (2000, 600)]
)
def test_the_pause_before_the_next_try_doubles_up_to_ten_minutes(
    shop: Make, attempts: int, seconds: float
) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(attempts=attempts)
    here.begin_outage(on="staticuploadfile")
    begun, pause = timezone.now(), timedelta(seconds=seconds)
    push()
    tried = WaitingFile.objects.get().next_at - pause
    assert begun - ROUNDING <= tried <= timezone.now() + ROUNDING


def test_the_first_file_that_is_stored_ends_the_outage_for_all(shop: Make) -> None:
    here = shop(max_workers=1)
    for number in range(3):
        here.save_in_outage(b"tea", f"{number}.txt")
    here.notice_outage()
    push()
    here.cloud.state.script.clear()
    assert push() == {"stored": 3}
    assert not is_away(options_for("default"))


def test_a_refusal_of_one_file_parks_it_and_the_others_go(shop: Make) -> None:
    here = shop()
    for name in ("a.txt", "b.txt", "c.txt"):
        here.save_in_outage(b"tea", name)
    here.cloud.script(
        {"on": "staticuploadfile", "key": "b.txt", "do": "errcode", "errcode": 40097, "times": None}
    )
    assert push() == {"stored": 2, "parked": 1}
    assert states() == {"b.txt": "parked"}


BUSY = {"on": "put_object", "key": "a.txt", "do": "cos_error", "code": "SlowDown", "status": 503}


@pytest.mark.parametrize(("attempts", "counts"), [(18, "failed"), (19, "parked"), (2000, "parked")])
def test_a_file_that_alone_fails_is_parked_after_twenty_tries(
    shop: Make, attempts: int, counts: str
) -> None:
    here = shop(max_attempts=1, max_workers=1)
    here.save_in_outage(b"goes", "b.txt")
    here.save_in_outage(b"tea")
    here.cloud.script(BUSY | {"times": None})
    WaitingFile.objects.filter(key="a.txt").update(attempts=attempts)
    assert push() == {"stored": 1, counts: 1}


def test_five_files_in_a_row_that_fail_end_a_run_that_went_well(shop: Make) -> None:
    here = shop(max_attempts=1, max_workers=1)
    for number in range(8):
        here.save_in_outage(b"tea", f"{number}.txt")
    for number in range(1, 8):
        here.cloud.script(BUSY | {"key": f"{number}.txt", "times": None})
    assert push() == {"stored": 1, "failed": 5}


@pytest.mark.parametrize("attempts", [19, 2000])
def test_no_outage_is_so_long_that_a_file_is_parked(shop: Make, attempts: int) -> None:
    here = shop(max_attempts=1)
    here.save_in_outage(b"tea")
    here.cloud.script(BUSY | {"times": None})
    WaitingFile.objects.update(attempts=attempts)
    assert push() == {"failed": 1}
    here.end_outage()
    due_again()
    assert push() == {"stored": 1}


def test_an_upload_without_an_answer_is_looked_for_before_it_is_sent_again(
    shop: Make, no_pauses: None
) -> None:
    here = shop(max_attempts=1)
    here.save_in_outage(b"tea")
    here.cloud.script({"on": "put_object", "do": "drop_reply"})
    assert push() == {"failed": 1}
    assert WaitingFile.objects.get().maybe_public
    due_again()
    assert push() == {"stored": 1}
    assert len(here.cloud.calls("put_object")) == 1


# --- bytes that are not here ---------------------------------------------------------------------


def lose_bytes(here: Shop) -> None:
    for path in here.folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_bytes_that_are_not_here_may_be_on_another_machine(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    lose_bytes(here)
    assert push() == {"failed": 1}
    assert states() == {"a.txt": "due"}
    assert not is_away(options_for("default"))


def test_bytes_that_never_come_are_parked_in_the_end(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    lose_bytes(here)
    WaitingFile.objects.update(attempts=pushes.TRIES - 1)
    assert push() == {"parked": 1}
    assert "The waiting bytes are not on" in WaitingFile.objects.get().message


def test_bytes_that_are_gone_and_public_are_done(shop: Make) -> None:
    here = shop(file_overwrite=True)
    here.save(b"tea")
    here.save_in_outage(b"tea")
    lose_bytes(here)
    assert push() == {"stored": 1}
    rows = UploadLog.objects.values_list("status", "stage", "cause")
    assert list(rows) == [("stored", "", "")] * 2


@pytest.mark.parametrize("attempts", [0, 2000])
def test_a_waiting_storage_that_is_away_ends_the_run_and_parks_nothing(
    shop: Make, attempts: int
) -> None:
    here = shop(max_workers=1)
    for name in ("a.txt", "b.txt"):
        here.save_in_outage(b"tea", name)
    WaitingFile.objects.update(attempts=attempts)
    here.folder.rename(here.folder.with_name("elsewhere"))
    here.folder.write_text("no folder")
    assert push() == {"failed": 1}
    assert states() == {"a.txt": "due", "b.txt": "due"}
    row = WaitingFile.objects.get(key="a.txt")
    assert "The waiting files cannot be read (NotADirectoryError" in row.message
    assert not is_away(options_for("default"))


def test_without_a_waiting_storage_nothing_is_begun(shop: Make, settings: Any) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"WAITING_STORAGE": "gone"}
    with pytest.raises(ConfigurationError, match="WAITING_STORAGE"):
        push()
    assert WaitingFile.objects.get().attempts == 0


# --- leases --------------------------------------------------------------------------------------


def test_a_row_under_lease_is_left_to_who_has_it(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(leased_until=Now() + timedelta(seconds=60))
    assert push() == {}
    lease_over()
    assert push() == {"stored": 1}


def while_it_is_sent(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Act once, when the push has opened a waiting file."""
    acted = list[bool]()

    def opened(row: WaitingFile) -> Any:
        with ExitStack() as stack:
            file = stack.enter_context(open_row(row))
            if not acted:
                acted.append(True)
                act()
            stack.pop_all()
        return file

    monkeypatch.setattr(pushes, "open_row", opened)


def test_a_lease_lasts_until_no_link_can_be_used_any_more(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, leases = shop(max_workers=1), list[datetime]()
    here.save_in_outage(b"tea")
    sending = longest(Uploader(options_for("default")).store, len(b"tea"))
    ends = timezone.now() + timedelta(seconds=sending + LINK_SECONDS)

    def look() -> None:
        leases.append(WaitingFile.objects.get().leased_until)

    while_it_is_sent(monkeypatch, look)
    push()
    assert leases[0] > ends


def test_a_newer_save_while_the_older_one_is_sent_is_sent_after_it(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(file_overwrite=True, max_workers=1)
    here.save_in_outage(b"old")
    while_it_is_sent(monkeypatch, lambda: here.save(b"new"))
    push()
    push()
    assert here.public() == {"a.txt": b"new"}
    assert (here.waiting(), here.kept()) == ({}, [])


def test_a_file_deleted_while_it_is_sent_is_not_public_in_the_end(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_workers=1)
    here.save_in_outage(b"old")
    while_it_is_sent(monkeypatch, lambda: here.storage.delete("a.txt"))
    push()
    push()
    assert not here.storage.exists("a.txt")
    assert here.waiting() == {}


def test_who_lost_its_lease_sends_nothing(shop: Make) -> None:
    here = shop()
    late = UploadItem("a.txt", lambda: BytesIO(b"old"), until=time.time() - 1)
    result = Uploader(options_for("default")).transfer(late)
    assert result.status == "failed"
    assert here.calls() == 0


def lose_lease() -> None:
    """Let another process have a.txt."""
    leased_until = Now() + timedelta(seconds=60)
    row = WaitingFile.objects.filter(key="a.txt")
    row.update(leases=F("leases") + 1, leased_until=leased_until)


def test_a_file_that_another_process_has_by_now_does_not_end_the_run(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_attempts=1, max_workers=1)
    for name in ("a.txt", "b.txt"):
        here.save_in_outage(b"tea", name)
    while_it_is_sent(monkeypatch, lose_lease)
    here.cloud.script(BUSY | {"times": None})
    assert push() == {"stored": 1}


def test_who_lost_its_lease_leaves_the_row_to_its_successor(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_workers=1)
    here.save_in_outage(b"tea")
    while_it_is_sent(monkeypatch, lose_lease)
    here.begin_outage(on="staticuploadfile")
    assert push() == Counter()
    row = WaitingFile.objects.get()
    assert (row.leases, row.leased_until is None) == (2, False)
    assert not is_away(options_for("default"))


def test_a_push_that_was_stopped_does_not_begin_again_what_it_still_sends(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, begun, again = shop(max_workers=2), list[int](), Event()
    here.save_in_outage(b"tea")

    def opened(row: WaitingFile) -> Any:
        begun.append(row.leases)
        if len(begun) == 1:
            lease_over()  # for so long it was stopped
            again.wait(0.5)
        again.set()
        return open_row(row)

    monkeypatch.setattr(pushes, "open_row", opened)
    monkeypatch.setattr(uploader, "RECORD_SECONDS", 0.01)
    assert push() == {"stored": 1}
    assert begun == [1]


def test_a_push_that_is_interrupted_gives_its_rows_back(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_workers=1)
    for number in range(3):
        here.save_in_outage(b"tea", f"{number}.txt")

    def interrupt() -> None:
        raise KeyboardInterrupt

    while_it_is_sent(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        push()
    assert not WaitingFile.objects.exclude(leased_until=None).exists()
    assert not is_away(options_for("default"))


def test_a_file_that_may_still_be_sent_when_a_push_is_interrupted_keeps_its_lease(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_workers=1)
    here.save_in_outage(b"tea")
    monkeypatch.setattr(pushes, "open_row", lambda row: Interrupting(b"tea"))
    counts = Counter[str]()
    with pytest.raises(KeyboardInterrupt):
        push(counts=counts)
    assert counts == {"failed": 1}
    row = WaitingFile.objects.get()
    assert (row.leased_until is None, row.attempts, row.maybe_public) == (False, 1, True)


class Interrupting(BytesIO):
    """A file that Ctrl-C meets while it is sent."""

    def read(self, size: int | None = -1) -> bytes:
        if size:
            raise KeyboardInterrupt
        return b""


def test_a_row_that_a_receiver_is_asked_about_is_deleted_by_its_token(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")

    def receive(**facts: object) -> None:
        """Listen to every model."""

    pre_delete.connect(receive)
    try:
        with CaptureQueriesContext(connection) as queries:
            push()
    finally:
        pre_delete.disconnect(receive)
    [deleted] = [query["sql"] for query in queries if query["sql"].startswith("DELETE")]
    assert "token" in deleted


def test_an_error_of_the_database_at_one_result_loses_no_other(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, errors, begun = shop(max_workers=3), [OperationalError("gone")], Barrier(3)
    for name in ("a.txt", "b.txt", "c.txt"):
        here.save_in_outage(b"tea", name)

    def opened(row: WaitingFile) -> Any:
        begun.wait()
        return open_row(row)

    def record(*facts: Any) -> int | None:
        if errors:
            raise errors.pop()
        return record_one(*facts)

    monkeypatch.setattr(pushes, "open_row", opened)
    monkeypatch.setattr(pushes, "record_one", record)
    counts = Counter[str]()
    with pytest.raises(OperationalError):
        push(counts=counts)
    assert counts == {"stored": 2}
    row = WaitingFile.objects.get()
    assert (row.maybe_public, row.attempts, here.public()[row.key]) == (True, 1, b"tea")


def test_a_row_stays_until_the_log_has_the_upload(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(max_workers=1)
    here.save_in_outage(b"tea")
    while_it_is_sent(monkeypatch, lambda: database.rest(30))  # it fails
    push()
    recorder.reset()  # the process has ended
    lease_over()
    assert push() == {"stored": 1}
    assert (here.waiting(), UploadLog.objects.get().status) == ({}, "stored")


def test_the_row_of_the_log_names_who_saved(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(source="admin", source_ref="page", user_id=7)
    push()
    row = UploadLog.objects.get()
    assert (row.source, row.source_ref, row.user_id) == ("admin", "page", 7)
