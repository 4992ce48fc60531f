"""docs/howto/forms.rst: its files are those of an app; a failed upload is an error of the field."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import Context, Template
from django.test import RequestFactory

from tests.bookshop import models
from tests.docs.blocks import DOCS, blocks
from wx_static_store.emulator import EmulatorServer
from wx_static_store.forms import WxFileWidget

pytestmark = pytest.mark.django_db

FILES = {block.caption: block.text for block in blocks(DOCS / "howto" / "forms.rst")}
ADMINS = [name for name in FILES if name.startswith("shop/admin.py")]
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FAULT = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `shop(caption)`: the file as a module of an app that has the model Book."""
    for name in ("shop", "shop.models"):
        monkeypatch.setitem(sys.modules, name, models)

    def load(caption: str) -> ModuleType:
        name = caption.partition(".py")[0].replace("/", ".")
        module = ModuleType(name)
        module.__package__ = "shop"
        monkeypatch.setitem(sys.modules, name, module)
        exec(FILES[caption], module.__dict__)
        return module

    return load


@pytest.fixture
def form(shop: Any, configure: Any, emulator: EmulatorServer) -> Any:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"BASE_URL": emulator.site_url()})
    form_class = shop("shop/forms.py").BookForm
    return lambda: form_class({"title": "Tea"}, {"file": SimpleUploadedFile("tea.txt", b"tea")})


def test_a_valid_form_has_uploaded_its_file(form: Any, emulator: EmulatorServer) -> None:
    assert form().is_valid()
    assert [entry.body for entry in emulator.objects().values()] == [b"tea"]


def test_a_failed_upload_is_an_error_of_its_field(form: Any, emulator: EmulatorServer) -> None:
    emulator.script(FAULT)
    assert "85088" in str(form().errors["file"])


def test_the_template_shows_the_form_with_its_style_sheet(form: Any) -> None:
    request = RequestFactory().get("/")
    page = Template(FILES["shop/templates/add_book.html"])
    shown = page.render(Context({"form": form(), "request": request, "csrf_token": "x"}))
    assert "wx_static_store/widget" in shown
    assert 'type="file"' in shown


def test_the_view_shows_the_form_again_when_an_upload_failed(
    form: Any, shop: Any, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = shop("shop/views.py")
    monkeypatch.setattr(views, "render", lambda request, name, context: (name, context["form"]))
    emulator.script(FAULT)
    tea = SimpleUploadedFile("tea.txt", b"tea")
    template, shown = views.add_book(RequestFactory().post("/", {"title": "Tea", "file": tea}))
    assert template == "add_book.html"
    assert "85088" in str(shown.errors["file"])


@pytest.fixture
def registry() -> Iterator[None]:
    yield
    admin.site.unregister(models.Book)


@pytest.mark.parametrize("caption", ADMINS)
@pytest.mark.usefixtures("registry")
def test_an_admin_of_the_page_uploads_by_the_widget(shop: Any, rf: Any, caption: str) -> None:
    shop(caption)
    form = admin.site.get_model_admin(models.Book).get_form(rf.get("/"))
    assert isinstance(form.base_fields["file"].widget, WxFileWidget)
