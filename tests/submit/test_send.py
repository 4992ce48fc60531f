"""Authorize, look, upload, record: what each step leaves behind."""

from __future__ import annotations

import io
import os
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from tests.conftest import lost_table
from tests.submit.conftest import HERE, UserWith
from wx_static_store.clients.cos import CosClient
from wx_static_store.conf import options_for
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import UploadContext, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import NameRejected, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.submit.policy import Target
from wx_static_store.submit.send import send
from wx_static_store.upload.claims import Claim

pytestmark = pytest.mark.django_db

KEY = "uploads/a.txt"
TEA = md5(b"tea", usedforsecurity=False).hexdigest()


def send_tea(user: User, name: str = KEY, **options: Any) -> tuple[UploadResult, UploadLog]:
    """Return the result and its row."""
    context = UploadContext("api", source_ref="request 7", user_id=user.pk)
    result, row = send(user, HERE, name, io.BytesIO(b"tea"), context, size=3, **options)
    return result, UploadLog.objects.get(pk=row)


@pytest.fixture
def editor(cloud: EmulatorServer, configure: Any, user_with: UserWith) -> User:
    configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return user_with("upload")


def test_a_stored_file_has_a_row_with_its_context(cloud: EmulatorServer, editor: User) -> None:
    result, row = send_tea(editor)
    assert cloud.objects()[KEY].body == b"tea"
    assert (result.status, row.status, row.md5) == ("stored", "stored", TEA)
    assert (row.source, row.source_ref, row.user_id) == ("api", "request 7", editor.pk)


@pytest.mark.parametrize(
    ("name", "error"), [("elsewhere/a.txt", PolicyRejected), ("/a.txt", NameRejected)]
)
def test_a_file_that_a_rule_refuses_leaves_no_row(
    cloud: EmulatorServer, editor: User, name: str, error: type[WxStaticStoreError]
) -> None:
    with pytest.raises(error):
        send_tea(editor, name)
    assert not UploadLog.objects.exists()
    assert cloud.journal == []


def test_a_look_that_fails_leaves_a_failed_row_of_these_bytes(
    cloud: EmulatorServer, editor: User
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097})
    result, row = send_tea(editor)
    assert (result.status, result.errcode) == ("failed", 40097)
    assert (row.stage, row.key, row.size, row.md5) == ("name", KEY, 3, TEA)
    assert cloud.calls("put_object") == []


def test_the_precondition_is_asked_for_an_allowed_key_before_the_look(
    cloud: EmulatorServer, editor: User
) -> None:
    asked: list[tuple[str, int]] = []

    def precondition(key: str) -> None:
        asked.append((key, len(cloud.journal)))
        raise LookupError

    with pytest.raises(LookupError):
        send_tea(editor, precondition=precondition)
    with pytest.raises(PolicyRejected):
        send_tea(editor, "elsewhere/a.txt", precondition=precondition)
    assert asked == [(KEY, 0)]


def test_a_key_is_free_again_after_an_upload_that_ended(
    cloud: EmulatorServer, editor: User
) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"})
    assert [send_tea(editor)[0].status for _ in range(2)] == ["failed", "stored"]


def test_a_lost_answer_is_settled_by_the_list(cloud: EmulatorServer, editor: User) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply"})
    result, row = send_tea(editor)
    assert (result.status, row.message) == (
        "stored",
        "COS did not answer; the list shows these bytes",
    )


