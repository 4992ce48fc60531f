"""A step of *Upload again* where the project has workers: they send, the page waits."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _, gettext_lazy

from ...exceptions import ConfigurationError
from ...log.retry import RetryResult, check_rows, newer
from ...models import Deployment, UploadLog
from ...submit import queue
from ...submit.by_workers import forget, refusals
from ..columns import UploadColumns, badge
from ..labels import sentence
from . import step_results as results
from .step_results import HANDED, Step, StepLine, StepRequest

EXPIRES = 3600  # seconds after which no worker takes the message: the user expects it no more
PATIENCE = 60  # seconds in which a page looks for the row of a file that a worker has

_ITS_ROW = gettext_lazy("If a worker takes it within an hour, its row will be in the log.")
_SLOW = gettext_lazy(
    "A file was not sent within a minute. Look whether a worker runs, then go on with the rest, or "
    "upload from this page."
)
_NO_MORE = gettext_lazy("The broker of Celery took no more files. Go on in a while.")


def upload_again(asked: StepRequest) -> Step:
    """Send the first of these rows again, by workers where the project has some."""
    by_workers = queue.is_available() and not asked.from_page
    return _by_workers(asked) if by_workers else results.upload_again(asked)


def _by_workers(asked: StepRequest) -> Step:
    """Look up the rows that workers have, and hand over the next ones."""
    columns = UploadColumns(asked.request)
    theirs = [row for row in asked.rows if row.pk in asked.handed]
    rest = [row for row in asked.rows if row.pk not in asked.handed]
    lines, error = _ended_lines(theirs, asked.handed, columns, more=bool(rest))
    ended = {line.pk for line in lines}
    handed = {row: asked.handed[row.pk] for row in theirs if row.pk not in ended}
    if not error:
        room = (results.FEW if asked.scripted else results.MOST) - len(handed)
        known, rest = results.split_sent(asked, rest[: max(0, room)], columns)
        lines += known
        looked = [*check_rows(rest)]
        for one in looked:
            if isinstance(one, RetryResult):
                lines.append(results.sent_line(one, one.row, columns))
        ready = [one.row for one in looked if not isinstance(one, RetryResult)]
        taken, error = _hand_over(asked.request, ready)
        handed |= dict.fromkeys(taken, int(time.time()))
    lines += (_handed_line(row, columns) for row in handed)
    stuck = error not in ("", str(results.ALL_ALIKE))
    return Step(lines, error, {row.pk: since for row, since in handed.items()}, stuck)


def _ended_lines(
    rows: Sequence[UploadLog], since: dict[int, int], columns: UploadColumns, *, more: bool
) -> tuple[list[StepLine], str]:
    """Return the lines of rows that are over, and the reason to hand over no `more` rows."""
    sent, refused, lines, error = newer(rows), refusals(rows), [], ""
    for row in rows:
        if row.pk in sent:
            lines.append(results.recorded_line(row, sent[row.pk], columns))
            why = sent[row.pk].why
            if more and why and why.stops_batch:
                error = str(results.ALL_ALIKE)
        elif row.pk in refused:
            lines.append(results.sent_line(refused[row.pk], row, columns))
        elif not 0 <= time.time() - since[row.pk] < PATIENCE:
            lines.append(_handed_line(row, columns)._replace(outcome=HANDED, facts=[_ITS_ROW]))
            error = error or str(_SLOW)
    return lines, error


def _hand_over(request: HttpRequest, rows: Sequence[UploadLog]) -> tuple[Sequence[UploadLog], str]:
    """Send a message for each row; return the rows that were sent, and why others were not."""
    if not rows:
        return rows, ""
    try:
        queue.check_broker()
    except ConfigurationError as error:
        return [], sentence(error)
    # The refusal of an earlier message would end the line of its row at once.
    forget(rows)
    messages = [(row.pk, request.user.pk, time.time()) for row in rows]
    count = queue.send("wx_static_store.tasks.upload_again", messages, expires=EXPIRES)
    return rows[:count], "" if count == len(rows) else str(_NO_MORE)


def _handed_line(row: UploadLog, columns: UploadColumns) -> StepLine:
    sign = badge(Deployment.Outcome.RUNNING, _("with a worker"))
    return StepLine(row.pk, row.key, columns.store(row), badge=sign)
