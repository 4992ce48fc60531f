"""The upload page without its script, and what the script asks, over the emulator."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache, caches
from django.urls import reverse

from tests.conftest import ENV, lost_table
from wx_static_store.admin.upload.outcome import MOST_ASKED
from wx_static_store.admin.upload.page import UploadPage
from wx_static_store.conf import options_for
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import IdempotencyKey, UploadLog
from wx_static_store.submit import send as submit_send
from wx_static_store.submit.progress import note_of
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.database import rest

from ..upload_page import (
    HERE,
    PAGE,
    PNG,
    PREVIEW,
    STORAGES,
    TEA,
    Member,
    send,
    send_one,
    text,
    texts,
)

pytestmark = pytest.mark.django_db

# --- the button and the page ----------------------------------------------------------------------


@pytest.mark.parametrize(("permissions", "shown"), [(["upload"], True), ([], False)])
def test_the_upload_button_is_shown_to_those_who_may_upload(
    member: Member, permissions: list[str], shown: bool
) -> None:
    client = member("view_uploadlog", *permissions)
    page = client.get(reverse("admin:wx_static_store_uploadlog_changelist"))
    assert (f'href="{PAGE}"' in page.content.decode()) is shown


def test_the_upload_page_says_that_uploads_are_public(member: Member) -> None:
    page = member("upload").get(PAGE)
    assert "public, for everybody" in page.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("url", [PAGE, PREVIEW])
def test_the_upload_page_needs_the_permission(member: Member, url: str, method: str) -> None:
    client = member("view_uploadlog", "replace", "retry")
    answer = getattr(client, method)(url)
    assert answer.status_code == (405 if (url, method) == (PREVIEW, "get") else 403)


def test_a_post_without_the_permission_sends_nothing(
    member: Member, emulator: EmulatorServer
) -> None:
    assert send(member("view_uploadlog"), text("a.txt")).status_code == 403
    assert emulator.journal == []


@pytest.mark.parametrize("url", [PAGE, PREVIEW])
def test_a_forged_form_is_refused(member: Member, emulator: EmulatorServer, url: str) -> None:
    client = member("upload", enforce_csrf_checks=True)
    assert client.post(url, {"store": HERE, "file": text("a.txt")}).status_code == 403
    assert emulator.journal == []


def test_a_get_uploads_nothing(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    assert client.get(PAGE, {"store": HERE, "form_id": str(uuid4())}).status_code == 200
    assert emulator.journal == []


def test_the_upload_is_outside_the_transaction_of_the_request() -> None:
    from django.contrib import admin
    from django.urls import resolve

    view: Any = resolve(PAGE).func
    assert isinstance(admin.site.get_model_admin(UploadLog), UploadPage)
    assert view._non_atomic_requests == {"default"}


# --- without a script -----------------------------------------------------------------------------


def test_many_files_are_stored_by_one_post(member: Member, emulator: EmulatorServer) -> None:
    files = text("a.txt", b"tea"), text("b.txt", b""), text("c.png", PNG)
    send(member("upload"), *files, confirmed="on")
    stored = {key: found.content for key, found in emulator.objects(ENV).items()}
    assert stored == {"uploads/a.txt": b"tea", "uploads/b.txt": b"", "uploads/c.png": PNG}


def test_each_file_has_its_row(member: Member) -> None:
    client = member("upload")
    send(client, text("a.txt"), text("b.txt"))
    user = User.objects.get()
    rows = UploadLog.objects.order_by("key").values_list("key", "status", "source", "user_id")
    assert list(rows) == [
        ("uploads/a.txt", "stored", "admin", user.pk),
        ("uploads/b.txt", "stored", "admin", user.pk),
    ]


def test_the_upload_page_comes_back_with_the_results(
    member: Member, emulator: EmulatorServer
) -> None:
    page = send(member("upload"), text("a.txt"), text("page.html")).content.decode()
    url = f"{emulator.site_url(ENV)}/uploads/a.txt"
    assert "Public now: 1 of 2." in texts(page)
    assert f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>' in page
    assert "active content" in texts(page)


def test_the_upload_page_that_comes_back_has_a_new_id(member: Member) -> None:
    form_id = str(uuid4())
    page = send(member("upload"), text("a.txt"), form_id=form_id).content.decode()
    assert form_id not in page
    assert 'name="form_id"' in page


def test_the_form_asks_before_a_doubtful_file_is_public(
    member: Member, emulator: EmulatorServer
) -> None:
    """The others are stored; whoever sends it again with the box ticked is sure."""
    client, html = member("upload", "upload_active_content"), text("photo.jpg", b"<!doctype html>")
    page = send(client, text("a.txt"), html, folder="uploads/teas/").content.decode()
    assert "photo.jpg holds HTML, SVG or XML, whatever its name says." in texts(page)
    assert ('name="confirmed"' in page, 'value="uploads/teas/"' in page) == (True, True)
    assert set(emulator.objects(ENV)) == {"uploads/teas/a.txt"}
    html.seek(0)
    assert 'name="confirmed"' not in send(client, html, confirmed="on").content.decode()
    assert emulator.objects(ENV)["uploads/photo.jpg"].content == b"<!doctype html>"


def test_a_wrong_folder_is_an_error_of_its_field(member: Member, emulator: EmulatorServer) -> None:
    page = send(member("upload"), text("a.txt"), text("b.txt"), folder="elsewhere")
    assert list(page.context_data["form"].errors) == ["folder"]
    assert page.content.decode().count("into the folder uploads/ only") == 1
    assert emulator.journal == []


# --- with a script --------------------------------------------------------------------------------


def test_a_refused_file_may_be_sent_again_with_the_same_form(
    member: Member, emulator: EmulatorServer
) -> None:
    client, form_id = member("upload", "replace"), str(uuid4())
    emulator.put_object("uploads/a.txt", b"old", env=ENV)
    assert not send_one(client, text("a.txt"), form_id=form_id)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, clash="replace")["ok"]
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tea"


def test_an_incomplete_request_of_the_script_is_shown_as_a_result(member: Member) -> None:
    answer = send_one(member("upload"), text("a.txt"), store="other", path="a.txt")
    assert not answer["ok"]
    assert "Select a valid choice" in answer["html"]


def test_a_cloud_that_cannot_be_asked_about_the_key_leaves_a_row(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "staticfilelist", "do": "errcode", "errcode": 61007, "times": None})
    shown = send_one(member("upload", "view_uploadlog"), text("tea.txt"))
    row = UploadLog.objects.get()
    assert (row.status, row.errcode, row.size, row.md5) == ("failed", 61007, 3, TEA)
    assert f"/uploadlog/{row.pk}/" in shown["html"]
    assert emulator.calls("staticuploadfile") == []


def test_no_page_of_an_upload_holds_a_secret(member: Member, emulator: EmulatorServer) -> None:
    refusal = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    emulator.script({"on": "put_object", **refusal})
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert "wx-failed" in html
    assert emulator.access_token not in html
    assert "q-sign" not in html


def test_an_upload_that_the_list_shows_is_stored_without_an_answer(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.script({"on": "put_object", "do": "drop_reply"})
    assert send_one(member("upload"), text("a.txt"))["ok"]


@pytest.mark.parametrize(("content", "ok"), [(b"tea", True), (b"tee", False)])
def test_a_file_whose_answer_was_lost_may_be_sent_again(
    member: Member, configure: Any, emulator: EmulatorServer, content: bytes, ok: bool
) -> None:
    """It is there already; without the wish or the permission nothing but the same may go."""
    client = member("upload")
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.list_md5 = "multipart"  # settles nothing
    emulator.script({"on": "put_object", "do": "drop_reply", "times": None})
    assert not send_one(client, text("a.txt", b"tea"))["ok"]
    emulator.quirks.list_md5 = "plain"
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tea"
    emulator.state.script.clear()
    assert send_one(client, text("a.txt", content))["ok"] is ok
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tea"


def test_without_a_log_no_row_is_shown_not_even_an_earlier_upload_s(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload", "replace", "view_uploadlog")
    assert "Row in the log" in send_one(client, text("a.txt", b"old"))["html"]
    rest(60)
    assert "Row in the log" not in send_one(client, text("a.txt"), clash="replace")["html"]


# --- submitted twice ------------------------------------------------------------------------------


def test_a_form_without_a_script_keeps_both_files(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    send(client, text("a.txt", b"tea"), text("b.txt"), clash="keep")
    stored = {key: found.content for key, found in emulator.objects(ENV).items()}
    a, a_2, b = "uploads/a.txt", "uploads/a-2.txt", "uploads/b.txt"
    assert stored == {a: b"old", a_2: b"tea", b: b"tea"}


def test_a_form_that_keeps_both_files_keeps_them_once(
    member: Member, emulator: EmulatorServer
) -> None:
    client, form_id = member("upload"), str(uuid4())
    send(client, text("a.txt", b"old"))
    for _submit in range(2):
        page = send(client, text("a.txt"), form_id=form_id, clash="keep").content.decode()
        assert "uploads/a-2.txt" in page
    assert sorted(emulator.objects(ENV)) == ["uploads/a-2.txt", "uploads/a.txt"]


@pytest.mark.parametrize("stored", ["uploads/a.txt", "uploads/a-2.txt"])
def test_a_form_that_keeps_both_files_asks_the_cloud_for_names(
    member: Member, emulator: EmulatorServer, stored: str
) -> None:
    client = member("upload")
    emulator.put_object("uploads/a.txt", b"old")
    emulator.put_object(stored, b"older")
    page = send(client, text("a.txt"), clash="keep").content.decode()
    found = {key: found.content for key, found in emulator.objects(ENV).items()}
    [new] = found.keys() - {"uploads/a.txt", stored}
    assert found[new] == b"tea"
    assert new in page


def test_the_name_that_the_preview_has_shown_is_taken(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    assert send_one(client, text("a.txt"), clash="keep", beside="a-7.txt")["ok"]
    assert sorted(emulator.objects(ENV)) == ["uploads/a-7.txt", "uploads/a.txt"]


def test_the_sixth_file_of_a_name_is_kept_too(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    for number in range(6):
        send(client, text("a.txt", b"%d" % number), clash="keep")
    assert "uploads/a-6.txt" in emulator.objects(ENV)


def test_a_file_beside_names_that_the_cloud_has_gets_a_random_name(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    for number in ("", *(f"-{number}" for number in range(2, 9))):
        emulator.put_object(f"uploads/a{number}.txt", b"old")
    before = set(emulator.objects(ENV))
    send(client, text("a.txt"), clash="keep")
    [new] = set(emulator.objects(ENV)) - before
    assert re.fullmatch(r"uploads/a_\w{7}\.txt", new)


def test_two_forms_publish_the_same_bytes_under_one_name(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    for _form in range(2):
        page = send(client, text("a.txt"), clash="keep").content.decode()
        assert "uploads/a-2.txt" in page
    assert sorted(emulator.objects(ENV)) == ["uploads/a-2.txt", "uploads/a.txt"]


def test_bytes_of_an_unknown_outcome_get_no_second_name(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    send(client, text("a.txt"), clash="keep")
    UploadLog.objects.filter(key="uploads/a-2.txt").update(status="unknown")
    send(client, text("a.txt"), clash="keep")
    assert sorted(emulator.objects(ENV)) == ["uploads/a-2.txt", "uploads/a.txt"]


def test_bytes_that_are_on_their_way_get_no_second_name(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    send(client, text("a.txt"), clash="keep")
    UploadLog.objects.filter(key="uploads/a-2.txt").update(status="unknown")
    Claim().take(options_for("default"), "uploads/a-2.txt")
    page = texts(send(client, text("a.txt"), clash="keep").content.decode())
    assert "Another upload of uploads/a-2.txt is running at this moment." in page
    assert sorted(emulator.objects(ENV)) == ["uploads/a-2.txt", "uploads/a.txt"]


def test_nobody_replaces_a_file_that_the_list_does_not_show_yet(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.quirks.list_lag_seconds = 5
    send_one(member("upload"), text("a.txt", b"old"))
    answer = send_one(member("upload"), text("a.txt"))
    assert "There is a file uploads/a.txt already" in str(answer)
    assert [found.content for found in emulator.objects(ENV).values()] == [b"old"]


def test_nobody_replaces_a_file_by_a_forged_choice(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    send(client, text("a.txt", b"old"))
    assert "Select a valid choice" in send(client, text("a.txt"), clash="replace").content.decode()
    assert [found.content for found in emulator.objects(ENV).values()] == [b"old"]


def test_the_second_submit_shows_the_first_result(member: Member, emulator: EmulatorServer) -> None:
    client, form_id = member("upload"), str(uuid4())
    first = send_one(client, text("a.txt"), form_id=form_id)
    second = send_one(client, text("a.txt"), form_id=form_id)
    assert second == first
    assert len(emulator.calls("put_object")) == 1


def test_the_second_submit_shows_a_first_failure(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    client, form_id = member("upload"), str(uuid4())
    first = send_one(client, text("a.txt"), form_id=form_id)
    assert send_one(client, text("a.txt"), form_id=form_id) == first
    assert emulator.objects(ENV) == {}


def test_another_user_s_form_id_is_another_submission(
    member: Member, emulator: EmulatorServer
) -> None:
    form_id = str(uuid4())
    send_one(member("upload"), text("a.txt"), form_id=form_id)
    assert send_one(member("upload"), text("a.txt"), form_id=form_id)["ok"]
    assert len(emulator.calls("put_object")) == 2


def test_a_second_submit_during_the_first_is_shown_as_running(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second arrives while the first asks the policy."""
    client, form_id, shown = member("upload"), str(uuid4()), []
    authorize_upload = submit_send.authorize_upload

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        shown.append(send_one(client, text("a.txt"), form_id=form_id))
        return authorize_upload(*args, **kwargs)

    monkeypatch.setattr(submit_send, "authorize_upload", meanwhile)
    assert send_one(client, text("a.txt"), form_id=form_id)["ok"]
    assert [answer["running"] for answer in shown] == [True]
    assert len(emulator.calls("put_object")) == 1


