"""Objects in a folder: they survive a restart, and their bytes leave the disk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.quirks import BadInput

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


def test_keys_do_not_become_paths_on_disk(client: Client, tmp_path: Path) -> None:
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


def test_a_start_removes_the_bodies_of_broken_uploads(tmp_path: Path) -> None:
    """Leftovers of a crash are removed at the next start."""
    (tmp_path / ENV).mkdir()
    (tmp_path / ENV / "left.body").write_bytes(b"x")
    with EmulatorServer(envs=[ENV], directory=tmp_path) as server:
        assert server.objects() == {}
    assert list(tmp_path.rglob("*.body")) == []


@pytest.mark.parametrize("damage", ["{", "[]", '{"file": "none.body"}'])
def test_a_damaged_object_is_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / ENV).mkdir()
    (record := tmp_path / ENV / "a.json").write_text(damage)
    with pytest.raises(BadInput, match=f"{record} is damaged; delete it, then publish its file"):
        EmulatorServer(envs=[ENV], directory=tmp_path)


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


def test_lists_show_the_last_versions_after_a_restart(client: Client, tmp_path: Path) -> None:
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


def test_the_emulator_can_be_started_again_after_a_stop(client: Client) -> None:
    """The same emulator may be stopped and started."""
    client.put("a")
    client.server.stop()
    client.server.start()
    assert client.get("/a").status_code == 200


def test_large_files_are_served_from_disk(client: Client) -> None:
    """GET and HEAD of an object of several blocks."""
    body = bytes(range(256)) * 1024
    client.put("a", body)
    assert client.get("/a").content == body
    answer = client.session.head(client.server.site_url() + "/a")
    assert (answer.headers["Content-Length"], answer.content) == (str(len(body)), b"")
    client.server.script({"on": "get_object", "do": "drip", "seconds": 0, "limit": 1})
    assert client.get("/a").content == body


def test_uploads_of_twenty_clients_at_once_are_all_stored(client: Client) -> None:
    """Nothing is lost or mixed up."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: client.put(f"{n}", f"{n}".encode()), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert {key: entry.body.decode() for key, entry in client.server.objects().items()} == {
        f"{n}": f"{n}" for n in range(200)
    }
    assert [entry.number for entry in client.server.journal] == list(range(1, 401))
