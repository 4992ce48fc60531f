"""The upload page without its script, and what the script asks, over the emulator."""

import json
import re
from collections.abc import Callable
from hashlib import md5
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import translation

from tests.conftest import ENV
from wx_static_store.admin.upload import MOST_PREVIEWED, UploadPage
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import IdempotencyKey, UploadLog
from wx_static_store.submit import send as submit_send
from wx_static_store.upload.database import rest

pytestmark = pytest.mark.django_db

PAGE = "/admin/wx_static_store/uploadlog/upload/"
PREVIEW = PAGE + "preview/"
HERE = f"default@{ENV}"
TEA = md5(b"tea", usedforsecurity=False).hexdigest()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32

Member = Callable[..., Client]


# Without a manifest: nothing was collected for the pages of these tests.
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {
        "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
        "OPTIONS": {"location": "static"},
    },
}


@pytest.fixture
def member(configure: Any, emulator: EmulatorServer) -> Member:
    """`member(*permissions)`: the client of a staff user with exactly these."""
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"BASE_URL": emulator.site_url(ENV)})

    def logged_in(*codenames: str, **settings: Any) -> Client:
        user = User.objects.create_user(f"staff-{uuid4()}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client(**settings)
        client.force_login(user)
        return client

    return logged_in


def text(name: str, content: bytes = b"tea") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def send(client: Client, *files: SimpleUploadedFile, **changes: Any) -> Any:
    """As the form without a script sends it."""
    data = {"store": HERE, "folder": "uploads/", "form_id": str(uuid4()), "file": files}
    return client.post(PAGE, data | changes)


def send_one(client: Client, file: SimpleUploadedFile, **changes: Any) -> dict[str, Any]:
    """As the script sends it."""
    data = {"store": HERE, "folder": "uploads/", "form_id": str(uuid4()), "file": file}
    answer = client.post(PAGE, data | changes, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return dict(answer.json())


def ask(client: Client, *files: tuple[str, int, str], **changes: Any) -> Any:
    listed = [{"path": path, "size": size, "md5": md5} for path, size, md5 in files]
    data = {"store": HERE, "folder": "uploads/", "files": listed}
    return client.post(PREVIEW, data | changes, content_type="application/json")


def offer(configure: Any, emulator: EmulatorServer, envs: dict[str, str]) -> None:
    changes = {"BASE_URL": emulator.site_url(ENV), "ENVIRONMENTS": lambda user: envs}
    configure(STORAGES=STORAGES, WX_STATIC_STORE=changes)


def texts(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# --- the button and the page ----------------------------------------------------------------------


@pytest.mark.parametrize(("permissions", "shown"), [(["upload"], True), ([], False)])
def test_the_button_is_there_for_whoever_may_upload(
    member: Member, permissions: list[str], shown: bool
) -> None:
    client = member("view_uploadlog", *permissions)
    page = client.get(reverse("admin:wx_static_store_uploadlog_changelist"))
    assert (f'href="{PAGE}"' in page.content.decode()) is shown


def test_the_page_says_that_all_of_it_is_public(member: Member) -> None:
    page = member("upload").get(PAGE)
    assert "public, for everybody" in page.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("url", [PAGE, PREVIEW])
def test_nobody_comes_in_without_the_permission(member: Member, url: str, method: str) -> None:
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


@pytest.mark.parametrize(("permissions", "offered"), [(["replace"], True), ([], False)])
def test_overwriting_is_offered_to_whoever_may_replace(
    member: Member, permissions: list[str], offered: bool
) -> None:
    page = member("upload", *permissions).get(PAGE)
    assert ('name="overwrite"' in page.content.decode()) is offered


def test_the_stores_are_those_of_the_policy(member: Member) -> None:
    page = member("upload").get(PAGE).content.decode()
    assert re.findall(r'<option value="([^"]+)"', page) == [HERE, f"staticfiles@{ENV}"]


@pytest.fixture
def closed(member: Member, configure: Any, emulator: EmulatorServer) -> None:
    changes = {"BASE_URL": emulator.site_url(ENV), "UPLOAD_STORES": ["staticfiles"]}
    configure(STORAGES=STORAGES, WX_STATIC_STORE=changes)


@pytest.mark.usefixtures("closed")
def test_a_closed_store_is_not_offered(member: Member) -> None:
    page = member("upload").get(PAGE).content.decode()
    assert re.findall(r'<option value="([^"]+)"', page) == [f"staticfiles@{ENV}"]


@pytest.mark.usefixtures("closed")
def test_a_forged_choice_of_a_closed_store_sends_nothing(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    assert "Select a valid choice" in send(client, text("a.txt")).content.decode()
    assert not send_one(client, text("a.txt"))["ok"]
    assert ask(client, ("a.txt", 3, TEA)).status_code == 400
    assert emulator.journal == []
    assert not UploadLog.objects.exists()


@pytest.mark.usefixtures("closed")
def test_a_store_that_is_open_is_uploaded_to(member: Member, emulator: EmulatorServer) -> None:
    send(member("upload"), text("a.txt"), store=f"staticfiles@{ENV}")
    assert set(emulator.objects(ENV)) == {"static/uploads/a.txt"}


def test_without_a_store_there_is_no_form(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    offer(configure, emulator, {})
    page = member("upload").get(PAGE).content.decode()
    assert "no store" in page
    assert "<input type=file" not in page.replace('"', "")


# --- without a script -----------------------------------------------------------------------------


def test_many_files_are_stored_by_one_post(member: Member, emulator: EmulatorServer) -> None:
    send(member("upload"), text("a.txt", b"tea"), text("b.txt", b""), text("c.png", PNG))
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


def test_the_page_comes_back_with_the_results(member: Member, emulator: EmulatorServer) -> None:
    page = send(member("upload"), text("a.txt"), text("page.html")).content.decode()
    url = f"{emulator.site_url(ENV)}/uploads/a.txt"
    assert "Public now: 1 of 2." in texts(page)
    assert f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>' in page
    assert "active content" in texts(page)


def test_the_page_that_comes_back_has_a_new_id(member: Member) -> None:
    form_id = str(uuid4())
    page = send(member("upload"), text("a.txt"), form_id=form_id).content.decode()
    assert form_id not in page
    assert 'name="form_id"' in page


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"file": []}, "This field is required"),
        ({"store": "default@somebody-elses"}, "Select a valid choice"),
        ({"form_id": "1"}, "Enter a valid UUID"),
    ],
)
def test_an_incomplete_form_sends_nothing_and_says_why(
    member: Member, emulator: EmulatorServer, changes: dict[str, Any], shown: str
) -> None:
    page = send(member("upload"), text("a.txt"), **changes)
    assert shown in page.content.decode()
    assert emulator.journal == []


def test_an_environment_that_is_not_offered_is_no_choice(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    offer(configure, emulator, {"tenant-b": "Tea & Co"})
    client = member("upload")
    assert "Select a valid choice" in send(client, text("a.txt")).content.decode()
    send(client, text("a.txt"), store="default@tenant-b")
    assert set(emulator.objects("tenant-b")) == {"uploads/a.txt"}


@pytest.mark.parametrize("folder", ["uploads/teas", "uploads/teas/", " uploads/teas "])
def test_the_folder_comes_before_the_name(
    member: Member, emulator: EmulatorServer, folder: str
) -> None:
    send(member("upload"), text("a.txt"), folder=folder)
    assert set(emulator.objects(ENV)) == {"uploads/teas/a.txt"}


# --- with a script --------------------------------------------------------------------------------


def test_a_file_of_a_folder_keeps_its_path(member: Member, emulator: EmulatorServer) -> None:
    answer = send_one(member("upload"), text("a.txt"), path="teas/green/a.txt")
    assert answer["ok"]
    assert set(emulator.objects(ENV)) == {"uploads/teas/green/a.txt"}


def test_a_stored_image_is_shown_with_its_address(member: Member, emulator: EmulatorServer) -> None:
    html = send_one(member("upload"), SimpleUploadedFile("a.png", PNG))["html"]
    url = f"{emulator.site_url(ENV)}/uploads/a.png"
    assert re.search(rf'<img [^>]*src="{url}" loading="lazy" alt="[^"]*a.png', html)
    assert f'data-copy="{url}"' in html
    assert "<svg" in html


@pytest.mark.parametrize(("permissions", "linked"), [(["view_uploadlog"], True), ([], False)])
def test_the_row_is_linked_for_whoever_may_see_it(
    member: Member, permissions: list[str], linked: bool
) -> None:
    html = send_one(member("upload", *permissions), text("a.txt"))["html"]
    row = reverse("admin:wx_static_store_uploadlog_change", args=[UploadLog.objects.get().pk])
    assert (f'href="{row}"' in html) is linked


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("../a.txt", "&#x27;..&#x27;"),
        ("page.html", "active content"),
        ("MP_verify_abc.txt", "protected file"),
        (".env", "begins with a dot"),
        ("<script>.txt", "The name has the character &lt;"),
    ],
)
def test_a_refusal_is_shown_with_its_reason(
    member: Member, emulator: EmulatorServer, path: str, shown: str
) -> None:
    answer = send_one(member("upload"), text("a.txt"), path=path)
    assert not answer["ok"]
    assert shown in answer["html"]
    assert "<script" not in answer["html"]
    assert emulator.journal == []


