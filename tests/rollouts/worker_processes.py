"""Worker processes of Celery on a broker of this machine, which the test may kill or restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery import Celery, _state
from django.conf import settings
from django.db import DatabaseError, connection

from tests.waiting import wait_for
from wx_static_store.core.secrets import Secret
from wx_static_store.emulator import EmulatorServer

ROOT = Path(__file__).parent.parent.parent
CACHE = "redis://127.0.0.1:6379/{}"
BROKERS = {
    "RabbitMQ": ("amqp://guest:guest@127.0.0.1:5672//", {}),
    "Redis": ("redis://127.0.0.1:6379/8", {"visibility_timeout": 15}),
}


@dataclass
class WorkerProcesses:
    """Celery workers and their scheduler, as processes, with their logs."""

    broker: str
    cloud: EmulatorServer
    folder: Path
    queue: str = field(default_factory=lambda: f"wx-rollouts-{os.getpid()}")
    twice: bool = False
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *options: str) -> None:
        """Start a worker, or what else Celery runs, in a group of processes of its own."""
        words = [sys.executable, "-m", "celery", "--app", "tests.rollouts.project", *options]
        with self.log(name).open("ab") as log:
            where: Any = {"cwd": ROOT, "env": self.environment, "start_new_session": True}
            self.running[name] = subprocess.Popen(words, stdout=log, stderr=log, **where)

    def start_worker(self, name: str, concurrency: int = 2) -> None:
        options = ("--concurrency", str(concurrency), "--hostname", f"{name}@test")
        self.start(name, "worker", *options, "--loglevel", "INFO", "--without-gossip")

    def start_beat(self) -> None:
        self.start("beat", "beat", "--schedule", str(self.folder / "schedule"))

    def kill(self, name: str) -> None:
        """End a worker and its children with SIGKILL."""
        worker = self.running.pop(name)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def wait_until_ready(self, name: str) -> None:
        wait_for(lambda: " ready." in self.log(name).read_text(), f"{name} is ready")

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    @property
    def printed(self) -> str:
        """Return what all processes printed."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    @property
    def cache(self) -> str:
        """Return a cache of these workers alone: two groups may run at once."""
        return CACHE.format(9 if self.broker == "RabbitMQ" else 7)

    @property
    def given(self) -> dict[str, Any]:
        broker, transport = BROKERS[self.broker]
        return {
            "broker": broker,
            "transport": transport,
            "queue": self.queue,
            "twice": self.twice,
            "cache": self.cache,
            "database": str(connection.settings_dict["NAME"]),
            "storages": settings.STORAGES,
            "options": settings.WX_STATIC_STORE,
        }

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "WX_TEST_ROLLOUTS": json.dumps(self.given, default=Secret.reveal)}

    def restart_broker(self) -> None:
        """Restart RabbitMQ's application; of Redis, do what its restart does: it keeps nothing."""
        if self.broker == "RabbitMQ":
            for action in ("stop_app", "start_app"):
                subprocess.run(["rabbitmqctl", action], check=True, capture_output=True)
            return
        with redis(BROKERS["Redis"][0]) as server:
            server.flushdb()
            for client in server.client_list():
                if client["db"] == "8":
                    with suppress(Exception):
                        server.client_kill_filter(_id=client["id"], skipme=True)

    def break_connections(self) -> None:
        """Break each other connection to the database, as one that fails over does."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                return
            cursor.execute(
                "SELECT id FROM information_schema.processlist "
                "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            for (number,) in cursor.fetchall():
                with suppress(DatabaseError):  # it ended just now
                    cursor.execute(f"KILL CONNECTION {int(number)}")

    def end(self) -> None:
        for worker in self.running.values():
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        self._forget_messages()

    def _forget_messages(self) -> None:
        from kombu import Connection

        broker, transport = BROKERS[self.broker]
        link = Connection(broker, transport_options=transport)
        with link, suppress(link.channel_errors):
            link.default_channel.queue_delete(self.queue)


@contextmanager
def redis(address: str) -> Iterator[Any]:
    from redis import Redis

    with Redis.from_url(address, decode_responses=True) as server:
        yield server


@contextmanager
def connected(workers: WorkerProcesses) -> Iterator[Celery]:
    """Let this process send to the queue of these workers."""
    before, default = _state._tls.current_app, _state.default_app
    address, transport = BROKERS[workers.broker]
    app = Celery("rollouts", broker=address, set_as_current=True)
    app.conf.task_default_queue = workers.queue
    app.conf.broker_transport_options = transport
    try:
        yield app
    finally:
        app.close()
        _state._tls.current_app = before
        _state.set_default_app(default)
