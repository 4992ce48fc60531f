"""
One place to keep files, twice: the cloud, and a local folder as the control.

Where files may wait, the cloud stands there three times: it is there, is away until somebody looks,
or gets no file before that anyway.

It runs on its own, with the extra ``compat``: ``pytest tests/compat --ds=tests.compat.settings``.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import pytest
import requests
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import override_settings
from PIL import Image

from tests.upload.conftest import QUOTA
from wx_static_store.conf import options_for
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import WaitingFile
from wx_static_store.upload.push import push
from wx_static_store.upload.waiting import note_away

SETTINGS = "tests.compat.settings"
HERE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS

RED, BLUE = "red", "blue"
MEDIA_URL = "/media/"
LOCATION = "media/"  # of the cloud's storage: part of each key, of no name
LOCAL = "django.core.files.storage.FileSystemStorage"
PLACES = ("cloud", "folder")
WAITS = ("outage", "always")  # the option `wait`
# What a user uploads to the others gets a suffix in an outage, or they want another alias.
WAITING = {"cleanup", "easy_thumbnails", "filer", "imagekit", "sorl_thumbnail", "wagtail"}


class LeftOut(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip(f"needs the extra compat and --ds={SETTINGS}", allow_module_level=True)


def pytest_configure(config: pytest.Config) -> None:
    if HERE:  # some packages leave files to the garbage collector, local ones too
        config.addinivalue_line("filterwarnings", "ignore:unclosed file:ResourceWarning")


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    return None if HERE else LeftOut.from_parent(parent, path=module_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        waits = WAITS if metafunc.module.__name__.rpartition("test_")[2] in WAITING else ()
        metafunc.parametrize("place", [*PLACES, *waits], indirect=True)


@pytest.fixture(scope="session")
def django_db_use_migrations() -> bool:
    """Make the tables without the two hundred migrations of other apps."""
    return False


class Place(Protocol):
    def files(self) -> dict[str, bytes]:
        """Return what the public can read, by name."""

    def get(self, url: str) -> bytes:
        """Return what a browser gets at an address."""

    def gone(self, name: str) -> bool:
        """Whether a file that was there is so no more, for the project and for the public."""


@dataclass
class Cloud:
    emulator: EmulatorServer

    def files(self) -> dict[str, bytes]:
        stored = self.emulator.objects()
        assert all(key.startswith(LOCATION) for key in stored)
        bodies = {key.removeprefix(LOCATION): entry.body for key, entry in stored.items()}
        return {name: body for name, body in bodies.items() if body != DELETED}

    def get(self, url: str) -> bytes:
        assert url.startswith(f"{self.emulator.site_url()}/{LOCATION}")
        with requests.get(url, timeout=5) as answer:
            answer.raise_for_status()
            return answer.content

    def gone(self, name: str) -> bool:
        key = LOCATION + name
        seen = self.get(f"{self.emulator.site_url()}/{key}")
        stored = self.emulator.objects()[key].body
        return stored == seen == DELETED and not default_storage.exists(name)


@dataclass
class WaitingCloud(Cloud):
    """All that waits is sent by one push before somebody looks; then the next outage begins."""

    in_outage: bool

    def __post_init__(self) -> None:
        self.begin_outage()

    def begin_outage(self) -> None:
        if self.in_outage:
            self.emulator.script(QUOTA)
            note_away(options_for("default"), WxStaticStoreError())

    def push(self) -> None:
        self.emulator.state.script.clear()
        push()
        assert not WaitingFile.objects.exists()
        self.begin_outage()

    def files(self) -> dict[str, bytes]:
        self.push()
        return super().files()

    def get(self, url: str) -> bytes:
        self.push()
        return super().get(url)

    def gone(self, name: str) -> bool:
        """Whether nobody finds it; perhaps it never was in the cloud."""
        return name not in self.files() and not default_storage.exists(name)


@dataclass
class Folder:
    root: Path

    def files(self) -> dict[str, bytes]:
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}

    def get(self, url: str) -> bytes:
        assert url.startswith(MEDIA_URL)
        return (self.root / unquote(url.removeprefix(MEDIA_URL))).read_bytes()

    def gone(self, name: str) -> bool:
        return not (self.root / name).exists()


@pytest.fixture
def place(request: pytest.FixtureRequest, db: None, tmp_path: Path) -> Iterator[Place]:
    """Where the project's default storage keeps its files."""
    if request.param == "folder":
        options = {"location": str(tmp_path / "media"), "base_url": MEDIA_URL}
        local = {"BACKEND": LOCAL, "OPTIONS": options}
        with override_settings(STORAGES=settings.STORAGES | {"default": local}):
            yield Folder(tmp_path / "media")
        return
    configure, ours = request.getfixturevalue("configure"), settings.STORAGES["default"]
    if request.param == "cloud":
        yield Cloud(configure(STORAGES=settings.STORAGES))
        return
    emulator = request.getfixturevalue("emulator")
    stores = {
        "default": ours | {"OPTIONS": ours["OPTIONS"] | {"wait": request.param}},
        "kept": {"BACKEND": LOCAL, "OPTIONS": {"location": str(tmp_path / "kept")}},
    }
    waiting = {"WAITING_STORAGE": "kept", "BASE_URL": emulator.site_url()}
    configure(STORAGES=settings.STORAGES | stores, WX_STATIC_STORE=waiting)
    yield WaitingCloud(emulator, in_outage=request.param == "outage")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """`with committed():` what waits for the end of the transaction then happens."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def picture(colour: str) -> ContentFile:
    """Return a plain picture of 40 by 20 pixels, as a user uploads it."""
    file = BytesIO()
    Image.new("RGB", (40, 20), colour).save(file, "PNG")
    return ContentFile(file.getvalue(), "a.png")


def look(content: bytes) -> tuple[tuple[int, int], str]:
    """Return the size of a picture and its colour, which a JPEG keeps roughly."""
    with Image.open(BytesIO(content)) as image:
        channels = image.convert("RGB").getpixel((0, 0))
        return image.size, ("red", "green", "blue")[channels.index(max(channels))]
