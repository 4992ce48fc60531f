"""The API behind real servers: large bodies, and clients that go away."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.api.servers import TOKEN, Site, serving
from tests.conftest import ENV, slow
from tests.waiting import PATIENCE, wait_for
from wx_static_store.emulator import EmulatorServer

MIB = 1024 * 1024
LARGE = 500  # MiB
BLOCK = b"\0\0\0\x20ftypisom".ljust(MIB, b"\0")  # as a film begins

pytestmark = slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with EmulatorServer(envs=(ENV,), directory=tmp_path / "cloud") as cloud:
        yield Site(cloud, tmp_path / "site", {"UPLOAD_MAX_SIZE": 600 * MIB})


def put(site: Site, name: str, size: int) -> int:
    """Send a body of so many MiB, block by block; return the status of the answer."""
    length = {"Content-Length": str(size * MIB)}
    body = (BLOCK for _ in range(size))
    return site.send("PUT", f"/wx/uploads/default/uploads/{name}", body, length)[0]


def memory(site: Site) -> int:
    return int(site.send("GET", "/memory/")[1])


# --- an answer without a body ---------------------------------------------------------------------


@pytest.mark.parametrize("server", ["gunicorn threads", "uvicorn"])
def test_a_connection_is_used_again_after_a_304(site: Site, server: str) -> None:
    login = {"Authorization": f"Token {TOKEN}"}
    seen, sockets = [], set()
    with serving(site, server):
        connection = http.client.HTTPConnection(*site.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            for known in ({}, {"If-None-Match": "*"}, {}):
                connection.request("GET", "/wx/stores/", headers={**login, **known})
                sockets.add(connection.sock)  # another one, if the last answer ended it
                response = connection.getresponse()
                seen.append((response.status, bool(response.read())))
    assert len(sockets) == 1
    assert seen == [(200, True), (304, False), (200, True)]


# --- memory and disk ------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_large_body_needs_no_more_memory_than_a_small_one(site: Site, server: str) -> None:
    with serving(site, server):
        assert put(site, "small.mp4", 1) == 201
        before = memory(site)
        assert put(site, "large.mp4", LARGE) == 201
        assert memory(site) - before < 16 * MIB
    assert site.cloud.objects()["uploads/large.mp4"].size == LARGE * MIB


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_body_lies_on_the_disk_once(site: Site, server: str) -> None:
    """While the cloud is asked for the link, all of the body is here."""
    most = [0]
    site.cloud.script({"on": "staticuploadfile", "do": "delay", "seconds": 1})
    with serving(site, server):
        sender = Thread(target=put, args=(site, "large.mp4", 20))
        sender.start()
        while sender.is_alive():
            most.append(_held(site))
            sender.join(0.02)
    assert 20 * MIB <= max(most) < 21 * MIB


def _held(site: Site) -> int:
    """Bytes of the files that are open and unlinked in the folder for temporary files."""
    total = 0
    for process in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            for link in process.iterdir():
                with contextlib.suppress(OSError):
                    if str(link.readlink()).startswith(f"{site.folder}/tmp"):
                        total += link.stat().st_size
    return total


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_body_in_chunks_needs_a_content_length(site: Site, server: str) -> None:
    """Django would take it for empty."""
    path = "/wx/uploads/default/uploads/a.mp4"
    with serving(site, server):
        status, _headers = site.send("PUT", path, iter([b"x" * 10]), encode_chunked=True)
    assert status == 411
    assert site.cloud.objects() == {}


# --- clients that go away -------------------------------------------------------------------------


def begin(site: Site, name: str, size: int, more: str = "") -> socket.socket:
    """Send the head of a PUT."""
    connection = socket.create_connection(site.address, timeout=30)
    head = (
        f"PUT /wx/uploads/default/uploads/{name} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Token {TOKEN}\r\nContent-Length: {size}\r\n{more}\r\n"
    )
    connection.sendall(head.encode())
    return connection


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    """As a client that is killed: reading from it fails."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("leave", [close, reset])
@pytest.mark.parametrize("server", ["gunicorn", "gunicorn threads"])
def test_a_client_that_leaves_in_mid_body_leaves_a_failed_row(
    site: Site, server: str, leave: Callable[[socket.socket], None]
) -> None:
    with serving(site, server):
        connection = begin(site, "gone.mp4", 3 * MIB, "Expect: 100-continue\r\n")
        assert b"100 Continue" in connection.recv(100)  # the head was read
        connection.sendall(BLOCK)
        leave(connection)
        wait_for(site.rows)
        assert put(site, "next.mp4", 1) == 201  # the server goes on
    assert set(site.cloud.objects()) == {"uploads/next.mp4"}
    rows = [("uploads/gone.mp4", "failed"), ("uploads/next.mp4", "stored")]
    assert [row[:2] for row in site.rows()] == rows


def test_behind_asgi_a_client_that_leaves_in_mid_body_leaves_nothing(site: Site) -> None:
    """No view hears of it."""
    with serving(site, "uvicorn"):
        connection = begin(site, "gone.mp4", 3 * MIB)
        connection.sendall(BLOCK)
        connection.close()
        assert put(site, "next.mp4", 1) == 201
    assert set(site.cloud.objects()) == {"uploads/next.mp4"}
    assert [row[:2] for row in site.rows()] == [("uploads/next.mp4", "stored")]


def _form_head(site: Site, size: int) -> socket.socket:
    connection = socket.create_connection(site.address, timeout=30)
    head = (
        "POST /wx/uploads/ HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Token {TOKEN}\r\nContent-Length: {size}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="store"\r\n\r\ndefault\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="gone.mp4"\r\n\r\n'
    )
    connection.sendall(head.encode())
    return connection


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_client_that_leaves_in_mid_form_leaves_nothing(site: Site, server: str) -> None:
    with serving(site, server):
        connection = _form_head(site, 3 * MIB)
        connection.sendall(BLOCK)
        connection.close()
        assert put(site, "next.mp4", 1) == 201
    assert set(site.cloud.objects()) == {"uploads/next.mp4"}
    assert [row[0] for row in site.rows()] == ["uploads/next.mp4"]


@pytest.mark.parametrize("server", ["gunicorn threads", "uvicorn"])
@pytest.mark.parametrize("name", ["staticfilelist", "staticuploadfile", "put_object"])
def test_a_client_that_leaves_in_mid_upload_leaves_what_the_log_says(
    site: Site, server: str, name: str
) -> None:
    """The file is there and its row says so, or neither is."""
    site.cloud.script({"on": name, "do": "delay", "seconds": 1})
    with serving(site, server):
        connection = begin(site, "gone.mp4", MIB)
        connection.sendall(BLOCK)
        wait_for(lambda: site.cloud.state.script.as_list()[0]["times"] == 0)
        connection.close()
        wait_for(site.rows)
        assert put(site, "next.mp4", 1) == 201
    objects = {key: found.md5 for key, found in site.cloud.objects().items()}
    stored = {key: md5 for key, status, md5 in site.rows() if status == "stored"}
    assert stored == objects
    assert "uploads/next.mp4" in stored
