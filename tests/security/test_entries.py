"""What we promise of the entries: who calls them reads, changes and forges nothing."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from django import forms
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import path
from django.utils.datastructures import MultiValueDict
from django.utils.translation import override
from PIL import Image

import wx_static_store
from tests.bookshop.models import Book
from tests.bookshop.site import BookAdmin
from tests.callback.pushes import Push, encrypted, event, signed, ticket
from tests.callback.rows import ROWS as PUSHES
from tests.conftest import ENV, slow_but
from tests.emulator.command import exchange
from tests.notes import plant
from tests.permissions import (
    EVERY,
    ROWS,
    SHUT,
    SIGNED,
    STAFF,
    TABLE,
    VISITORS,
    add_rows,
    addresses,
    ask,
    expected_statuses,
    log_in,
    missing_rows,
    needed,
    nothing_happens,
    settings_of,
    urlpatterns,
)
from tests.submit.conftest import UserWith, code
from wx_static_store.api.parameters import LogQuery
from wx_static_store.callback.views import receive
from wx_static_store.clients.links import is_site
from wx_static_store.core import notes
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ProtocolError
from wx_static_store.forms import WxModelForm
from wx_static_store.health.alerts import Alert
from wx_static_store.health.alerts.alert import send
from wx_static_store.health.doctor.latest import keep
from wx_static_store.log import prune as pruning
from wx_static_store.signals import event_received
from wx_static_store.upload.hosting import Hosting
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db


# The callback

REFUSED = [make for status, make in PUSHES.values() if status == 403]
REASONS = {
    *("parameters", "window", "signature", "appid"),
    *("xml", "encoding", "instruction", "shape"),
    *("Encrypt", "base64", "block", "padding", "length"),
    *("InfoType", "CreateTime", "ComponentVerifyTicket"),
}


def answer_to(sent: Push) -> bytes:
    """Return all that the caller sees."""
    answer = sent.send()
    return b"%d " % answer.status_code + bytes(answer.serialize())


def test_every_refused_push_gets_one_answer_to_the_byte() -> None:
    assert len({answer_to(make()) for make in REFUSED}) == 1


def test_the_log_has_the_reason_of_each_refused_push(caplog: pytest.LogCaptureFixture) -> None:
    for make in REFUSED:
        make().send()
    assert set(re.findall(r"refused: (\w+)", caplog.text)) == REASONS


def test_who_has_the_token_learns_no_byte_of_a_recorded_push() -> None:
    """As a padding oracle would tell it: by the one guess of 256 that makes the padding right."""
    recorded = base64.b64decode(encrypted(ticket()))
    blocks = (recorded + bytes(15) + bytes([guess]) + recorded[16:32] for guess in range(256))
    assert len({answer_to(signed(base64.b64encode(sent).decode())) for sent in blocks}) == 1


@pytest.mark.django_db
def test_who_has_the_token_can_send_a_recorded_push_again() -> None:
    """WeChat's cipher has no time of its own: the receiver of an event takes it twice."""
    seen: list[str] = []

    def note(info_type: str, **_kwargs: Any) -> None:
        seen.append(info_type)

    event_received.connect(note)
    recorded = encrypted(event("unknown"))
    assert [signed(recorded, age=age).send().content for age in (60, 0)] == [b"success"] * 2
    assert seen == ["unknown"] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: signed("!"),
        lambda: signed("AAAA"),
        lambda: signed(encrypted(ticket(), key="x" * 43)),
        lambda: signed(encrypted(ticket(), appid="wx-another")),
        lambda: signed(encrypted("junk")),
        lambda: signed(encrypted("<xml><InfoType/></xml>")),
    ],
    ids=["base64", "block", "padding", "appid", "xml", "InfoType"],
)
def test_each_signed_push_that_is_refused_costs_one_write_to_the_cache(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[], Push]
) -> None:
    """Else the time of the answer would reveal the reason."""
    asked = Mock()
    monkeypatch.setattr(notes, "caches", {"default": asked})
    assert wrong().send().status_code == 403
    assert [name for name, *_ in asked.method_calls] == ["set"]


