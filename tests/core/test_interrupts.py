"""Ctrl-C and SIGTERM interrupt a command while it waits, not while it writes its records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests import deploys
from tests.conftest import ENV, slow_but
from tests.deploys import bodies, configure_storages, run, sent, write
from tests.waiting import wait_for
from wx_static_store.core.interrupts import LONGEST, handled, held, interruptible
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, UploadLog
from wx_static_store.upload.uploader import Queue
from wx_static_store.upload.workers import WorkerPool

Press = Callable[[], None]
STEP = 1 if "WX_SLOW" in os.environ else 4  # of the statements at which a run is interrupted


@pytest.fixture
def ctrl_c() -> Iterator[Press]:
    with deploys.ctrl_c() as press:
        yield press


# --- when it interrupts -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_is_interrupted_by_ctrl_c_and_sigterm_alike(ctrl_c: Press, number: int) -> None:
    with pytest.raises(KeyboardInterrupt), handled():
        signal.raise_signal(number)


@pytest.mark.usefixtures("ctrl_c")
def test_after_a_command_the_handlers_are_as_before() -> None:
    def handlers() -> list[Any]:
        return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    before = handlers()
    with handled():
        assert handlers() != before
    with suppress(KeyboardInterrupt), held():
        signal.raise_signal(signal.SIGTERM)
    assert handlers() == before


def test_a_project_keeps_handlers_of_its_own(ctrl_c: Press) -> None:
    received: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    with handled(), held():
        ctrl_c()
    assert received == [signal.SIGINT]


@pytest.mark.usefixtures("ctrl_c")
def test_sigterm_interrupts_where_a_shell_ignores_ctrl_c_in_the_background() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt), handled():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_sigterm_interrupts_where_ctrl_c_is_ignored(ctrl_c: Press) -> None:
    """As in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt), handled():
        signal.raise_signal(signal.SIGTERM)


def test_a_run_that_is_held_goes_on_to_its_end_and_is_interrupted_then(ctrl_c: Press) -> None:
    steps: list[int] = []

    def work() -> None:
        with held():
            ctrl_c()
            steps.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == [1]


def test_a_run_that_is_held_is_interrupted_while_it_waits(ctrl_c: Press) -> None:
    waiting = threading.Event()
    threading.Thread(target=lambda: waiting.wait(5) and ctrl_c()).start()

    def work() -> None:
        with held(), interruptible():
            waiting.set()
            for _ in range(500):  # one long sleep may begin just when the signal has come
                time.sleep(0.01)
            pytest.fail("the signal interrupts nothing")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_a_run_that_was_interrupted_before_it_waits_does_not_begin_to(ctrl_c: Press) -> None:
    def work() -> None:
        with held():
            ctrl_c()
            with interruptible():
                pytest.fail("it waits")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_a_second_interruption_leaves_what_ends_the_run_alone(ctrl_c: Press) -> None:
    steps: list[int] = []

    def work() -> None:
        with held():
            try:
                with interruptible():
                    ctrl_c()
            finally:
                ctrl_c()
                steps.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == [1]


def test_a_run_in_a_run_is_held_to_the_end_of_the_outer_one(ctrl_c: Press) -> None:
    steps: list[int] = []

    def work() -> None:
        with held():
            with held():
                ctrl_c()
            steps.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == [1]


@pytest.mark.usefixtures("ctrl_c")
def test_in_another_thread_nothing_is_held_and_nothing_raised() -> None:
    """Python lets only the main thread handle signals."""
    ended: list[int] = []

    def work() -> None:
        with handled(), held(), interruptible():
            ended.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert ended == [1]


# --- what hangs -------------------------------------------------------------------------------

HANGS = """
import signal, threading, time
from django.conf import settings
settings.configure()
signal.signal(signal.SIGINT, signal.default_int_handler)
from wx_static_store.core import interrupts
interrupts.LONGEST = 0.5
with interrupts.handled(), interrupts.held():
    signal.raise_signal(signal.SIGINT)
    time.sleep({seconds})
"""


