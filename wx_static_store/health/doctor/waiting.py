"""Work that was handed to Celery, and that nobody does."""

from __future__ import annotations

from collections.abc import Iterator

from ...i18n import gettext_lazy as _
from ...submit.queue import stalled
from .findings import Check, Finding, ok, wrong
from .target import CheckTarget


def _waiting(target: CheckTarget) -> Iterator[Finding]:
    found = [wrong(each.text, hint=each.hint) for each in stalled()]
    yield from found or [ok(_("Nothing has waited for workers for long."))]


CHECKS = (
    Check(
        id="workers.waiting",
        question=_("Does a worker do what was handed to Celery?"),
        how=_(
            "The rows of rollouts are read: when a worker was asked, when one was last heard of, "
            "and when beat should have begun the next."
        ),
        means=_(
            "If something waits for more than two minutes, no worker of Celery runs, or no beat, "
            "or they hang."
        ),
        remedy=_("Start the workers and beat, or look at their logs."),
        ask=_waiting,
        needs=("database.tables",),
    ),
)
