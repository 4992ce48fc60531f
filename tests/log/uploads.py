"""Uploads that failed or were stored, and their retries."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from tests.conftest import ENV
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.retry import RetryResult, retry_uploads
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

PLAIN = {
    "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
    "OPTIONS": {"location": "static"},
}
MEDIA = {"BACKEND": "wx_static_store.storage.WxStorage"}


def configured(configure: Any, folder: Path) -> EmulatorServer:
    """Configure a store for media and one for static files, whose sources lie in the folder."""
    server: EmulatorServer = configure(
        STORAGES={"default": MEDIA, "staticfiles": PLAIN},
        STATICFILES_DIRS=[str(folder)],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1},
    )
    return server


def newest(key: str, env: str = ENV) -> UploadLog:
    return UploadLog.objects.newest(env, [key])[key]


def fail(cloud: EmulatorServer, **fault: Any) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403, **fault})


def failed_collect(cloud: EmulatorServer, folder: Path, name: str, body: bytes) -> UploadLog:
    """Make a row that collectstatic left behind."""
    (folder / name).write_bytes(body)
    fail(cloud)
    with pytest.raises(Exception, match="failed"):
        call_command("collectstatic", interactive=False, verbosity=0)
    return newest(f"static/{name}")


def sent(name: str, body: bytes, *, source: str, using: str = "default") -> UploadLog:
    """Make a row of an upload from some source, whether it worked or not."""
    uploader = get_uploader(using)
    item = UploadItem(name, open=lambda: ContentFile(body))  # type: ignore[arg-type, return-value]
    [result] = uploader.upload_many([item], UploadContext(source=source))
    return newest(result.key)


def again(*rows: UploadLog, **options: Any) -> list[RetryResult]:
    return list(retry_uploads(rows, **{"replaces": True} | options))
