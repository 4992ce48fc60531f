"""docs/howto/media-in-an-outage.rst: its settings let a file wait, and its command sends it."""

from copy import deepcopy
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import RequestFactory

from tests.bookshop.models import Tea
from tests.conftest import ENV, ci_package
from tests.docs.blocks import matches
from tests.docs.fresh_project import block
from tests.upload.conftest import QUOTA
from wx_static_store.emulator import EmulatorServer
from wx_static_store.signals import upload_waiting

committed = pytest.mark.django_db(transaction=True)  # a push begins no transaction in another

PAGE = "howto/media-in-an-outage"
STORAGES = {
    "default": {
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {"location": "media"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def run(caption: str, **names: Any) -> dict[str, Any]:
    """Run the block of the page, and return its names."""
    exec(block(PAGE, caption).text, names)
    return names


@pytest.fixture
def cloud(configure: Any, emulator: EmulatorServer, tmp_path: Path) -> EmulatorServer:
    """Give a project with the settings of the page the emulator as its cloud."""
    storages, site = deepcopy(STORAGES), {"BASE_URL": emulator.site_url()}
    run("config/settings.py", STORAGES=storages, WX_STATIC_STORE=site, BASE_DIR=tmp_path)
    configure(STORAGES=storages, WX_STATIC_STORE=site, DEBUG=True)  # it has one machine
    return emulator


def save_in_an_outage(cloud: EmulatorServer) -> Tea:
    """Save a tea with a leaflet in an outage that is over then."""
    cloud.script(QUOTA)
    tea = Tea(name="Oolong")
    tea.leaflet.save("tea.txt", ContentFile(b"tea"))
    cloud.state.script.clear()
    return tea


@pytest.mark.usefixtures("cloud")
def test_the_settings_are_correct() -> None:
    assert run_checks(tags=["wx_static_store"]) == []


@committed
def test_the_command_of_the_page_sends_what_waits(cloud: EmulatorServer) -> None:
    save_in_an_outage(cloud)
    [(_command, shown)] = block(PAGE, "push").commands
    call_command("wx_push", stdout=(printed := StringIO()))
    assert matches(shown, printed.getvalue())
    assert [entry.body for entry in cloud.objects().values()] == [b"tea"]


@committed
def test_a_view_says_of_a_file_that_it_waits_until_it_is_sent(
    cloud: EmulatorServer, rf: RequestFactory
) -> None:
    tea, say = save_in_an_outage(cloud), run("menu/views.py")["after_save"]
    said = []
    for _time in range(2):
        request: Any = rf.get("/")
        request._messages = CookieStorage(request)
        say(request, tea)
        said.append([str(message) for message in get_messages(request)])
        call_command("wx_push", stdout=StringIO())
    assert said == [["The file will be public once it is sent."], []]


@pytest.mark.django_db
def test_a_receiver_of_the_project_hears_of_the_file(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = run("menu/apps.py", __name__="menu.apps")["on_waiting"]
    upload_waiting.connect(receiver)
    try:
        save_in_an_outage(cloud)
    finally:
        upload_waiting.disconnect(receiver)
    assert capsys.readouterr().out == f"media/leaflets/tea.txt waits for {ENV}\n"


def test_beat_sends_a_task_that_there_is() -> None:
    ci_package("celery")
    beat = run("beat", CELERY_BEAT_SCHEDULE={})["CELERY_BEAT_SCHEDULE"]
    module, _dot, name = beat["waiting"]["task"].rpartition(".")
    assert getattr(import_module(module), name).name == beat["waiting"]["task"]
