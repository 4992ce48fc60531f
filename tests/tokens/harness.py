"""
Processes that share one platform's token through a cache server, in front of the emulator.

The emulator runs in this process, which does nothing but wait meanwhile. Cache server and uploading
processes are started for each case and end with it.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol

from tests.conftest import ENV
from tests.waiting import wait_for
from wx_static_store.clients.component import MIN_INTERVAL
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.state import Entry

ROOT = Path(__file__).parent.parent.parent

BATCH_SECONDS = 300.0  # deadline of an upload
FETCH, LINK = "api_component_token", "staticuploadfile"


# --- a cache server ---------------------------------------------------------------------------

COMMANDS = {
    "Redis": ("redis-server", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"),
    "Memcached": ("memcached", "-l", "127.0.0.1", "-u", "nobody", "-p"),
}
BACKENDS = {
    "Redis": ("django.core.cache.backends.redis.RedisCache", "redis://127.0.0.1:{}"),
    "Memcached": ("django.core.cache.backends.memcached.PyMemcacheCache", "127.0.0.1:{}"),
}


class CacheServer:
    """A server of our own on a free port, that can go away and come back empty."""

    def __init__(self, name: str) -> None:
        self.name, self.port = name, _free_port()
        backend, location = BACKENDS[name]
        self.settings = {"BACKEND": backend, "LOCATION": location.format(self.port)}

    def start(self) -> None:
        command = [*COMMANDS[self.name], str(self.port)]
        self._popen = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self._answers, self.name)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def __enter__(self) -> "CacheServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def is_installed(name: str) -> bool:
    return shutil.which(COMMANDS[name][0]) is not None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# --- one process that uploads -----------------------------------------------------------------


class Worker:
    """Its threads upload from `go()` to `end()`, see ``worker.py``."""

    def __init__(self, name: str, **more: Any) -> None:
        self.name = name
        self._said: list[dict[str, Any]] = []
        given = json.dumps({"name": name, **more})
        # Django leaves the connections of its Redis cache to the garbage collector.
        warnings = "error,ignore::ResourceWarning"
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.tokens.worker"],
            cwd=ROOT,
            env={**os.environ, "WX_TEST_WORKER": given, "PYTHONWARNINGS": warnings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._popen.stdout
        for line in self._popen.stdout:
            self._said.append(json.loads(line))

    def said(self, word: str) -> list[dict[str, Any]]:
        assert self._popen.poll() in (None, 0), f"process {self.name} failed"
        return [one for one in self._said if one["says"] == word]

    @property
    def is_within_fetch(self) -> bool:
        words = [one["says"] for one in self._said]
        return words.count("fetches") > words.count("fetched")

    def go(self) -> None:
        wait_for(lambda: self.said("ready"), "a process")
        assert self._popen.stdin
        self._popen.stdin.write(b"go\n")
        self._popen.stdin.flush()

    def end(self) -> dict[str, Any]:
        """End the process; it finishes its uploads first. Return what it did."""
        assert self._popen.stdin
        self._popen.stdin.close()
        wait_for(lambda: self.said("ends"), "the end of a process")
        return self.said("ends")[0]

    def kill(self) -> None:
        """Whether or not it ended by itself, nothing of it stays."""
        self._popen.kill()
        self._popen.wait()
        self._listener.join()
        for pipe in (self._popen.stdin, self._popen.stdout):
            assert pipe
            pipe.close()


# --- all of them ------------------------------------------------------------------------------


class Size(Protocol):
    """`interval` is the TOKEN_MIN_INTERVAL of the processes, in seconds."""

    processes: int
    threads: int
    interval: float


class Herd:
    """Processes of many threads that upload through one platform; `quirks` are the emulator's."""

    def __init__(self, cache: str, size: Size, **quirks: Any) -> None:
        self.cache = CacheServer(cache)
        self.cloud = EmulatorServer(envs=(ENV,), **quirks)
        self.size = size
        self.workers: list[Worker] = []
        self._asked: list[Entry] = []
        self._read = 0
        self._names = map(str, itertools.count())
        self._stack = ExitStack()

    def __enter__(self) -> "Herd":
        with ExitStack() as stack:
            for server in (self.cache, self.cloud):
                stack.enter_context(server)
            stack.callback(lambda: [worker.kill() for worker in self.workers])
            self.workers += [self._worker() for _ in range(self.size.processes)]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _worker(self) -> Worker:
        account, interval = self.cloud.state.account, self.size.interval
        options = {
            "ENV": ENV,
            "API_BASE_URL": self.cloud.api_url,
            "COMPONENT_APPID": account.appid,
            "COMPONENT_APPSECRET": account.appsecret,
            "VERIFY_TICKET": account.ticket,
            "TOKEN_MIN_INTERVAL": interval,
            "DEADLINE": BATCH_SECONDS * interval / MIN_INTERVAL,  # shortened alike
        }
        more = {"threads": self.size.threads, "cache": self.cache.settings, "options": options}
        return Worker(next(self._names), **more)

    def go(self) -> None:
        """All begin at once; returns when the first token was asked for."""
        for worker in self.workers:
            worker.go()
        wait_for(lambda: self.fetches, "the first fetch")

    def kill(self, worker: Worker) -> None:
        worker.kill()
        self.workers.remove(worker)

    def replace_the_lost(self) -> None:
        """As whatever watches over the processes does."""
        while len(self.workers) < self.size.processes:
            self.workers.append(self._worker())
            self.workers[-1].go()

    def end(self) -> "Work":
        return Work(self.cloud, [worker.end() for worker in self.workers])

    @property
    def uploads(self) -> int:
        """Each has a name of its own."""
        return len(self.cloud.objects())

    @property
    def asked(self) -> list[Entry]:
        """The calls for a token so far; only what is new of the journal is read."""
        journal = self.cloud.journal
        new = journal[self._read :]
        self._read += len(new)
        self._asked += [call for call in new if call.name == FETCH]
        return self._asked

    @property
    def fetches(self) -> int:
        """Those that WeChat answered."""
        return sum(call.status == 200 for call in self.asked)


class Work:
    """What the processes say that they did, held against what the emulator has."""

    def __init__(self, cloud: EmulatorServer, ends: list[dict[str, Any]]) -> None:
        self.errors: Counter[str] = sum((Counter(end["errors"]) for end in ends), Counter())
        self.stored = [name for end in ends for name in end["stored"]]
        objects = cloud.objects()
        self.lost = [
            name
            for name in self.stored
            if name not in objects or objects[name].body != name.encode()
        ]
        self.most_links = max(Counter(call.key for call in cloud.calls(LINK)).values())
