"""``wx_deploy`` in processes of its own: interrupted, killed, and two at once."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.cache.backends.filebased import FileBasedCache

from tests.conftest import slow
from tests.processes.conftest import Process, Project
from tests.waiting import loaded, wait_for
from wx_static_store.core.interrupts import LONGEST

pytestmark = slow

FILES = {f"f-{number:03}.txt": b"%d" % number for number in range(119)} | {"big.txt": b"big"}
STUCK = "f-110.txt"


@pytest.fixture
def dist(project: Project, tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name, body in FILES.items():
        (folder / name).write_bytes(body)
    project.options["MAX_WORKERS"] = 4
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    folder = tmp_path / "newer"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(b"newer")
    return folder


def command(dist: Path, *more: str) -> tuple[str, ...]:
    return ("-m", "django", "wx_deploy", str(dist), "--using", "site", "--yes", *more)


def stuck(project: Project, process: Process) -> Process:
    """Wait until the emulator leaves one file without an answer; all else that can be is stored."""
    wait_for(lambda: any(call.key == STUCK for call in project.cloud.calls("put_object")))
    return process


def hang(project: Project) -> None:
    project.cloud.script({"on": "put_object", "key": STUCK, "do": "hang", "seconds": 300})


def bodies(project: Project) -> dict[str, bytes]:
    return {key: found.body for key, found in project.cloud.objects().items()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_deploy_within_five_seconds_with_130_and_the_counts(
    project: Project, dist: Path, number: int
) -> None:
    hang(project)
    with project.process(*command(dist)) as process:
        stuck(project, process).popen.send_signal(number)
        started = time.monotonic()
        code, output = process.finish()
        assert time.monotonic() - started < loaded(5)
    assert code == 130
    assert "interrupted" in output
    assert "unknown 1" in output
    assert "Traceback" not in output
    assert project.deployments() == ["failed"]


def test_a_database_that_hangs_keeps_an_interrupted_deploy_for_ten_seconds_at_most(
    project: Project, dist: Path
) -> None:
    with project.process(*command(dist), halt="in_insert") as process:
        process.wait_until_halted()
        process.popen.send_signal(signal.SIGINT)
        started = time.monotonic()
        code, output = process.finish()
        assert time.monotonic() - started < loaded(LONGEST + 3)
    assert code == 130
    assert "did not end within 10 s after it was interrupted" in output


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Let nobody else write to the database."""
    with closing(sqlite3.connect(project.database, isolation_level=None)) as other:
        wait_for(lambda: other.execute("BEGIN IMMEDIATE"), "the lock")
        yield
        other.execute("ROLLBACK")


def test_a_locked_database_costs_a_deploy_a_few_time_outs_and_no_row(
    project: Project, dist: Path
) -> None:
    project.cloud.quirks.latency_put = 0.1
    with project.process(*command(dist), timeout=1) as process:
        wait_for(lambda: len(project.cloud.calls("put_object")) > 4, "the first files")
        with locked(project):
            wait_for(lambda: len(project.cloud.objects()) == len(FILES), "all files", 120)
        code, output = process.finish()
    assert code == 0, output
    assert 1 <= output.count("The upload log cannot be used") <= 3
    assert {key for _id, key, _status, _md5 in project.rows()} == set(FILES)
    assert project.deployments() == ["done"]


@pytest.mark.parametrize(
    ("timeout", "ends"),
    [(5, "interrupted"), (60, "did not end within 10 s")],
)
def test_a_locked_database_keeps_an_interrupted_deploy_for_ten_seconds_at_most(
    project: Project, dist: Path, timeout: int, ends: str
) -> None:
    """A signal reaches Python only after SQLite has waited for the lock."""
    hang(project)
    with project.process(*command(dist), timeout=timeout) as process, ExitStack() as stack:
        wait_for(lambda: len(project.cloud.calls("put_object")) > 4, "the first files")
        stack.enter_context(locked(project))
        wait_for(lambda: len(project.cloud.calls("put_object")) > 8, "more files")
        process.popen.send_signal(signal.SIGINT)
        started = time.monotonic()
        code, output = process.finish()
        assert time.monotonic() - started < loaded(LONGEST + 1)
    assert (code, ends in output) == (130, True), output