@pytest.mark.parametrize(("seconds", "code"), [(60, 130), (0, -signal.SIGINT)])
def test_whatever_hangs_ends_with_the_process_a_few_seconds_after_an_interruption(
    seconds: int, code: int
) -> None:
    """And what ends in time ends by itself."""
    ended = subprocess.run(
        [sys.executable, "-c", HANGS.format(seconds=seconds)], capture_output=True, timeout=30
    )
    assert ended.returncode == code
    assert (b"it is ended now" in ended.stderr) is (seconds > 0)
    assert LONGEST == 10


LOCKED = """
import os, sqlite3
first, second = (sqlite3.connect({path!r}, timeout=60) for _ in range(2))
first.execute("BEGIN IMMEDIATE")
for seconds in (0.2, 0.4):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
with interrupts.handled(), interrupts.held():
    second.execute("BEGIN IMMEDIATE")
"""


def test_what_hangs_where_python_calls_no_handler_ends_with_the_process_too(tmp_path: Path) -> None:
    """SQLite waits for its lock, and the user presses Ctrl-C twice."""
    code = HANGS.partition("with ")[0] + LOCKED.format(path=str(tmp_path / "db"))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert (ended.returncode, b"it is ended now" in ended.stderr) == (130, True), ended.stderr


# --- wx_deploy --------------------------------------------------------------------------------

OLD = {"app.css": b"A{}", "index.html": b"old", "logo.svg": b"<svg/>"}
NEW = OLD | {"app.css": b"B{}", "index.html": b"new", "more.js": b"more()"}


@pytest.fixture
def cloud(configure: Any, db: None) -> EmulatorServer:
    cloud: EmulatorServer = configure(
        STORAGES=configure_storages(), WX_STATIC_STORE={"MAX_WORKERS": 2}
    )
    return cloud


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write(tmp_path / "old", OLD)
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    write(tmp_path / "new", NEW)
    return tmp_path / "new"


@contextmanager
def ended() -> Iterator[list[int]]:
    """Collect the exit code of a command that ended with one."""
    codes: list[int] = []
    try:
        yield codes
    except SystemExit as error:
        codes.append(int(error.code or 0))


def interrupted(*args: object, **options: Any) -> None:
    with ended() as code:
        run(*args, **options)
    assert code == [130]


def reported(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["environments"])


@pytest.fixture
def when_stored(monkeypatch: pytest.MonkeyPatch, ctrl_c: Press) -> Callable[[str], None]:
    """`when_stored(key)`: Ctrl-C when that file has come back."""
    on_result = Queue.on_result

    def at(key: str) -> None:
        def pressed(self: Queue, result: Any) -> None:
            on_result(self, result)
            if result.key == key:
                ctrl_c()

        monkeypatch.setattr(Queue, "on_result", pressed)

    return at


