"""Show warnings of the log in the language of the command, where the project logs them nowhere."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..i18n import gettext

Write = Callable[[str], object]


class _Lines(logging.Handler):
    def __init__(self, write: Write) -> None:
        super().__init__(logging.WARNING)
        self.write, self.shown = write, set[str]()
        # A logger with handlers of its own, such as that of uploads, needs no other.
        self.addFilter(lambda record: not logging.getLogger(record.name).handlers)
        self.addFilter(lambda record: not hasattr(record, "in_report"))

    def emit(self, record: logging.LogRecord) -> None:
        record.msg = gettext(str(record.msg))
        text = record.getMessage()
        if text not in self.shown:
            self.shown.add(text)
            self.write(text)


@contextmanager
def shown_warnings(write: Write) -> Iterator[None]:
    """Write each warning once. Without LOGGING, Python would print all of them, in English."""
    logger, lines = logging.getLogger("wx_static_store"), _Lines(write)
    if not logger.hasHandlers():
        logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
