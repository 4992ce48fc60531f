"""Chosen files of the cloud as one archive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory

from wx_static_store.admin.base import download
from wx_static_store.admin.cloud.archive import FAILED, zip_files
from wx_static_store.core.types import RemoteFile
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.store import get_store

TEXT = f"_{FAILED}"


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return cloud


def listed(cloud: EmulatorServer, **files: bytes) -> tuple[RemoteFile, ...]:
    """Store files in the folder a/, and return what the list says of them."""
    for name, body in files.items():
        cloud.put_object(f"a/{name}", body)
    return get_store().page("a/", "").files


def content(blocks: Iterable[bytes]) -> dict[str, str]:
    with ZipFile(BytesIO(b"".join(blocks))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_an_archive_has_the_files_by_their_own_names(cloud: EmulatorServer) -> None:
    files = listed(cloud, tea=b"green", empty=b"")
    assert content(zip_files(get_store(), files)) == {"empty": "", "tea": "green"}


def test_an_archive_of_many_blocks_comes_in_parts(cloud: EmulatorServer) -> None:
    body = bytes(range(256)) * 4096
    blocks = [*zip_files(get_store(), listed(cloud, tea=body))]
    assert len(blocks) > 4
    with ZipFile(BytesIO(b"".join(blocks))) as archive:
        assert archive.read("tea") == body


def test_a_file_that_cannot_be_had_is_named(cloud: EmulatorServer) -> None:
    files = listed(cloud, tea=b"green", gone=b"1", other=b"2")
    cloud.delete_object("a/gone")
    cloud.put_object("a/other", b"3")
    found = content(zip_files(get_store(), files))
    assert found.keys() == {"tea", FAILED}
    assert "a/gone: The public site has no such file." in found[FAILED]
    assert "a/other: The public site serves other bytes than are stored" in found[FAILED]


def test_when_the_time_is_up_the_rest_is_named(cloud: EmulatorServer) -> None:
    found = content(zip_files(get_store(), listed(cloud, tea=b"green"), seconds=-1))
    assert "a/tea: The time was up" in found[FAILED]


def test_no_name_leads_out_of_the_folder(cloud: EmulatorServer) -> None:
    files = listed(cloud, **{"..\\up": b"tea"})
    assert content(zip_files(get_store(), files)) == {".._up": "tea"}


def test_the_text_takes_the_name_of_no_file(cloud: EmulatorServer) -> None:
    files = [*listed(cloud, **{FAILED: b"mine"}), RemoteFile("a/gone", 1, None, None)]
    found = content(zip_files(get_store(), files))
    assert (found[FAILED], "a/gone" in found[TEXT]) == ("mine", True)


def test_behind_asgi_blocks_come_one_by_one(cloud: EmulatorServer) -> None:
    files = listed(cloud, tea=b"green")
    request: HttpRequest = AsyncRequestFactory().post("/")  # type: ignore[assignment]
    blocks = zip_files(get_store(), files)
    answer: Any = download(request, blocks, "application/zip", "demo", "zip")

    async def read() -> list[bytes]:
        return [block async for block in answer.streaming_content]

    assert content(asyncio.run(read())) == {"tea": "green"}
