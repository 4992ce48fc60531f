"""
Lock an environment for one deploy at a time, by the cache that all processes share.

Two deploys at once would mix their files on the site. A cache that is local to one process, or
down, keeps no other process out.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from ..core.interrupts import interruptible
from ..core.notes import Notes
from ..i18n import gettext as _, gettext_noop
from ..upload.recorder import OtherDeployments
from ..upload.uploader import Uploader
from ..upload.workers import every

logger = logging.getLogger("wx_static_store.deploy")

LEASE = 60.0  # seconds that a killed process blocks the next one at most
LONGEST = 1800.0  # seconds of waiting
POLL = 0.5
REMEMBERED = 24 * 3600.0  # seconds
LAST_PUT = 5.0  # seconds in which the last PUT of a killed process may still arrive
EMPTY_LOOKS = 5  # in a row: the cache keeps nothing, and does not say so


class DeployRunning(CommandError):
    """Another deploy of the same environment is under way."""


class DeployLockLost(CommandError):
    """Another deploy has taken the lock of this one, which slept for too long."""


class DeployTimeUp(CommandError):
    """The deploy took longer than its order allows."""


@contextmanager
def deploying(uploader: Uploader, *, wait: bool, seconds: float = math.inf) -> Iterator[DeployLock]:
    """Hold the environment for at most `seconds`; raise DeployRunning if another holds it."""
    lock = DeployLock(uploader, seconds)
    lock.take(wait=wait)
    try:
        lock.others = OtherDeployments(uploader.env)  # by the log: even without a shared cache
        if lock.others.running:
            lock.wait_for_last_put()
            lock.others = OtherDeployments(uploader.env)
        with every(LEASE / 3, lock.prolong):
            yield lock
    finally:
        lock.release()


class DeployLock:
    """Two notes of an environment: who holds it; who took it last, even after its release."""

    others: OtherDeployments  # by their rows, if the cache was cleared or is not shared

    def __init__(self, uploader: Uploader, seconds: float = math.inf) -> None:
        text = gettext_noop("The cache fails (%s): nothing keeps two deploys apart")
        report = partial(logger.warning, text)
        alias, self._env = uploader.options.token_cache, uploader.env
        self._notes = Notes("deploy", alias, seconds=LEASE, about=self._env, report=report)
        self._me = {"host": _host(), "pid": os.getpid(), "id": uuid.uuid4().hex}
        self._lost_to: dict[str, Any] | None = None
        self._kept = True  # whether the cache keeps the lock
        self._waited = False
        self._seconds, self._until = seconds, time.monotonic() + seconds
        self._seen = time.time()  # when it was surely ours; this clock goes on in sleep

    def check(self) -> None:
        """Raise DeployTimeUp, or DeployLockLost if another process was seen to hold it."""
        if time.monotonic() > self._until:
            text = _(
                "The deploy to %(env)s was stopped after %(seconds)d s. Run it again: it goes on "
                "where it stopped.",
                env=self._env,
                seconds=self._seconds,
            )
            raise DeployTimeUp(text, returncode=1)
        if time.time() - self._seen > LEASE / 2:
            self.prolong()
        if self._lost_to is not None:
            text = _(
                "Another deploy to %(env)s took over (%(who)s): this one was asleep for more than "
                "%(seconds)d s, or the cache was cleared. Run it again when the other one has "
                "ended.",
                env=self._env,
                who=_describe(self._lost_to),
                seconds=LEASE,
            )
            raise DeployLockLost(text, returncode=1)

    def confirm(self, deployment_id: int | None = None) -> None:
        """Raise DeployLockLost if another process holds the environment, or wrote to it."""
        self._until = math.inf  # all is sent
        self.prolong()
        self.check()
        if other := self.others.wrote(deployment_id):
            text = _(
                "Deployment %(pk)d wrote to %(env)s beside this one: the cache was cleared, or "
                "not all processes share it. Run it again when the other one has ended.",
                pk=other,
                env=self._env,
            )
            raise DeployLockLost(text, returncode=1)

    def take(self, *, wait: bool) -> None:
        reported, empty, until = False, 0, time.monotonic() + LONGEST
        while not self._take():
            other = self._notes.read("holder")
            empty = 0 if other else empty + 1
            if empty == EMPTY_LOOKS:
                text = gettext_noop("The cache keeps nothing: nothing keeps two deploys apart")
                logger.warning(text)
                self._kept = False
                return
            if not other:  # it ended just now
                continue
            # Of all who wait for a dead process, only one may remove its lock.
            if _is_gone(other) and self._notes.first(f"heir of {other['id']}", 1, 2 * LAST_PUT):
                self.wait_for_last_put()
                if self._notes.read("holder") == other:
                    self._notes.forget("holder")
                continue
            facts = {"env": self._env, "who": _describe(other)}
            if not wait or time.monotonic() >= until:
                text = _(
                    "Another deploy to %(env)s is under way (%(who)s). "
                    "Wait for it with --wait, or try again when it has ended.",
                    **facts,
                )
                raise DeployRunning(text, returncode=2)
            if not reported:
                text = _("Waiting for another deploy to %(env)s (%(who)s)", **facts)
                sys.stderr.write(text + "\n")
            reported = True
            with interruptible():
                time.sleep(POLL)

    def _take(self) -> bool:
        if self._notes.first("holder", self._me) is False:
            return False
        self._notes.write("last", self._me, REMEMBERED)
        return True

    def wait_for_last_put(self) -> None:
        """Wait once, until no PUT of a killed deploy can arrive any more."""
        if self._waited:
            return
        self._waited = True
        text = _(
            "A deploy to %(env)s was killed: waiting %(seconds)d s for what it sent",
            env=self._env,
            seconds=LAST_PUT,
        )
        sys.stderr.write(text + "\n")
        with interruptible():
            time.sleep(LAST_PUT)

    def prolong(self) -> None:
        """Extend the lease; note if another process holds the environment."""
        self._seen = time.time()
        holder = self._notes.read("holder")
        if holder == self._me:
            self._notes.prolong("holder")
        elif self._kept:  # the cache lost it, or the lease ran out: did another process come?
            last = self._notes.read("last")
            if last not in (None, self._me) or not self._take():
                self._lost_to = holder or last or {}

    def release(self) -> None:
        if self._notes.read("holder") == self._me:
            self._notes.forget("holder")


def _is_gone(holder: dict[str, Any]) -> bool:
    """Return whether the holder was a process of this host and is dead."""
    if os.name != "posix" or holder.get("host") != _host():
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except (KeyError, OSError, OverflowError, TypeError):
        pass  # somebody else's process: it lives
    return False


def _host() -> str:
    """Return the name of the host and of its process namespace: containers may share a name."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def _describe(holder: dict[str, Any]) -> str:
    host = str(holder.get("host")).partition(" ")[0]
    return _("process %(pid)s on %(host)s", pid=holder.get("pid"), host=host)
