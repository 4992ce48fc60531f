"""What the page is told of its attempts, and that a cancelled one is never sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import ENV, lost_table
from tests.tables import each
from wx_static_store.admin.upload.form import attempt_submission
from wx_static_store.admin.upload.outcome import MOST_ASKED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import IdempotencyKey, UploadLog
from wx_static_store.models.columns import Now
from wx_static_store.submit import send as submit_send
from wx_static_store.upload import uploader

from ..upload_page import STATUS, Member, send as send_form, send_one, text

pytestmark = pytest.mark.django_db

FORM = str(uuid4())


def ask(
    client: Client, *, attempt: int = 1, cancel: bool = False, **changes: Any
) -> dict[str, Any]:
    attempts = [{"attempt": attempt, "name": "uploads/<a>.txt", "cancel": cancel}]
    body = {"form_id": FORM, "attempts": attempts} | changes
    answer = client.post(STATUS, body, content_type="application/json")
    assert answer.status_code == 200
    [found] = answer.json()["attempts"]
    return dict(found)


def send(client: Client, attempt: int = 1) -> dict[str, Any]:
    return send_one(client, text("a.txt"), form_id=FORM, attempt=attempt)


def test_an_attempt_that_has_ended_has_its_rendered_result(member: Member) -> None:
    client = member("upload")
    first = send(client)
    assert ask(client) == {"state": "ended", **first}
    assert ask(client, cancel=True) == {"state": "ended", **first}


def test_a_cancelled_attempt_that_arrives_later_is_not_sent(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    assert ask(client)["state"] == "unseen"
    assert ask(client, cancel=True)["state"] == "cancelled"
    late = send(client)
    assert "Cancelled before it was sent" in late["html"]
    assert "uploads/&lt;a&gt;.txt" in late["html"]
    assert ask(client)["state"] == "cancelled"
    assert (emulator.objects(ENV), UploadLog.objects.count()) == ({}, 0)
    assert send(client, attempt=2)["ok"]


def test_an_attempt_that_has_begun_runs_on(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question comes while the first asks the policy."""
    client, seen = member("upload"), []
    authorize_upload = submit_send.authorize_upload

    def meanwhile(*args: Any, **options: Any) -> Any:
        seen.append(ask(client, cancel=True))
        return authorize_upload(*args, **options)

    monkeypatch.setattr(submit_send, "authorize_upload", meanwhile)
    assert send(client)["ok"]
    assert seen == [{"state": "running", "sent": None}]
    assert set(emulator.objects(ENV)) == {"uploads/a.txt"}


def test_a_cache_that_fails_is_asked_once_for_all_attempts(
    member: Member, configure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    configure(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}})
    user, asked = User.objects.get(), []
    for number in range(3):
        attempt_submission(user, UUID(FORM), number).first_answer()

    def fail(*args: Any, **options: Any) -> None:
        asked.append(args)
        raise TimeoutError

    for method in ("get", "get_many"):
        monkeypatch.setattr(type(caches["default"]), method, fail)
    body = {"form_id": FORM, "attempts": [{"attempt": n, "name": "a"} for n in range(3)]}
    answer = client.post(STATUS, body, content_type="application/json").json()
    assert answer["attempts"] == [{"state": "running", "sent": 0}] * 3
    assert len(asked) == 1