def test_junk_of_a_stranger_is_not_written_to_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock()
    monkeypatch.setattr(notes, "caches", {"default": asked})
    assert Push(signed(encrypted(ticket())).query, b"junk").send().status_code == 403
    assert asked.method_calls == []


# Who may open what: the table of tests/permissions.py -------------------------------------------

OF_THE_TENANT = {ENV, "first.png", "a" * 12}  # a file, and the beginning of a release's digest
OF_THE_PLATFORM = {
    "health",
    "health_health_changelist",
}  # who may see it sees what the settings name
LISTS = {"uploads", "deployments", "rollouts", "stores", "waiting"}  # of what is the user's own


def text_of(answer: Any) -> str:
    return b"".join(answer).decode(errors="replace")


@pytest.fixture
def all_entries(configure: Any, tmp_path: Path) -> EmulatorServer:
    """Serve the admin, the API and the callback; the rows belong to the environment ENV."""
    server: EmulatorServer = configure(**settings_of(tmp_path / "releases"))
    return server


@pytest.fixture
def row(all_entries: EmulatorServer, db: None) -> int:
    """Return the id of a row of each table."""
    return add_rows(all_entries)


def test_each_address_that_the_resolver_finds_has_a_row() -> None:
    missing = missing_rows()
    assert not missing, "\n".join(missing)
    assert {at for at, _route in addresses()} == TABLE.keys()


def test_a_new_address_without_a_row_is_named_with_the_place_of_its_row() -> None:
    [new] = missing_rows([*urlpatterns, path("wx/new/<int:id>/", receive, name="new")])
    assert new.startswith("/wx/new/<int:id>/ has no row of its own: add ('no entry point', 'new')")
    assert "to TABLE in tests.permissions" in new


def test_each_urls_module_of_the_package_is_asked() -> None:
    package = Path(wx_static_store.__file__).parent
    asked = {getattr(each.urlconf_name, "__file__", "") for each in urlpatterns}
    added = [getattr(config, "wx_api", "") for config in apps.get_app_configs()]
    asked |= {import_module(name).__file__ for name in added if name}
    assert {str(each) for each in package.rglob("urls.py")} <= asked


def test_each_row_names_existing_permissions() -> None:
    named = {name for at in ROWS for each in needed(*at)[0] for name in each.split(" + ")}
    assert named <= {*EVERY, *STAFF, *SIGNED}


@pytest.mark.parametrize("who", slow_but(VISITORS, "stranger", "staff", "superuser", "upload"))
def test_each_visitor_gets_what_the_table_says(
    row: int, all_entries: EmulatorServer, who: str
) -> None:
    """Neither a call to the cloud nor a row comes of what the visitor may not do."""
    client, expected = log_in(who), expected_statuses(who)
    allowed = [at for at in expected if at not in SHUT and expected[at] == needed(*at)[1]]
    with nothing_happens(all_entries):
        found = {at: ask(client, *at, row).status_code for at in expected if at not in allowed}
    keep([])  # all is well, whatever the doctor would find here
    # What reads comes first, and the API before the admin: a row can be retried once.
    for at in sorted(allowed, key=lambda at: (at[2], at[0] == "admin")):
        found[at] = ask(client, *at, row).status_code
    assert found == expected


@pytest.fixture
def offers_another(all_entries: EmulatorServer, settings: Any) -> None:
    offered = {"ENVIRONMENTS": lambda user: {"tenant-b": "B"}}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | offered


