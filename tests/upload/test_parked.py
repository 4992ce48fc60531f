"""An upload of a person that failed is left: nothing sends it until somebody wants it again."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.log.uploads import again
from tests.submit.conftest import HERE
from tests.upload.conftest import Shop
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import UploadContext
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.models.columns import Now
from wx_static_store.submit.send import send
from wx_static_store.upload import parked, waiting
from wx_static_store.upload.push import push

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
KEY = "uploads/a.txt"
REFUSED = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009}
BUSY = {"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403}


@pytest.fixture
def here(shop: Make) -> Shop:
    return shop(wait="never", max_attempts=1)


def upload(here: Shop, body: bytes = b"tea", *, overwrite: bool = False, **fault: Any) -> UploadLog:
    """Send the file as the upload page does; return its row."""
    if fault:
        here.cloud.script(fault)
    user, file = User(is_active=True, is_superuser=True), io.BytesIO(body)
    how: dict[str, Any] = {"size": len(body), "overwrite": overwrite}
    send(user, HERE, KEY, file, UploadContext("admin"), **how)
    return UploadLog.objects.latest("id")


def left_row() -> WaitingFile:
    return WaitingFile.objects.get(state="left")


# --- what is kept --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [REFUSED, BUSY, REFUSED | {"on": "staticfilelist"}])
def test_an_upload_that_failed_can_be_sent_again_and_leaves_nothing_then(
    here: Shop, fault: dict[str, Any]
) -> None:
    row = upload(here, **fault)
    assert (here.kept(), left_row().source) == ([b"tea"], "admin")
    [one] = again(row)
    assert one.outcome == "stored"
    assert (here.public(), here.waiting(), here.kept()) == ({KEY: b"tea"}, {}, [])


def test_a_stored_upload_keeps_nothing(here: Shop) -> None:
    assert upload(here).status == "stored"
    assert (here.waiting(), here.kept()) == ({}, [])


def test_a_push_does_not_send_an_upload_that_failed(here: Shop) -> None:
    upload(here, **REFUSED)
    assert push() == {}
    assert here.kept() == [b"tea"]


def test_a_row_says_why_the_upload_failed(here: Shop) -> None:
    upload(here, **REFUSED)
    row = left_row()
    assert (row.errcode, row.cause, row.maybe_public) == (45009, "45009", False)


def test_a_waiting_storage_that_fails_is_logged_and_the_log_says_what_failed(
    here: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    here.folder.write_text("no folder")
    assert upload(here, **REFUSED).errcode == 45009
    assert "WAITING_STORAGE keeps nothing" in caplog.text
    assert here.waiting() == {}


def test_a_public_storage_keeps_nothing(
    here: Shop, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MEDIA_ROOT = str(here.folder.parent)
    upload(here, **REFUSED)
    assert "WAITING_STORAGE names 'kept', which is public" in caplog.text
    assert not here.folder.exists()


def test_without_a_waiting_storage_nothing_is_asked_of_the_table(here: Shop, settings: Any) -> None:
    wx = {k: value for k, value in settings.WX_STATIC_STORE.items() if k != "WAITING_STORAGE"}
    settings.WX_STATIC_STORE = wx
    with CaptureQueriesContext(connection) as queries:
        [one] = again(upload(here, **REFUSED))
    assert one.outcome == "gone"
    assert not [query for query in queries if "waitingfile" in query["sql"]]


# --- another upload of the name ------------------------------------------------------------------


def test_an_upload_takes_the_place_of_one_that_failed(here: Shop) -> None:
    upload(here, **REFUSED)
    upload(here, b"sea")
    assert (here.public(), here.waiting(), here.kept()) == ({KEY: b"sea"}, {}, [])


def test_of_two_uploads_that_failed_the_newer_is_kept(here: Shop) -> None:
    for body in (b"tea", b"sea"):
        row = upload(here, body, **REFUSED)
    assert here.kept() == [b"sea"]
    assert [one.outcome for one in again(row)] == ["stored"]


def test_an_upload_that_is_refused_leaves_what_failed_before(here: Shop) -> None:
    row = upload(here, **REFUSED)
    here.cloud.put_object(KEY, b"of somebody else")
    with pytest.raises(PolicyRejected, match="already"):
        upload(here, b"sea")
    assert [one.outcome for one in again(row)] == ["stored"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_upload_is_refused_while_the_file_before_it_is_sent(here: Shop, overwrite: bool) -> None:
    upload(here, **REFUSED)
    assert waiting.lease(left_row(), 1)
    with pytest.raises(PolicyRejected, match="running at this moment"):
        upload(here, b"sea", overwrite=overwrite)
    assert (here.public(), here.kept()) == ({}, [b"tea"])


def test_a_save_takes_another_name_than_an_upload_that_is_being_sent_again(shop: Make) -> None:
    here = shop(max_attempts=1)
    upload(here, **REFUSED | {"errcode": 40097})
    assert waiting.lease(left_row(), 1)
    assert here.save(b"sea", KEY) != KEY
    assert left_row().leased_until


def test_what_waits_otherwise_at_the_key_is_not_replaced(shop: Make) -> None:
    shop().save_in_outage(b"saved", KEY)
    here = shop(wait="never", max_attempts=1)
    upload(here, overwrite=True, **REFUSED)
    assert (here.kept(), WaitingFile.objects.get().source) == ([b"saved"], "storage")


# --- again ---------------------------------------------------------------------------------------


def test_an_upload_that_fails_again_stays_for_as_long_as_a_new_one(here: Shop) -> None:
    row = upload(here, **REFUSED)
    WaitingFile.objects.update(changed=Now() - timedelta(hours=47))
    here.cloud.script(BUSY)
    [one] = again(row)
    assert (one.outcome, here.kept()) == ("failed", [b"tea"])
    found = left_row()
    assert (found.cause, found.leased_until, found.maybe_public) == ("AccessDenied", None, False)
    assert timezone.now() - found.changed < timedelta(hours=1)
    assert [one.outcome for one in again(UploadLog.objects.latest("id"))] == ["stored"]


def test_what_another_process_sends_is_not_sent_again(here: Shop) -> None:
    row = upload(here, **REFUSED)
    waiting.lease(left_row(), 1)
    [one] = again(row)
    assert "running at this moment" in str(one.reason)
    assert here.public() == {}


def test_who_lost_the_lease_leaves_the_row_to_its_successor(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, found = upload(here, **REFUSED), left_row()
    longest = "wx_static_store.log.retry.longest"
    monkeypatch.setattr(longest, lambda store, size: -1.0)  # it was stopped for longer
    [one] = again(row)
    assert (one.outcome, here.public()) == ("failed", {})
    assert left_row().token == found.token


def test_an_older_upload_is_not_sent_past_a_file_that_waits(shop: Make) -> None:
    here = shop(max_attempts=1)
    row = upload(here)
    here.notice_outage()
    upload(here, b"sea", overwrite=True)
    here.end_outage()
    [one] = again(row)
    assert "A newer file waits under this name" in str(one.reason)
    assert here.public() == {KEY: b"tea"}


def test_a_file_that_was_stored_past_one_that_failed_is_sent_again(here: Shop) -> None:
    upload(here, **REFUSED)
    here.save(b"saved", KEY)
    [one] = again(UploadLog.objects.latest("id"))
    assert (one.outcome, here.public()) == ("stored", {KEY: b"saved"})


@pytest.mark.parametrize("broken", ["gone", "other"])
def test_bytes_that_are_not_those_of_the_upload_are_not_sent(here: Shop, broken: str) -> None:
    row = upload(here, **REFUSED)
    [path] = (path for path in here.folder.rglob("*") if path.is_file())
    path.unlink() if broken == "gone" else path.write_bytes(b"sea")
    [one] = again(row)
    assert "The waiting bytes are not on" in str(one.reason)
    assert here.public() == {}


# --- sent by the push ----------------------------------------------------------------------------


def test_a_file_that_a_person_wants_sent_is_pushed(here: Shop) -> None:
    upload(here, **REFUSED)
    waiting.send_now(left_row())
    assert push() == {"stored": 1}
    assert (here.public(), here.kept()) == ({KEY: b"tea"}, [])


def test_a_push_does_not_overwrite_what_was_saved_since(here: Shop) -> None:
    upload(here, overwrite=True, **REFUSED)
    WaitingFile.objects.update(created=timezone.now() - timedelta(minutes=1))
    here.save(b"saved", KEY)
    waiting.send_now(left_row())
    assert push() == {"parked": 1}
    assert here.public() == {KEY: b"saved"}


# --- what is left over ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "hours", "goes"),
    [
        ({}, 49, True),
        ({"source": "api"}, 49, True),
        ({}, 47, False),
        ({"state": "due"}, 49, False),
        ({"state": "parked"}, 49, False),
        ({"leased_until": Now() + timedelta(minutes=1)}, 49, False),
    ],
)
def test_old_uploads_that_failed_go_and_nothing_else(
    here: Shop, columns: dict[str, Any], hours: int, goes: bool
) -> None:
    upload(here, **REFUSED)
    WaitingFile.objects.update(changed=Now() - timedelta(hours=hours), **columns)
    assert list(parked.prune()) == [("parked", 1)] * goes
    assert here.kept() == [b"tea"] * (not goes)


def test_a_dry_run_counts_what_would_go(here: Shop) -> None:
    upload(here, **REFUSED)
    WaitingFile.objects.update(changed=Now() - timedelta(hours=49))
    assert list(parked.prune(dry_run=True)) == [("parked", 1)]
    assert here.kept() == [b"tea"]