def test_an_attempt_that_broke_off_is_unknown(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    with monkeypatch.context() as patch:
        patch.setattr(submit_send, "authorize_upload", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send(client)
    found = ask(client, cancel=True)
    assert (found["state"], "wx-unknown" in found["html"]) == ("ended", True)


# --- attempts of a process that was killed --------------------------------------------------------


class Killed(BaseException):
    """No code of ours runs after SIGKILL."""


def kill(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str, attempt: int, at: Any
) -> dict[str, Any]:
    """Kill the upload of a file where it calls `at`; return what the script then asks."""

    with dying(monkeypatch, at):
        send_one(client, text(name), form_id=FORM, attempt=attempt, confirmed="on")
    return {"attempt": attempt, "name": f"uploads/{name}", "cancel": True}


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, at: Any) -> Iterator[None]:
    def die(*args: Any, **options: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        for owner, function in ((uploader, "record_one"), at):
            patch.setattr(owner, function, die)
        with pytest.raises(Killed):
            yield
    IdempotencyKey.objects.update(running_until=Now())


BEFORE, AFTER = (uploader.Transfer, "run"), (uploader, "record_one")


def look_up(client: Client, *attempts: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"form_id": FORM, "attempts": attempts}
    answer = client.post(STATUS, body, content_type="application/json")
    assert answer.status_code == 200
    return list(answer.json()["attempts"])


def rows() -> dict[str, list[str]]:
    """Return the statuses of the rows of each key."""
    found: dict[str, list[str]] = {}
    for key, status in UploadLog.objects.order_by("id").values_list("key", "status"):
        found.setdefault(key, []).append(status)
    return found


def test_killed_uploads_are_looked_up_by_one_list_call_and_recorded(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    killed = [
        kill(client, monkeypatch, name, number, at)
        for number, (name, at) in enumerate([("a.txt", AFTER), ("b.txt", BEFORE), ("c.txt", AFTER)])
    ]
    assert ({*emulator.objects(ENV)}, rows()) == ({"uploads/a.txt", "uploads/c.txt"}, {})
    calls = len(emulator.calls("staticfilelist"))
    found = look_up(client, *killed)
    assert [(each["state"], each["ok"]) for each in found] == [
        ("ended", True), ("ended", False), ("ended", True)
    ]  # fmt: skip
    assert "The list of the cloud has it" in found[0]["html"]
    assert ("wx-unknown" in found[1]["html"], "Interrupted" in found[1]["html"]) == (True, True)
    assert len(emulator.calls("staticfilelist")) == calls + 1
    ends = {"uploads/a.txt": ["stored"], "uploads/b.txt": ["unknown"], "uploads/c.txt": ["stored"]}
    assert rows() == ends
    assert look_up(client, *killed, killed[0]) == [*found, found[0]]
    assert (rows(), len(emulator.calls("staticfilelist"))) == (ends, calls + 1)


def test_a_killed_upload_is_looked_up_when_the_script_does_not_wait_for_others(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    killed = kill(client, monkeypatch, "a.txt", 1, AFTER)
    calls = len(emulator.journal)
    assert look_up(client, killed | {"wait": True}) == [{"state": "killed"}]
    assert (len(emulator.journal), rows()) == (calls, {})
    assert [each["ok"] for each in look_up(client, killed, killed)] == [True, True]


def test_a_killed_upload_that_the_policy_refuses_was_not_sent(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    killed = kill(client, monkeypatch, "page.html", 1, (submit_send, "authorize_upload"))
    calls = len(emulator.journal)
    [found] = look_up(client, killed)
    assert (found["state"], "wx-unknown" in found["html"]) == ("ended", True)
    assert (len(emulator.journal), rows()) == (calls, {})


def test_the_name_of_a_killed_upload_is_free_for_its_own_bytes_only(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    killed = kill(client, monkeypatch, "a.txt", 1, BEFORE)
    assert "wx-refused" in send(client, attempt=2)["html"]  # while nobody has looked
    look_up(client, killed)
    other = send_one(client, text("a.txt", b"tee"), form_id=FORM, attempt=3)
    assert "wx-refused" in other["html"]
    assert send(client, attempt=4)["ok"]
    assert rows() == {"uploads/a.txt": ["unknown", "stored"]}


def test_the_second_submit_of_a_killed_form_shows_what_the_list_has(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    with dying(monkeypatch, AFTER):
        send_form(client, text("a.txt"), form_id=FORM)
    html = send_form(client, text("a.txt"), form_id=FORM).content.decode()
    assert "The list of the cloud has it" in html
    assert (len(emulator.calls("put_object")), rows()) == (1, {"uploads/a.txt": ["stored"]})


def test_a_row_that_was_written_before_the_kill_is_not_written_twice(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    killed = kill(client, monkeypatch, "a.txt", 1, AFTER)
    assert look_up(client, killed)[0]["ok"]
    IdempotencyKey.objects.update(answer="")
    assert look_up(client, killed)[0]["ok"]
    assert rows() == {"uploads/a.txt": ["stored"]}


def test_another_user_s_attempt_is_unseen_and_cannot_be_cancelled(
    member: Member, emulator: EmulatorServer
) -> None:
    stranger = member("upload")
    client = member("upload")
    assert ask(stranger, cancel=True)["state"] == "cancelled"
    assert send(client)["ok"]
    assert ask(member("upload"))["state"] == "unseen"


def test_another_file_under_the_same_number_is_refused(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client)
    other = send_one(client, text("a.txt", b"tee"), form_id=FORM, attempt=1)
    assert "Reload the page" in other["html"]
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tea"


def test_nothing_is_known_while_the_database_fails(member: Member) -> None:
    client = member("upload")
    with lost_table(IdempotencyKey):
        assert ask(client, cancel=True) == ask(client) == {"state": "busy"}


@each(
    "changes",
    [
        {"form_id": 1},
        {"attempts": 1},
        {"attempts": [1]},
        {"attempts": [{"attempt": 1}]},
        {"attempts": [{"attempt": "x", "name": ""}]},
        {"attempts": [{"attempt": 1, "name": ""}] * (MOST_ASKED + 1)},
    ],
)
def test_a_question_that_makes_no_sense_is_a_400(member: Member, changes: dict[str, Any]) -> None:
    body = {"form_id": FORM, "attempts": []} | changes
    answer = member("upload").post(STATUS, body, content_type="application/json")
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