def test_an_interrupted_deploy_exits_with_130_and_the_next_one_sends_the_rest(
    configure: Any, cloud: EmulatorServer, new: Path, when_stored: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    configure(STORAGES=configure_storages(), WX_STATIC_STORE={"MAX_WORKERS": 1})
    when_stored("app.css")
    interrupted(new, json=str(tmp_path / "report.json"))
    (report,) = reported(tmp_path / "report.json")
    assert report["outcome"] == "interrupted"
    assert (report["counts"]["stored"], report["counts"]["not_attempted"]) == (1, 3)
    monkeypatch.undo()
    cloud.journal.clear()
    run(new)
    assert sent(cloud) == ["logo.svg", "more.js", "index.html"]
    assert bodies(cloud) == NEW


def test_an_interrupted_deploy_leaves_out_the_other_environments_and_says_so(
    cloud: EmulatorServer, new: Path, when_stored: Callable[[str], None], tmp_path: Path
) -> None:
    when_stored("app.css")
    cloud.add_env("tenant-c")
    interrupted(new, env=[ENV, "tenant-b", "tenant-c"], json=str(tmp_path / "report.json"))
    outcomes = [each["outcome"] for each in reported(tmp_path / "report.json")]
    assert outcomes == ["interrupted", "skipped", "skipped"]


def test_an_interrupted_blanking_reports_what_it_did(
    cloud: EmulatorServer, new: Path, when_stored: Callable[[str], None], tmp_path: Path
) -> None:
    for number in range(60):
        cloud.put_object(f"old/{number:02}.js", b"old")
    when_stored("old/30.js")
    interrupted(new, blank_stale=True, using="site", json=str(tmp_path / "report.json"))
    (report,) = reported(tmp_path / "report.json")
    gone = [key for key, body in bodies(cloud).items() if body == DELETED]
    assert report["outcome"] == "interrupted"
    assert report["blanked"] == len(gone) < 60
    assert UploadLog.objects.filter(key__in=gone, status="stored").count() == len(gone)


# --- between and inside the steps of the books ------------------------------------------------


class Interrupting:
    """Presses Ctrl-C before or after one of the statements that the database gets."""

    def __init__(self, press: Press, *, before: bool, statement: int) -> None:
        self.press, self.before, self.left, self.pressed = press, before, statement, False

    def __call__(self, execute: Any, *args: Any) -> Any:
        here, self.left = self.left == 0, self.left - 1
        self.pressed |= here
        if here and self.before:
            self.press()
        done = execute(*args)
        if here and not self.before:
            self.press()
        return done


@pytest.mark.parametrize("before", slow_but([True, False], True), ids=["before", "after"])
def test_an_interruption_at_any_statement_loses_no_row_and_leaves_no_deployment_running(
    cloud: EmulatorServer, old: Path, new: Path, ctrl_c: Press, before: bool
) -> None:
    """Then the older tree comes back, by the log alone: a lost row would be wrong bytes."""
    for statement in count(step=STEP):
        run(old)
        interrupting = Interrupting(ctrl_c, before=before, statement=statement)
        with connection.execute_wrapper(interrupting), ended() as code:
            run(new)
        if not interrupting.pressed:
            break
        assert code == [130]
        newest = UploadLog.objects.newest(ENV, cloud.objects())
        md5s = {key: found.md5 for key, found in cloud.objects().items()}
        assert {key: row.md5 for key, row in newest.items()} == md5s
        assert not Deployment.objects.filter(outcome="running").exists()
        run(old, trust_log=True)
        assert bodies(cloud) | OLD == bodies(cloud)
    assert statement > 10


@pytest.mark.usefixtures("no_last_put")
@pytest.mark.parametrize("trust_log", slow_but([False, True], False), ids=["list", "log"])
def test_an_interruption_at_any_statement_leaves_a_killed_run_to_the_next_one(
    cloud: EmulatorServer, old: Path, ctrl_c: Press, trust_log: bool
) -> None:
    """It stored a file, and neither wrote its row nor ended its deployment."""
    run(old)
    for statement in count(step=STEP):
        Deployment.objects.create(env=ENV, source="wx_deploy")
        cloud.put_object("app.css", NEW["app.css"])
        interrupting = Interrupting(ctrl_c, before=False, statement=statement)
        with connection.execute_wrapper(interrupting), ended() as code:
            run(old, trust_log=trust_log)
        if not interrupting.pressed:
            break
        assert code == [130]
        run(old, trust_log=trust_log)
        assert bodies(cloud) == OLD
        assert not Deployment.objects.filter(outcome="running").exists()
    assert statement > 10


def test_a_second_interruption_leaves_a_row_of_what_was_under_way(
    cloud: EmulatorServer,
    old: Path,
    new: Path,
    ctrl_c: Press,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever cannot wait presses again while the first one waits for the answer of COS."""
    run(old)
    cloud.script({"on": "put_object", "key": "app.css", "do": "hang", "apply": True, "seconds": 30})
    waiting, patience = threading.Event(), WorkerPool.patience

    def impatient(self: WorkerPool) -> float:
        waiting.set()
        return patience(self)

    def twice() -> None:
        wait_for(lambda: bodies(cloud)["app.css"] == NEW["app.css"], "app.css")
        ctrl_c()
        if waiting.wait(5):
            ctrl_c()

    monkeypatch.setattr(WorkerPool, "patience", impatient)
    presses = threading.Thread(target=twice)
    presses.start()
    interrupted(new)
    presses.join(5)
    row = UploadLog.objects.newest(ENV, ["app.css"])["app.css"]
    assert (row.status, row.md5) == ("unknown", cloud.objects()["app.css"].md5)
    assert Deployment.objects.latest("id").outcome == "failed"
    run(old, trust_log=True)
    assert bodies(cloud)["app.css"] == OLD["app.css"]