def test_a_refused_file_may_be_sent_again_with_the_same_form(
    member: Member, emulator: EmulatorServer
) -> None:
    client, form_id = member("upload", "replace"), str(uuid4())
    emulator.put_object("uploads/a.txt", b"old", env=ENV)
    assert not send_one(client, text("a.txt"), form_id=form_id)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, overwrite="on")["ok"]
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tea"


def test_an_incomplete_request_of_the_script_is_shown_as_a_result(member: Member) -> None:
    answer = send_one(member("upload"), text("a.txt"), store="other", path="a.txt")
    assert not answer["ok"]
    assert "Select a valid choice" in answer["html"]


@pytest.mark.parametrize("errcode", [45009, 85088])
def test_a_failure_is_shown_with_code_and_hint_and_keeps_its_row(
    member: Member, emulator: EmulatorServer, errcode: int
) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": errcode})
    html = send_one(member("upload", "view_uploadlog"), text("a.txt"))["html"]
    row = UploadLog.objects.get()
    hints = {45009: "daily quota", 85088: "Cloud hosting is not open"}
    assert f"errcode {errcode}" in texts(html)
    assert hints[errcode] in html
    assert (row.status, row.errcode) == ("failed", errcode)
    assert reverse("admin:wx_static_store_uploadlog_change", args=[row.pk]) in html


