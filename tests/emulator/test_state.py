"""What is remembered: in memory, in a directory, and for how long."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput, Quirks

from .conftest import ENV, Client


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorServer]:
    """Start an emulator that keeps its objects on disk."""
    with EmulatorServer(envs=[ENV], directory=tmp_path) as server:
        yield server


KEYS = ["a.css", "../../up", "dir/", "x" * 850, "字" * 200, "CON", ".hidden"]


def test_objects_survive_a_restart(client: Client, tmp_path: Path) -> None:
    """Bytes, headers, sums and times are there again, whatever the key looks like."""
    for key in KEYS:
        client.server.put_object(key, key.encode(), headers={"Content-Type": "text/css"})
    client.put("b", b"123456789", Cache_Control="no-cache")
    before = client.server.objects()
    client.server.stop()
    with EmulatorServer(envs=[ENV], directory=tmp_path) as again:
        assert again.objects() == before
        assert again.objects()["../../up"].body == b"../../up"
        assert again.objects()["b"].headers == {"Cache-Control": "no-cache"}


def test_keys_never_are_paths(client: Client, tmp_path: Path) -> None:
    """Nothing is written but files with safe names in the environment's folder."""
    for key in KEYS:
        client.server.put_object(key, b"x")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in written} == {tmp_path / ENV}
    assert all(path.suffix in (".json", ".body") for path in written)


