"""A second submission shows what became of the first, and sends nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.urls import urlpatterns as api_urls
from tests.conftest import ENV, lost_table
from tests.urls import urlpatterns as admin_urls
from tests.waiting import wait_for
from wx_static_store.clients.cos import CosClient
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatThrottled
from wx_static_store.models import IdempotencyKey, UploadLog
from wx_static_store.submit import submission as submissions
from wx_static_store.submit.submission import Submission, Unanswered

pytestmark = pytest.mark.django_db

urlpatterns = [*admin_urls, *api_urls]


def submit(send: Callable[[], Any], identity: str = "ann 1", fingerprint: str = "") -> Any:
    """Return the answer, or the code of the first submission that has none."""
    submission = Submission(identity, fingerprint)
    try:
        first = submission.first_answer()
    except Unanswered as error:
        return error.code
    return submission.send(send, lambda answer: answer) if first is None else first


def broken() -> Any:
    raise ZeroDivisionError


def never() -> Any:
    raise AssertionError("it was sent again")


def time_passes(**spans: float) -> None:
    gone = timedelta(**spans)
    IdempotencyKey.objects.update(
        expires=F("expires") - gone, running_until=F("running_until") - gone
    )


def test_a_repeated_submission_gets_the_first_answer() -> None:
    assert submit(lambda: {"row": 1}) == submit(never) == {"row": 1}


def test_another_identity_is_another_submission() -> None:
    assert [submit(lambda: [1]), submit(lambda: [2], "ann 2")] == [[1], [2]]


def test_the_same_identity_for_something_else_is_refused() -> None:
    submit(lambda: [1], fingerprint="a")
    assert submit(never, fingerprint="b") == "other_body"


def test_a_submission_without_a_lasting_answer_may_be_sent_again() -> None:
    assert submit(lambda: None) is None
    assert submit(lambda: [2]) == [2]


def test_a_second_submission_during_the_first_is_in_progress() -> None:
    seen = []
    submit(lambda: seen.append(submit(never)) or [1])
    assert seen == ["in_progress"]


def test_a_submission_that_broke_off_is_unknown() -> None:
    with pytest.raises(ZeroDivisionError):
        submit(broken)
    assert submit(never) == "unknown"


@pytest.mark.parametrize("error", [WeChatThrottled("busy"), OSError(28, "No space left")])
def test_an_error_before_a_byte_is_sent_frees_the_submission(error: Exception) -> None:
    def refuse() -> Any:
        raise error

    with pytest.raises(type(error)):
        submit(refuse)
    assert submit(lambda: [2]) == [2]


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGALRM")
def test_an_error_of_a_signal_handler_does_not_free_the_submission() -> None:
    """It may come at any time, also when the file is stored already."""

    def handler(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(TimeoutError):
            submit(lambda: signal.raise_signal(signal.SIGALRM))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert submit(never) == "unknown"


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No code of ours runs after SIGKILL."""
    monkeypatch.setattr(Submission, "_break_off", lambda self: None)
    with pytest.raises(ZeroDivisionError):
        submit(broken)


@pytest.mark.usefixtures("killed")
def test_a_killed_submission_is_unknown_after_half_a_minute() -> None:
    time_passes(seconds=29)
    assert submit(never) == "in_progress"
    time_passes(seconds=1)
    assert submit(never) == "unknown"


@pytest.mark.django_db(transaction=True)
def test_a_submission_that_runs_on_stays_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "LEASE", 0.6)

    def send() -> list[int]:
        for _ in range(2):
            time_passes(seconds=0.6)
            assert submit(never) == "unknown"
            wait_for(lambda: submit(never) == "in_progress", "the lease, prolonged")
        return [1]

    assert submit(send) == submit(never) == [1]


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("minutes", [-20, 20])
def test_clocks_that_differ_change_nothing(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """The clock of this process is not that of the first one; the database has its own."""
    wrong = datetime.now(UTC) + timedelta(minutes=minutes, days=minutes)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    assert submit(never) == "in_progress"
    time_passes(seconds=31)
    assert submit(never) == "unknown"
    with pytest.raises(Unanswered, match="unknown"):
        Submission("ann 1").look()


def test_a_submission_is_forgotten_after_a_day() -> None:
    submit(lambda: [1])
    time_passes(hours=23.9)
    assert submit(never) == [1]
    time_passes(hours=0.2)
    assert submit(lambda: [2]) == [2]


def test_a_failing_database_refuses_what_might_be_sent_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with lost_table(IdempotencyKey):
        assert submit(never) == "busy"
    assert "no_such_table" in caplog.text


def test_a_submission_that_takes_over_a_forgotten_one_is_a_first_one() -> None:
    submit(lambda: [1])
    time_passes(hours=25)
    with pytest.raises(ZeroDivisionError):
        submit(broken)
    assert submit(never) == "unknown"
    time_passes(hours=25)
    assert submit(lambda: [3]) == submit(never) == [3]


def test_an_answer_may_hold_a_time() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    submit(lambda: {"at": now})
    assert submit(never) == {"at": "2026-01-02T00:00:00Z"}


def test_a_database_that_fails_after_a_submission_does_not_take_its_result() -> None:
    with ExitStack() as stack:

        def send() -> Any:
            stack.enter_context(lost_table(IdempotencyKey))
            return [1]

        assert submit(send) == [1]


def test_an_unanswered_submission_says_why() -> None:
    assert str(Unanswered("busy")) == "busy"


# --- one memory for all entries -------------------------------------------------------------------


def submit_by_the_page(user: User, form_id: str) -> bool:
    client = Client()
    client.force_login(user)
    data = {"store": f"default@{ENV}", "folder": "uploads/", "form_id": form_id}
    answer = client.post(
        "/admin/wx_static_store/uploadlog/upload/",
        data | {"file": SimpleUploadedFile("a.txt", b"tea")},
        headers={"Accept": "application/json"},
    )
    return "wx-unknown" in answer.json()["html"]


def submit_by_the_api(user: User, key: str) -> bool:
    client = APIClient()
    client.force_authenticate(user)
    answer = client.put(
        "/wx/uploads/default/uploads/a.txt",
        b"tea",
        content_type="text/plain",
        HTTP_IDEMPOTENCY_KEY=key,
    )
    return bool(answer.json()["code"] == "unknown")


@pytest.mark.parametrize("submit", [submit_by_the_page, submit_by_the_api])
def test_every_entry_keeps_unknown_after_a_break_off_and_sends_nothing(
    configure: Any, monkeypatch: pytest.MonkeyPatch, submit: Callable[[User, str], bool]
) -> None:
    cloud: EmulatorServer = configure(ROOT_URLCONF=__name__)
    user, key = User.objects.create_superuser("ann"), str(uuid4())
    original = CosClient.put_object

    def last_words(*args: Any, **options: Any) -> Any:
        original(*args, **options)
        raise SystemExit(1)

    monkeypatch.setattr(CosClient, "put_object", last_words)
    with pytest.raises(SystemExit):
        submit(user, key)
    monkeypatch.undo()
    cloud.delete_object("uploads/a.txt")
    assert submit(user, key)
    assert cloud.objects() == {}
    assert [row.status for row in UploadLog.objects.all()] == ["unknown"]