@pytest.mark.usefixtures("offers_another")
def test_a_superuser_sees_a_withdrawn_environment_and_nothing_is_sent_there(
    row: int, all_entries: EmulatorServer
) -> None:
    client = log_in("superuser")
    rows = [at for at in ROWS if at[1] not in OF_THE_PLATFORM]
    all_entries.state.journal.clear()
    answers = {at: ask(client, *at, row) for at in rows}
    assert answers["api", "upload", "GET"].status_code == 200
    assert answers["admin", "deployment_rollback", "POST"].status_code == 404
    assert [call for call in all_entries.journal if call.env == ENV] == []


@pytest.mark.usefixtures("offers_another")
def test_another_tenant_is_answered_as_if_its_rows_did_not_exist(
    row: int, all_entries: EmulatorServer
) -> None:
    """Neither a call to the cloud nor a changed row comes of it, and no answer names the tenant."""
    client, no_row = log_in("all permissions"), row + 1000
    rows = [at for at in ROWS if at[1] not in OF_THE_PLATFORM]
    with nothing_happens(all_entries):
        answers = {at: ask(client, *at, row) for at in rows}
    missing = {at: ask(client, *at, no_row).status_code for at in rows}
    assert {at: answer.status_code for at, answer in answers.items()} == missing
    words = {at: OF_THE_TENANT - ({ENV} if at[2] != "GET" else set()) for at in rows}  # an echo
    assert [(at, word) for at in rows for word in words[at] if word in text_of(answers[at])] == []
    named = {at for at in rows if at[0] == "api" and (at[1] not in LISTS or at[2] == "POST")}
    assert {missing[at] for at in named} == {404}


# Form fields

SCRIPT = b"<script>alert(1)</script>"
HARMFUL = {
    "HTML": ("evil.html", SCRIPT),
    "SVG": ("evil.svg", b"<svg onload='alert(1)'/>"),
    "a script": ("evil.js", b"alert(1)"),
    "an index": ("index.html", SCRIPT),
    "a proof of the domain": ("MP_verify_x.txt", b"x"),
    "rules for robots": ("robots.txt", b"x"),
    "a disguised page": ("photo.jpg", SCRIPT),
    "a disguised program": ("notes.txt", b"MZ\x90"),
    "an empty file": ("notes.txt", b""),
    "a name that becomes another one": ("evil.ht;ml", b"alert(1)"),
}
BOOK = {
    "title": "A book",
    "sample_set-TOTAL_FORMS": "1",
    "sample_set-INITIAL_FORMS": "0",
}