def test_overwritten_and_deleted_bytes_leave_the_disk(client: Client, tmp_path: Path) -> None:
    """No body stays that no key needs."""
    client.put("a", b"old")
    client.put("a", b"new")
    assert client.get("/a").content == b"new"
    assert len(list(tmp_path.rglob("*.body"))) == 1
    client.server.delete_object("a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_refused_bodies_leave_the_disk(client: Client, tmp_path: Path) -> None:
    """What was received but not stored is removed."""
    assert client.put("a", b"x", Content_MD5="1B2M2Y8AsgTpgAmY7PhCfg==").status_code == 400
    assert list(tmp_path.rglob("*.body")) == []


def test_stale_copies_of_files_are_served(client: Client) -> None:
    """An overwritten file stays while the CDN shows it."""
    client.server.quirks.site_stale_seconds = 600
    client.put("a", b"old")
    client.put("a", b"new")
    client.put("a", b"newest")
    assert client.get("/a").content == b"old"
    client.server.advance(600)
    assert client.get("/a").content == b"newest"


def test_bodies_of_an_upload_cut_off_are_swept(tmp_path: Path) -> None:
    """Leftovers of a crash are removed at the next start."""
    (tmp_path / ENV).mkdir()
    (tmp_path / ENV / "left.body").write_bytes(b"x")
    with EmulatorServer(envs=[ENV], directory=tmp_path) as server:
        assert server.objects() == {}
    assert list(tmp_path.rglob("*.body")) == []


def test_reset_empties_the_directory(client: Client, tmp_path: Path) -> None:
    """The disk, too, is as at the start."""
    client.put("a")
    client.server.reset()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def listed(client: Client) -> dict[str, str]:
    """Keys and sizes of staticfilelist."""
    contents = client.call("staticfilelist").json()["contents"]
    return {item["key"]: item["size"] for item in contents}


def test_lists_that_lag_need_no_old_bodies(client: Client, tmp_path: Path) -> None:
    """An overwritten version is listed although its bytes have left the disk."""
    client.put("a", b"old one")
    client.server.quirks.list_lag_seconds = 600
    client.put("a", b"new")
    assert listed(client) == {"a": "7"}
    assert len(list(tmp_path.rglob("*.body"))) == 1


def test_lists_do_not_lag_behind_a_restart(client: Client, tmp_path: Path) -> None:
    """What was written before it is listed as it is; replaced versions are not kept on disk."""
    client.server.quirks.list_lag_seconds = 600
    client.put("a", b"old one")
    client.put("a", b"new")
    client.server.stop()
    with EmulatorServer(envs=[ENV], directory=tmp_path, list_lag_seconds=600) as again:
        other = Client(again)
        assert listed(other) == {"a": "3"}
        other.session.close()


def test_reset_empties_lists_that_lag(client: Client) -> None:
    """Written, overwritten or deleted before: nothing is listed, although the clock went back."""
    client.put("deleted")
    client.put("kept")
    client.server.advance(3600)
    client.server.quirks.list_lag_seconds = 600
    client.server.delete_object("deleted")
    client.put("kept")
    client.server.reset()
    client.server.quirks.list_lag_seconds = 600
    assert listed(client) == {}


def test_start_again_after_a_stop(client: Client) -> None:
    """The same emulator may be stopped and started."""
    client.put("a")
    client.server.stop()
    client.server.start()
    assert client.get("/a").status_code == 200


def test_addresses_need_a_running_server() -> None:
    """Asking a stopped emulator for its address is an error that says what to do."""
    server = EmulatorServer()
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        _ = server.api_url
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        server.site_url()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", ""])
def test_only_loopback(host: str) -> None:
    """Secrets that are public must not be reachable from outside."""
    with pytest.raises(BadInput, match="loopback only"):
        EmulatorServer(host=host)


def test_localhost_is_loopback() -> None:
    """By its name."""
    with EmulatorServer(host="localhost") as server:
        assert server.api_url.startswith("http://127.0.0.1:")


def test_unknown_quirk_names_the_nearest() -> None:
    """In the constructor as anywhere."""
    with pytest.raises(BadInput, match="did you mean 'page_size'"):
        EmulatorServer(pagesize=2)


def test_quirks_refuse_a_wrong_assignment() -> None:
    """A typo in a test is found where it is made."""
    quirks = Quirks()
    with pytest.raises(BadInput, match="unknown quirk"):
        quirks.page_sise = 1
    with pytest.raises(BadInput, match="takes a whole number"):
        quirks.update({"page_size": "2"})


def test_constructor_quirks_are_the_start(tmp_path: Path) -> None:
    """A reset goes back to them."""
    server = EmulatorServer(page_size=2)
    server.quirks.page_size = 3
    server.reset()
    assert server.quirks.page_size == 2


def test_unknown_environment_names_the_nearest(client: Client) -> None:
    """Looking into an environment that is not there."""
    with pytest.raises(BadInput, match=f"did you mean '{ENV}'"):
        client.server.objects(ENV[:-1])


def test_environment_ids_are_checked() -> None:
    """An id becomes a folder's name and a part of host names."""
    with pytest.raises(BadInput, match="no environment id"):
        EmulatorServer(envs=["../x"])


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    for _ in range(100):
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            sockets[0].bind(("127.0.0.1", 0))
            first: int = sockets[0].getsockname()[1]
            with suppress(OSError, OverflowError):
                for step, other in enumerate(sockets[1:], 1):
                    other.bind(("127.0.0.1", first + step))
                return first
    pytest.skip("no free ports in a row")


def test_environments_follow_the_api_s_port() -> None:
    """With a fixed port, environments are at the next ones, in order."""
    port = free_ports(4)
    with EmulatorServer(port=port, envs=["one", "two"]) as server:
        server.add_env("three")
        urls = [server.api_url, *(server.site_url(env) for env in ("one", "two", "three"))]
    assert urls == [f"http://127.0.0.1:{port + step}" for step in range(4)]


def test_a_busy_port_is_an_error_and_leaves_nothing_open() -> None:
    """The first port is free, the second is not: both are given back."""
    port = free_ports(2)
    with socket.create_server(("127.0.0.1", port + 1)):
        server = EmulatorServer(port=port)
        with pytest.raises(OSError, match="in use"):
            server.start()
    with server:
        assert server.api_url == f"http://127.0.0.1:{port}"


def test_ipv6_loopback() -> None:
    """Addresses are in brackets, links too."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with EmulatorServer(host="::1", envs=[ENV]) as server:
        client = Client(server)
        assert server.api_url.startswith("http://[::1]:")
        assert client.put("a", b"x").status_code == 200
        assert client.get("/a").content == b"x"
        client.session.close()


def test_large_files_are_served_from_disk(client: Client) -> None:
    """GET and HEAD of an object of several blocks."""
    body = bytes(range(256)) * 1024
    client.put("a", body)
    assert client.get("/a").content == body
    answer = client.session.head(client.server.site_url() + "/a")
    assert (answer.headers["Content-Length"], answer.content) == (str(len(body)), b"")
    client.server.script({"on": "get_object", "do": "drip", "seconds": 0, "limit": 1})
    assert client.get("/a").content == body


def test_log() -> None:
    """One line for each request, with the verdict and the fault."""
    log = io.StringIO()
    with EmulatorServer(envs=[ENV], log=log) as server:
        client = Client(server)
        server.script({"on": "put_object", "do": "drop_reply"})
        with pytest.raises(requests.ConnectionError):
            client.put("a")
        client.session.close()
    assert log.getvalue() == (
        f"POST /componenttcb/staticuploadfile {ENV} 200 errcode 0\n"
        f"PUT /a {ENV} no answer [drop_reply]\n"
    )


def test_twenty_clients_at_once(client: Client) -> None:
    """Nothing is lost or mixed up."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: client.put(f"{n}", f"{n}".encode()), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert {key: entry.body.decode() for key, entry in client.server.objects().items()} == {
        f"{n}": f"{n}" for n in range(200)
    }
    assert [entry.number for entry in client.server.journal] == list(range(1, 401))
