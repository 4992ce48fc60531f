"""
One deploy at a time per environment, over the cache that all processes share.

Two at once would write their rows in another order than the objects, and the next plan would
believe the wrong ones. A cache that is one process's own (or down) holds up nobody else.
"""

import json
import logging
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import caches
from django.core.management.base import CommandError

from . import pool
from .texts import gettext as _
from .uploader import Uploader

logger = logging.getLogger("wx_static_store.deploy")

LEASE = 60.0  # seconds that a process which was killed holds up the next one at most
LONGEST = 1800.0  # that anybody waits
POLL = 0.5
EMPTY_LOOKS = 5  # in a row, and nobody there: the cache keeps nothing, and does not say so


class DeployRunning(CommandError):
    """Another deploy of the same environment is under way."""


@contextmanager
def deploying(uploader: Uploader, *, wait: bool) -> Iterator[None]:
    """Holds the environment while the block runs; raises DeployRunning if another holds it."""
    lock = _Lock(uploader)
    lock.take(wait=wait)
    try:
        with pool.every(LEASE / 3, lock.prolong):
            yield
    finally:
        lock.release()


class _Lock:
    """A key of the cache whose value says who holds it."""

    def __init__(self, uploader: Uploader) -> None:
        self._alias = uploader.options.token_cache
        self._env = uploader.env
        self._key = f"wx_static_store:deploy:{uploader.env}"
        self._me = {"host": _host(), "pid": os.getpid(), "id": uuid.uuid4().hex}

    def take(self, *, wait: bool) -> None:
        told, empty, until = False, 0, time.monotonic() + LONGEST
        while not self._taken():
            other = self._holder()
            empty = 0 if other else empty + 1
            if empty == EMPTY_LOOKS:
                logger.warning("The cache keeps nothing: nothing keeps two deploys apart")
                return
            if not other:  # it ended just now
                continue
            if _is_gone(other) and self._is_heir(other):
                self._ask("delete")
                continue
            if not wait or time.monotonic() >= until:
                raise DeployRunning(
                    _(
                        "Another deploy to %(env)s is under way (%(who)s). "
                        "Wait for it with --wait, or try again when it has ended.",
                        env=self._env,
                        who=_shown(other),
                    ),
                    returncode=2,
                )
            if not told:
                text = _(
                    "Waiting for another deploy to %(env)s (%(who)s)",
                    env=self._env,
                    who=_shown(other),
                )
                sys.stderr.write(text + "\n")
            told = True
            time.sleep(POLL)

    def _taken(self) -> bool:
        return self._ask("add", json.dumps(self._me), timeout=LEASE) is not False

    def _is_heir(self, other: dict[str, Any]) -> bool:
        """Of all who wait one removes what a dead process left, or they would end each other's."""
        return self._ask("add", "", timeout=LEASE, key=f"{self._key}:{other.get('id')}") is True

    def prolong(self) -> None:
        if self._holder() == self._me:
            self._ask("touch", timeout=LEASE)
        else:
            self._ask("add", json.dumps(self._me), timeout=LEASE)  # the cache forgot it

    def release(self) -> None:
        if self._holder() == self._me:
            self._ask("delete")

    def _holder(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._ask("get")))
        except (TypeError, ValueError):
            return None

    def _ask(self, method: str, *args: Any, key: str = "", **kwargs: Any) -> Any:
        try:
            return getattr(caches[self._alias], method)(key or self._key, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 -- each cache has exceptions of its own
            name = type(error).__name__
        logger.warning("The cache fails (%s): nothing keeps two deploys apart", name)
        return None


def _is_gone(holder: dict[str, Any]) -> bool:
    """A process of this host that was killed needs no lease to run out."""
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
    """Where process numbers mean the same: each container has its own, but not always a name."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def _shown(holder: dict[str, Any]) -> str:
    host = str(holder.get("host")).partition(" ")[0]
    return _("process %(pid)s on %(host)s", pid=holder.get("pid"), host=host)