def test_a_cloud_that_cannot_be_asked_about_the_key_leaves_a_row(
    member: Member, emulator: EmulatorServer
) -> None:
    emulator.script({"on": "staticfilelist", "do": "errcode", "errcode": 61007, "times": None})
    shown = send_one(member("upload", "view_uploadlog"), text("tea.txt"))
    row = UploadLog.objects.get()
    assert (row.status, row.errcode, row.size, row.md5) == ("failed", 61007, 3, TEA)
    assert f"/uploadlog/{row.pk}/" in shown["html"]
    assert emulator.calls("staticuploadfile") == []


def test_no_page_holds_a_secret(member: Member, emulator: EmulatorServer) -> None:
    refusal = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}
    emulator.script({"on": "put_object", **refusal})
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert "wx-failed" in html
    assert emulator.access_token not in html
    assert "q-sign" not in html


@pytest.mark.parametrize(
    ("base_url", "linked"),
    [("https://site.example/", True), ("http://site.example/", True), ("", False)],
)
def test_a_result_links_to_what_the_settings_name(
    member: Member,
    monkeypatch: pytest.MonkeyPatch,
    base_url: str,
    linked: bool,
) -> None:
    """Plain http as well, where it is the site's own BASE_URL; not where only others name it."""
    from wx_static_store.upload.store import Store

    client = member("upload")
    monkeypatch.setattr(Store, "_described_root", lambda self: "http://other.example/")
    own = settings.WX_STATIC_STORE | {"BASE_URL": base_url}
    with override_settings(WX_STATIC_STORE=own if base_url else without_address(own)):
        html = send_one(client, text("a.txt"))["html"]
    assert f"{base_url or 'http://other.example/'}uploads/a.txt" in html
    assert ("<a href=" in html) is linked


