"""
Hand work to the project's Celery, by the names of tasks, as Celery is an optional package.

Queues, broker and number of workers are the project's own settings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.functional import Promise

from ..conf import options_for, platform_options
from ..core.notes import Notes
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, gettext_noop, sentences
from ..upload.database import after_commit

if TYPE_CHECKING:
    from celery import Celery

# A Redis that hangs would block a request for ever; the other transports have a timeout.
REDIS_TIMEOUTS = {"socket_connect_timeout": 3, "socket_timeout": 3}  # seconds
PUSH_SECONDS = 2  # of all saves in this time, one asks for a push
BROKER_SECONDS = 120  # that saves leave a broker alone which was away
PUSH = "wx_static_store.tasks.push_waiting"
NO_APP = "default"  # the name of Celery's own app, where the project made none

logger = logging.getLogger("wx_static_store.celery")

_INSTALL = _("Install it: pip install 'wx_static_store[celery]'")
_RECIPE = _("Write celery.py beside the settings, as howto/rollouts of the docs shows.")
_BROKER = _("Start it, or look at the broker URL in the settings.")


def celery_app() -> Celery:
    """Return the project's app; raise ConfigurationError if there is none."""
    try:
        from celery import _state, current_app
    except ImportError:
        text = _("Celery is not installed, and rollouts are handed to it")
        raise ConfigurationError(text, hint=_INSTALL) from None
    # In a thread of a web server, the current app is Celery's own.
    apps: list[Celery] = [current_app._get_current_object(), *_state._get_active_apps()]
    for app in apps:
        if app.main != NO_APP:
            return app
    raise ConfigurationError(_("The project has no Celery app"), hint=_RECIPE)


def is_available() -> bool:
    """Return whether the project has a Celery app; its broker may still be down."""
    try:
        return bool(celery_app())
    except ConfigurationError:
        return False


def check_broker() -> None:
    """Raise ConfigurationError if no message can be sent now."""
    app = celery_app()
    from kombu.exceptions import OperationalError

    try:
        with connected(app):
            pass
    except (OperationalError, OSError) as error:
        why = type(error).__name__
        text = _("The broker of Celery cannot be reached (%(why)s)", why=why)
        raise ConfigurationError(text, hint=_BROKER) from None


def send(task: str, arguments: Sequence[tuple[Any, ...]], **options: Any) -> int:
    """Send a message to the task for each of the arguments; return how many were sent."""
    if not arguments:
        return 0
    app, queue = celery_app(), platform_options().celery_queue
    from kombu.exceptions import OperationalError

    options |= {"queue": queue} if queue else {}
    sent = 0
    try:
        with connected(app) as connection:
            producer = app.amqp.Producer(connection, auto_declare=False)
            options |= {"producer": producer, "ignore_result": True}
            for each in arguments:
                app.send_task(task, each, **options)
                sent += 1
    except (OperationalError, OSError) as error:
        text = gettext_noop(
            "The broker of Celery cannot be reached (%s): %s will be sent again later"
        )
        # The callers keep rows, and send the rest later.
        logger.error(text, type(error).__name__, task)
    return sent


def push_soon(using: str, **_facts: Any) -> None:
    """Receive what makes a row due: ask a worker for a push, where each save waits for one."""
    if options_for(using).wait == "always" and is_available():
        after_commit(_ask_for_push)


def _ask_for_push() -> None:
    notes = Notes("push", platform_options().token_cache, seconds=PUSH_SECONDS)
    # It begins after the last of the saves that ask for none.
    how = {"countdown": PUSH_SECONDS + 1, "expires": 30}
    # No save waits for a broker that was away when another one asked.
    if notes.first("asked", seconds=BROKER_SECONDS) and send(PUSH, [()], **how):
        notes.write("asked", 1)


class Stalled(NamedTuple):
    """Work that was handed over and that nobody does: what it is, and what to do."""

    text: str | Promise
    hint: str | Promise

    def __str__(self) -> str:
        return sentences(self)


_find_stalled: set[Callable[[], Iterable[Stalled]]] = set()


def stalled_by(find: Callable[[], Iterable[Stalled]]) -> None:
    """Register a function that finds work which nobody does. For ``AppConfig.ready()``."""
    _find_stalled.add(find)


def stalled() -> Iterator[Stalled]:
    """Yield the work that nobody does."""
    for find in _find_stalled:
        yield from find()


@contextmanager
def connected(app: Celery) -> Iterator[Any]:
    """Connect to the broker of the app, by a second try at most."""
    with app.connection_for_write() as connection:
        if connection.transport.driver_type == "redis":
            connection.transport_options = REDIS_TIMEOUTS | connection.transport_options
        connection.ensure_connection(max_retries=1, interval_start=0.2)
        yield connection
