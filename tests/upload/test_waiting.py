"""What each method of a storage does while the cloud is away, and with a file that waits."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import lost_table
from tests.upload.conftest import Shop
from wx_static_store.conf import options_for
from wx_static_store.core.types import UploadContext, UploadItem, during
from wx_static_store.exceptions import ConfigurationError, NameRejected, UploadFailed
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.models.columns import Now
from wx_static_store.signals import upload_waiting
from wx_static_store.storage import WxStorage
from wx_static_store.upload import waiting
from wx_static_store.upload.claims import Claim, Save, current_claim, note_abandoned
from wx_static_store.upload.push import due
from wx_static_store.upload.uploader import Uploader

pytestmark = pytest.mark.django_db

Make = Callable[..., Shop]
committed = pytest.mark.django_db(transaction=True)


# --- the states of a key -------------------------------------------------------------------------


def row_save(shop: Shop) -> None:
    shop.save_in_outage(b"waits")


def row_delete(shop: Shop) -> None:
    shop.save(b"old")
    shop.notice_outage()
    shop.storage.delete("a.txt")
    shop.end_outage()


def stored(shop: Shop) -> None:
    shop.save(b"old")


def stored_away(shop: Shop) -> None:
    shop.save(b"old")
    shop.notice_outage()


def none(shop: Shop) -> None:
    """Nothing was ever there."""


def none_away(shop: Shop) -> None:
    shop.notice_outage()


def exists(storage: WxStorage) -> object:
    return storage.exists("a.txt")


def read(storage: WxStorage) -> object:
    with storage.open("a.txt") as file:
        return file.read()


def size(storage: WxStorage) -> object:
    return storage.size("a.txt")


def is_recent(storage: WxStorage) -> object:
    return abs(storage.get_modified_time("a.txt") - timezone.now()) < timedelta(minutes=1)


def url(storage: WxStorage) -> object:
    """Return what comes after the address of the site."""
    return storage.url("a.txt").removeprefix(storage.base_url)


def listdir(storage: WxStorage) -> object:
    return storage.listdir("")[1]


def is_waiting(storage: WxStorage) -> object:
    return storage.is_waiting("a.txt")


ADDRESS = "a.txt"
GONE = FileNotFoundError
AWAY = OSError


@pytest.mark.parametrize(
    ("method", "state", "answer", "calls"),
    [
        (exists, row_save, True, 0),
        (exists, row_delete, False, 0),
        (exists, stored, True, 1),
        (exists, stored_away, True, 0),
        (exists, none_away, False, 0),
        (read, row_save, b"waits", 0),
        (read, row_delete, GONE, 0),
        (read, stored, b"old", 1),
        (read, stored_away, b"old", 1),
        (read, none, GONE, 1),
        (size, row_save, 5, 0),
        (size, row_delete, GONE, 0),
        (size, stored, 3, 1),
        (size, stored_away, AWAY, 1),
        (is_recent, row_save, True, 0),
        (is_recent, row_delete, GONE, 0),
        (is_recent, stored, True, 1),
        (url, row_save, ADDRESS, 0),
        (url, row_delete, ADDRESS, 0),
        (url, stored, ADDRESS, 0),
        (url, stored_away, ADDRESS, 0),
        (listdir, row_save, ["a.txt"], 1),
        (listdir, row_delete, [], 1),
        (listdir, stored, ["a.txt"], 1),
        (listdir, stored_away, AWAY, 1),
        (is_waiting, row_save, True, 0),
        (is_waiting, row_delete, False, 0),
        (is_waiting, stored, False, 0),
        (is_waiting, none, False, 0),
    ],
)
def test_a_method_answers_by_the_state_of_the_key(
    shop: Make, method: Any, state: Any, answer: Any, calls: int
) -> None:
    here = shop()
    state(here)
    before = here.calls()
    if isinstance(answer, type):
        with pytest.raises(answer):
            method(here.storage)
    else:
        assert method(here.storage) == answer
    assert here.calls() - before == calls


# --- save ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wait", "state", "public", "waits", "calls"),
    [
        ("outage", none, {"a.txt": b"new"}, {}, 3),
        ("outage", none_away, {}, {"a.txt": "save"}, 0),
        ("always", none, {}, {"a.txt": "save"}, 0),
        ("always", none_away, {}, {"a.txt": "save"}, 0),
    ],
)
def test_a_save_waits_where_the_option_says_so(
    shop: Make, wait: str, state: Any, public: Any, waits: Any, calls: int
) -> None:
    here = shop(wait=wait)
    state(here)
    assert here.save(b"new") == "a.txt"
    assert (here.public(), here.waiting(), here.calls()) == (public, waits, calls)
    assert here.kept() == [b"new"] * len(waits)


@pytest.mark.parametrize("on", ["staticfilelist", "staticuploadfile"])
def test_the_save_that_meets_the_outage_waits_and_tells_the_next(shop: Make, on: str) -> None:
    here = shop()
    here.begin_outage(on=on)
    assert here.save(b"first") == "a.txt"
    before = here.calls()
    assert here.save(b"second", "b.txt") == "b.txt"
    assert here.calls() == before
    assert here.kept() == [b"first", b"second"]


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
        {"on": "staticuploadfile", "do": "errcode", "errcode": 40001},
        {"on": "staticuploadfile", "do": "errcode", "errcode": 45009},
        {"on": "staticuploadfile", "do": "html", "status": 502},
        {"on": "staticuploadfile", "do": "reset"},
        {"on": "put_object", "do": "cos_error", "code": "SlowDown", "status": 503},
        {"on": "put_object", "do": "drop_reply"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
@pytest.mark.usefixtures("no_pauses")
def test_an_error_that_passes_lets_the_file_wait(shop: Make, fault: dict[str, Any]) -> None:
    here = shop()
    here.cloud.script(fault | {"times": None})
    assert here.save(b"new") == "a.txt"
    assert here.waiting() == {"a.txt": "save"}


@pytest.mark.parametrize(("max_attempts", "calls"), [(1, 1), (5, 2)])
@pytest.mark.usefixtures("no_pauses")
def test_a_save_that_may_wait_tries_the_cloud_twice_at_most(
    shop: Make, max_attempts: int, calls: int
) -> None:
    here = shop(max_attempts=max_attempts)
    here.begin_outage(on="staticuploadfile", errcode=-1)
    here.save(b"new")
    assert len(here.cloud.calls("staticuploadfile")) == calls


def test_a_file_that_waits_leaves_no_failed_row(shop: Make) -> None:
    here = shop()
    here.begin_outage(on="staticuploadfile")
    here.save(b"new")
    assert not UploadLog.objects.exists()


def test_a_file_whose_upload_has_no_answer_waits_as_maybe_public(
    shop: Make, no_pauses: None
) -> None:
    here = shop()
    here.cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    here.save(b"new")
    assert WaitingFile.objects.get().maybe_public


def test_a_refusal_of_the_file_itself_is_raised(shop: Make) -> None:
    here = shop()
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None})
    with pytest.raises(UploadFailed, match="40097"):
        here.save(b"new")
    assert here.waiting() == {}
    assert UploadLog.objects.get().status == "failed"


def test_an_upload_without_an_answer_is_not_reused_while_the_cloud_is_away(
    shop: Make, no_pauses: None
) -> None:
    here, options = shop(max_attempts=1), options_for("default")
    here.cloud.script({"on": "put_object", "do": "drop_reply"})
    item = UploadItem("a.txt", lambda: BytesIO(b"new"))
    result, _row = Uploader(options).attempt(item, UploadContext("storage"))
    note_abandoned(options, "a.txt", 3, str(result.md5), "a.txt")
    here.notice_outage()
    name = here.storage.save("a.txt", SimpleUploadedFile("a.txt", b"new"))
    assert (result.status, here.waiting()) == ("unknown", {name: "save"})


def test_without_wait_an_outage_is_raised(shop: Make) -> None:
    here = shop(wait="never")
    here.begin_outage()
    with pytest.raises(UploadFailed, match="45009"):
        here.save(b"new")


def test_a_key_with_a_waiting_file_gives_the_next_save_another_name(shop: Make) -> None:
    here = shop()
    row_save(here)
    other = here.save(b"new")
    assert other != "a.txt"
    assert here.public() == {other: b"new"}


@committed
def test_a_save_with_file_overwrite_replaces_what_waits_and_is_not_sent_itself(shop: Make) -> None:
    here = shop(file_overwrite=True)
    row_save(here)
    assert here.save(b"newer") == "a.txt"
    assert (here.public(), here.kept()) == ({}, [b"newer"])


@committed
def test_a_save_replaces_a_waiting_deletion(shop: Make) -> None:
    here = shop()
    row_delete(here)
    assert here.save(b"newer") == "a.txt"
    assert here.waiting() == {"a.txt": "save"}
    assert WaitingFile.objects.get().replaces


def test_an_uploaded_file_gets_a_suffix_while_the_cloud_is_away(shop: Make) -> None:
    here = shop()
    here.notice_outage()
    assert here.storage.save("a.txt", SimpleUploadedFile("a.txt", b"new")) != "a.txt"


def test_an_uploaded_file_keeps_its_name_where_each_save_waits(shop: Make) -> None:
    assert shop(wait="always").storage.save("a.txt", SimpleUploadedFile("a.txt", b"new")) == "a.txt"


def test_a_name_is_taken_by_the_log_while_the_cloud_is_away(shop: Make) -> None:
    here = shop()
    stored_away(here)
    assert here.save(b"new") != "a.txt"


def test_two_saves_that_chose_one_name_get_two(shop: Make) -> None:
    here = shop()
    here.notice_outage()
    here.storage._save("a.txt", ContentFile(b"first"))
    second = here.storage._save("a.txt", ContentFile(b"second"))
    assert second != "a.txt"
    assert here.waiting() == {"a.txt": "save", second: "save"}


def test_the_other_name_is_no_longer_than_the_field(shop: Make) -> None:
    here = shop()
    here.notice_outage()
    name = f"{'a' * 20}.txt"
    with during(current_claim, Claim()) as claim:
        claim.max_length = len(name)
        here.storage._save(name, ContentFile(b"first"))
        second = here.storage._save(name, ContentFile(b"second"))
    assert (len(second), second != name) == (len(name), True)


def test_an_error_of_the_direct_try_is_not_one_of_the_waiting(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(Uploader, "attempt", fail)
    with pytest.raises(RuntimeError, match="ours"):
        shop().save(b"new")


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_without_time_zones_a_waiting_file_is_as_old_as_its_save(
    shop: Make, settings: Any, zone: str
) -> None:
    here = shop()
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    row_save(here)
    assert is_recent(here.storage)


@committed
def test_of_two_saves_that_replace_one_file_the_last_one_stays(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop(file_overwrite=True, wait="always")
    row_save(here)
    row_of, raced = waiting.row_of, list[bool]()

    def read_then_lose(options: Any, key: str, **how: bool) -> WaitingFile | None:
        row = row_of(options, key, **how)
        if not raced:
            raced.append(True)
            here.save(b"quicker")
        return row

    monkeypatch.setattr(waiting, "row_of", read_then_lose)
    here.save(b"last")
    assert read(here.storage) == b"last"
    assert here.kept() == [b"last"]


def test_a_file_that_cannot_be_read_twice_waits(shop: Make) -> None:
    here = shop()
    here.begin_outage(on="staticuploadfile")
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        here.storage.save("a.txt", File(pipe, "a.txt"))
    assert here.kept() == [b"piped"]


def test_a_receiver_hears_of_each_file_that_waits(shop: Make) -> None:
    here, heard = shop(), []

    def receive(*, sender: object, signal: object, **facts: object) -> None:
        heard.append(facts)

    upload_waiting.connect(receive)
    try:
        here.save_in_outage(b"new")
    finally:
        upload_waiting.disconnect(receive)
    env = options_for("default").env
    assert heard == [{"using": "default", "env": env, "key": "a.txt", "name": "a.txt"}]


def test_a_storage_that_no_push_would_find_is_refused(shop: Make) -> None:
    shop()
    with pytest.raises(ConfigurationError, match="not in STORAGES"):
        WxStorage(wait="outage", location="own").save("a.txt", ContentFile(b"x"))


# --- what fails beside the cloud -----------------------------------------------------------------


def test_a_save_that_finds_no_waiting_storage_names_the_setting(shop: Make, settings: Any) -> None:
    here = shop()
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"WAITING_STORAGE": "gone"}
    with pytest.raises(ConfigurationError, match="WAITING_STORAGE"):
        here.save(b"new")
    assert here.public() == {}


def test_a_waiting_storage_that_fails_is_said_and_nothing_waits(shop: Make) -> None:
    here = shop()
    here.folder.write_text("no folder")
    here.notice_outage()
    with pytest.raises(UploadFailed, match=r"could not wait .* Look whether WAITING_STORAGE"):
        here.save(b"new")
    assert here.waiting() == {}
    row = UploadLog.objects.get()
    assert (row.status, row.stage) == ("failed", "source")


def test_a_file_that_can_neither_be_sent_nor_wait_names_the_cause_of_the_cloud(shop: Make) -> None:
    here = shop()
    here.folder.write_text("no folder")
    here.begin_outage()
    with pytest.raises(UploadFailed, match="could not wait") as caught:
        here.storage._save("a.txt", ContentFile(b"new"))
    assert caught.value.cause == "45009"


@committed
@pytest.mark.parametrize("method", [exists, read, size, is_waiting])
def test_without_the_table_a_method_does_not_guess(shop: Make, method: Any) -> None:
    here = shop()
    with lost_table(WaitingFile), pytest.raises(OSError, match=r"cannot be read .* Look whether"):
        method(here.storage)


@committed
@pytest.mark.parametrize("overwrite", [True, False])
def test_without_the_table_a_file_cannot_wait(shop: Make, overwrite: bool) -> None:
    here = shop(file_overwrite=overwrite, wait="always")
    with lost_table(WaitingFile), pytest.raises(UploadFailed, match="waiting files cannot be read"):
        here.save(b"new")
    assert here.public() == {}


def test_a_storage_whose_files_never_wait_asks_nothing_of_the_table(shop: Make) -> None:
    from django.db import connection

    here = shop(wait="never")
    with CaptureQueriesContext(connection) as queries:
        here.save(b"new")
        here.storage.exists("a.txt")
        here.storage.delete("a.txt")
    assert not [query for query in queries if "waitingfile" in query["sql"]]


# --- delete --------------------------------------------------------------------------------------


@committed
@pytest.mark.parametrize(
    ("wait", "state", "waits", "calls"),
    [
        ("outage", row_save, {}, 0),
        ("outage", row_delete, {"a.txt": "delete"}, 0),
        ("outage", stored, {}, 3),
        ("outage", none, {}, 1),
        ("outage", stored_away, {"a.txt": "delete"}, 0),
        ("always", row_save, {}, 0),
        ("always", none, {"a.txt": "delete"}, 0),
    ],
)
def test_a_deletion_waits_where_a_save_would(
    shop: Make, wait: str, state: Any, waits: Any, calls: int
) -> None:
    here = shop(wait=wait)
    state(here)
    before = here.calls()
    here.storage.delete("a.txt")
    assert (here.waiting(), here.calls() - before) == (waits, calls)
    assert here.kept() == []


@pytest.mark.parametrize("on", ["staticfilelist", "staticuploadfile"])
def test_the_deletion_that_meets_the_outage_waits(shop: Make, on: str) -> None:
    here = shop()
    stored(here)
    here.begin_outage(on=on)
    here.storage.delete("a.txt")
    assert here.waiting() == {"a.txt": "delete"}
    assert not here.storage.exists("a.txt")
    assert waiting.is_away(options_for("default"))


def test_a_deletion_that_waits_leaves_no_failed_row(shop: Make) -> None:
    here = shop()
    stored(here)
    here.begin_outage(on="staticuploadfile")
    here.storage.delete("a.txt")
    assert UploadLog.objects.get().status == "stored"


def test_a_deletion_ends_the_claim_on_its_key(shop: Make) -> None:
    here, options = shop(), options_for("default")
    stored(here)
    Claim().take(options, "a.txt")
    here.storage.delete("a.txt")
    assert Claim().take(options, "a.txt")


@committed
def test_without_the_table_a_deletion_cannot_wait(shop: Make) -> None:
    here = shop(wait="always")
    with lost_table(WaitingFile), pytest.raises(UploadFailed, match="waiting files cannot be read"):
        here.storage.delete("a.txt")


@pytest.mark.parametrize("state", [none, none_away])
def test_a_deletion_of_a_name_that_no_file_can_have_is_refused(shop: Make, state: Any) -> None:
    here = shop()
    state(here)
    with pytest.raises(NameRejected):
        here.storage.delete("a" * 900)
    assert (here.waiting(), here.calls()) == ({}, 0)


@committed
def test_a_waiting_file_that_may_be_public_is_deleted_there(shop: Make) -> None:
    here = shop()
    row_save(here)
    WaitingFile.objects.update(maybe_public=True)
    here.storage.delete("a.txt")
    assert (here.waiting(), here.kept()) == ({"a.txt": "delete"}, [])


def test_a_deletion_that_is_asked_for_again_is_no_longer_parked(shop: Make) -> None:
    here = shop()
    row_delete(here)
    WaitingFile.objects.update(state="parked", attempts=20)
    here.storage.delete("a.txt")
    row = WaitingFile.objects.get()
    assert (row.kind, row.state, row.attempts) == ("delete", "due", 0)


# --- forms and transactions ----------------------------------------------------------------------


@committed
def test_a_form_that_fails_takes_its_waiting_file_back(shop: Make) -> None:
    here, content = shop(), SimpleUploadedFile("a.txt", b"new")
    here.notice_outage()
    name = here.storage.save("a.txt", content)
    here.storage.leave(Save(here.storage, "a.txt", name, content))
    assert (here.waiting(), here.kept()) == ({}, [])


@committed
def test_a_save_that_is_rolled_back_does_not_wait_and_the_older_one_is_whole(shop: Make) -> None:
    here = shop(file_overwrite=True)
    row_save(here)
    with transaction.atomic():
        here.save(b"newer")
        transaction.set_rollback(True)
    assert read(here.storage) == b"waits"


@committed
def test_a_deletion_that_is_rolled_back_leaves_the_waiting_file(shop: Make) -> None:
    here = shop()
    row_save(here)
    with transaction.atomic():
        here.storage.delete("a.txt")
        assert not here.storage.exists("a.txt")
        transaction.set_rollback(True)
    assert read(here.storage) == b"waits"


# --- what a person does --------------------------------------------------------------------------


def parked(here: Shop) -> WaitingFile:
    here.save_in_outage(b"waits")
    WaitingFile.objects.update(state="parked", attempts=20)
    return WaitingFile.objects.get()


def test_a_parked_file_that_is_to_be_sent_now_is_due(shop: Make) -> None:
    row = parked(shop())
    assert waiting.send_now(row)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("due", 0)
    assert due().get() == row


def test_a_lease_that_ended_before_send_now_is_not_taken_for_the_next_one(shop: Make) -> None:
    shop().save_in_outage(b"waits")
    row = WaitingFile.objects.get()
    assert waiting.lease(row, 1)
    WaitingFile.objects.update(leased_until=Now() - timedelta(seconds=1))
    assert waiting.send_now(row)
    assert waiting.lease(WaitingFile.objects.get(), 1)
    assert not waiting.end_lease(row)
    assert WaitingFile.objects.get().leased_until


def two_who_send(here: Shop) -> WaitingFile:
    """Return the row of who was stopped for longer than its lease; a successor sends it, too."""
    here.save_in_outage(b"old")
    row = WaitingFile.objects.get()
    assert waiting.lease(row, 1)
    WaitingFile.objects.update(leased_until=Now() - timedelta(seconds=1))
    assert waiting.lease(WaitingFile.objects.get(), 1)
    return row


@pytest.mark.parametrize("end", [waiting.finish, waiting.end_lease])
def test_who_lost_its_lease_frees_no_content_that_a_successor_still_keeps_back(
    shop: Make, end: Any
) -> None:
    here = shop(file_overwrite=True)
    row = two_who_send(here)
    here.save(b"new")
    end(row)
    assert not due().exists()


def test_who_lost_its_lease_does_not_delete_the_row_that_its_successor_sends(shop: Make) -> None:
    row = two_who_send(shop())
    waiting.finish(row)
    assert WaitingFile.objects.get().leased_until


@committed
def test_a_file_that_is_given_up_leaves_nothing(shop: Make) -> None:
    here = shop()
    assert waiting.give_up(parked(here))
    assert (here.waiting(), here.kept()) == ({}, [])


@pytest.mark.parametrize("act", [waiting.send_now, waiting.give_up])
@pytest.mark.parametrize("meanwhile", ["leased", "replaced"])
def test_a_row_that_is_sent_or_replaced_meanwhile_stays_as_it_is(
    shop: Make, act: Any, meanwhile: str
) -> None:
    row = parked(shop())
    later = Now() + timedelta(minutes=1)
    change = {"leased": {"leased_until": later}, "replaced": {"token": "f" * 32}}
    WaitingFile.objects.update(**change[meanwhile])
    assert not act(row)
    assert WaitingFile.objects.get().state == "parked"


# --- what is left over ---------------------------------------------------------------------------


def make_old(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 50 * 3600,) * 2)


@pytest.mark.parametrize("dry_run", [True, False])
def test_old_bytes_that_no_row_names_are_swept(shop: Make, dry_run: bool) -> None:
    here = shop()
    here.save_in_outage(b"named", "b.txt")
    row_save(here)
    WaitingFile.objects.filter(key="a.txt").delete()
    make_old(here.folder)
    assert list(waiting.sweep(dry_run=dry_run)) == [("unnamed", 1)]
    assert here.kept() == ([b"named", b"waits"] if dry_run else [b"named"])


def test_bytes_that_are_gone_meanwhile_keep_no_others_from_being_swept(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.save_in_outage(b"sea", "b.txt")
    WaitingFile.objects.all().delete()
    make_old(here.folder)
    time_of, calls = FileSystemStorage.get_modified_time, list[str]()

    def gone(storage: Any, name: str) -> Any:
        calls.append(name)
        if len(calls) == 1:
            storage.delete(name)
        return time_of(storage, name)

    monkeypatch.setattr(FileSystemStorage, "get_modified_time", gone)
    assert list(waiting.sweep()) == [("unnamed", 1)]


def test_young_bytes_that_no_row_names_stay(shop: Make) -> None:
    here = shop()
    row_save(here)
    WaitingFile.objects.all().delete()
    assert list(waiting.sweep()) == []


def test_nothing_is_swept_where_nothing_ever_waited(shop: Make) -> None:
    shop()
    assert list(waiting.sweep()) == []
