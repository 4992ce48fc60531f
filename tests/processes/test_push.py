"""
A save or a push that is killed loses nothing, and one that is frozen overwrites nothing.

SIGKILL comes at each step, SIGSTOP where the old bytes are about to go.
"""

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.processes.conftest import Project, copy_of, new_project
from tests.waiting import wait_for

pytestmark = slow

PUSH = ("-m", "django", "wx_push")
SETUP = """
import sys
import django
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
django.setup()
"""
SAVE = (
    SETUP
    + """
with transaction.atomic():
    storages["waiting"].save("big.txt", ContentFile(sys.argv[1].encode()))
"""
)
DELETE = SETUP + 'storages["waiting"].delete("big.txt")'
EXISTS = SETUP + 'print("exists", storages["waiting"].exists("big.txt"))'


def succeed(project: Project, *command: str) -> str:
    with project.process(*command) as process:
        code, output = process.finish()
    assert code == 0, output
    return str(output)


def save(project: Project, content: str) -> None:
    succeed(project, "-c", SAVE, content)


def kill(project: Project, point: str, *command: str) -> None:
    with project.process(*command, halt=point) as process:
        process.wait_until_halted()
        process.popen.send_signal(signal.SIGKILL)
        process.finish()


def end_lease(project: Project) -> None:
    """Let the time be over in which nobody else may send."""
    with contextlib.closing(sqlite3.connect(project.database)) as database, database:
        past = "2000-01-01 00:00:00"
        database.execute(
            "UPDATE wx_static_store_waitingfile SET leased_until = ?, next_at = ?", [past, past]
        )


def push(project: Project) -> None:
    end_lease(project)
    succeed(project, *PUSH)


def public(project: Project) -> bytes | None:
    found = project.cloud.objects().get("media/big.txt")
    return found.body if found else None


def waiting(project: Project) -> int:
    with contextlib.closing(sqlite3.connect(project.database)) as database:
        [count] = database.execute("SELECT count(*) FROM wx_static_store_waitingfile").fetchone()
        return int(count)


def kept(project: Project) -> list[bytes]:
    files = Path(project.shared, "kept").rglob("*")
    return sorted(path.read_bytes() for path in files if path.is_file())


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Let a file wait."""
    with new_project(tmp_path_factory.mktemp("saved")) as project:
        save(project, "old")
        yield project


@pytest.fixture
def saved(saved_once: Project, tmp_path: Path) -> Iterator[Project]:
    with copy_of(saved_once, tmp_path) as project:
        yield project


@pytest.mark.parametrize(
    ("point", "sent"),
    [
        ("bytes_kept", b"old"),
        ("row_inserted", b"old"),
        ("bytes_freed", b"new"),
    ],
)
def test_a_killed_save_waits_if_it_was_committed_and_else_never_was(
    saved: Project, point: str, sent: bytes
) -> None:
    kill(saved, point, "-c", SAVE, "new")
    push(saved)
    assert (public(saved), waiting(saved)) == (sent, 0)


@pytest.mark.parametrize("point", ["bytes_kept", "row_inserted"])
def test_what_a_killed_save_leaves_is_swept(project: Project, point: str) -> None:
    kill(project, point, "-c", SAVE, "new")
    assert kept(project) == [b"new"]
    for path in Path(project.shared, "kept").rglob("*"):
        os.utime(path, (0, 0))
    succeed(project, "-m", "django", "wx_prune", "--releases=9", "-y")
    assert kept(project) == []


PUSHED = [
    *("row_claimed", "bytes_opened", "before_link", "after_link", "reply_received"),
    *("row_recorded", "bytes_freed"),
]


@pytest.mark.parametrize("point", PUSHED)
def test_the_next_push_ends_what_a_killed_one_began(saved: Project, point: str) -> None:
    kill(saved, point, *PUSH)
    push(saved)
    assert (public(saved), waiting(saved)) == (b"old", 0)


@pytest.mark.parametrize("point", PUSHED)
def test_a_file_deleted_after_a_killed_push_is_not_public(saved: Project, point: str) -> None:
    kill(saved, point, *PUSH)
    succeed(saved, "-c", DELETE)
    push(saved)
    assert waiting(saved) == 0
    assert "exists False" in succeed(saved, "-c", EXISTS)
    assert public(saved) != b"old"


@pytest.mark.parametrize("point", PUSHED[1:4])
def test_a_push_that_was_frozen_for_longer_than_its_lease_sends_nothing(
    saved: Project, point: str
) -> None:
    with saved.process(*PUSH, halt=point, longest=1) as process:
        process.wait_until_halted()
        began = time.time()
        process.popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.popen.pid, os.WSTOPPED)  # else the PUT may have begun
        process.release()
        save(saved, "new")
        push(saved)
        assert public(saved) == b"new"
        wait_for(lambda: time.time() > began + 1.1, "the end of its lease")
        process.popen.send_signal(signal.SIGCONT)
        process.finish()
    assert public(saved) == b"new"
    assert waiting(saved) == 0
