"""
Hand work to the project's Celery: by the names of tasks, as it is an optional package.

Which queue, which broker, how many workers: all of that stands in the project's own settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..conf import platform_options
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from celery import Celery

# A Redis that hangs would hold a request for ever; all other transports have a timeout.
REDIS_TIMEOUTS = {"socket_connect_timeout": 3, "socket_timeout": 3}  # seconds
NO_APP = "default"  # the name of Celery's own app, where the project made none

logger = logging.getLogger("wx_static_store.rollouts")

_INSTALL = _("Install it: pip install 'wx_static_store[celery]'")
_RECIPE = _("Write celery.py beside the settings, as the page on fleets of the docs shows.")
_BROKER = _("Start it, or look at the broker URL in the settings.")


def celery_app() -> Celery:
    """Return the project's app; raise ConfigurationError where there is none."""
    try:
        from celery import _state, current_app
    except ImportError:
        text = _("Celery is not installed, and rollouts are handed to it")
        raise ConfigurationError(text, hint=_INSTALL) from None
    # A thread of a web server has no current app but Celery's own.
    apps: list[Celery] = [current_app._get_current_object(), *_state._get_active_apps()]
    for app in apps:
        if app.main != NO_APP:
            return app
    raise ConfigurationError(_("The project has no Celery app"), hint=_RECIPE)


def is_available() -> bool:
    """Return whether work can be handed to Celery at all; the broker may be down all the same."""
    try:
        return bool(celery_app())
    except ConfigurationError:
        return False


def check_broker() -> None:
    """Raise ConfigurationError where no message can be sent now."""
    app = celery_app()
    from kombu.exceptions import OperationalError

    try:
        with _connection(app) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.2)
    except (OperationalError, OSError) as error:
        why = f"{type(error).__name__}"
        text = _("The broker of Celery cannot be reached (%(why)s)", why=why)
        raise ConfigurationError(text, hint=_BROKER) from None


def send(task: str, arguments: Sequence[tuple[Any, ...]], *, expires: float | None = None) -> int:
    """
    Send the task of this dotted name a message for each of the arguments; return how many went.

    Where the broker is down the rest is left: by their rows they are sent again later. No worker
    begins a message that is older than `expires`, in seconds.
    """
    if not arguments:
        return 0
    app, queue = celery_app(), platform_options().celery_queue
    from kombu.exceptions import OperationalError

    where = {"queue": queue} if queue else {}
    with _connection(app) as connection:
        producer = app.amqp.Producer(connection, auto_declare=False)
        options = where | {"expires": expires, "producer": producer, "ignore_result": True}
        for sent, each in enumerate(arguments):
            try:
                app.send_task(task, each, **options)
            except (OperationalError, OSError) as error:
                text = "The broker of Celery cannot be reached (%s): %s will be sent again later"
                logger.error(text, type(error).__name__, task)
                return sent
    return len(arguments)


@contextmanager
def _connection(app: Celery) -> Iterator[Any]:
    with app.connection_for_write() as connection:
        if connection.transport.driver_type == "redis":
            connection.transport_options = REDIS_TIMEOUTS | connection.transport_options
        yield connection
