"""The upload page as a form and as its script use it."""

import re
from collections.abc import Callable
from hashlib import md5
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.conftest import ENV
from wx_static_store.emulator import EmulatorServer

PAGE = "/admin/wx_static_store/uploadlog/upload/"
PREVIEW = PAGE + "preview/"
STATUS = PAGE + "status/"
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
