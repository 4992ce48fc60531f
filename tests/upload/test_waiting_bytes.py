"""The bytes of a waiting file are whole before a row names them."""

import errno
import io
import os
from hashlib import sha256
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from tests.upload.conftest import Shop
from wx_static_store.core.types import UploadItem
from wx_static_store.exceptions import SourceError
from wx_static_store.upload import waiting_bytes
from wx_static_store.upload.waiting_bytes import free_bytes, open_bytes, path_for, write_bytes

DIGEST = sha256(b"tea").hexdigest()


@pytest.fixture
def here(shop: Any) -> Shop:
    made: Shop = shop()
    return made


def tea() -> UploadItem:
    return UploadItem("a.txt", lambda: io.BytesIO(b"tea"))


def test_bytes_come_back_as_they_were(here: Shop) -> None:
    written = write_bytes(tea())
    with open_bytes(written["token"], written["sha256"]) as file:
        assert file.read() == b"tea"


def test_bytes_lie_beside_those_of_releases(here: Shop) -> None:
    token = write_bytes(tea())["token"]
    assert (here.folder / "waiting" / token[:2] / token[2:]).read_bytes() == b"tea"


def test_the_disk_has_the_bytes_and_their_folders(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda n: synced.append(os.readlink(f"/proc/self/fd/{n}")))
    path = here.folder / path_for(write_bytes(tea())["token"])
    assert synced == [str(each) for each in (path, *path.parents[:3])]


class Renaming(FileSystemStorage):
    """A storage that chooses names of its own."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name + ".kept"


def test_a_storage_that_gives_other_names_keeps_nothing(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    renaming = Renaming(here.folder)
    monkeypatch.setattr(waiting_bytes, "bytes_storage", lambda: renaming)
    with pytest.raises(OSError, match="another name"):
        write_bytes(tea())
    assert here.kept() == []


def test_a_disk_that_syncs_no_folder_keeps_the_bytes(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(number: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{number}"):
            raise OSError(errno.EINVAL, "no folders")

    monkeypatch.setattr(os, "fsync", sync)
    write_bytes(tea())
    assert here.kept() == [b"tea"]


def test_other_bytes_are_not_taken_for_them(here: Shop) -> None:
    token = write_bytes(tea())["token"]
    (here.folder / path_for(token)).write_bytes(b"sea")
    with pytest.raises(SourceError, match="are not on"):
        open_bytes(token, DIGEST)


def test_bytes_that_are_gone_are_named_with_the_machine(here: Shop) -> None:
    token = write_bytes(tea())["token"]
    free_bytes(token)
    with pytest.raises(SourceError, match=os.uname().nodename):
        open_bytes(token, DIGEST)


def test_a_file_that_cannot_be_read_leaves_no_bytes(here: Shop) -> None:
    def broken() -> Any:
        raise OSError("torn")

    with pytest.raises(SourceError, match="torn"):
        write_bytes(UploadItem("a.txt", broken))
    assert here.kept() == []
