"""The columns of the lists and the fields of a row's page."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from ..causes import Cause, Text, docs_place
from ..core.naming import content_type
from ..core.releases import label_in_words
from ..i18n import here, labelled, ngettext, with_facts
from ..log.compare import CloudState
from ..models import Deployment, Dismissal, UploadLog, WaitingFile
from ..submit.access import Act, may
from .places import Places, places_for

NOTHING = "-"  # as Django shows it

# The words that the log keeps.
SOURCES: dict[str, Text] = {
    "admin": gettext_lazy("admin"),
    "admin_deploy": gettext_lazy("deployment in the admin"),
    "api": gettext_lazy("API"),
    "collectstatic": "collectstatic",
    "delete": gettext_lazy("deletion"),
    "import": gettext_lazy("import"),
    "list": gettext_lazy("the cloud's list"),
    "reconcile": gettext_lazy("comparison with the cloud"),
    "retry": gettext_lazy("repetition"),
    "storage": gettext_lazy("file field"),
    "wx_deploy": "wx_deploy",
    "wx_rollout": gettext_lazy("rollout"),
}
STAGES: dict[str, Text] = {
    "name": gettext_lazy("checking the name"),
    "source": gettext_lazy("reading the file"),
    "token": gettext_lazy("getting a token"),
    "link": gettext_lazy("asking WeChat for a link"),
    "put": gettext_lazy("sending the file"),
    "verify": gettext_lazy("comparing what is stored"),
}


class Look(NamedTuple):
    """A sign that needs no colour to be understood, and the class that gives the colour."""

    sign: str
    css_class: str


GOOD, BAD, UNSURE = Look("✓", "wx-good"), Look("✗", "wx-bad"), Look("?", "wx-unsure")
_VALUES: dict[Look, tuple[str, ...]] = {
    GOOD: (
        *(UploadLog.Status.STORED, Deployment.Outcome.DONE, Deployment.Checked.OK),
        *(CloudState.SAME, CloudState.DELETED),
    ),
    BAD: (
        *(UploadLog.Status.FAILED, Deployment.Checked.MISMATCHED),
        *(CloudState.DIFFERS, CloudState.MISSING, CloudState.NOT_STORED),
        *(WaitingFile.State.PARKED, WaitingFile.State.LEFT),
    ),
    Look("…", "wx-unsure"): (Deployment.Outcome.RUNNING, WaitingFile.State.DUE),
    # states of rollouts
    Look("·", "wx-quiet"): ("planned",),
    Look("‖", "wx-unsure"): ("paused",),
    Look("■", "wx-bad"): ("stopped",),
}
LOOKS = {value: look for look, values in _VALUES.items() for value in values}  # others are unsure


# An upload of one of these may have changed the public file.
MAYBE_PUBLIC = (UploadLog.Status.STORED, UploadLog.Status.UNKNOWN)


def badge(value: str, label: Text) -> SafeString:
    look = LOOKS.get(value, UNSURE)
    return format_html(
        '<span class="wx-badge {}"><span aria-hidden="true">{}</span> {}</span>',
        look.css_class,
        look.sign,
        label,
    )


def duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    if seconds < 1:
        return _("%(number)d ms") % {"number": milliseconds}
    if seconds < 59.95:  # more would be shown as 60.0 s
        return _("%(number).1f s") % {"number": seconds}
    minutes, rest = divmod(round(seconds), 60)
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}


def day_and_time(moment: datetime) -> SafeString:
    """Return day and time, with a line break between them if the column is narrow."""
    parts = [date_format(here(moment), part) for part in ("Y-m-d", "H:i")]
    return format_html('<span><span class="wx-nowrap">{}</span> {}</span>', *parts)


def link(url: str, text: Any) -> SafeString:
    """Link to the public site, which learns nothing of the page that linked to it."""
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, text)


def two_lines(text: Any, *more: Any) -> SafeString:
    """Return the main text, and the rest small below it."""
    # The space parts the two where somebody copies the cell.
    small = format_html_join(" · ", "<span>{}</span>", ((one,) for one in more if one))
    return format_html("{} <small>{}</small>", text, small) if small else format_html("{}", text)


def path_link(url: str, path: str) -> SafeString:
    """Link a path, its folder smaller than its name."""
    folder, slash, name = path.rpartition("/")
    return format_html(
        '<a class="wx-path" href="{}"><span class="wx-dir">{}</span><span>{}</span></a>',
        *(url, folder + slash, name),
    )


def with_details(text: Any, summary: str, more: Any) -> SafeString:
    """Return a sentence, and the details behind a line that opens them."""
    if not more:
        return format_html("{}", text)
    return format_html("{}<details><summary>{}</summary>{}</details>", text, summary, more)


def address_tools(url: str) -> SafeString:
    """Return a sign that opens the address, and a button that copies it; a script shows that."""
    opened = format_html(
        '<span aria-hidden="true">↗</span><span class="wx-hidden">{}</span>', _("Open the file")
    )
    return format_html(
        '{} <button type="button" class="wx-copy wx-plain" title="{}" data-copy="{}"'
        ' data-copied="{}" hidden>{}</button>',
        *(link(url, opened), url, url, _("Copied"), _("Copy")),
    )


def admin_url(request: HttpRequest, name: str, *args: Any) -> str:
    """Return the address of a page in the admin site that serves this request."""
    match = request.resolver_match
    here = match.namespace if match else None
    return reverse(f"admin:wx_static_store_{name}", args=args, current_app=here)


class Columns:
    """The columns that several lists show, for one request."""

    # Only the time orders the lists: the ids do so, by an index.

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._places: Places = places_for(request)

    def unnamed(self, row: Any) -> tuple[str, ...]:
        """Return the field with the environment's id, where the list shows a name instead."""
        return ("env",) if row and self._places.name(row.env) != row.env else ()

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Any) -> SafeString:
        return badge(row.state, row.get_state_display())

    @admin.display(description=gettext_lazy("source"))
    def source(self, row: UploadLog | Deployment | WaitingFile) -> Text:
        return SOURCES.get(row.source, row.source)

    @admin.display(description=gettext_lazy("user"))
    def user(self, row: Any) -> str:
        """Return the name of the user, or the number of a deleted one."""
        return str(row.user or (f"#{row.user_id}" if row.user_id else NOTHING))

    @admin.display(description=gettext_lazy("duration"))
    def duration(self, row: Any) -> str:
        return NOTHING if row.duration_ms is None else duration(row.duration_ms)

    @admin.display(description=pgettext_lazy("of an upload", "time"))
    def time(self, row: Any) -> SafeString:
        return day_and_time(row.created)

    @admin.display(description=pgettext_lazy("of an upload", "time"), ordering="id")
    def ended(self, row: Any) -> SafeString:
        """Return the time, the source, and the user if there is one."""
        who = self.user(row) if row.user_id else ""
        return two_lines(day_and_time(row.created), self.source(row), who)

    def to_deployment(self, pk: int, text: str) -> SafeString | str:
        """Link to the page of a deployment, for users who may see it."""
        if not may(self._request.user, Act.SEE_DEPLOYMENTS):
            return text
        url = admin_url(self._request, "deployment_change", pk)
        return format_html('<a href="{}">{}</a>', url, text)

    @admin.display(description=gettext_lazy("source"))
    def origin(self, row: UploadLog | Deployment) -> SafeString:
        """Return the source, and the user if there is one."""
        return two_lines(self.source(row), self.user(row) if row.user_id else "")

    @admin.display(description=gettext_lazy("store"))
    def store(self, row: Any) -> str:
        name, using = self._places.name(row.env), self._places.using(row)
        return with_facts(name, using)

    @admin.display(description=gettext_lazy("size"))
    def size(self, row: Any) -> str:
        return NOTHING if row.size is None else filesizeformat(row.size)

    @admin.display(description=gettext_lazy("source reference"))
    def source_ref(self, row: Any) -> str:
        return label_in_words(row.source_ref)

    @admin.display(description=gettext_lazy("message"))
    def message(self, row: Any) -> SafeString | str:
        """Return the message in the reader's language, and the recorded English behind it."""
        if not row.message:
            return NOTHING
        recorded = format_html('<span lang="en">{}</span>', row.message)
        text = _(row.message)
        if text == row.message:  # no language has it
            stage = STAGES.get(getattr(row, "stage", ""), "")
            text = str(row.why.title) if row.why else ""
            text = labelled(capfirst(str(stage)), text) if stage and text else text
        return with_details(text, _("As it was recorded"), recorded) if text else recorded

    @admin.display(description=gettext_lazy("errcode"))
    def errcode(self, row: Any) -> SafeString | str:
        """Return WeChat's errcode or the code of COS, and the cause."""
        code = row.errcode or getattr(row, "cos_code", "")  # a waiting file has none of COS
        return two_lines(code or NOTHING, row.why.title if row.why else "")

    @admin.display(description=gettext_lazy("hint"))
    def hint(self, row: Any) -> SafeString | str:
        """Return the advice for an editor, and the operator's hint behind it."""
        return explained(row.advice, row.why, row.hint) if row.why else NOTHING