def without_address(own: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if name != "BASE_URL"}


def test_an_upload_that_the_list_shows_is_stored_without_an_answer(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.script({"on": "put_object", "do": "drop_reply"})
    assert send_one(member("upload"), text("a.txt"))["ok"]


def test_an_upload_whose_answer_never_came_is_shown_as_unknown(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.list_md5 = "multipart"  # settles nothing
    emulator.script({"on": "put_object", "do": "drop_reply", "times": None})
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert "wx-unknown" in html
    assert "Unknown: it was sent, but no answer came" in texts(html)


@pytest.mark.parametrize(("content", "ok"), [(b"tea", True), (b"tee", False)])
def test_what_did_arrive_may_be_sent_again(
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


def test_the_code_is_the_last_that_wechat_gave(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    """Of two attempts the first was refused, and the second had no answer at all."""
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    emulator.script(
        {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
        {"on": "staticuploadfile", "do": "reset", "times": None},
    )
    html = send_one(member("upload"), text("a.txt"))["html"]
    assert UploadLog.objects.get().errcode == -1
    assert "errcode -1" in texts(html)


def test_without_a_log_no_row_is_shown_not_even_an_earlier_upload_s(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload", "replace", "view_uploadlog")
    assert "Row in the log" in send_one(client, text("a.txt", b"old"))["html"]
    rest(60)
    assert "Row in the log" not in send_one(client, text("a.txt"), overwrite="on")["html"]


def test_failures_come_first(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "key": "*/b.txt", "do": "errcode", "errcode": 45009})
    page = send(member("upload"), text("a.txt"), text("b.txt")).content.decode()
    assert re.findall(r'class="wx-name">([^<]+)<', page)[:2] == ["uploads/b.txt", "uploads/a.txt"]


def test_several_files_keep_their_own_names(member: Member, emulator: EmulatorServer) -> None:
    send(member("upload"), text("a.txt"), text("b.txt"), path="c.txt")
    assert set(emulator.objects(ENV)) == {"uploads/a.txt", "uploads/b.txt"}


@pytest.mark.parametrize("path", ["a.txt", "a.html", "b?.txt"])
def test_a_file_has_one_name_in_the_list_and_in_the_result(
    member: Member, configure: Any, emulator: EmulatorServer, path: str
) -> None:
    """Its whole key, whatever becomes of it."""
    client = member("upload")
    changes = {"BASE_URL": emulator.site_url(ENV), "LOCATION": "media/"}
    configure(STORAGES=STORAGES, WX_STATIC_STORE=changes)
    [file] = ask(client, (path, 3, "")).json()["files"]
    html = send_one(client, text("x"), path=path)["html"]
    assert file["key"] == f"media/uploads/{path}"
    assert f'<span class="wx-name">{file["key"]}</span>' in html


# --- submitted twice ------------------------------------------------------------------------------


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


def test_another_attempt_is_another_submission(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    client, form_id = member("upload"), str(uuid4())
    assert not send_one(client, text("a.txt"), form_id=form_id, attempt=1)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, attempt=2)["ok"]
    assert set(emulator.objects(ENV)) == {"uploads/a.txt"}


def test_other_bytes_are_another_submission(member: Member, emulator: EmulatorServer) -> None:
    """Whoever goes back to the form and chooses another file of the same name."""
    client, form_id = member("upload", "replace"), str(uuid4())
    send(client, text("a.txt", b"tea"), form_id=form_id, overwrite="on")
    send(client, text("a.txt", b"tee"), form_id=form_id, overwrite="on")
    assert emulator.objects(ENV)["uploads/a.txt"].content == b"tee"


def test_the_id_of_somebody_else_counts_for_nothing(
    member: Member, emulator: EmulatorServer
) -> None:
    form_id = str(uuid4())
    send_one(member("upload"), text("a.txt"), form_id=form_id)
    assert send_one(member("upload"), text("a.txt"), form_id=form_id)["ok"]
    assert len(emulator.calls("put_object")) == 2


def test_another_wish_is_another_submission(member: Member, emulator: EmulatorServer) -> None:
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    client, form_id = member("upload", "replace"), str(uuid4())
    assert not send_one(client, text("a.txt"), form_id=form_id)["ok"]
    assert send_one(client, text("a.txt"), form_id=form_id, overwrite="on")["ok"]


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


def test_a_submission_is_refused_while_the_database_cannot_remember_it(
    member: Member, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("upload")
    monkeypatch.setattr(IdempotencyKey._meta, "db_table", "no_such_table")
    html = send_one(client, text("a.txt"))["html"]
    assert ("wx-refused" in html, "try again later" in html) == (True, True)
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


# --- what would be sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "changes", "state", "blocked"),
    [
        ([], {}, "new", False),
        ([], {"now": b"tea"}, "same", True),
        ([], {"now": b"coffee"}, "changed", True),
        ([], {"now": b"tee"}, "changed", True),
        (["replace"], {"now": b"tea", "overwrite": True}, "same", False),
        (["replace"], {"now": b"coffee", "overwrite": True}, "changed", False),
        (["replace"], {"now": b"coffee"}, "changed", True),
        ([], {"now": b"coffee", "overwrite": True}, "changed", True),
    ],
)
def test_a_file_is_compared_with_what_is_public(
    member: Member, permissions: list[str], changes: dict[str, Any], state: str, blocked: bool
) -> None:
    client = member("upload", *permissions)
    now = changes.pop("now", None)
    if now is not None:
        assert send_one(client, text("a.txt", now))["ok"]
    [file] = ask(client, ("a.txt", 3, TEA), **changes).json()["files"]
    assert (file["key"], file["state"]) == ("uploads/a.txt", state)
    assert file.get("blocked", False) is blocked


def test_a_deleted_file_is_not_public_any_more(member: Member) -> None:
    from django.core.files.storage import default_storage

    client = member("upload")
    send_one(client, text("a.txt"))
    default_storage.delete("uploads/a.txt")
    [file] = ask(client, ("a.txt", 3, "0" * 32)).json()["files"]
    assert (file["state"], file["blocked"]) == ("deleted", False)


def test_what_failed_changed_nothing(member: Member, emulator: EmulatorServer) -> None:
    """The newest row tells of a failure, and the file is public still."""
    client = member("upload", "replace")
    send_one(client, text("a.txt", b"old"))
    emulator.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert not send_one(client, text("a.txt", b"tea"), overwrite="on")["ok"]
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["state"], file["blocked"]) == ("changed", True)


def test_an_upload_without_an_answer_leaves_it_open(
    member: Member, configure: Any, emulator: EmulatorServer
) -> None:
    client = member("upload", "replace")
    send_one(client, text("a.txt", b"old"))
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    emulator.quirks.list_md5 = "multipart"  # settles nothing
    emulator.script({"on": "put_object", "do": "drop_reply", "times": None})
    assert not send_one(client, text("a.txt", b"tea"), overwrite="on")["ok"]
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["state"], file["label"]) == ("unknown", "not compared")


def test_what_the_log_does_not_know_is_not_called_new(
    member: Member, emulator: EmulatorServer
) -> None:
    client = member("upload")
    emulator.put_object("uploads/a.txt", b"old", env=ENV)
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert file["label"] == "not in the log"
    assert "Compared with the log of this site" in client.get(PAGE).content.decode()


def test_without_a_log_nothing_is_compared(member: Member, emulator: EmulatorServer) -> None:
    client = member("upload")
    send_one(client, text("a.txt", b"old"))
    rest(60)
    [file] = ask(client, ("a.txt", 3, TEA)).json()["files"]
    assert (file["label"], file["blocked"]) == ("not compared", False)


@pytest.mark.parametrize(
    ("path", "size", "state"),
    [
        ("a.txt", 3, "unread"),
        ("a.txt", 4, "changed"),
        ("b.txt", 3, "new"),
        ("a.html", 3, "refused"),
    ],
)
def test_the_bytes_are_asked_for_only_where_they_decide(
    member: Member, path: str, size: int, state: str
) -> None:
    """A file is named first, and read in the browser if one of its size is in the log."""
    client = member("upload")
    send_one(client, text("a.txt"))
    files = [{"path": path, "size": size}]
    data = {"store": HERE, "folder": "uploads/", "files": files}
    [file] = client.post(PREVIEW, data, content_type="application/json").json()["files"]
    assert file["state"] == state


@pytest.mark.parametrize(
    ("language", "shown"), [("en", ["3 bytes", "1.5 KB"]), ("fr", ["3 octets", "1,5 Kio"])]
)
def test_sizes_are_in_the_language_of_the_page(
    member: Member, language: str, shown: list[str]
) -> None:
    """Those of the server, and the examples that the script fills in."""
    client = member("upload")
    with translation.override(language):
        found = ask(client, ("a.txt", 3, ""), ("b.txt", 1536, "")).json()["files"]
        page = client.get(PAGE).content.decode()
    assert [file["size"].replace("\xa0", " ") for file in found] == shown
    [data] = re.findall(r'<script id="wx-texts" type="application/json">(.*?)</script>', page)
    sizes = [size.replace("\xa0", " ") for size in json.loads(data)["sizes"]]
    assert len(sizes) == 6
    assert [size.split()[1] for size in sizes[1:3]] == [text.split()[1] for text in shown]


@pytest.mark.parametrize(
    ("path", "size", "reason"),
    [
        ("../a.txt", 3, "'..'"),
        ("a.html", 3, "active content"),
        ("robots.txt", 3, "protected"),
        ("big.txt", 2**40, "too large"),
    ],
)
def test_the_preview_shows_what_will_be_refused(
    member: Member, path: str, size: int, reason: str
) -> None:
    [file] = ask(member("upload"), (path, size, "0" * 32)).json()["files"]
    assert (file["state"], file["blocked"]) == ("refused", True)
    assert reason in " ".join(file["reasons"])


def test_a_preview_asks_nobody_outside(member: Member, emulator: EmulatorServer) -> None:
    files = [(f"teas/{number}.txt", number, "0" * 32) for number in range(300)]
    assert len(ask(member("upload"), *files).json()["files"]) == 300
    assert emulator.journal == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"a"',
        '{"files": 1}',
        '{"files": [1]}',
        '{"files": [{"path": "a", "size": "x", "md5": ""}]}',
        '{"files": [{"path": "a", "size": 1e400, "md5": ""}]}',
        '{"files": [{"path": "a", "size": NaN, "md5": ""}]}',
        json.dumps({"store": HERE, "files": [{"path": "a.txt", "size": 10**400}]}),
        json.dumps({"store": HERE, "files": [{"path": "a.txt", "size": -1}]}),
        "[" * 100_000,
        json.dumps({"store": "other", "files": []}),
        json.dumps({"store": HERE, "files": [{"path": "a", "size": 1, "md5": ""}] * 1001}),
    ],
)
def test_a_preview_of_nonsense_is_a_400(member: Member, body: str) -> None:
    assert MOST_PREVIEWED == 1000
    answer = member("upload").post(PREVIEW, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]
