"""One step of a long action, here or by workers: a line for each row, and counts as sentences."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy, ngettext_lazy

from ...causes import Text
from ...core.retry import REQUEST
from ...core.types import DEPLOYS, UploadContext, facts
from ...exceptions import ConfigurationError, DeadlineExceeded, WxStaticStoreError
from ...i18n import labelled, ngettext, sentences
from ...log.compare import CloudState, ComparedUpload, compare_uploads
from ...log.retry import TAKE_THE_NEWER, RetryResult, check_rows, newer, retry_uploads
from ...log.source_of import SourceGone
from ...models import Deployment, UploadLog
from ...submit import queue
from ...submit.access import Act, may
from ...submit.by_workers import forget, refusals
from ..columns import UploadColumns, badge

SECONDS = REQUEST * 0.16  # in which a step starts files or calls
FEW = 4  # files of a step of the script: so few go on when somebody stops it
MOST = 40  # files of a step that the button asks for where no script runs

CHOOSE = "choose"  # the outcome of a row whose bytes are gone, where its file can be chosen again
SENT = {
    "stored": ngettext_lazy(
        "%(count)d file was uploaded again.", "%(count)d files were uploaded again.", "count"
    ),
    "failed": ngettext_lazy(
        "%(count)d file failed again.", "%(count)d files failed again.", "count"
    ),
    "unknown": ngettext_lazy(
        "%(count)d file was sent, but the answer never came: upload it once more.",
        "%(count)d files were sent, but the answers never came: upload them once more.",
        "count",
    ),
    CHOOSE: ngettext_lazy(
        "%(count)d file must be chosen again, because its bytes are not kept.",
        "%(count)d files must be chosen again, because their bytes are not kept.",
        "count",
    ),
    "gone": ngettext_lazy(
        "%(count)d file cannot be uploaded again from here.",
        "%(count)d files cannot be uploaded again from here.",
        "count",
    ),
    "handed": ngettext_lazy(
        "%(count)d file is with a worker: its row will be in the log.",
        "%(count)d files are with workers: their rows will be in the log.",
        "count",
    ),
}
HANDED = "handed"  # the outcome of a row that a worker has, and the page does not wait for
LOST = "lost"  # the outcome of a row that is not found any more
NOT_FOUND = gettext_lazy("This row is not in the log any more, or you may not see it.")
_TOO_LONG = gettext_lazy(
    "This page gives a file %(seconds)d seconds. A worker of Celery gives it the time that it "
    "needs, and so does wx_deploy."
)
ALL_ALIKE = gettext_lazy(
    "The other files would fail in the same way, so they were not sent. Repair the cause, then go "
    "on."
)
EXPIRES = 3600  # seconds after which no worker takes the message: the user expects it no more
PATIENCE = 60  # seconds in which a page looks for the row of a file that a worker has

_ITS_ROW = gettext_lazy("If a worker takes it within an hour, its row will be in the log.")
_SLOW = gettext_lazy(
    "A file was not sent within a minute. Look whether a worker runs, then go on with the rest, or "
    "upload from this page."
)
_NO_MORE = gettext_lazy("The broker of Celery took no more files. Go on in a while.")


class StepLine(NamedTuple):
    """How a chosen row ended; without an outcome it still waits."""

    pk: int
    key: Text
    store: str = ""
    outcome: str = ""
    badge: SafeString = SafeString()
    facts: Sequence[Text] = ()
    row: int | None = None  # of the log, to be linked to


class StepRequest(NamedTuple):
    """The rows and the options of one step."""

    request: HttpRequest
    rows: Sequence[UploadLog]
    scripted: bool  # do few rows: the user may stop the script after each step
    handed: dict[int, int]  # to workers: ids of rows, and since when, in seconds since 1970
    from_page: bool = False  # without workers
    begun: int = 0  # when the page began, in seconds since 1970; 0 if unknown


class Step(NamedTuple):
    """The lines of the rows that were done or handed over, and the error that stops the action."""

    lines: list[StepLine]
    error: str = ""
    handed: Mapping[int, int] = MappingProxyType({})
    stuck: bool = False  # workers take no more


def waiting_lines(request: HttpRequest, rows: Sequence[UploadLog]) -> list[StepLine]:
    """Return a line for each row that is still to be done."""
    columns = UploadColumns(request)
    return [StepLine(row.pk, row.key or row.name, columns.store(row)) for row in rows]


# --- upload again ------------------------------------------------------------------------------


def upload_again(asked: StepRequest) -> Step:
    """Send the first of these rows again, by workers where the project has some."""
    by_workers = queue.is_available() and not asked.from_page
    return _by_workers(asked) if by_workers else _from_page(asked)


def _from_page(asked: StepRequest) -> Step:
    """Send the first of these rows again in this request."""
    columns = UploadColumns(asked.request)
    lines, few = split_sent(asked, asked.rows[: FEW if asked.scripted else MOST], columns)
    user = asked.request.user
    results = [*retry_uploads(few, user, replaces=may(user, Act.REPLACE), seconds=SECONDS)]
    newest = UploadLog.objects.newest_of(one.row for one in results if one.result)
    lines += [
        sent_line(one, newest.get((one.row.env, one.row.key_digest), one.row), columns)
        for one in results
        if one.outcome != "not attempted"
    ]
    errors = (one.result.error for one in results if one.result)
    alike = len(asked.rows) > len(lines) and any(error and error.stops_batch for error in errors)
    alike |= any(one.halted for one in results)
    return Step(lines, str(ALL_ALIKE) if alike else "")


def split_sent(
    asked: StepRequest, rows: Sequence[UploadLog], columns: UploadColumns
) -> tuple[list[StepLine], list[UploadLog]]:
    """Return the lines of rows that a lost step already sent, and the rows still to send."""
    found = {
        pk: row
        for pk, row in newer(rows).items()
        if asked.begun and row.source_ref == f"row {pk}" and row.created.timestamp() >= asked.begun
    }
    lines = [recorded_line(row, found[row.pk], columns) for row in rows if row.pk in found]
    return lines, [row for row in rows if row.pk not in found]


def recorded_line(row: UploadLog, new: UploadLog, columns: UploadColumns) -> StepLine:
    """Return the line of a row by the newer row that its upload left."""
    said: list[Text] = [columns.errcode(new)] if new.errcode or new.cos_code else []
    said += [columns.hint(new)] if new.why else []
    key, sign = columns.key(new), columns.status(new)
    return StepLine(row.pk, key, columns.store(row), new.status, sign, said, new.pk)


def sent_line(one: RetryResult, new: UploadLog, columns: UploadColumns) -> StepLine:
    """Return the line of a retry; `new` is the row that it left."""
    store, old = columns.store(one.row), one.row
    if not one.result:
        why: list[Text] = [one.reason.sentence, *_too_long(one.reason)] if one.reason else []
        sign, outcome = badge("", _("was not sent again")), one.outcome
        is_gone = isinstance(one.reason, SourceGone) and one.reason.hint is not TAKE_THE_NEWER
        # What was deployed by a command is not on the editor's own computer.
        if is_gone and old.source not in DEPLOYS and (url := columns.choose_again(old)):
            outcome = CHOOSE
            why.append(format_html('<a href="{}">{}</a>', url, _("Choose the file again")))
        return StepLine(old.pk, old.key or old.name, store, outcome, sign, why)
    if new.pk == old.pk:  # the log did not take the new one
        new = UploadLog(**facts(one.result, UploadContext(source="retry")))
    line = recorded_line(old, new, columns)
    return line._replace(facts=[*line.facts, *_too_long(one.result.error)])


def _too_long(error: WxStaticStoreError | None) -> Iterator[str]:
    """Yield advice if the time of a request was too short."""
    if isinstance(error, DeadlineExceeded):
        yield _TOO_LONG % {"seconds": REQUEST}


def count_sent(counts: Counter[str], left: int) -> str:
    """Return how many files ended in which way, and how many are left."""
    said = [text % {"count": counts[outcome]} for outcome, text in SENT.items() if counts[outcome]]
    return sentences([*said, *_rest(left, said)])


def _rest(count: int, said: Sequence[str]) -> Iterator[str]:
    """Yield the number of rows that are left; 0 only if there is nothing else to report."""
    if count or not said:
        yield ngettext(
            "Still to be done: %(count)d row.", "Still to be done: %(count)d rows.", count
        )


# --- upload again, by workers: they send, the page waits ----------------------------------------


def _by_workers(asked: StepRequest) -> Step:
    """Look up the rows that workers have, and hand over the next ones."""
    columns = UploadColumns(asked.request)
    theirs = [row for row in asked.rows if row.pk in asked.handed]
    rest = [row for row in asked.rows if row.pk not in asked.handed]
    lines, error = _ended_lines(theirs, asked.handed, columns, more=bool(rest))
    ended = {line.pk for line in lines}
    handed = {row: asked.handed[row.pk] for row in theirs if row.pk not in ended}
    if not error:
        room = (FEW if asked.scripted else MOST) - len(handed)
        known, rest = split_sent(asked, rest[: max(0, room)], columns)
        lines += known
        looked = [*check_rows(rest)]
        for one in looked:
            if isinstance(one, RetryResult):
                lines.append(sent_line(one, one.row, columns))
        ready = [one.row for one in looked if not isinstance(one, RetryResult)]
        taken, error = _hand_over(asked.request, ready)
        handed |= dict.fromkeys(taken, int(time.time()))
    lines += (_handed_line(row, columns) for row in handed)
    stuck = error not in ("", str(ALL_ALIKE))
    return Step(lines, error, {row.pk: since for row, since in handed.items()}, stuck)


def _ended_lines(
    rows: Sequence[UploadLog], since: dict[int, int], columns: UploadColumns, *, more: bool
) -> tuple[list[StepLine], str]:
    """Return the lines of rows that are over, and the reason to hand over no `more` rows."""
    sent, refused, lines, error = newer(rows), refusals(rows), [], ""
    for row in rows:
        if row.pk in sent:
            lines.append(recorded_line(row, sent[row.pk], columns))
            why = sent[row.pk].why
            if more and why and why.stops_batch:
                error = str(ALL_ALIKE)
        elif row.pk in refused:
            lines.append(sent_line(refused[row.pk], row, columns))
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
        return [], error.sentence
    # The refusal of an earlier message would end the line of its row at once.
    forget(rows)
    messages = [(row.pk, request.user.pk, time.time()) for row in rows]
    count = queue.send("wx_static_store.tasks.upload_again", messages, expires=EXPIRES)
    return rows[:count], "" if count == len(rows) else str(_NO_MORE)


def _handed_line(row: UploadLog, columns: UploadColumns) -> StepLine:
    sign = badge(Deployment.Outcome.RUNNING, _("with a worker"))
    return StepLine(row.pk, row.key, columns.store(row), badge=sign)


# --- compare -----------------------------------------------------------------------------------


def compare(asked: StepRequest) -> Step:
    """Compare all rows by few calls of the list."""
    # They fit into one step, so `scripted` changes nothing.
    try:
        compared = compare_uploads(asked.rows, seconds=SECONDS)
    except WxStaticStoreError as error:
        return Step([], error.sentence)
    columns = UploadColumns(asked.request)
    found = {(one.row.env, one.row.key): one for one in compared}
    pairs = ((row, found.get((row.env, row.key))) for row in asked.rows)
    reached = [(row, one) for row, one in pairs if one and one.state != CloudState.UNREACHED]
    return Step([_compared_line(row.pk, one, columns) for row, one in reached])


def _compared_line(pk: int, one: ComparedUpload, columns: UploadColumns) -> StepLine:
    row, remote = one.row, one.remote
    sign = badge(one.state.value, one.state.label)
    there = [filesizeformat(remote.size), remote.md5] if remote else [_("nothing")]
    size = filesizeformat(row.size) if row.size is not None else ""
    facts = [
        _facts(_("The log says"), row.get_status_display(), size, row.md5),
        _facts(_("The cloud has"), *there),
    ]
    return StepLine(pk, columns.key(row), columns.store(row), one.state.value, sign, facts, row.pk)


def _facts(label: str, *facts: Any) -> str:
    text = format_html_join(" · ", "{}", ((one,) for one in facts if one))
    return labelled(label, text)


def count_compared(counts: Counter[str], left: int) -> str:
    """Return the number of files in each state, how many are left, and what corrects the log."""
    said = [
        labelled(capfirst(state.label), counts[state.value])
        for state in CloudState
        if counts[state.value]
    ]
    said += _rest(left, said)
    if counts[CloudState.DIFFERS.value] or counts[CloudState.MISSING.value]:
        said.append(
            _("manage.py wx_reconcile --fix corrects the log. Then a deploy sends what is missing.")
        )
    return " · ".join(said)
