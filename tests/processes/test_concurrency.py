"""Many at once: threads on one storage, writers of one key, two releases."""

import contextlib
import hashlib
import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from django.core.files.base import ContentFile

from tests.conftest import slow
from tests.processes.conftest import Project, gunicorn, new_project
from tests.waiting import wait_for
from wx_static_store.storage import WxStorage
from wx_static_store.upload.database import rest

pytestmark = slow

THREADS = 100
WRITERS = 16
SIZES = [0, 1, 1_000, 70_000, 300_000]


# --- one storage, 100 threads -----------------------------------------------------------------


class Sockets:
    """How many connections our side has open at once, at most."""

    def __init__(self) -> None:
        self.most, self._open, self._lock = 0, set[int](), threading.Lock()

    def opened(self, connection: object) -> None:
        with self._lock:
            self._open.add(id(connection))
            self.most = max(self.most, len(self._open))

    def closed(self, connection: object) -> None:
        with self._lock:
            self._open.discard(id(connection))


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    seen, kind = Sockets(), urllib3.connection.HTTPConnection
    connect, close = kind.connect, kind.close

    def connecting(self: Any) -> None:
        seen.opened(self)
        connect(self)

    def closing(self: Any) -> None:
        close(self)
        seen.closed(self)

    monkeypatch.setattr(kind, "connect", connecting)
    monkeypatch.setattr(kind, "close", closing)
    return seen


@pytest.fixture
def _without_log() -> Iterator[None]:
    """Leave the rows out: SQLite in memory cannot serve 100 threads."""
    rest(600)
    yield
    rest(0)


def body_of(number: int) -> bytes:
    size = SIZES[number % len(SIZES)]
    return (b"%d." % number * size)[:size]


@pytest.mark.usefixtures("_without_log")
def test_one_storage_serves_100_threads(configure: Any, sockets: Sockets) -> None:
    cloud, storage = configure(), WxStorage(file_overwrite=True)
    cloud.quirks.latency_put = 0.3
    bodies = {f"{number}.bin": body_of(number) for number in range(2 * THREADS)}
    start = threading.Barrier(THREADS)

    def save(thread: int) -> None:
        start.wait(30)
        for number in range(thread, 2 * THREADS, THREADS):
            storage.save(f"{number}.bin", ContentFile(bodies[f"{number}.bin"]))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(save, range(THREADS)))
    assert {key: found.body for key, found in cloud.objects().items()} == bodies
    assert len(cloud.journal) == 2 * len(bodies)  # no call was made twice
    assert 20 < cloud.busiest <= THREADS  # they really came at once
    assert sockets.most <= 2 * THREADS


# --- one key, 16 writers ----------------------------------------------------------------------


def test_of_16_writers_of_a_key_one_wins_in_full_and_all_have_a_row(project: Project) -> None:
    bodies = [bytes([65 + number]) * (50_000 + 7_000 * number) for number in range(WRITERS)]
    start = threading.Barrier(WRITERS)
    project.cloud.quirks.latency_put = 0.5

    def write(body: bytes) -> int:
        with contextlib.closing(http.client.HTTPConnection(address, timeout=60)) as connection:
            start.wait(30)
            connection.request("POST", "/replace/same.bin", body)
            return connection.getresponse().status

    with (
        gunicorn(project, "--workers=2", f"--threads={WRITERS}") as address,
        ThreadPoolExecutor(WRITERS) as pool,
    ):
        statuses = list(pool.map(write, bodies))
    assert statuses == [200] * WRITERS
    assert project.cloud.objects()["same.bin"].body in bodies
    rows = [(key, status) for _id, key, status, _md5 in project.rows() if key == "same.bin"]
    assert rows == [("same.bin", "stored")] * WRITERS
    assert project.cloud.busiest > WRITERS // 2


# --- two releases at once ---------------------------------------------------------------------


def two_releases(project: Project) -> list[Project]:
    """Return two checkouts of one project: they share database, cache and environment."""
    common = {"same.txt": b"same", "site.css": b"body { background: url('logo.svg') }"}
    folders = [project.folder / name for name in ("a", "b")]
    releases = [Project(project.cloud, folder, project.shared) for folder in folders]
    for release, letter in zip(releases, (b"a", b"b"), strict=True):
        scripts = {f"js/{n}.js": b"export const %b = %d" % (letter, n) for n in range(12)}
        release.write(common | scripts | {"logo.svg": b"<svg id='%b'/>" % letter})
    return releases


@pytest.fixture(scope="module")
def both_collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Project]]:
    """Start the second when the first has stored its files, before its manifest."""
    collect = ("-m", "django", "collectstatic", "--noinput")
    with new_project(tmp_path_factory.mktemp("releases")) as project:
        one, other = two_releases(project)
        with one.process(*collect, halt="rows_written") as first:
            first.wait_until_halted()
            with other.process(*collect) as second:
                wait_for(lambda: "Waiting for another deploy" in second.output.read_text())
                assert not [body for body in one.stored().values() if b"export const b" in body]
                first.release()
                for run in (first, second):
                    code, output = run.finish()
                    assert code == 0, output
        yield [one, other]


def test_two_collectstatic_at_once_both_succeed_and_promise_what_is_there(
    both_collected: list[Project],
) -> None:
    assert [release.dead_names() for release in both_collected] == [set(), set()]
    first, second = (set(release.manifest().values()) for release in both_collected)
    assert first & second  # of the files that they share
    assert first - second
    assert second - first


def test_a_plain_name_that_two_runs_write_is_the_second_s_and_the_log_knows(
    both_collected: list[Project],
) -> None:
    """Else the next plan would take the wrong one for unchanged."""
    one, other = both_collected
    stored, collected = one.stored(), other.collected()
    rows = {key.removeprefix("static/"): md5 for _id, key, _status, md5 in one.rows()}
    for name in one.manifest():
        assert stored[name] == collected[name]
        assert rows[name] == hashlib.md5(stored[name]).hexdigest()
