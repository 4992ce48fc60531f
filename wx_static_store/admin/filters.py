"""Filters of the lists, each a short list of choices that an index serves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any, cast

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Min, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..causes import Text, cause_of, of_errcode
from ..conf import platform_options
from ..core.types import NOT_STORED
from ..i18n import here
from ..models import Deployment, UploadLog, UploadLogQuerySet, WaitingFile
from ..models.columns import created_between
from ..submit.access import sees
from .columns import SOURCES
from .places import places_for

Choices = Sequence[tuple[str, Any]]

NO_ANSWER = "none"
LATE = 100_000  # rows of the log: a tenant may have few of them
LINKS = 20  # environments
NEWEST = 200  # of the newest uploads that were not stored


class ColumnFilter(SimpleListFilter):
    """Filter by one column; a value that is not offered finds nothing."""

    offered: Choices = ()

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        return self.offered

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        offered = value in dict(self.lookup_choices)
        return self.narrow(queryset, value) if offered else queryset.none()

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): value})


class StatusFilter(ColumnFilter):
    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        more = [("trouble", _("failed or unknown")), ("failing", _("still failing"))]
        return [*UploadLog.Status.choices, *more]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "failing":
            # By ids: a database that follows the order of the list may read the whole log.
            found = cast(UploadLogQuerySet, queryset).still_failing().order_by()
            return queryset.filter(id__in=list(found.values_list("id", flat=True)))
        return queryset.filter(status__in=NOT_STORED if value == "trouble" else [value])


class StateFilter(ColumnFilter):
    title, parameter_name = _("state"), "state"
    offered = WaitingFile.State.choices


class OutcomeFilter(ColumnFilter):
    title, parameter_name = _("outcome"), "outcome"
    offered = Deployment.Outcome.choices


class StoreFilter(ColumnFilter):
    """The environments that have a name here: as links, or by a part of a name if they are many."""

    title, parameter_name = _("store"), "store"
    template = "admin/wx_static_store/store_filter.html"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        own, value = (self.parameter_name, "p"), self.value() or ""
        self.others = {name: each for name, each in request.GET.items() if name not in own}
        names = sorted(places_for(request).names.items(), key=itemgetter(1))
        with_text = (each for each in names if value.casefold() in "\n".join(each).casefold())
        exact = [each for each in names if each[0] == value]
        self.matching = exact or [*islice(with_text, LINKS)]
        self.is_long = len(names) > LINKS
        self.sees_more = platform_options().environments is not None and sees(request.user) is None
        return self.matching if self.is_long and self.matching else names[:LINKS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (value := self.value()):
            return queryset
        # A superuser may name an environment that has no name here.
        envs = [env for env, _name in self.matching] or [value]
        return queryset.none() if "\0" in value else queryset.filter(env__in=envs)


class ErrcodeFilter(ColumnFilter):
    """The errcodes of the newest failures, and the one in the address."""

    title, parameter_name = _("errcode"), "errcode"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        rows = cast(UploadLogQuerySet, model_admin.get_queryset(request)).among_newest(LATE)
        # A stored row has no errcode, so the index of the other rows is enough.
        troubled = rows.filter(status__in=NOT_STORED)
        newest = troubled.order_by("-id").values_list("errcode", flat=True)[:NEWEST]
        asked = re.fullmatch("-?[0-9]{1,9}", self.value() or "")
        codes = sorted({code for code in newest if code} | ({int(asked[0])} if asked else set()))
        choices = [(str(code), f"{code} {of_errcode(code, '').title}") for code in codes]
        return [*choices, (NO_ANSWER, _("no answer from WeChat"))]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        code = None if value == NO_ANSWER else int(value)
        return queryset.filter(status__in=NOT_STORED, errcode=code)


class SourceFilter(ColumnFilter):
    title, parameter_name = _("source"), "source"
    offered = tuple(SOURCES.items())


class TimeFilter(ColumnFilter):
    """The last hour to 30 days, or a year, one of its months, and one of their days."""

    title, parameter_name = _("time"), "time"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        oldest = model_admin.model._default_manager.aggregate(oldest=Min("created"))["oldest"]
        periods = _periods(here(oldest).date(), self.value() or "") if oldest else ()
        # Links need no script and fit into the filters of any theme.
        return [
            ("hour", _("last hour")),
            ("today", _("today")),
            ("week", _("last 7 days")),
            ("month", _("last 30 days")),
            *((period, period) for period in periods),
        ]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value[0].isdigit():
            return created_between(queryset, *map(_midnight, _bounds(value)))
        now = timezone.now()
        spans = {"hour": timedelta(hours=1), "week": timedelta(7), "month": timedelta(30)}
        since = _midnight(here(now).date()) if value == "today" else now - spans[value]
        return created_between(queryset, since, None)


def _periods(oldest: date, asked: str) -> Iterable[str]:
    """Return the years since `oldest`, the newest first, with the chosen year's months and days."""
    latest = here(timezone.now()).date()
    days = (f"{latest - timedelta(ago)}" for ago in range((latest - oldest).days + 1))
    # A year, month or day is so much of a day's text, and part of so much of it.
    parts = ((4, 0), (7, 4), (10, 7))
    return dict.fromkeys(
        day[:end] for day in days for end, whole in parts if day[:whole] == asked[:whole]
    )


def _bounds(period: str) -> tuple[date, date]:
    """Return the first day of a year, month or day, and the day after its last."""
    first = date.fromisoformat(f"{period}-01-01"[:10])
    if len(period) == len("2026-03-01"):
        return first, first + timedelta(1)
    later = first + timedelta(366 if len(period) == len("2026") else 31)
    return first, later.replace(day=1)


def _midnight(day: date) -> datetime:
    moment = datetime.combine(day, time.min)
    return timezone.make_aware(moment) if timezone.is_aware(timezone.now()) else moment


class LinkedFilter(ColumnFilter):
    """A filter that only a link sets; hidden otherwise."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        asked = request.GET.get(str(self.parameter_name))
        return [(asked, self.label(asked))] if asked else []

    def label(self, asked: str) -> Text:
        return f"#{asked}"


class CauseFilter(LinkedFilter):
    title, parameter_name = _("cause"), "cause"

    def label(self, asked: str) -> Text:
        return cause_of(asked).title

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return cast(UploadLogQuerySet, queryset).of_cause(value)


class DeploymentFilter(LinkedFilter):
    title, parameter_name = _("deployment"), "deployment"

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        number = re.fullmatch("[0-9]{1,18}", value)
        return queryset.filter(deployment=int(value)) if number else queryset.none()
