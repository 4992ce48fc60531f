"""A store with a log, and rows of any age."""

from contextlib import suppress
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.conftest import ENV
from wx_static_store.causes import of_errcode
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import UploadFailed
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload.uploader import get_uploader

CONTEXT = UploadContext(source="test", source_ref="v1")


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1},
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "files": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"location": "site"},
            },
        },
    )
    return server


def upload(name: str, body: bytes, *, using: str = "default") -> None:
    """With its row, however it ends."""
    item = UploadItem(name, open=lambda: BytesIO(body))
    with suppress(UploadFailed):
        get_uploader(using).upload(item, CONTEXT)


def row(key: str, *, days: float = 0, **columns: Any) -> UploadLog:
    """Make a row that is so many days old."""
    columns = {"env": ENV, "status": "stored", "source": "test", "name": key} | columns
    if errcode := columns.get("errcode"):
        columns = {"cause": of_errcode(errcode).id} | columns
    made = UploadLog.objects.create(key=key, key_digest=key_digest(key), **columns)
    UploadLog.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=days))
    return made


def statuses() -> list[tuple[str, str]]:
    """Key and status of every row, in their order."""
    return list(UploadLog.objects.order_by("id").values_list("key", "status"))


def run(command: str, *args: str, **options: Any) -> tuple[int, str]:
    """Return a command's exit code and all that it printed."""
    said = StringIO()
    try:
        call_command(command, *args, **options, stdout=said, stderr=said)
    except CommandError as error:
        return error.returncode, f"{said.getvalue()}{error}"
    return 0, said.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    return folder