class UploadColumns(Columns):
    """The columns of the log."""

    @admin.display(description=gettext_lazy("status"))
    def status(self, row: UploadLog) -> SafeString:
        return badge(row.status, row.get_status_display())

    @admin.display(description=gettext_lazy("key"))
    def key(self, row: UploadLog) -> str:
        """Return the key, as a link if the file may be public."""
        url = self._places.url(row) if row.status in MAYBE_PUBLIC else ""
        return link(url, row.key) if url else row.key or row.name

    @admin.display(description=gettext_lazy("file"))
    def file(self, row: UploadLog) -> SafeString:
        """Return a small picture, the name as a link to the row's page, and what else is known."""
        page = admin_url(self._request, "uploadlog_change", row.pk)
        url = self._places.url(row) if row.status in MAYBE_PUBLIC else ""
        shown = path_link(page, row.key or row.name)
        size = "" if row.size is None else self.size(row)
        small = two_lines("", address_tools(url) if url else "", self.store(row), size)
        return format_html("{}{}{}", self._picture(row, url), shown, small)

    def _picture(self, row: UploadLog, url: str) -> SafeString | str:
        """Return a small picture of the stored file, if it is one."""
        is_image = content_type(row.key).startswith("image/")
        if not (url and is_image and row.status == UploadLog.Status.STORED) or row.is_deletion:
            return ""
        # Without a referrer, so that the public site does not learn the address of the admin.
        return format_html(
            '<img class="wx-small" src="{}" alt="" width="32" height="32" loading="lazy"'
            ' referrerpolicy="no-referrer">',
            url,
        )

    @admin.display(description=gettext_lazy("stage"))
    def stage(self, row: UploadLog) -> Text:
        return STAGES.get(row.stage, row.stage) or NOTHING

    @admin.display(description=gettext_lazy("dismissed"))
    def dismissed(self, row: UploadLog) -> SafeString | str:
        """Return when and by whom the failure was dismissed; asks the database."""
        found = Dismissal.objects.filter(upload=row).first()
        return two_lines(day_and_time(found.created), self.user(found)) if found else NOTHING

    def choose_again(self, row: UploadLog) -> str:
        """Return the upload page's address with the row's store, folder and name; "" if none."""
        using = self._places.using(row)
        if not (using and may(self._request.user, Act.UPLOAD)):
            return ""
        folder, slash, name = row.name.rpartition("/")
        query = {"store": f"{using}@{row.env}", "folder": folder + slash, "name": name}
        return f"{admin_url(self._request, 'uploadlog_upload')}?{urlencode(query)}"

    @admin.display(description=gettext_lazy("deployment"))
    def deployment(self, row: UploadLog) -> SafeString | str:
        if row.deployment_id is None:
            return NOTHING
        return self.to_deployment(row.deployment_id, f"#{row.deployment_id}")