@pytest.fixture
def cloud(configure: Callable[..., Any], emulator: EmulatorServer, db: None) -> EmulatorServer:
    storages = {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    configure(STORAGES=storages)
    return emulator


@pytest.fixture
def book(cloud: EmulatorServer) -> Book:
    return Book.objects.create(title="A book")


def editor(*permissions: str) -> Client:
    """Return the browser of one who may change the project's books, and has these permissions."""
    user = User.objects.create_user("editor", is_staff=True)
    own = ("change_book", "view_book", "add_sample", "change_sample")
    user.user_permissions.set(Permission.objects.filter(codename__in=[*own, *permissions]))
    client = Client()
    client.force_login(user)
    return client


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def changed(client: Client, book: Book, field: str, name: str, content: bytes) -> Any:
    address = f"/admin/bookshop/book/{book.pk}/change/"
    return client.post(address, BOOK | {field: upload(name, content)})


@pytest.mark.parametrize(("name", "content"), HARMFUL.values(), ids=HARMFUL)
@pytest.mark.urls("tests.bookshop.site")
def test_an_editor_of_a_model_publishes_no_harmful_file(
    cloud: EmulatorServer, book: Book, name: str, content: bytes
) -> None:
    answer = changed(editor(), book, "file", name, content)
    assert answer.context["adminform"].form.errors["file"]
    assert cloud.objects() == {}
    assert not Book.objects.get().file


@pytest.mark.parametrize(
    ("language", "fix"),
    [
        ("en", "ask for the permission to upload active content"),
        ("zh-hans", "或申请“可以上传含脚本的内容（HTML、SVG 等）”权限"),
    ],
)
@pytest.mark.urls("tests.bookshop.site")
def test_the_field_says_what_helps(book: Book, language: str, fix: str) -> None:
    with override(language):
        answer = changed(editor(), book, "file", "evil.html", SCRIPT)
        assert fix in answer.context["adminform"].form.errors["file"][1]


@pytest.mark.urls("tests.bookshop.site")
def test_an_editor_publishes_an_ordinary_file(cloud: EmulatorServer, book: Book) -> None:
    assert changed(editor(), book, "file", "notes.txt", b"notes").status_code == 302
    assert list(cloud.objects()) == ["books/notes.txt"]


@pytest.mark.urls("tests.bookshop.site")
def test_an_inline_of_an_editor_publishes_no_page(cloud: EmulatorServer, book: Book) -> None:
    answer = changed(editor(), book, "sample_set-0-file", "evil.html", SCRIPT)
    assert answer.status_code == 200
    assert cloud.objects() == {}


@pytest.mark.urls("tests.bookshop.site")
def test_the_editable_list_of_an_editor_publishes_no_page(
    cloud: EmulatorServer, book: Book
) -> None:
    rows = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": book.pk}
    sent = {**rows, "form-0-file": upload("evil.html", SCRIPT), "_save": "Save"}
    answer = editor().post("/admin/bookshop/book/", sent)
    assert answer.context["cl"].formset.errors[0]["file"]
    assert cloud.objects() == {}


@pytest.mark.urls("tests.bookshop.site")
def test_a_plain_form_of_an_admin_publishes_no_page(
    cloud: EmulatorServer, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookAdmin, "form", forms.ModelForm)
    changed(editor(), book, "file", "evil.html", SCRIPT)
    assert cloud.objects() == {}


@pytest.mark.parametrize(
    ("permission", "name", "stored"),
    [
        ("upload_active_content", "evil.html", ["books/evil.html"]),
        ("upload_active_content", "MP_verify_x.txt", []),
        ("replace_protected", "MP_verify_x.txt", ["books/MP_verify_x.txt"]),
        ("replace_protected", "evil.html", []),
        ("upload", "evil.html", []),
    ],
)
@pytest.mark.urls("tests.bookshop.site")
def test_each_rule_of_a_form_is_lifted_by_its_own_permission(
    cloud: EmulatorServer, book: Book, permission: str, name: str, stored: list[str]
) -> None:
    changed(editor(permission), book, "file", name, b"text")
    assert list(cloud.objects()) == stored


class BookForm(WxModelForm):
    class Meta:
        model = Book
        fields = ("title", "file", "cover")


def filled(kind: type[WxModelForm] = BookForm, **files: SimpleUploadedFile) -> WxModelForm:
    return kind({"title": "A book"}, MultiValueDict({name: [file] for name, file in files.items()}))


def test_a_form_that_knows_no_user_publishes_no_page(cloud: EmulatorServer) -> None:
    assert filled(file=upload("evil.html", SCRIPT)).errors["file"]
    assert cloud.objects() == {}


def test_a_view_lets_its_form_know_the_user(cloud: EmulatorServer, admin_user: User) -> None:
    form = filled(file=upload("evil.html", SCRIPT))
    form.wx_user = admin_user
    assert form.is_valid()


def test_a_text_in_place_of_names_opens_no_field(cloud: EmulatorServer) -> None:
    class OpenForm(BookForm):
        wx_any_file = "file of the book"

    assert filled(OpenForm, file=upload("evil.html", SCRIPT)).errors["file"]


def test_no_file_of_a_form_is_public_if_another_one_is_refused(cloud: EmulatorServer) -> None:
    image = BytesIO()
    Image.new("RGB", (2, 2)).save(image, "PNG")
    good, bad = upload("notes.txt", b"notes"), upload("robots.png.html.png", image.getvalue())
    assert list(filled(file=good, cover=bad).errors) == ["cover"]
    assert cloud.objects() == {}


def test_a_file_that_a_form_makes_is_checked_too(cloud: EmulatorServer) -> None:
    class MadeForm(BookForm):
        def clean(self) -> None:
            self.instance.cover = ContentFile("<html>", "made.html")

    assert filled(MadeForm).errors["cover"]
    assert cloud.objects() == {}


def test_an_empty_file_that_the_form_s_own_field_takes_is_refused(cloud: EmulatorServer) -> None:
    class MadeForm(BookForm):
        def clean(self) -> None:
            self.instance.file = ContentFile(b"", "made.txt")

    assert "made.txt is empty" in str(filled(MadeForm).errors["file"])
    assert cloud.objects() == {}


def test_a_field_takes_any_file_where_its_form_says_so(cloud: EmulatorServer) -> None:
    class OpenForm(BookForm):
        wx_any_file = ("file",)

    assert filled(OpenForm, file=upload("evil.html", SCRIPT)).is_valid()
    assert list(cloud.objects()) == ["books/evil.html"]


@pytest.mark.urls("tests.bookshop.site")
def test_a_field_takes_any_file_where_its_admin_says_so(
    cloud: EmulatorServer, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookAdmin, "wx_any_file", ("file",))
    changed(editor(), book, "file", "evil.html", SCRIPT)
    assert list(cloud.objects()) == ["books/evil.html"]


def test_a_program_that_saves_by_itself_is_free(cloud: EmulatorServer) -> None:
    Book.objects.create(title="A book", file=upload("evil.html", SCRIPT))
    assert list(cloud.objects()) == ["books/evil.html"]


# The emulator's own door


def control(cloud: EmulatorServer, page: str, method: str = "POST", **headers: str) -> int:
    """Return the status of a request to the control plane."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, body = exchange(method, f"{cloud.api_url}/__emulator__/{page}", b"", named)
    assert status == 200 or cloud.access_token.encode() not in body
    return status


FOREIGN_HOSTS = [
    *("rebound.evil.example", "rebound.evil.example:8900", "localhost.evil.example", "192.0.2.1"),
    *("0.0.0.0:8900", "127.0.0.1.evil.example", "localhost:1.evil.example", "[::2]:8900", "["),
]
FOREIGN_PAGES = {
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "no site": {"Origin": "null"},
    "another site, without its origin": {"Sec_Fetch_Site": "cross-site"},
    "another port, without its origin": {"Sec_Fetch_Site": "same-site"},
}


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_the_emulator_shows_a_rebound_name_nothing(emulator: EmulatorServer, host: str) -> None:
    assert control(emulator, "state", "GET", Host=host) == 403


@pytest.mark.parametrize("headers", FOREIGN_PAGES.values(), ids=FOREIGN_PAGES)
def test_the_emulator_does_nothing_for_another_web_page(
    emulator: EmulatorServer, headers: dict[str, str]
) -> None:
    emulator.put_object("a.txt", b"a")
    assert control(emulator, "reset", **headers) == 403
    assert list(emulator.objects()) == ["a.txt"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:1", "[::1]", "[::1]:1"])
def test_the_emulator_serves_each_name_of_loopback(emulator: EmulatorServer, host: str) -> None:
    assert control(emulator, "state", "GET", Host=host) == 200


def test_the_emulator_serves_its_own_pages(emulator: EmulatorServer) -> None:
    assert control(emulator, "reset", Origin=emulator.api_url, Sec_Fetch_Site="same-origin") == 200
    assert control(emulator, "state", "GET", Sec_Fetch_Site="none") == 200


def test_any_page_may_link_to_the_emulator_s_manual(emulator: EmulatorServer) -> None:
    assert control(emulator, "", "GET", Sec_Fetch_Site="cross-site") == 200
    assert control(emulator, "", "GET", Host="rebound.evil.example") == 403


@pytest.mark.parametrize("kind", ["accept_then_close", "tls_eof"])
def test_no_fault_locks_the_emulator_s_user_out(emulator: EmulatorServer, kind: str) -> None:
    emulator.script({"on": "connection", "do": kind, "times": None})
    call = f"{emulator.api_url}/componenttcb/staticfilelist"
    with pytest.raises(ConnectionError):
        exchange("POST", call, b"{}", {})
    assert control(emulator, "faults", "DELETE") == 200
    assert exchange("POST", call, b"{}", {})[0] == 200


@pytest.mark.parametrize("left", [b"", b"12345", b"1234567890"], ids=["none", "half", "more"])
def test_a_file_of_another_size_ends_its_answer_at_once(tmp_path: Path, left: bytes) -> None:
    with EmulatorServer(directory=tmp_path) as emulator:
        emulator.put_object("a.txt", b"123456789")
        [body] = tmp_path.rglob("*.body")
        body.write_bytes(left)
        url = urlsplit(emulator.site_url())
        with socket.create_connection((url.hostname, url.port), timeout=10) as client:
            client.sendall(b"GET /a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(left)


# Answers of WeChat

API = "https://api.weixin.qq.com"
FOREIGN = [
    "internal.example:8443/admin?x=",
    "user@evil.example",
    "evil.example/#",
    "evil.example\\@good.example",
    "169.254.169.254",
    "2130706433",
    "0x7f.1",
    "[::1]",
    "127.0.0.1",
    "localhost",
    "metadata.google.internal",
    "printer.local",
    *(f"cache.{name}" for name in ("default.svc", "corp", "home", "intranet", "localdomain")),
    *(f"site.{name}" for name in ("invalid", "onion")),
    "intranet",
    "-a.example.com",
    "a..example.com",
    "a.example.com.",
    "a b.example.com",
    "a.example.com\n",
    "\u212aeys.example.com",
    "a" * 64 + ".example.com",
    "a." * 130 + "com",
]


@pytest.mark.parametrize("domain", FOREIGN)
def test_a_domain_is_a_public_host_name(domain: str) -> None:
    assert not is_site(f"https://{domain}/", API)


@pytest.mark.parametrize("domain", ["env-1-12.tcloudbaseapp.com", "www.xn--fiqs8s.xn--fiqs8s"])
def test_each_public_host_name_is_taken(domain: str) -> None:
    assert is_site(f"https://{domain}/", API)


def test_an_emulator_names_this_machine() -> None:
    assert is_site("http://127.0.0.1:8000/", "http://127.0.0.1:9000")
    assert not is_site("http://127.0.0.1:8000/", API)


def test_a_false_domain_of_wechat_is_refused_and_not_kept(configure: Any) -> None:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    stores = {"Data": [{"domain": FOREIGN[0], "bucket": "b", "status": "online"}]}
    cloud.script({"on": "describestaticstore", "do": "merge", "json": stores})
    with pytest.raises(ProtocolError, match=r"no public host name.*Set base_url"):
        get_store().url("a.txt")
    assert get_store()._hostings.get(get_store().env).root == ""


def test_a_domain_in_unicode_is_kept_as_it_is_sent(configure: Any) -> None:
    cloud: EmulatorServer = configure()
    stores = {"Data": [{"domain": "茶馆.中国", "bucket": "b", "status": "online"}]}
    cloud.script({"on": "describestaticstore", "do": "merge", "json": stores})
    assert get_store().url("a.txt") == "https://xn--cl1ay07b.xn--fiqs8s/a.txt"


def test_a_name_of_an_inner_network_is_refused_in_unicode_too(configure: Any) -> None:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    stores = {"Data": [{"domain": "茶。internal", "bucket": "b", "status": "online"}]}
    cloud.script({"on": "describestaticstore", "do": "merge", "json": stores})
    with pytest.raises(ProtocolError, match="no public host name"):
        get_store().url("a.txt")


@pytest.mark.parametrize(
    "junk",
    [
        ["https://169.254.169.254/", "online", 1.0],
        *(5, "text", {"root": "a"}, [], ["a"], ["", "online", 1.0, "more"]),
        *([5, "", 1.0], ["", ["a"], 1.0], ["", "", "noon"], ["", "", None]),
        *(["", "", float("inf")], ["", "", float("nan")], ["", "", -1e300]),
    ],
)
def test_junk_in_the_cache_is_no_address(configure: Any, junk: Any) -> None:
    configure()
    store = get_store()
    assert store.root()
    plant("hosting", store.env, junk, about=store.options.api_base_url)
    assert store._hostings.get(store.env) == Hosting()
    assert store._hostings.get_many([store.env]) == {store.env: Hosting()}


# Names and content of uploads


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "body", "refused"),
    [
        ("uploads/x.html;.txt", b"x", "type"),
        ("uploads/x.jsp ;a=1.txt", b"x", "type"),
        ("uploads/x.html;a/b.txt", b"x", ""),
        ("uploads/a;b.txt", b"x", ""),
        ("uploads/robots.txt;a", b"x", "protected"),
        ("uploads/robots.txt ;a.txt", b"x", "protected"),
        ("uploads/MP_verify_a.txt;x", b"x", "protected"),
        ("uploads/my-robots.txt", b"x", ""),
        ("uploads/con.txt", b"x", "name"),
        ("uploads/Aux/a.txt", b"x", "name"),
        ("uploads/LPT1 .txt", b"x", "name"),
        ("uploads/com².tar.zip", b"PK\x05\x06", "name"),
        ("uploads/contact.txt", b"x", ""),
        ("uploads/x.txt", b'<_:html xmlns:_="http://www.w3.org/1999/xhtml">', "content"),
        ("uploads/x.txt", "<一:html>".encode(), "content"),
        ("uploads/x.txt", "<丱:html>".encode("utf-16"), "content"),
        ("uploads/x.txt", b"<3", ""),
    ],
)
def test_a_name_or_content_in_disguise_is_refused(
    configure: Any, user_with: UserWith, name: str, body: bytes, refused: str
) -> None:
    configure()
    assert code(user_with("upload"), name, body) == refused


# Lines, messages, parameters


def test_a_title_with_line_breaks_is_mailed_in_one_line(configure: Any, mailoutbox: Any) -> None:
    mailer = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    configure(
        MAILERS={"default": mailer},
        WX_STATIC_STORE={
            "ALERTS": ["wx_static_store.health.alerts.send_mail"],
            "ALERT_EMAILS": ["ops@example.com"],
        },
    )
    assert send(Alert("a", "It failed\r\nBcc: evil@example.com", "Why."))
    [mail] = mailoutbox
    assert mail.subject == "It failed Bcc: evil@example.com"
    assert mail.recipients() == ["ops@example.com"]


@pytest.mark.django_db
def test_a_message_to_prune_takes_away_no_more_than_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.log.conftest import row
    from wx_static_store import tasks
    from wx_static_store.models import UploadLog

    for days in (40, 20, 2):
        row("a.txt", days=days)
    counts: list[int] = []
    monkeypatch.setattr(
        pruning,
        "find_retained",
        lambda n, known=pruning.find_retained: counts.append(n) or known(n),
    )
    tasks.prune.run(days=1, releases=0)
    assert UploadLog.objects.count() == 2
    assert {*counts} == {10}


@pytest.mark.parametrize("name", ["page_size", "errcode", "deployment"])
def test_a_number_has_ascii_digits(name: str) -> None:
    assert LogQuery(data={name: "1"}).is_valid()
    assert not LogQuery(data={name: "\uff11"}).is_valid()
