"""The spool keeps what did not end stored, and nobody's upload waits for it or fails by it."""

import io
import os
import time
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.submit.conftest import HERE
from wx_static_store.core.types import UploadContext
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, SourceError
from wx_static_store.log.retry import retry_uploads
from wx_static_store.models import UploadLog
from wx_static_store.submit.send import send
from wx_static_store.upload import spool

pytestmark = pytest.mark.django_db

TEA = md5(b"tea", usedforsecurity=False).hexdigest()
STORE = {"BACKEND": "wx_static_store.storage.WxStorage"}
LOCAL = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def cloud(configure: Any, folder: Path, settings: Any) -> EmulatorServer:
    spooled = {"BACKEND": LOCAL, "OPTIONS": {"location": str(folder)}}
    server: EmulatorServer = configure(
        STORAGES={"default": STORE, "staticfiles": {"BACKEND": LOCAL}, "spool": spooled},
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "UPLOAD_SPOOL": "spool"},
    )
    return server


def send_tea(cloud: EmulatorServer, **fault: Any) -> UploadLog:
    """Send it as the upload page does; return its row."""
    if fault:
        cloud.script(fault)
    user, file = User(is_active=True, is_superuser=True), io.BytesIO(b"tea")
    send(user, HERE, "uploads/a.txt", file, UploadContext("admin"), size=3)
    return UploadLog.objects.latest("id")


REFUSED = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009}
BUSY = {"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403}


@pytest.mark.parametrize("fault", [REFUSED, BUSY])
def test_an_upload_that_did_not_end_stored_can_be_sent_again(
    cloud: EmulatorServer, folder: Path, fault: dict[str, Any]
) -> None:
    row = send_tea(cloud, **fault)
    assert (folder / spool.path_of(TEA)).read_bytes() == b"tea"
    [one] = retry_uploads([row])
    assert one.outcome == "stored"
    assert cloud.objects()["uploads/a.txt"].body == b"tea"


def test_an_upload_that_failed_at_the_look_for_its_key_can_be_sent_again(
    cloud: EmulatorServer, folder: Path
) -> None:
    row = send_tea(cloud, on="staticfilelist", do="errcode", errcode=45009)
    assert (row.status, row.md5) == ("failed", TEA)
    [one] = retry_uploads([row])
    assert one.outcome == "stored"


def test_a_stored_upload_leaves_nothing_in_the_spool(cloud: EmulatorServer, folder: Path) -> None:
    assert send_tea(cloud).status == "stored"
    assert not folder.exists()


def test_a_spool_that_fails_is_logged_and_the_row_says_what_failed(
    cloud: EmulatorServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("no folder")
    assert send_tea(cloud, **REFUSED).errcode == 45009
    assert "UPLOAD_SPOOL keeps nothing" in caplog.text
    assert not spool.has(TEA, 3)


def test_part_of_a_file_is_replaced(cloud: EmulatorServer, folder: Path) -> None:
    path = folder / spool.path_of(TEA)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"te")
    spool.keep(file := io.BytesIO(b"tea"), TEA, 3)
    assert path.read_bytes() == b"tea"
    assert not file.closed


def test_other_bytes_under_a_digest_are_not_sent(cloud: EmulatorServer, folder: Path) -> None:
    spool.keep(io.BytesIO(b"tea"), TEA, 3)
    (folder / spool.path_of(TEA)).write_bytes(b"pie")
    with pytest.raises(SourceError, match="no longer has these bytes"):
        spool.open_spooled(TEA)


def test_old_bytes_are_freed_and_nothing_else(cloud: EmulatorServer, folder: Path) -> None:
    spool.keep(io.BytesIO(b"tea"), TEA, 3)
    release = folder / "ab" / ("c" * 62)  # of a release storage in the same place
    release.parent.mkdir()
    release.write_bytes(b"x")
    assert [*spool.free()] == []
    old = time.time() - 49 * 3600
    for path in (folder / spool.path_of(TEA), release):
        os.utime(path, (old, old))
    assert [*spool.free(dry_run=True)] == [3]
    assert [*spool.free()] == [3]
    assert not spool.has(TEA, 3)
    assert release.exists()


def test_a_public_spool_keeps_nothing(
    cloud: EmulatorServer, settings: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MEDIA_ROOT = str(folder.parent)
    send_tea(cloud, **REFUSED)
    assert "UPLOAD_SPOOL names 'spool', which is public" in caplog.text
    assert not folder.exists()
    with pytest.raises(ConfigurationError, match="public"):
        [*spool.free()]
