"""
Save files while the cloud comes and goes, kill who saves and who pushes, and see that none is lost.

Two processes save, replace and delete, two push what waits; all the time one of them is ended by
SIGKILL and another one begins. The emulator is a process, too: for some seconds it is dead or
frozen, answers -1 or 503, or stores a file and loses the reply. What returned, and was committed,
stands in a book. The last outage ends when nobody saves any more. Once nothing waits:

1. by the emulator's own list, each key is as its last line in the book says;
2. no save and no deletion raised an error, and nobody ended who was not killed;
3. nothing waits for a person.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

from tests.settings import database

from .book import BEGINS, ROLLED_BACK, SAVED, Line, Saver, judge, read
from .prunes import SHOWN, Run, ended, start
from .world import ENV, ROOT

DEAD, FROZEN = "dead port", "frozen"
FAULTS: dict[str, dict[str, Any]] = {
    "-1": {"on": "*", "do": "errcode", "errcode": -1},
    "503": {"on": "put_object", "do": "cos_error", "code": "SlowDown", "status": 503},
    "lost replies": {"on": "put_object", "do": "drop_reply"},
}
OUTAGES = (DEAD, FROZEN, *FAULTS)
LINK_SECONDS = 5.0  # a third of a lease: within the storm, another push sends what a killed one had
LONGEST = 60.0  # seconds that a lock, or the end of all waiting, may take
ARRIVES = 1.0  # seconds after which nothing comes that a killed process had sent

Work = Callable[[Path], None]


# --- the cloud ---------------------------------------------------------------------------------


class Cloud:
    """The emulator, which keeps its objects in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, _free_ports()
        self.api_url, self.site_url = (f"http://127.0.0.1:{self._port + n}" for n in (0, 1))
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "wx_static_store.emulator", "--env", ENV]
        command += ["--port", str(self._port), "--directory", str(self._folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout
        assert any(line == b"ready\n" for line in self._process.stdout), "it does not start"

    def stop(self) -> None:
        with self._process as process:
            process.kill()

    @contextmanager
    def outage(self, kind: str) -> Iterator[None]:
        """Be away inside the block."""
        if kind == DEAD:
            self.stop()
        elif kind == FROZEN:
            self._process.send_signal(signal.SIGSTOP)
        else:
            self._ask("POST", "faults", FAULTS[kind] | {"times": None})
        yield
        if kind == DEAD:
            self._start()
        elif kind == FROZEN:
            self._process.send_signal(signal.SIGCONT)
        else:
            self._ask("DELETE", "faults")

    def objects(self) -> dict[str, tuple[str, float]]:
        """Return the MD5 of each object, and when it came."""
        found = self._ask("GET", "objects").items()
        return {key: (each["md5"], each["last_modified"]) for key, each in found}

    def _ask(self, method: str, page: str, value: object = None) -> Any:
        url = f"{self.api_url}/__emulator__/{page}"
        with requests.request(method, url, json=value, timeout=LONGEST) as answer:
            answer.raise_for_status()
            return answer.json()


def _free_ports() -> int:
    """Return the first of two free ports; while nobody listens, no client gets one of them."""
    while True:
        port = random.randrange(20000, 30000)
        with (
            suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + 1)),
        ):
            return port


# --- what a process does -----------------------------------------------------------------------


def save_all_the_time(book: Path) -> None:
    Saver(book).run()


def push_all_the_time(book: Path) -> None:
    from wx_static_store.upload import push, waiting

    waiting.LINK_SECONDS = waiting.MARGIN = LINK_SECONDS
    push.longest = lambda store, size: LINK_SECONDS
    while True:
        push.push(5.0)
        time.sleep(random.uniform(0.1, 0.5))


# --- the storm ---------------------------------------------------------------------------------


