"""The last days: uploads by day, slow hours, failures by code, and publishers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import quantiles
from typing import Any, NamedTuple

from django.db.models import Subquery
from django.utils import timezone

from ..models import UploadLog, UploadLogQuerySet

DAYS = 14
MOST = 5_000  # of the newest rows of an environment
MOST_FAILURES = 2_000  # of the newest rows of a status, of all environments
SLOWEST = 5  # hours
_BAD = (UploadLog.Status.FAILED, UploadLog.Status.UNKNOWN)


class Day(NamedTuple):
    """The uploads of a day, and how many of them are not stored; `size` is in bytes."""

    date: date
    uploads: int
    failed: int
    size: int


class Hour(NamedTuple):
    """The duration of the uploads of an hour, in ms: the median and the 95th percentile."""

    start: datetime
    uploads: int
    median: int
    most: int


class Publisher(NamedTuple):
    """A user or source, and how much it stored; a command has no user."""

    user_id: int | None
    source: str
    files: int
    size: int


class Activity(NamedTuple):
    """The last 14 days of an environment; `is_cut` if only the newest rows were read."""

    days: Sequence[Day]
    hours: Sequence[Hour]
    publishers: Sequence[Publisher]
    is_cut: bool


class Failures(NamedTuple):
    """How many uploads of an environment were not stored, by day and by code."""

    days: Sequence[int]
    codes: Sequence[tuple[str, int]]
    deployments: Mapping[int, tuple[str, str]] = {}  # the most frequent cause of each, its number

    @property
    def number(self) -> int:
        return sum(self.days)


def activity(env: str) -> Activity:
    """Return the activity of an environment, from its newest 5,000 rows."""
    names = ("created", "status", "size", "duration_ms", "user_id", "source")
    rows = UploadLog.objects.filter(env=env, created__gte=_since()).order_by("-id")
    found = [*rows.values_list(*names, named=True)[: MOST + 1]]
    return Activity(_days(found), _hours(found), _publishers(found), len(found) > MOST)


def failures(rows: UploadLogQuerySet) -> dict[str, Failures]:
    """Return the failures of each environment of these rows, from the newest of each status."""
    days, since = _dates(), _since()
    found: dict[str, tuple[Counter[date], Counter[str], Counter[tuple[int, str, str]]]] = (
        defaultdict(lambda: (Counter(), Counter(), Counter()))
    )
    # Each status apart: its index gives the newest rows.
    for status in _BAD:
        newest = rows.filter(status=status, created__gte=since).order_by("-id")
        names = ("env", "errcode", "cos_code", "cause", "deployment_id", "created")
        for row in newest.values_list(*names, named=True)[:MOST_FAILURES]:
            by_day, by_code, by_deployment = found[row.env]
            number = str(row.errcode or row.cos_code or "")
            by_day[_day(row.created)] += 1
            by_code[number] += 1
            if row.deployment_id:
                by_deployment[row.deployment_id, row.cause, number] += 1
    return {
        env: Failures(
            [by_day[day] for day in days],
            by_code.most_common(),
            # The most frequent one comes last, and stays.
            {
                pk: (cause, number)
                for (pk, cause, number), _count in reversed(by_deployment.most_common())
            },
        )
        for env, (by_day, by_code, by_deployment) in found.items()
    }


def newest_uploads(envs: Collection[str]) -> dict[str, UploadLog]:
    """Return the newest row of each environment, by one query: for the few that a page shows."""
    rows = UploadLog.objects.order_by("-id")
    newest = [Subquery(rows.filter(env=env).values("id")[:1]) for env in envs]
    # With the 0 it is a list: MariaDB takes one query alone for all that it finds, without a limit.
    return {row.env: row for row in rows.filter(pk__in=[0, *newest])}


def _days(rows: Iterable[Any]) -> list[Day]:
    uploads, failed, size = Counter[date](), Counter[date](), Counter[date]()
    for row in rows:
        day = _day(row.created)
        uploads[day] += 1
        failed[day] += row.status in _BAD
        size[day] += (row.size or 0) * (row.status not in _BAD)
    return [Day(day, uploads[day], failed[day], size[day]) for day in _dates()]


def _hours(rows: Iterable[Any]) -> list[Hour]:
    """Return the slowest hours, the slowest first."""
    took = defaultdict[datetime, list[int]](list)
    for row in rows:
        took[row.created.replace(minute=0, second=0, microsecond=0)].append(row.duration_ms)
    hours = []
    for start, each in took.items():
        parts = quantiles(each, n=20, method="inclusive") if len(each) > 1 else each * 20
        # The median and the 95th percentile.
        hours.append(Hour(start, len(each), round(parts[9]), round(parts[18])))
    return sorted(hours, key=lambda hour: hour.most, reverse=True)[:SLOWEST]


def _publishers(rows: Iterable[Any]) -> list[Publisher]:
    files, size = Counter[tuple[int | None, str]](), Counter[tuple[int | None, str]]()
    for row in rows:
        if row.status not in _BAD:
            files[row.user_id, row.source] += 1
            size[row.user_id, row.source] += row.size or 0
    return [Publisher(*who, count, size[who]) for who, count in files.most_common()]


def _dates() -> list[date]:
    today = _day(timezone.now())
    return [today - timedelta(days) for days in range(DAYS - 1, -1, -1)]


def _since() -> datetime:
    now = timezone.now()
    here = timezone.localtime(now) if timezone.is_aware(now) else now
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(DAYS - 1)


def _day(moment: datetime) -> date:
    return (timezone.localtime(moment) if timezone.is_aware(moment) else moment).date()
