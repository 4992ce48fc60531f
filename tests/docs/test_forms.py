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
ADMINS = [name for name in FILES if name.startswith("menu/admin.py")]
STORAGES = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FAULT = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088}


@pytest.fixture
def menu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `menu(caption)`: the file as a module of an app that has the model Tea."""
    for name in ("menu", "menu.models"):
        monkeypatch.setitem(sys.modules, name, models)

    def load(caption: str) -> ModuleType:
        name = caption.partition(".py")[0].replace("/", ".")
        module = ModuleType(name)
        module.__package__ = "menu"
        monkeypatch.setitem(sys.modules, name, module)
        exec(FILES[caption], module.__dict__)
        return module

    return load


@pytest.fixture
def form(menu: Any, configure: Any, emulator: EmulatorServer) -> Any:
    configure(STORAGES=STORAGES, WX_STATIC_STORE={"BASE_URL": emulator.site_url()})
    form_class = menu("menu/forms.py").TeaForm
    return lambda: form_class(
        {"name": "Oolong"}, {"leaflet": SimpleUploadedFile("tea.txt", b"tea")}
    )


def test_a_valid_form_has_uploaded_its_file(form: Any, emulator: EmulatorServer) -> None:
    assert form().is_valid()
    assert [entry.body for entry in emulator.objects().values()] == [b"tea"]


def test_a_failed_upload_is_an_error_of_its_field(form: Any, emulator: EmulatorServer) -> None:
    emulator.script(FAULT)
    assert "85088" in str(form().errors["leaflet"])


def test_the_view_leads_to_the_public_file(form: Any, menu: Any, emulator: EmulatorServer) -> None:
    data = {"name": "Oolong", "leaflet": SimpleUploadedFile("tea.txt", b"tea")}
    answer = menu("menu/views.py").add_tea(RequestFactory().post("/", data))
    (key,) = emulator.objects()
    assert answer["Location"] == f"{emulator.site_url()}/{key}"


def test_the_template_shows_the_form_with_its_style_sheet(form: Any) -> None:
    request = RequestFactory().get("/")
    page = Template(FILES["menu/templates/add_tea.html"])
    shown = page.render(Context({"form": form(), "request": request, "csrf_token": "x"}))
    assert "wx_static_store/widget" in shown
    assert 'type="file"' in shown


def test_the_view_shows_the_form_again_when_an_upload_failed(
    form: Any, menu: Any, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = menu("menu/views.py")
    monkeypatch.setattr(views, "render", lambda request, name, context: (name, context["form"]))
    emulator.script(FAULT)
    data = {"name": "Oolong", "leaflet": SimpleUploadedFile("tea.txt", b"tea")}
    template, shown = views.add_tea(RequestFactory().post("/", data))
    assert template == "add_tea.html"
    assert "85088" in str(shown.errors["leaflet"])


@pytest.fixture
def registry() -> Iterator[None]:
    yield
    admin.site.unregister(models.Tea)


@pytest.mark.parametrize("caption", ADMINS)
@pytest.mark.usefixtures("registry")
def test_an_admin_of_the_page_uploads_by_the_widget(menu: Any, rf: Any, caption: str) -> None:
    menu(caption)
    form = admin.site.get_model_admin(models.Tea).get_form(rf.get("/"))
    assert isinstance(form.base_fields["leaflet"].widget, WxFileWidget)