class Storm:
    """Begins processes and kills them, and lets the cloud be away."""

    def __init__(self, rng: random.Random, folder: Path, cloud: Cloud) -> None:
        self.rng, self.cloud = rng, cloud
        self._book, self._output = folder / "book.jsonl", folder / "output.txt"
        self._processes: dict[int, Work] = {}
        self.counts: Counter[str] = Counter()
        self.outages: list[tuple[float, float]] = []
        self.wrong: list[str] = []

    def run(self, seconds: float, *, direct: bool) -> str:
        """Storm for so long, then let all that waits be sent; say how it went."""
        self._begin(save_all_the_time, save_all_the_time, push_all_the_time, push_all_the_time)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._kill_some(self.rng.uniform(2, 6))
            with self._outage():
                self._kill_some(self.rng.uniform(3, 8))
                if time.monotonic() > until:
                    self.end()
        self.end()  # also where the time was over only when the outage ended
        left, needed = self._drain()
        book = read(self._book)
        self.wrong += judge(book, self.cloud.objects(), direct=direct)
        self.counts.update(line.how for line in book if line.how != BEGINS)
        saves = [line for line in book if line.how in (SAVED, ROLLED_BACK)]
        counted = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
        return "\n".join(
            [
                f"{counted}, {sum(save.waited for save in saves)} waited",
                f"save(): {speed(saves)}",
                f"save() in an outage: {speed([save for save in saves if self._met(save)])}",
                f"{left} left at the end, sent in {needed:.1f} s: {left / needed:.0f} a second",
            ]
        )

    def _begin(self, *works: Work) -> None:
        from django.db import connections

        connections.close_all()  # a child has its own
        for work in works:
            run = Run(work.__name__, partial(work, self._book), begins=0.0, killed=None)
            self._processes[start(run, self._output)] = work

    def _kill(self, *pids: int) -> list[Work]:
        self.wrong += [f"{self._processes[pid].__name__} ended" for pid in pids if ended(pid)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return [self._processes.pop(pid) for pid in pids]

    def end(self) -> None:
        self._kill(*self._processes)

    def _kill_some(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self.rng.uniform(0.3, 2.5))
            self._begin(*self._kill(self.rng.choice([*self._processes])))
            self.counts["kills"] += 1

    @contextmanager
    def _outage(self) -> Iterator[None]:
        kind, began = self.rng.choice(OUTAGES), time.time()
        with self.cloud.outage(kind):
            yield
        self.outages.append((began, time.time()))
        self.counts[f"times {kind}"] += 1

    def _met(self, save: Line) -> bool:
        return any(began <= save.began < end for began, end in self.outages)

    def _drain(self) -> tuple[int, float]:
        """Let two processes push what waits; return how many files, and the seconds."""
        from wx_static_store.models import WaitingFile
        from wx_static_store.models.columns import Now

        time.sleep(ARRIVES)
        WaitingFile.objects.update(leased_until=None, next_at=Now())
        left, began = WaitingFile.objects.count(), time.monotonic()
        self._begin(push_all_the_time, push_all_the_time)
        while WaitingFile.objects.filter(state="due").exists():
            time.sleep(0.05)
            if time.monotonic() - began > LONGEST:
                break
        seconds = time.monotonic() - began
        self.end()
        self.wrong += [f"{row} ({row.message})" for row in WaitingFile.objects.all()]
        return left, seconds


def speed(saves: Sequence[Line]) -> str:
    seconds = sorted(save.seconds for save in saves)
    shares = {"p50": 0.5, "p95": 0.95, "max": 1.0} if seconds else {}
    at = {what: seconds[int(share * (len(seconds) - 1))] for what, share in shares.items()}
    return ", ".join(f"{what} {s:.3f} s" for what, s in at.items())


# --- the program -------------------------------------------------------------------------------


def set_up(folder: Path, cloud: Cloud, vendor: str, wait: str) -> None:
    """Make empty tables, in a file or in the database that `tests.settings` names."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    where = database(vendor)
    if vendor == "sqlite":
        options = {"timeout": LONGEST, "transaction_mode": "IMMEDIATE"}
        where |= {"NAME": str(folder / "log.sqlite3"), "OPTIONS": options}
    shared = "django.core.cache.backends.filebased.FileBasedCache"
    ours = "wx_static_store.storage.WxStorage"
    local = "django.core.files.storage.FileSystemStorage"
    settings.configure(
        USE_TZ=True,
        DATABASES={"default": where},
        CACHES={"default": {"BACKEND": shared, "LOCATION": str(folder / "cache")}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "wx_static_store"],
        STORAGES={
            "default": {"BACKEND": ours, "OPTIONS": {"wait": wait}},
            "overwrite": {"BACKEND": ours, "OPTIONS": {"wait": wait, "file_overwrite": True}},
            "kept": {"BACKEND": local, "OPTIONS": {"location": str(folder / "kept")}},
        },
        WX_STATIC_STORE={
            "ENV": ENV,
            "ACCESS_TOKEN": "emulator-access-token",
            "API_BASE_URL": cloud.api_url,
            "BASE_URL": cloud.site_url,
            "WAITING_STORAGE": "kept",
            "DEADLINE": 6,  # it decides how long a lease is
        },
        LOGGING={"version": 1, "loggers": {"wx_static_store": {"level": "ERROR"}}},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from wx_static_store.models import UploadLog, WaitingFile

    import_module("wx_static_store.upload.push")
    for model in (UploadLog, WaitingFile):
        model._base_manager.all().delete()


def main() -> int:
    """Return 1 if anything was wrong."""
    parser = ArgumentParser(
        prog="python -m tests.soak.waiting",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=int, default=1, metavar="N", help="what decides everything but the timing")
    add("--for", dest="seconds", type=float, default=120, metavar="SECONDS", help="how long")
    add("--wait", choices=("outage", "always"), default="outage", help="the option of the store")
    vendor = os.environ.get("WX_TEST_DATABASE") or "sqlite"
    add("--database", default=vendor, help="sqlite, postgresql or mariadb")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    folder, rng = Path(tempfile.mkdtemp(prefix="wx-waiting-")), random.Random(options.seed)
    what = f"seed {options.seed}, wait={options.wait}, {options.database}"
    _say(f"{what}: {options.seconds:g} s")
    with ExitStack() as stack:
        cloud = Cloud(folder / "cloud")
        stack.callback(cloud.stop)
        set_up(folder, cloud, options.database, options.wait)
        Saver(folder / "first.jsonl").save()  # here: nothing is left to be imported
        storm = Storm(rng, folder, cloud)
        stack.callback(storm.end)
        _say(storm.run(options.seconds, direct=options.wait == "outage"))
    for wrong in storm.wrong[:SHOWN]:
        _say(f"WRONG: {wrong}")
    _say(f"{what}: {len(storm.wrong)} wrong")
    if storm.wrong:
        _say(f"the book, the bytes that wait, and what the processes said are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
