"""Forms: the file is uploaded while the form is validated; a failure is an error of its field."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import AdminForm
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.db.models.signals import post_save
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from PIL import Image

from tests.bookshop.models import Book
from tests.conftest import lost_table
from tests.upload.conftest import Shop, shop
from wx_static_store.emulator import EmulatorServer
from wx_static_store.forms import WxAdminMixin, WxFileWidget, WxModelForm, WxModelFormMixin
from wx_static_store.models import WaitingFile
from wx_static_store.submit.progress import sent_of
from wx_static_store.upload import UploadContext, get_uploader, presence
from wx_static_store.upload.sources import BLOCK, content_item

__all__ = ["shop"]

pytestmark = pytest.mark.django_db

_image = BytesIO()
Image.new("RGB", (2, 2)).save(_image, "PNG")
PNG = _image.getvalue()


class BookForm(WxModelFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Book
        fields = ("title", "file", "cover")
        widgets = {"file": WxFileWidget, "cover": WxFileWidget}


@pytest.fixture
def cloud(configure: Callable[..., Any], emulator: EmulatorServer) -> EmulatorServer:
    storages = {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    values = {"BASE_URL": emulator.site_url(), "MAX_ATTEMPTS": 1}
    configure(STORAGES=storages, WX_STATIC_STORE=values)
    return emulator


def text(name: str = "a.txt", content: bytes = b"hello") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def filled(book: Book | None = None, *, title: str = "A book", **files: Any) -> BookForm:
    return BookForm({"title": title}, files, instance=book)


def puts(cloud: EmulatorServer) -> int:
    return len(cloud.calls("put_object"))


def saved(**files: Any) -> Book:
    form = filled(**files)
    assert form.is_valid(), form.errors
    book: Book = form.save()
    return book


# --- upload -----------------------------------------------------------------------------------


def test_a_valid_form_uploads_once_and_its_save_does_not(cloud: EmulatorServer) -> None:
    form = filled(file=text())
    assert form.is_valid()
    assert puts(cloud) == 1
    book = form.save()
    assert puts(cloud) == 1
    book.refresh_from_db()
    assert book.file.name == "books/a.txt"
    assert cloud.objects()["books/a.txt"].body == b"hello"


def test_an_image_is_uploaded_once(cloud: EmulatorServer) -> None:
    book = saved(cover=SimpleUploadedFile("a.png", PNG))
    assert puts(cloud) == 1
    assert cloud.objects()[book.cover.name].body == PNG


def test_a_save_without_commit_uploads_no_second_time(cloud: EmulatorServer) -> None:
    form = filled(file=text())
    form.save(commit=False).save()
    assert puts(cloud) == 1


def test_a_taken_name_gets_a_suffix_which_the_row_knows(cloud: EmulatorServer) -> None:
    saved(file=text(content=b"first"))
    book = Book.objects.get(pk=saved(file=text(content=b"second")).pk)
    assert book.file.name != "books/a.txt"
    assert cloud.objects()[book.file.name].body == b"second"


def test_a_form_that_is_not_valid_uploads_nothing(cloud: EmulatorServer) -> None:
    assert not filled(title="", file=text()).is_valid()
    assert cloud.journal == []


def test_a_form_without_a_new_file_uploads_nothing(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    form = filled(book, title="Another title")
    assert form.is_valid()
    form.save()
    assert puts(cloud) == 1
    assert Book.objects.get().file.name == "books/a.txt"


def test_clearing_a_field_empties_it_and_keeps_the_object(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    BookForm({"title": "A book", "file-clear": "on"}, {}, instance=book).save()
    assert not Book.objects.get().file
    assert puts(cloud) == 1
    assert "books/a.txt" in cloud.objects()


def test_clearing_and_replacing_a_file_at_once_is_refused(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    form = BookForm({"title": "A book", "file-clear": "on"}, {"file": text()}, instance=book)
    assert "file" in form.errors
    assert puts(cloud) == 1


def test_files_on_other_storages_are_left_to_django(
    cloud: EmulatorServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = Book._meta.get_field("file")
    monkeypatch.setattr(field, "storage", FileSystemStorage(tmp_path))
    form = filled(file=text())
    assert form.is_valid()
    assert not list(tmp_path.rglob("a.txt"))
    form.save()
    assert [path.read_bytes() for path in tmp_path.rglob("a.txt")] == [b"hello"]
    assert cloud.journal == []


# --- failures ---------------------------------------------------------------------------------

FAULTS = {
    "quota": (
        {"on": "staticuploadfile", "do": "errcode", "errcode": 45009},
        "45009",
        "again tomorrow",
    ),
    "no cloud": (
        {"on": "staticuploadfile", "do": "errcode", "errcode": 85088},
        "85088",
        "to repair the cause",
    ),
    "list": (
        {"on": "staticfilelist", "do": "errcode", "errcode": 45009},
        "45009",
        "again tomorrow",
    ),
    "no list": ({"on": "staticfilelist", "do": "reset"}, "not uploaded", "in some minutes"),
    "cos": (
        {"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403},
        "AccessDenied",
        "to repair the cause",
    ),
    "lost": ({"on": "put_object", "do": "drop_reply"}, "not known", "may be public already"),
}


@pytest.mark.parametrize(("fault", "code", "advised"), FAULTS.values(), ids=FAULTS)
def test_a_failed_upload_is_an_error_of_its_field(
    cloud: EmulatorServer, fault: dict[str, Any], code: str, advised: str
) -> None:
    cloud.script(fault | {"times": None})
    form = filled(file=text())
    assert not form.is_valid()
    happened, advice = form.errors["file"]
    assert code in happened
    assert advised in advice
    assert not Book.objects.exists()


def test_the_operator_s_hint_is_in_the_log_and_not_in_the_form(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088})
    assert "Open cloud development" not in str(filled(file=text()).errors)
    [record] = [record for record in caplog.records if record.name == "wx_static_store.uploads"]
    assert "Open cloud development" in record.getMessage()


def test_readers_of_the_log_see_the_operator_s_hint_in_the_form(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088})
    form = BookForm({"title": "A"}, {"file": text()})
    form.wx_user = User(is_active=True, is_superuser=True)
    hint = form.errors["file"][-1]
    assert hint.startswith("For the site's operator: Open cloud development")


@pytest.mark.parametrize("fault", [fault for fault, *_ in FAULTS.values()], ids=FAULTS)
def test_a_form_can_be_sent_again_when_the_fault_is_gone(
    cloud: EmulatorServer, fault: dict[str, Any]
) -> None:
    cloud.script(fault)
    assert not filled(file=text()).is_valid()
    book = saved(file=text())
    assert cloud.objects()[book.file.name].body == b"hello"


def test_a_failed_replacement_leaves_the_row_at_the_old_file(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert not filled(book, file=text("b.txt")).is_valid()
    assert Book.objects.get().file.name == "books/a.txt"


def test_the_first_file_that_fails_ends_the_validation(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    form = filled(file=text(), cover=SimpleUploadedFile("a.png", PNG))
    assert list(form.errors) == ["file"]
    assert cloud.objects() == {}


def test_a_file_stored_before_another_failed_remains(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "skip": 1})
    form = filled(file=text(), cover=SimpleUploadedFile("a.png", PNG))
    assert list(form.errors) == ["cover"]
    assert list(cloud.objects()) == ["books/a.txt"]


QUOTA = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009}


def cover() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", PNG)


def failed_at_its_cover(cloud: EmulatorServer, *, skip: int = 1) -> None:
    cloud.script(QUOTA | {"skip": skip})
    assert list(filled(file=text(), cover=cover()).errors) == ["cover"]


def test_the_next_form_takes_the_object_that_a_failed_one_left(cloud: EmulatorServer) -> None:
    failed_at_its_cover(cloud)
    book = saved(file=text(), cover=cover())
    assert book.file.name == "books/a.txt"
    assert sorted(cloud.objects()) == ["books/a.txt", "covers/a.png"]
    assert puts(cloud) == 2


def test_a_suffixed_name_that_a_failed_form_left_is_taken_again(cloud: EmulatorServer) -> None:
    saved(file=text(content=b"first"))
    failed_at_its_cover(cloud)
    [left] = cloud.objects().keys() - {"books/a.txt"}
    assert saved(file=text()).file.name == left


def test_only_one_form_takes_what_a_failed_one_left(cloud: EmulatorServer) -> None:
    failed_at_its_cover(cloud)
    names = {saved(file=text()).file.name, saved(file=text()).file.name}
    assert len(names) == 2
    assert "books/a.txt" in names


def test_what_a_saved_row_names_is_never_taken(cloud: EmulatorServer) -> None:
    saved(file=text())
    assert saved(file=text()).file.name != "books/a.txt"


def test_other_bytes_do_not_take_what_a_failed_form_left(cloud: EmulatorServer) -> None:
    failed_at_its_cover(cloud)
    assert saved(file=text(content=b"olleh")).file.name != "books/a.txt"
    assert cloud.objects()["books/a.txt"].body == b"hello"


def test_an_object_that_was_replaced_meanwhile_is_not_taken(cloud: EmulatorServer) -> None:
    failed_at_its_cover(cloud)
    get_uploader().upload(
        content_item("books/a.txt", ContentFile(b"other")), UploadContext("admin")
    )
    assert saved(file=text()).file.name != "books/a.txt"
    assert cloud.objects()["books/a.txt"].body == b"other"


def test_a_form_does_not_take_an_object_that_was_deleted_and_saved_by_another(
    cloud: EmulatorServer,
) -> None:
    failed_at_its_cover(cloud)
    default_storage.delete("books/a.txt")
    assert default_storage.save("books/a.txt", ContentFile(b"hello")) == "books/a.txt"
    assert saved(file=text()).file.name != "books/a.txt"


@pytest.mark.parametrize("lag", [0, 5])
def test_a_form_does_not_take_an_object_that_another_saved_again_under_its_key(
    cloud: EmulatorServer, lag: float
) -> None:
    """The same bytes: only who saved them last tells."""
    cloud.quirks.list_lag_seconds = lag
    failed_at_its_cover(cloud)
    get_uploader().upload(
        content_item("books/a.txt", ContentFile(b"hello")), UploadContext("admin")
    )
    assert saved(file=text()).file.name != "books/a.txt"


def test_a_form_that_saved_its_row_leaves_nothing_to_the_next(cloud: EmulatorServer) -> None:
    form = filled(file=text())
    book = form.save()
    form.leave_files()
    assert saved(file=text()).file.name != book.file.name


def test_a_save_whose_answer_was_lost_is_taken_again(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply"})
    assert not filled(file=text()).is_valid()
    assert saved(file=text()).file.name == "books/a.txt"
    assert puts(cloud) == 1


def test_what_upload_to_saved_for_another_row_is_not_left(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upload_to(book: Book, name: str) -> str:
        default_storage.save("other.txt", text("other.txt"))
        return f"books/{name}"

    field = Book._meta.get_field("file")
    monkeypatch.setattr(field, "upload_to", upload_to)
    failed_at_its_cover(cloud, skip=3)  # `upload_to` is called by the check, too
    assert default_storage.save("other.txt", text("other.txt")) != "other.txt"


def test_a_name_that_cannot_be_a_key_is_reported(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Book._meta.get_field("file"), "upload_to", "turned\u202eround")
    form = filled(file=text())
    assert "cannot be the name of a file" in form.errors["file"][0]
    assert "Rename" in form.errors["file"][1]
    assert puts(cloud) == 0


def test_a_name_that_django_refuses_is_reported(cloud: EmulatorServer) -> None:
    """Its extension alone fills the column: there is no space for a name."""
    form = filled(file=text("a." + "y" * 95))
    assert "Rename" in form.errors["file"][0]


def test_wrong_settings_are_shown_in_the_log_and_not_in_the_form(
    cloud: EmulatorServer, configure: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    configure(WX_STATIC_STORE={"ENV": None})
    (message,) = filled(file=text()).errors["file"]
    assert "ENV" not in message
    assert "Ask the site's operator" in message
    [record] = [record for record in caplog.records if record.name == "wx_static_store.forms"]
    assert record.levelname == "ERROR"
    assert "ENV" in record.getMessage()


def test_a_file_of_no_field_of_the_form_is_an_error_of_the_whole(cloud: EmulatorServer) -> None:
    class TitleForm(WxModelForm):
        class Meta:
            model = Book
            fields = ("title",)

        def clean(self) -> None:
            self.instance.file = ContentFile(b"made here", "made.txt")

    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    assert "45009" in TitleForm({"title": "A book"}).non_field_errors()[0]


def test_a_pipe_that_a_form_made_is_uploaded_whole(cloud: EmulatorServer) -> None:
    end, start = os.pipe()
    os.write(start, b"piped")
    os.close(start)
    with open(end, "rb") as pipe:
        form = filled(Book(file=File(pipe, "made.txt")))
        assert form.is_valid(), form.errors
    assert cloud.objects()["books/made.txt"].body == b"piped"


# --- formsets ---------------------------------------------------------------------------------


def formset(*titles: str, **more: Any) -> Any:
    made = forms.modelformset_factory(Book, BookForm, can_delete=True)
    data = {"form-TOTAL_FORMS": len(titles), "form-INITIAL_FORMS": 0}
    data |= {f"form-{number}-title": title for number, title in enumerate(titles)}
    files = {f"form-{number}-file": text(f"{number}.txt") for number in range(len(titles))}
    return made(data | more, files, queryset=Book.objects.none())


def test_each_form_of_a_formset_uploads_its_file(cloud: EmulatorServer) -> None:
    books = formset("One", "Two")
    assert books.is_valid()
    books.save()
    assert sorted(cloud.objects()) == ["books/0.txt", "books/1.txt"]
    assert puts(cloud) == Book.objects.count() == 2


def test_a_form_that_is_to_be_deleted_uploads_nothing(cloud: EmulatorServer) -> None:
    assert formset("One", "Two", **{"form-0-DELETE": "on"}).is_valid()
    assert list(cloud.objects()) == ["books/1.txt"]


# --- progress ---------------------------------------------------------------------------------

ID = str(uuid4())
LARGE = b"x" * (3 * BLOCK)


@pytest.fixture
def shared_cache(cloud: EmulatorServer, configure: Callable[..., Any], tmp_path: Path) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    configure(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}})


def sent_as(id: str, name: str = "file-wx-progress") -> BookForm:
    form = BookForm({"title": "A book", name: id}, {"file": text(content=LARGE)})
    assert form.is_valid(), form.errors
    return form


def test_a_form_notes_the_bytes_that_have_gone_under_the_id_of_its_page(
    shared_cache: None, cloud: EmulatorServer
) -> None:
    sent_as(ID.replace("-", ""))
    assert sent_of(ID) == [BLOCK]  # the next note is due later
    assert cloud.objects()["books/a.txt"].body == LARGE


def test_each_form_of_a_formset_notes_its_own_bytes(shared_cache: None) -> None:
    ids = [str(uuid4()), str(uuid4())]
    given = {f"form-{number}-file-wx-progress": id for number, id in enumerate(ids)}
    large = {"form-1-file": text(content=LARGE)}
    books = formset("One", "Two", **given)
    books.files |= large
    assert books.is_valid()
    assert sent_of(*ids) == [0, BLOCK]


@pytest.mark.parametrize("id", ["", "nonsense", "a" * 31, ["a"]])
def test_an_id_that_is_none_is_ignored(shared_cache: None, id: Any) -> None:
    sent_as(id)
    assert sent_of(str(id)) == [0]


def test_without_a_shared_cache_nothing_is_noted(cloud: EmulatorServer) -> None:
    sent_as(ID)
    assert sent_of(ID) == [None]


# --- widget -----------------------------------------------------------------------------------


def shown(book: Book, field: str = "file") -> str:
    return str(BookForm(instance=book)[field])


def test_the_widget_shows_address_size_and_code_without_a_call(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    calls = len(cloud.journal)
    html = shown(book)
    url = f"{cloud.site_url()}/books/a.txt"
    assert f'<a href="{url}"' in html
    assert f'class="wx-copy" data-copy="{url}"' in html
    assert "5\xa0bytes" in html
    assert f'aria-label="{url}"' in html
    assert len(cloud.journal) == calls


def test_an_image_has_a_thumbnail_and_another_file_has_none(cloud: EmulatorServer) -> None:
    book = saved(file=text(), cover=SimpleUploadedFile("a.png", PNG))
    assert f'<img class="wx-file-thumbnail" src="{book.cover.url}"' in shown(book, "cover")
    assert "<img" not in shown(book)


def test_the_widget_says_that_a_file_waits(shop: Callable[..., Shop]) -> None:
    shop().notice_outage()
    html = shown(saved(cover=SimpleUploadedFile("a.png", PNG)), "cover")
    assert '<span class="wx-file-waits">waits</span>' in html
    assert "<img" not in html


def test_the_widget_asks_for_no_waiting_file_where_none_may_wait(cloud: EmulatorServer) -> None:
    book = saved(file=text())
    with CaptureQueriesContext(connection) as queries:
        shown(book)
    assert not any("waitingfile" in query["sql"] for query in queries)


def test_the_widget_escapes_a_name(cloud: EmulatorServer) -> None:
    html = shown(Book(file='a"><b>&.txt'))
    assert "<b>" not in html
    assert f"{cloud.site_url()}/a%22%3E%3Cb%3E%26.txt" in html


def test_the_widget_of_an_empty_field_is_a_plain_input(cloud: EmulatorServer) -> None:
    assert "wx-file" not in shown(Book())
    assert '<input type="file" name="file"' in shown(Book())


def test_the_widget_has_no_inline_script_or_style(cloud: EmulatorServer) -> None:
    html = shown(saved(cover=SimpleUploadedFile("a.png", PNG)), "cover")
    assert not any(forbidden in html for forbidden in ("style=", "<style", "<script", " on"))


def test_a_file_on_another_storage_looks_as_django_shows_it(
    cloud: EmulatorServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = Book._meta.get_field("file")
    monkeypatch.setattr(field, "storage", FileSystemStorage(tmp_path, base_url="/media/"))
    html = shown(Book(file="a.txt"))
    assert "wx-file" not in html
    assert 'href="/media/a.txt"' in html


class StaffForm(BookForm):
    """As `WxAdminMixin` makes it."""

    wx_user = User(is_staff=True)


def from_staff(rf: RequestFactory) -> Any:
    request = rf.get("/")
    request.user = StaffForm.wx_user
    return request


def shown_to_staff(book: Book) -> str:
    return str(StaffForm(instance=book)["file"])


def test_the_widget_of_a_public_form_does_not_tell_where_the_admin_is(shared_cache: None) -> None:
    assert "data-wx-progress" not in shown(Book())


def test_the_widget_of_a_staff_form_names_where_its_script_asks(shared_cache: None) -> None:
    assert "/wx_static_store/uploadlog/upload/sent/" in shown_to_staff(Book())
    assert "/wx_static_store/uploadlog/upload/sent/" in shown_to_staff(saved(file=text()))


def test_the_widget_of_an_admin_names_where_its_script_asks(
    shared_cache: None, rf: RequestFactory
) -> None:
    form = BookAdmin(Book, site).get_form(from_staff(rf))
    assert "/wx_static_store/uploadlog/upload/sent/" in str(form()["file"])


def test_an_admin_with_a_form_of_its_own_names_where_its_script_asks(
    shared_cache: None, rf: RequestFactory
) -> None:
    class OwnForm(BookAdmin):
        form = BookForm

    form = OwnForm(Book, site).get_form(from_staff(rf))
    assert "/wx_static_store/uploadlog/upload/sent/" in str(form()["file"])


def test_a_form_that_is_shown_again_names_where_its_script_asks(shared_cache: None) -> None:
    form = StaffForm({"title": ""}, {"file": text()})
    assert "/upload/sent/" in str(form["file"])


def test_the_widget_names_no_address_without_a_shared_cache(cloud: EmulatorServer) -> None:
    assert "data-wx-progress" not in shown_to_staff(Book())


@pytest.mark.urls(__name__)
def test_the_widget_names_no_address_where_the_admin_has_none(shared_cache: None) -> None:
    assert "data-wx-progress" not in shown_to_staff(Book())


def test_the_widget_of_a_form_without_the_mixin_names_no_address(shared_cache: None) -> None:
    made = forms.modelform_factory(Book, fields=["file"], widgets={"file": WxFileWidget})
    assert "data-wx-progress" not in str(made()["file"])


def test_the_widget_names_no_address_for_another_storage(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Book._meta.get_field("file"), "storage", FileSystemStorage(tmp_path))
    assert "data-wx-progress" not in shown_to_staff(Book())


def test_an_address_that_is_not_known_is_not_asked_for(
    configure: Callable[..., Any], emulator: EmulatorServer
) -> None:
    configure()
    html = shown(Book(file="books/a.txt"))
    assert "books/a.txt" in html
    assert "http" not in html
    assert emulator.journal == []


@pytest.mark.parametrize("name", ["/absolute", "a//b", "a\\b.txt"])
def test_an_old_name_that_cannot_be_a_key_does_not_break_the_form(
    cloud: EmulatorServer, name: str
) -> None:
    assert name in shown(Book(file=name))


def test_wrong_settings_do_not_break_the_form(
    cloud: EmulatorServer, configure: Callable[..., Any]
) -> None:
    configure(WX_STATIC_STORE={"ENV": None})
    assert "books/a.txt" in shown(Book(file="books/a.txt"))


def test_a_log_that_fails_does_not_break_the_form(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = saved(file=text())
    monkeypatch.setattr(presence, "in_database", lambda work, otherwise: otherwise)
    assert book.file.url in shown(book)
    assert "bytes" not in shown(book)


# --- admin ------------------------------------------------------------------------------------


class BookAdmin(WxAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ("title", "file", "cover")


site = admin.AdminSite()
site.register(Book, BookAdmin)
urlpatterns = [path("admin/", site.urls)]


def test_the_admin_leaves_the_files_of_a_page_with_an_invalid_inline(
    cloud: EmulatorServer, rf: RequestFactory, admin_user: Any
) -> None:
    form = filled(file=text())
    assert form.is_valid()
    request = rf.post("/")
    request.user = admin_user
    context = {"adminform": AdminForm(form, [], {}), "inline_admin_formsets": []}
    BookAdmin(Book, site).render_change_form(request, context, add=True)
    assert saved(file=text()).file.name == "books/a.txt"


def post(client: Client) -> Any:
    return client.post("/admin/bookshop/book/add/", {"title": "A book", "file": text()})


@pytest.mark.urls(__name__)
def test_the_admin_shows_a_failed_upload_in_its_form(
    cloud: EmulatorServer, admin_client: Client
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    answer = post(admin_client)
    assert answer.status_code == 200
    assert "errcode 45009" in answer.context["errors"][0][0]
    assert not Book.objects.exists()


@pytest.mark.urls(__name__)
def test_the_admin_uploads_once_and_shows_the_address(
    cloud: EmulatorServer, admin_client: Client
) -> None:
    assert post(admin_client).status_code == 302
    assert puts(cloud) == 1
    book = Book.objects.get()
    page = admin_client.get(f"/admin/bookshop/book/{book.pk}/change/").content.decode()
    assert f'data-copy="{book.file.url}"' in page
    assert "wx_static_store/widget.css" in page


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("is_away", [True, False])
def test_the_admin_says_that_a_file_is_kept(
    shop: Callable[..., Shop], admin_client: Client, is_away: bool
) -> None:
    here = shop()
    if is_away:
        here.notice_outage()
    said = [str(message) for message in get_messages(post(admin_client).wsgi_request)]
    kept = "The file is kept, and will be public once it is sent."
    assert (kept in said, [*here.waiting()] != []) == (is_away, is_away)


@pytest.mark.urls(__name__)
def test_a_saved_file_is_no_error_where_nobody_can_say_whether_it_waits(
    shop: Callable[..., Shop], admin_client: Client
) -> None:
    here = shop()
    with ExitStack() as until_the_end:

        def lose_table(**kwargs: Any) -> None:
            until_the_end.enter_context(lost_table(WaitingFile))

        post_save.connect(lose_table, sender=Book)
        assert post(admin_client).status_code == 302
    assert Book.objects.get().file.name in here.public()


def test_a_form_that_others_share_never_keeps_a_user(
    cloud: EmulatorServer, rf: RequestFactory, admin_user: Any
) -> None:
    class SharedForm:
        def get_form(self, *args: Any, **kwargs: Any) -> type[BookForm]:
            return BookForm

    class SharedAdmin(WxAdminMixin, SharedForm, admin.ModelAdmin):  # type: ignore[misc,type-arg]
        pass

    request = rf.get("/")
    request.user = admin_user
    assert SharedAdmin(Book, site).get_form(request).wx_user is admin_user
    assert BookForm.wx_user is None


def test_an_inline_form_can_use_the_mixin() -> None:
    class BookInline(WxAdminMixin, admin.TabularInline):  # type: ignore[type-arg]
        model = Book

    inline = BookInline(Book, site)
    assert issubclass(inline.form, WxModelFormMixin)
    for kind in (models.FileField, models.ImageField):
        assert inline.formfield_overrides[kind]["widget"] is WxFileWidget
