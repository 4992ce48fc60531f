"""Authorize, look, upload, record: what each step leaves behind."""

from __future__ import annotations

import io
from hashlib import md5
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from tests.submit.conftest import HERE, UserWith
from wx_static_store.clients.cos import CosClient
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import UploadContext, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import NameRejected, WxStaticStoreError
from wx_static_store.models import UploadLog
from wx_static_store.submit.send import longest, send

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
def test_a_refused_file_leaves_no_row(
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
    """Also for another thread: nothing of the first upload stays claimed."""
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
def test_a_break_off_is_recorded_as_unknown_and_raised(
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


def test_the_longest_time_grows_with_the_size(cloud: EmulatorServer) -> None:
    assert 0 < longest("default", HERE.env, 0) < longest("default", HERE.env, 2**30)
