"""Uploads to a store whose files may wait: which are sent, which wait, and behind what."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import lost_table
from tests.submit.conftest import HERE, UserWith
from tests.upload.conftest import Shop
from wx_static_store.conf import options_for
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import DELETED, UploadContext, UploadItem, UploadResult
from wx_static_store.models import UploadLog, WaitingFile, key_digest
from wx_static_store.submit.policy import Target
from wx_static_store.submit.send import look_up, send
from wx_static_store.upload import waiting
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.push import push

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
KEY = "uploads/a.txt"


@pytest.fixture
def editor(user_with: UserWith) -> User:
    return user_with("upload", "replace")


def upload(user: User, body: bytes = b"tea", to: Target = HERE, **options: Any) -> UploadResult:
    context = UploadContext("api", source_ref="request 7", user_id=user.pk)
    return send(user, to, KEY, io.BytesIO(body), context, size=len(body), **options)[0]


def well(here: Shop) -> None:
    """Let the cloud be there."""


@pytest.mark.parametrize(
    ("wait", "state", "status", "row", "calls"),
    [
        ("outage", well, "stored", {}, 3),
        ("outage", Shop.begin_outage, "waiting", {KEY: "due"}, 1),
        ("outage", Shop.notice_outage, "waiting", {KEY: "due"}, 0),
        ("always", well, "waiting", {KEY: "due"}, 0),
        ("never", Shop.begin_outage, "failed", {KEY: "left"}, 1),
    ],
)
def test_an_upload_waits_where_a_save_would(
    shop: Make, editor: User, wait: str, state: Any, status: str, row: dict[str, str], calls: int
) -> None:
    here = shop(wait=wait)
    state(here)
    result = upload(editor)
    assert (result.status, here.calls()) == (status, calls)
    assert dict(WaitingFile.objects.values_list("key", "state")) == row
    assert here.kept() == [b"tea"] * len(row)


def test_a_file_that_waits_has_no_row_of_the_log_until_it_is_stored(
    shop: Make, editor: User
) -> None:
    here = shop()
    here.begin_outage(on="staticuploadfile")
    result = upload(editor)
    assert (result.key, result.size, result.error) == (KEY, 3, None)
    assert not UploadLog.objects.exists()
    here.end_outage()
    assert push() == {"stored": 1}
    row = UploadLog.objects.get()
    assert (row.source, row.source_ref, row.user_id) == ("api", "request 7", editor.pk)
    assert here.public() == {KEY: b"tea"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_waits_replaces_others_only_if_that_was_asked_for(
    shop: Make, editor: User, overwrite: bool
) -> None:
    here = shop()
    here.notice_outage()
    upload(editor, overwrite=overwrite)
    here.end_outage()
    here.cloud.put_object(KEY, b"of somebody else")
    assert push() == ({"stored": 1} if overwrite else {"parked": 1})


def test_a_name_that_the_log_knows_is_taken_while_the_cloud_is_away(
    shop: Make, editor: User
) -> None:
    here = shop()
    upload(editor)
    here.notice_outage()
    with pytest.raises(PolicyRejected, match="already"):
        upload(editor, b"sea")


def test_who_may_not_replace_is_not_told_by_the_log_alone_that_the_name_is_free(
    shop: Make, user_with: UserWith
) -> None:
    here = shop()
    here.begin_outage()
    assert upload(user_with("upload"), overwrite=True).status == "failed"


def test_a_refusal_of_the_file_itself_is_left(shop: Make, editor: User) -> None:
    here = shop()
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "times": None})
    assert upload(editor).errcode == 40097
    assert WaitingFile.objects.get().state == "left"


@pytest.mark.usefixtures("no_pauses")
def test_a_lost_answer_waits(shop: Make, editor: User) -> None:
    here = shop()
    here.cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    assert upload(editor).status == "waiting"
    assert WaitingFile.objects.get().maybe_public


def test_a_file_that_can_neither_be_sent_nor_wait_has_failed(shop: Make, editor: User) -> None:
    here = shop()
    here.folder.write_text("no folder")
    here.begin_outage()
    result = upload(editor)
    assert "could not wait" in str(result.error)
    assert Claim().take(options_for("default"), KEY)


def test_without_the_table_an_upload_does_not_guess(shop: Make, editor: User) -> None:
    here = shop()
    with lost_table(WaitingFile):
        result = upload(editor)
    assert "waiting files cannot be read" in str(result.error)
    assert here.public() == {}


def test_a_file_for_an_environment_that_no_push_sends_to_does_not_wait(
    shop: Make, editor: User
) -> None:
    shop(wait="always")
    result = upload(editor, to=Target("default", "tenant-b", "tenant-b"))
    assert (result.status, result.env) == ("stored", "tenant-b")


# --- behind a row --------------------------------------------------------------------------------


def test_a_waiting_file_takes_its_name(shop: Make, editor: User) -> None:
    here = shop()
    here.save_in_outage(b"saved", KEY)
    with pytest.raises(PolicyRejected, match="already"):
        upload(editor)
    assert here.kept() == [b"saved"]


def test_the_bytes_that_wait_already_wait_on(shop: Make, editor: User) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)
    before = WaitingFile.objects.get()
    assert upload(editor).status == "waiting"
    row = WaitingFile.objects.get()
    assert (row.token, row.source, here.calls()) == (before.token, "storage", 0)


def test_the_same_bytes_as_those_of_a_parked_save_are_due(shop: Make, editor: User) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)
    WaitingFile.objects.update(state="parked")
    upload(editor)
    assert WaitingFile.objects.get().state == "due"


def test_the_same_bytes_replace_what_is_there_if_that_was_asked_for(
    shop: Make, editor: User
) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)
    here.cloud.put_object(KEY, b"of somebody else")
    assert upload(editor, overwrite=True).status == "waiting"
    assert push() == {"stored": 1}
    assert here.public() == {KEY: b"tea"}


def test_the_same_bytes_are_sent_if_those_that_waited_are_given_up_meanwhile(
    shop: Make, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)

    def lose(row: WaitingFile) -> bool:
        waiting.give_up(row)
        return waiting.send_now(row)

    monkeypatch.setattr("wx_static_store.submit.send.send_now", lose)
    assert upload(editor).status == "stored"
    assert here.public() == {KEY: b"tea"}


def test_the_same_bytes_do_not_count_as_waiting_if_a_deletion_took_their_place(
    shop: Make, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)
    WaitingFile.objects.update(maybe_public=True)

    def delete(row: WaitingFile) -> bool:
        here.storage.delete(KEY)
        return waiting.send_now(row)

    monkeypatch.setattr("wx_static_store.submit.send.send_now", delete)
    assert upload(editor).status == "waiting"
    push()
    assert here.public() == {KEY: b"tea"}


def test_the_same_bytes_wait_on_while_they_are_sent(shop: Make, editor: User) -> None:
    here = shop()
    here.save_in_outage(b"tea", KEY)
    assert waiting.lease(WaitingFile.objects.get(), 1)
    assert upload(editor).status == "waiting"
    assert here.kept() == [b"tea"]


def test_an_upload_that_may_replace_waits_in_place_of_what_waits(shop: Make, editor: User) -> None:
    here = shop()
    here.save_in_outage(b"saved", KEY)
    assert upload(editor, overwrite=True).status == "waiting"
    assert (here.calls(), here.kept()) == (0, [b"tea"])
    assert push() == {"stored": 1}
    assert here.public() == {KEY: b"tea"}


def test_an_upload_waits_behind_a_waiting_deletion(shop: Make, editor: User) -> None:
    here = shop()
    here.save(b"old", KEY)
    here.notice_outage()
    here.storage.delete(KEY)
    here.end_outage()
    assert upload(editor).status == "waiting"
    assert push() == {"stored": 1}
    assert here.public() == {KEY: b"tea"}


@pytest.mark.parametrize("first", ["replaced", "deleted"])
def test_a_deletion_is_sent_if_a_person_uploaded_what_is_public_before_others_changed_it(
    shop: Make, editor: User, first: str
) -> None:
    here = shop(file_overwrite=True)
    here.save(b"tea", KEY)
    here.notice_outage()
    upload(editor)
    if first == "deleted":
        here.storage.delete(KEY)
    here.save(b"sea", KEY)
    here.storage.delete(KEY)
    here.end_outage()
    push()
    assert here.public() == {KEY: DELETED}


def test_a_file_that_begins_to_wait_meanwhile_is_not_replaced(
    shop: Make, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    row_of, asked = waiting.row_of, list[str]()

    def read_then_lose(options: Any, key: str, **how: bool) -> WaitingFile | None:
        asked.append(key)
        row = row_of(options, key, **how)
        if len(asked) == 1:
            here.storage._save(KEY, io.BytesIO(b"saved"))
        return row

    here.notice_outage()
    monkeypatch.setattr(waiting, "row_of", read_then_lose)
    with pytest.raises(PolicyRejected, match="already"):
        upload(editor)
    assert here.kept() == [b"saved"]


def test_an_upload_that_was_killed_when_its_file_waited_waits(shop: Make, editor: User) -> None:
    here = shop()
    here.notice_outage()
    result = upload(editor)
    here.end_outage()
    item = UploadItem(KEY, io.BytesIO, size=3, md5=result.md5)
    [(found, row)] = look_up(HERE, [(item, Claim())], UploadContext("admin"))
    assert (found.status, found.error, row) == ("waiting", None, None)
    assert not UploadLog.objects.exists()


def test_a_deletion_behind_an_upload_of_what_is_public_already_is_sent(
    shop: Make, editor: User
) -> None:
    here = shop()
    upload(editor)
    here.notice_outage()
    assert upload(editor).status == "waiting"
    here.storage.delete(KEY)
    here.end_outage()
    push()
    assert not here.storage.exists(KEY)


# --- past an upload that failed ------------------------------------------------------------------


@pytest.fixture
def failed(shop: Make, editor: User) -> Shop:
    """Return a shop with a public file that an upload could not replace."""
    here = shop(file_overwrite=True)
    here.save(b"old", KEY)
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    assert upload(editor, b"refused", overwrite=True).status == "failed"
    return here


def test_a_storage_says_of_a_failed_upload_nothing(failed: Shop) -> None:
    with failed.storage.open(KEY) as file:
        assert file.read() == b"old"
    assert (failed.storage.size(KEY), failed.storage.is_waiting(KEY)) == (3, False)
    assert failed.kept() == [b"refused"]


def test_a_file_of_which_only_an_upload_failed_does_not_exist(failed: Shop) -> None:
    WaitingFile.objects.update(key="uploads/b.txt", key_digest=key_digest("uploads/b.txt"))
    assert not failed.storage.exists("uploads/b.txt")
    assert failed.storage.listdir("uploads") == ([], ["a.txt"])


def test_a_save_takes_the_place_of_a_failed_upload(failed: Shop) -> None:
    failed.save(b"new", KEY)
    assert (failed.public(), failed.waiting(), failed.kept()) == ({KEY: b"new"}, {}, [])


def test_a_deletion_takes_the_place_of_a_failed_upload(failed: Shop) -> None:
    failed.storage.delete(KEY)
    assert not failed.storage.exists(KEY)
    assert (failed.waiting(), failed.kept()) == ({}, [])


def test_a_save_waits_in_place_of_a_failed_upload(failed: Shop) -> None:
    failed.save_in_outage(b"new", KEY)
    assert (failed.waiting(), failed.kept()) == ({KEY: "save"}, [b"new"])


def test_a_deletion_behind_a_save_in_place_of_a_failed_upload_is_sent(failed: Shop) -> None:
    failed.save_in_outage(b"new", KEY)
    failed.notice_outage()
    failed.storage.delete(KEY)
    failed.end_outage()
    assert push() == {"deleted": 1}
    assert not failed.storage.exists(KEY)


def test_a_save_in_place_of_a_failed_upload_replaces_no_other_file(
    shop: Make, failed: Shop
) -> None:
    here = shop()
    WaitingFile.objects.update(key="uploads/b.txt", key_digest=key_digest("uploads/b.txt"))
    here.save_in_outage(b"new", "uploads/b.txt")
    here.cloud.put_object("uploads/b.txt", b"of somebody else")
    assert push() == {"parked": 1}


def test_a_save_waits_while_a_failed_upload_is_sent_again(failed: Shop) -> None:
    assert waiting.lease(WaitingFile.objects.get(), 1)
    failed.save(b"new", KEY)
    assert (failed.waiting(), failed.public()) == ({KEY: "save"}, {KEY: b"old"})


def test_an_accepted_upload_that_is_parked_later_is_not_given_up_by_another(
    shop: Make, editor: User
) -> None:
    here = shop()
    here.notice_outage()
    assert upload(editor).status == "waiting"
    here.end_outage()
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    assert push() == {"parked": 1}
    with pytest.raises(PolicyRejected, match="already"):
        upload(editor, b"sea")
    assert here.kept() == [b"tea"]


def test_a_failed_upload_that_no_push_would_find_is_not_due(shop: Make, editor: User) -> None:
    here = shop(max_attempts=1)
    here.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    assert upload(editor, to=Target("default", "tenant-b", "b")).status == "failed"
    assert not waiting.send_now(WaitingFile.objects.get())
    assert WaitingFile.objects.get().state == "left"