def test_the_run_after_a_kill_sends_only_what_is_not_there_and_makes_the_log_whole_again(
    project: Project, dist: Path
) -> None:
    """It needs no --wait: the lock of a process that is gone is taken over."""
    hang(project)
    with project.process(*command(dist)) as process:
        stuck(project, process).popen.kill()
        process.finish()
    there = bodies(project).keys()
    assert len(there) >= 100
    project.cloud.journal.clear()
    code, output = project.run(*command(dist)[2:], last_put=0.2)
    sent = {call.key for call in project.cloud.calls("put_object")}
    assert (code, f"unchanged {len(FILES) - len(sent)}," in output) == (0, True), output
    assert sent.isdisjoint(there)
    assert bodies(project) == FILES
    rows = {key: md5 for _id, key, _status, md5 in project.rows()}
    assert rows == {name: hashlib.md5(body).hexdigest() for name, body in FILES.items()}


# Reads one line of a deploy's output, as `head -1` does, then tells how the deploy ended.
READER = """
import subprocess, sys
deploy = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
deploy.stdout.readline()
deploy.stdout.close()
sys.exit(deploy.wait())
"""


def test_a_reader_who_goes_away_ends_a_deploy_without_a_traceback(
    project: Project, dist: Path
) -> None:
    for number in range(5000):  # more than a pipe holds
        (dist / f"long-name-of-a-file-{number:04}.txt").write_bytes(b"")
    with project.process("-c", READER, *command(dist, "--dry-run")) as process:
        code, output = process.finish()
    assert (code, "Traceback" in output, "BrokenPipe" in output) == (1, False, False)


def test_of_two_deploys_at_once_one_waits_and_no_file_is_lost(
    project: Project, dist: Path, newer: Path
) -> None:
    with project.process(*command(dist), halt="before_link") as first:
        first.wait_until_halted()
        code, output = project.run(*command(newer)[2:])
        assert (code, "--wait" in output) == (2, True), output
        with project.process(*command(newer, "--wait")) as second:
            wait_for(lambda: "Waiting for another deploy" in second.output.read_text())
            first.release()
            ends: list[Any] = [first.finish(), second.finish()]
    assert [code for code, _output in ends] == [0, 0], ends
    assert bodies(project) == dict.fromkeys(FILES, b"newer")
    newest = {key: md5 for _id, key, _status, md5 in project.rows()}
    assert newest == dict.fromkeys(FILES, hashlib.md5(b"newer").hexdigest())


# --- a lock that is lost ------------------------------------------------------------------------


def test_a_deploy_that_slept_until_another_took_its_lock_fails(
    project: Project, dist: Path, newer: Path
) -> None:
    """A laptop, say. The other one waits until the lease has run out."""
    with project.process(*command(dist), halt="in_insert", lease=2) as sleeper:
        sleeper.wait_until_halted()
        sleeper.popen.send_signal(signal.SIGSTOP)
        assert project.run(*command(newer, "--wait")[2:], lease=2)[0] == 0
        sleeper.popen.send_signal(signal.SIGCONT)
        sleeper.release()
        code, output = sleeper.finish()
    assert (code, "took over" in output) == (1, True), output
    assert project.deployments() == ["failed", "done"]
    assert project.run(*command(dist)[2:])[0] == 0
    assert bodies(project) == FILES


def test_a_deploy_whose_lock_was_cleared_and_taken_meanwhile_fails(
    project: Project, dist: Path, newer: Path
) -> None:
    """By `cache.clear()` in a release script; the other one has come and gone."""
    with project.process(*command(dist), halt="in_insert") as first:
        first.wait_until_halted()
        FileBasedCache(str(project.shared / "cache"), {}).clear()
        assert project.run(*command(newer)[2:])[0] == 0
        first.release()
        code, output = first.finish()
    assert (code, "the cache was cleared" in output) == (1, True), output
    assert project.deployments() == ["failed", "done"]
    assert project.run(*command(dist)[2:])[0] == 0
    assert bodies(project) == FILES