class WaitingColumns(Columns):
    """The columns of the files that wait."""

    @admin.display(description=gettext_lazy("file"))
    def file(self, row: WaitingFile) -> SafeString:
        """Return the key as a link to the row's page, with size and store."""
        page = admin_url(self._request, "waitingfile_change", row.pk)
        size = self.size(row) if row.file else row.get_kind_display()
        return two_lines(path_link(page, row.key), size, self.store(row))

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: WaitingFile) -> SafeString:
        """Return the state, when the file is tried again, and how often it was tried."""
        again = format_html("{} {}", _("next attempt"), day_and_time(row.next_at))
        tried = ngettext("%(count)d attempt", "%(count)d attempts", row.attempts)
        is_due = row.state == row.State.DUE
        return two_lines(super().state(row), again if is_due else "", tried if row.attempts else "")


def explained(advice: Text, why: Cause, hint: Text, errmsg: str = "") -> SafeString:
    """Return the advice for an editor, and behind it the entry of the cause, for an operator."""
    answer = labelled(_("What was recorded"), errmsg) if errmsg else ""
    said = filter(None, (answer, hint, why.means, why.remedy.label))
    more = format_html_join("", "<p>{}</p>", ((text,) for text in said))
    if place := docs_place(why.id):
        more = format_html('{}<p><a href="{}">{}</a></p>', more, place, why.id)
    return with_details(advice or why.title, _("For the site's operator"), more)


def filled_fields(fields: Iterable[Any], row: Any) -> list[Any]:
    """Return the fields that have a value in this row."""
    shown = ((each, each(row) if callable(each) else getattr(row, each)) for each in fields)
    return [each for each, value in shown if value not in (None, "", NOTHING)]


def lines(rows: Iterable[Any], columns: Columns, *names: str) -> list[dict[str, Any]]:
    """Return rows for a table or a list on another page, with these columns."""
    return [{"row": row, **{name: getattr(columns, name)(row) for name in names}} for row in rows]