def test_a_submission_that_broke_off_is_unknown_and_another_attempt_sends(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, form_id = member("upload"), str(uuid4())
    with monkeypatch.context() as patch:
        patch.setattr(submit_send, "authorize_upload", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_one(client, text("a.txt"), form_id=form_id)
    assert "wx-unknown" in send_one(client, text("a.txt"), form_id=form_id)["html"]
    assert emulator.objects(ENV) == {}
    assert send_one(client, text("a.txt"), form_id=form_id, attempt=1)["ok"]


def test_an_upload_fails_and_names_the_database_that_cannot_remember_it(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    with lost_table(IdempotencyKey):
        html = send_one(client, text("a.txt"))["html"]
    assert ("wx-failed" in html, "the database of the upload log" in html) == (True, True)
    assert emulator.journal == []


def test_a_dead_cache_stops_no_upload(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    for method in ("add", "get", "set", "delete"):
        monkeypatch.setattr(type(cache._connections["default"]), method, dead, raising=True)  # type: ignore[attr-defined]
    assert send_one(client, text("a.txt"))["ok"]
    assert set(emulator.objects(ENV)) == {"uploads/a.txt"}


def dead(*args: Any, **kwargs: Any) -> None:
    raise ConnectionError("the cache is gone")


# --- the bytes of a form's files ------------------------------------------------------------------

SENT = PAGE + "sent/"


def test_the_bytes_of_a_form_s_files_are_told_to_whoever_knows_their_ids(
    member: Member, configure: Any, tmp_path: Path
) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    configure(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}})
    client, noted, other = member(), str(uuid4()), str(uuid4())
    note = note_of(noted)
    assert note
    note(1234)
    answer = client.get(SENT, {"id": [noted.replace("-", ""), other]})
    assert answer.json() == {"sent": [1234, 0]}


def test_a_cache_that_fails_is_asked_once_for_all_ids(
    member: Member, configure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    configure(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}})
    asked = []

    def fail(*args: Any, **options: Any) -> None:
        asked.append(args)
        raise TimeoutError

    for method in ("get", "get_many"):
        monkeypatch.setattr(type(caches["default"]), method, fail)
    ids = [str(uuid4()) for _id in range(MOST_ASKED)]
    assert member().get(SENT, {"id": ids}).json() == {"sent": [0] * MOST_ASKED}
    assert len(asked) == 1


def test_without_a_shared_cache_no_bytes_are_known(member: Member) -> None:
    assert member().get(SENT, {"id": str(uuid4())}).json() == {"sent": [None]}


@pytest.mark.parametrize("ids", [["nonsense"], [str(uuid4()), ""], [str(uuid4())] * 101])
def test_ids_that_are_none_or_too_many_are_a_400(member: Member, ids: list[str]) -> None:
    assert MOST_ASKED == 100
    answer = member().get(SENT, {"id": ids})
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)