def break_off(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Raise the error when COS has the bytes, before its answer is read."""
    original = CosClient.put_object

    def put_object(*args: Any, **options: Any) -> Any:
        original(*args, **options)
        raise error

    monkeypatch.setattr(CosClient, "put_object", put_object)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), ZeroDivisionError()])
def test_an_interruption_is_recorded_as_unknown_and_raised(
    editor: User, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    break_off(monkeypatch, error)
    with pytest.raises(type(error)):
        send_tea(editor)
    assert UploadLog.objects.get().status == "unknown"


@pytest.mark.parametrize("error", [OperationalError("no database"), OSError(28, "No space left")])
def test_our_own_trouble_after_the_body_went_is_unknown_and_logged(
    cloud: EmulatorServer,
    editor: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    cloud.quirks.list_md5 = "multipart"  # settles nothing
    break_off(monkeypatch, error)
    result, row = send_tea(editor)
    assert (result.status, row.status) == ("unknown", "unknown")
    assert f"{error} (request 7)" in caplog.text


def test_a_file_replaces_another_one_only_if_that_is_asked_for(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload", "replace")
    cloud.put_object(KEY, b"old")
    with pytest.raises(PolicyRejected):
        send_tea(user)
    send_tea(user, overwrite=True)
    assert cloud.objects()[KEY].body == b"tea"


def test_a_file_goes_to_the_environment_of_its_target(cloud: EmulatorServer, editor: User) -> None:
    to = Target("default", "tenant-b", "tenant-b")
    result, _row = send(editor, to, KEY, io.BytesIO(b"tea"), UploadContext("api"), size=3)
    assert (result.status, result.env) == ("stored", "tenant-b")
    assert cloud.objects() == {}


def is_free() -> bool:
    """Return whether another upload may claim the key."""
    return Claim().take(options_for("default"), KEY)


def test_a_stored_file_s_key_may_be_claimed_by_others(editor: User) -> None:
    send_tea(editor)
    assert is_free()


def test_without_a_log_the_key_of_a_stored_file_stays_claimed(editor: User) -> None:
    with lost_table(UploadLog):
        assert send(editor, HERE, KEY, io.BytesIO(b"tea"), UploadContext("api"), size=3)[1] is None
    assert not is_free()


@pytest.mark.parametrize("lag", [0, 5])
def test_an_upload_whose_answer_was_lost_keeps_other_bytes_from_its_key(
    cloud: EmulatorServer, editor: User, monkeypatch: pytest.MonkeyPatch, lag: float
) -> None:
    cloud.quirks.update({"list_md5": "multipart", "list_lag_seconds": lag})
    with monkeypatch.context() as patch:
        break_off(patch, OSError(28, "No space left"))
        assert send_tea(editor)[0].status == "unknown"
    with pytest.raises(PolicyRejected) as caught:
        send(editor, HERE, KEY, io.BytesIO(b"other"), UploadContext("api"), size=5)
    assert caught.value.code == "exists"
    assert cloud.objects()[KEY].body == b"tea"


def test_the_bytes_of_an_upload_whose_answer_was_lost_may_be_sent_again(
    cloud: EmulatorServer, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.quirks.list_lag_seconds = 5
    with monkeypatch.context() as patch:
        break_off(patch, OSError(28, "No space left"))
        assert send_tea(editor)[0].status == "unknown"
    assert send_tea(editor)[0].status == "stored"


def test_other_bytes_are_refused_before_the_list_shows_the_file(
    cloud: EmulatorServer, editor: User, user_with: UserWith
) -> None:
    cloud.quirks.list_lag_seconds = 5
    send_tea(editor)
    with pytest.raises(PolicyRejected) as caught:
        send(user_with("upload"), HERE, KEY, io.BytesIO(b"other"), UploadContext("api"), size=5)
    assert caught.value.code == "exists"
    assert cloud.objects()[KEY].body == b"tea"


@pytest.mark.parametrize("closed", ["file", "descriptor"])
def test_a_failed_row_has_no_size_where_the_file_can_no_longer_be_read(
    cloud: EmulatorServer, editor: User, tmp_path: Path, closed: str
) -> None:
    (tmp_path / "a.txt").write_bytes(b"tea")
    descriptor = os.open(tmp_path / "a.txt", os.O_RDONLY)
    file = open(descriptor, "rb", closefd=False)  # noqa: SIM115 -- it is closed on the way

    def close(_key: str) -> None:
        file.close() if closed == "file" else os.close(descriptor)

    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097})
    context = UploadContext("api")
    result, _row = send(editor, HERE, KEY, file, context, size=3, precondition=close)
    assert (result.status, result.size, result.md5) == ("failed", None, "")


def test_the_log_shows_the_first_line_of_a_database_s_error_only(
    cloud: EmulatorServer,
    editor: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    break_off(monkeypatch, OperationalError("no database\nDETAIL: a value"))
    send_tea(editor)
    assert "no database" in caplog.text
    assert "a value" not in caplog.text
