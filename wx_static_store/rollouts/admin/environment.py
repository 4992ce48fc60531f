"""The values for the page of one environment: live releases, recent uploads, failures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from ...admin.causes import cards
from ...admin.columns import SOURCES, duration
from ...admin.places import places_for
from ...causes import Text
from ...conf.offered import Offer
from ...i18n import gettext as _, ngettext
from ...log.failing import causes
from ...models import Deployment, UploadLog
from ...releases.live import live_lately
from ...submit.access import Act, may
from ..activity import Activity, activity
from ..drift import rows as drift_rows
from ..models import Drift
from .charts import Bar, bars
from .table import ShownDrift, ShownHosting, shown_drift, shown_hosting

LIVE = 20  # folders
CAUSES = 5  # of what still fails


class ShownDay(NamedTuple):
    """A day in words, for the table below the charts."""

    date: str
    uploads: int
    failed: int
    size: str


class EnvironmentPage:
    """One environment, as the user may see it."""

    def __init__(self, request: HttpRequest, env: str, offer: Offer) -> None:
        self._request, self.env, self.offer = request, env, offer
        self.has_doctor = apps.is_installed("wx_static_store.health")
        self.sees_log = may(request.user, Act.SEE_LOG)
        self.sees_deployments = may(request.user, Act.SEE_DEPLOYMENTS)

    # --- what is there ---------------------------------------------------------------------------

    def hosting(self) -> ShownHosting:
        """Return the site's address and the state of its hosting, as far as known."""
        places = places_for(self._request)
        return shown_hosting(places, "", "", self.env, places.hostings("", [self.env])[self.env])

    def live(self) -> list[tuple[Deployment, str]]:
        """Return the live release of each folder, with its address."""
        if not self.sees_deployments:
            return []
        found = live_lately(Deployment.objects.primary().filter(env=self.env), LIVE)
        places = places_for(self._request)
        return [(row, places.address(row.using, row.env, row.folder)) for row in found]

    def drift(self) -> list[tuple[Drift, ShownDrift]]:
        """Return the results of the last comparisons, with the number of files and bytes."""
        rows = drift_rows().filter(env=self.env) if self.sees_deployments else []
        return [(row, shown_drift(row)) for row in rows]

    # --- what happened ---------------------------------------------------------------------------

    @cached_property
    def activity(self) -> Activity | None:
        return activity(self.env) if self.sees_log else None

    @property
    def has_uploads(self) -> bool:
        return self.activity is not None and any(day.uploads for day in self.activity.days)

    def uploads_chart(self) -> SafeString:
        days = self.activity.days if self.activity else ()
        count = sum(day.uploads for day in days)
        label = ngettext("%(count)d upload in 14 days", "%(count)d uploads in 14 days", count)
        shown = zip(days, self.days(), strict=True)
        return bars([Bar(day.uploads, _of_day(said), day.failed) for day, said in shown], label)

    def bytes_chart(self) -> SafeString:
        days = self.activity.days if self.activity else ()
        size = filesizeformat(sum(day.size for day in days))
        label = _("%(size)s in 14 days", size=size)
        shown = zip(days, self.days(), strict=True)
        return bars([Bar(day.size, f"{said.date}: {said.size}") for day, said in shown], label)

    def days(self) -> list[ShownDay]:
        days = self.activity.days if self.activity else ()
        return [
            ShownDay(
                date_format(day.date, "m-d"), day.uploads, day.failed, filesizeformat(day.size)
            )
            for day in days
        ]

    def hours(self) -> Iterator[tuple[Any, int, str, str]]:
        """Yield the slowest hours: start, uploads, the median and the 95th percentile."""
        for hour in self.activity.hours if self.activity else ():
            yield hour.start, hour.uploads, duration(hour.median), duration(hour.most)

    def publishers(self) -> Iterator[tuple[str, Text, int, str]]:
        """Yield each publisher: the user, the source, files and bytes."""
        found = self.activity.publishers if self.activity else ()
        ids = [who.user_id for who in found if who.user_id]
        users = get_user_model()._default_manager.in_bulk(ids)
        for who in found:
            # A user may be gone, or in another database.
            name = str(users.get(who.user_id, f"#{who.user_id}")) if who.user_id else ""
            yield name, SOURCES.get(who.source, who.source), who.files, filesizeformat(who.size)

    def causes(self) -> list[dict[str, Any]]:
        """Return the newest causes for which files still fail, as the page *Still failing* does."""
        if not self.sees_log:
            return []
        rows = UploadLog.objects.filter(env=self.env)
        found = causes(rows.still_failing().order_by())
        return cards(self._request, found[:CAUSES], rows)


def _of_day(day: ShownDay) -> str:
    text = ngettext("%(count)d upload", "%(count)d uploads", day.uploads)
    failed = _("%(count)d failed", count=day.failed)
    return f"{day.date}: {text} · {failed}" if day.failed else f"{day.date}: {text}"
