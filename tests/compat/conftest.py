"""
One place to keep files, twice: the cloud, and a local folder as the control.

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

from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer

SETTINGS = "tests.compat.settings"
HERE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS

RED, BLUE = "red", "blue"
MEDIA_URL = "/media/"
LOCATION = "media/"  # of the cloud's storage: part of each key, of no name


class LeftOut(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip(f"needs the extra compat and --ds={SETTINGS}", allow_module_level=True)


def pytest_configure(config: pytest.Config) -> None:
    if HERE:  # some packages leave files to the garbage collector, local ones too
        config.addinivalue_line("filterwarnings", "ignore:unclosed file:ResourceWarning")


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    return None if HERE else LeftOut.from_parent(parent, path=module_path)


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


@pytest.fixture(params=["cloud", "folder"])
def place(request: pytest.FixtureRequest, db: None) -> Iterator[Place]:
    """Where the project's default storage keeps its files."""
    if request.param == "cloud":
        server = request.getfixturevalue("configure")(STORAGES=settings.STORAGES)
        yield Cloud(server)
        return
    root = request.getfixturevalue("tmp_path") / "media"
    options = {"location": str(root), "base_url": MEDIA_URL}
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    with override_settings(STORAGES=settings.STORAGES | {"default": local}):
        yield Folder(root)


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
