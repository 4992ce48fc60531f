"""The values for the page *Overview*: the chosen environments, the worst first, and their sites."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from ...admin.columns import Look, badge
from ...admin.places import Places
from ...causes import Text, cause_of
from ...conf.offered import Offer
from ...core.spans import ago
from ...i18n import gettext as _, gettext_lazy, joined, labelled, ngettext, shown
from ...models import UploadLog
from ...submit.selection import having_tags, tags_of
from ...upload.hosting import NEVER_OPENED, ONLINE, Hosting
from ..models import Drift
from ..overview import Failure, Place, Standing, failed_uploads, newest_uploads, standings

_OPENING = (Look("…", "wx-unsure"), gettext_lazy("hosting is being opened"))
_STATES: dict[str, tuple[Look, Text]] = {
    "init": _OPENING,
    "process": _OPENING,
    ONLINE: (Look("✓", "wx-good"), gettext_lazy("open")),
    "offline": (Look("✗", "wx-bad"), gettext_lazy("hosting is closed")),
    "destroying": (Look("✗", "wx-bad"), gettext_lazy("hosting is being closed")),
    "create_fail": (Look("✗", "wx-bad"), gettext_lazy("hosting could not be opened")),
    "destroy_fail": (Look("✗", "wx-bad"), gettext_lazy("hosting could not be closed")),
    NEVER_OPENED: (Look("✗", "wx-bad"), gettext_lazy("hosting was never opened")),
    "": (Look("?", "wx-quiet"), gettext_lazy("WeChat named no state")),
}
_NOT_ASKED = (Look("–", "wx-quiet"), gettext_lazy("not asked"))
LONGEST = 30  # characters of a state that is not known


class ShownHosting(NamedTuple):
    """An address, also without its scheme, and a state; `ago` is empty if WeChat was not asked."""

    address: str
    short: str
    look: Look
    text: Text
    ago: str
    is_odd: bool  # a list shows no other state that WeChat named


def shown_hosting(
    places: Places, using: str, folder: str, env: str, hosting: Hosting
) -> ShownHosting:
    """Return the hosting with the address of a folder; the alias may be gone, or empty."""
    address = places.address(places.alias(env, using), env, folder, hosting)
    word = shown(hosting.status[:LONGEST])
    unknown = Look("?", "wx-unsure"), _("hosting: %(state)s", state=word)
    look, text = _STATES.get(hosting.status, unknown) if hosting.asked else _NOT_ASKED
    return ShownHosting(
        address,
        address.partition("://")[2].rstrip("/"),
        look,
        text,
        ago(datetime.fromtimestamp(hosting.asked, UTC)) if hosting.asked else "",
        is_odd(hosting),
    )


def is_odd(hosting: Hosting) -> bool:
    """Return whether WeChat named a state other than open."""
    return bool(hosting.asked) and hosting.status not in ("", ONLINE)


PAGE = 50  # environments
# Up to so many environments name the rows that are asked for; of more, all rows are.
FEW = 500
RELEASES = 10  # of those that are live somewhere
TAGS = 24  # of a set

# What may be asked for beside names and tags, and which environments that are.
SHOWS: dict[str, tuple[Text, Callable[[Standing], bool]]] = {
    "failing": (gettext_lazy("last deploy failed"), lambda one: one.is_failing),
    "drift": (gettext_lazy("with drift"), lambda one: one.differs),
    "nothing": (gettext_lazy("nothing live"), lambda one: one.live is None),
}
CLEAN, UNSURE, DIFFERS = Look("✓", "wx-good"), Look("?", "wx-unsure"), Look("✗", "wx-bad")


class Choice(NamedTuple):
    value: str
    text: Text
    is_chosen: bool


class TagSet(NamedTuple):
    """The tags of a set; `more` counts the tags that are neither chosen nor shown."""

    name: str
    choices: Sequence[Choice]
    chosen: int
    more: int


class LiveRelease(NamedTuple):
    """A release, and the number of environments where it is live."""

    pk: int | None
    label: str
    digest: str
    number: int
    is_chosen: bool


class ShownDrift(NamedTuple):
    """The difference of the cloud; the message is in English, as it was recorded."""

    look: Look
    text: Text
    message: str


class Line(NamedTuple):
    """An environment, with its id if it has another name."""

    name: str
    env: str
    env_id: str
    hosting: ShownHosting
    tags: Sequence[str]
    standing: Standing
    outcome: str  # of the last deploy
    number: str  # of the last failure, as WeChat or COS gave it
    cause: Text  # of the last failure
    drift: ShownDrift | None
    upload: UploadLog | None  # the newest
    failures: str  # the number of failed uploads of the last days, in words


class OverviewTable:
    """The environments that one request chose, of those that its user sees."""

    def __init__(
        self,
        asked: QueryDict,
        offers: Mapping[str, Offer],
        places: Sequence[Place],
        *,
        known: Places,
        sees_log: bool = False,
    ) -> None:
        self._asked, self._offers, self._places = asked, offers, places
        self._known = known
        self._sees_log = sees_log
        chosen = (place for place in places if _value(place) == asked.get("place"))
        self._place = next(chosen, places[0] if places else None)
        self._where = self._place or Place("", "")
        self.query = asked.get("q", "").strip()

    # --- what may be chosen ----------------------------------------------------------------------

    def places(self) -> list[Choice]:
        return [
            Choice(_value(place), labelled(place.using, f"/{place.folder}"), place == self._place)
            for place in self._places
        ]

    def tag_sets(self) -> Iterator[TagSet]:
        chosen, sets = {*self._asked.getlist("tag")}, defaultdict[str, list[Choice]](list)
        for tag in sorted(tags_of(self._offers)):
            name, _slash, value = tag.partition("/")
            sets[name].append(Choice(tag, value, tag in chosen))
        for name, choices in sets.items():
            first = sorted(choices, key=lambda choice: not choice.is_chosen)[:TAGS]
            number = sum(choice.is_chosen for choice in choices)
            yield TagSet(name, first, number, len(choices) - len(first))

    def shows(self) -> list[Choice]:
        asked = self._asked.get("show")
        return [Choice(value, text, value == asked) for value, (text, _has) in SHOWS.items()]

    def releases(self) -> list[LiveRelease]:
        """Return the releases that are live in most of these environments."""
        live = [standing.live for standing in self._standings if standing.live]
        labels = {row.release_id: row.label for row in sorted(live, key=lambda row: row.pk)}
        digests = {row.release_id: str(row.release) for row in live}
        counts = Counter(row.release_id for row in live)
        return [
            LiveRelease(pk, labels[pk], digests[pk], number, str(pk) == self._asked.get("release"))
            for pk, number in counts.most_common(RELEASES)
        ]

    # --- what was chosen -------------------------------------------------------------------------

    @cached_property
    def page(self) -> Page[Standing]:
        found = self._standings
        if release := self._asked.get("release"):
            found = [one for one in found if one.live and str(one.live.release_id) == release]
        if show := SHOWS.get(self._asked.get("show", "")):
            found = [one for one in found if show[1](one)]
        worst_first = sorted(found, key=self._badness, reverse=True)
        return Paginator(worst_first, PAGE).get_page(self._asked.get("p"))

    def _badness(self, one: Standing) -> tuple[bool, bool, bool, int]:
        """Return the sort key: a closed site, a failed deploy, drift, recent failures."""
        is_closed = is_odd(self._hostings[one.env])
        return is_closed, one.is_failing, one.differs, self._failures[one.env]

    @cached_property
    def _hostings(self) -> Mapping[str, Hosting]:
        return self._known.hostings(self._where.using, [one.env for one in self._standings])

    @cached_property
    def _failed(self) -> Sequence[Any]:
        """Return the failed uploads of the last days, if the user may see the log."""
        if not self._sees_log:
            return []
        rows = UploadLog.objects.all()
        if len(self._offers) <= FEW:
            rows = rows.filter(env__in=[*self._offers])
        return failed_uploads(rows)

    @cached_property
    def _failures(self) -> Counter[str]:
        return Counter(row.env for row in self._failed)

    def troubled(self, most: int) -> list[Line]:
        """Return the worst of the environments that have any trouble."""
        lines = islice(self.lines(), most)
        return [line for line in lines if any(self._badness(line.standing))]

    def lines(self) -> Iterator[Line]:
        shown = [standing.env for standing in self.page]
        uploads = newest_uploads(shown) if self._sees_log else {}
        for standing in self.page:
            offer, newest = self._offers[standing.env], standing.newest
            number, cause = self._why(standing.failure) if standing.failure else ("", "")
            failed = self._failures[standing.env]
            in_words = ngettext(
                "%(count)d failure in 14 days", "%(count)d failures in 14 days", failed
            )
            yield Line(
                name=offer.label,
                env=standing.env if offer.label != standing.env else "",
                env_id=standing.env,
                hosting=shown_hosting(
                    self._known, *self._where, standing.env, self._hostings[standing.env]
                ),
                tags=offer.tags,
                standing=standing,
                outcome=badge(newest.outcome, newest.get_outcome_display()) if newest else "",
                number=number,
                cause=cause,
                drift=shown_drift(standing.drift) if standing.drift else None,
                upload=uploads.get(standing.env),
                failures=in_words if failed else "",
            )

    def _why(self, failure: Failure) -> tuple[str, Text]:
        """Return number and title of a failure's cause; for a deploy, that of most files."""
        cause, number = failure.cause, str(failure.errcode or "")
        if not cause and failure.deployment_id:
            of_files = Counter(
                (row.cause, str(row.errcode or row.cos_code or ""))
                for row in self._failed
                if row.deployment_id == failure.deployment_id
            )
            cause, number = max(of_files, key=of_files.__getitem__, default=("", ""))
        return number, cause_of(cause).title if cause else ""

    @cached_property
    def _standings(self) -> Sequence[Standing]:
        tagged = having_tags(self._offers, self._asked.getlist("tag"))
        texts = {env: (env, self._offers[env].label, *self._offers[env].tags) for env in tagged}
        query = self.query.casefold()
        found = [env for env in tagged if any(query in text.casefold() for text in texts[env])]
        if self._place is None:
            return [Standing(env) for env in found]
        return standings(found, self._place)


def _value(place: Place) -> str:
    return f"{place.using}:{place.folder}"


def shown_drift(row: Drift) -> ShownDrift:
    if row.message:
        return ShownDrift(UNSURE, _("not compared"), row.message)
    counts = {
        gettext_lazy("%(count)d missing"): row.missing,
        gettext_lazy("%(count)d with other bytes"): row.differs,
    }
    found = [text % {"count": count} for text, count in counts.items() if count]
    return ShownDrift(DIFFERS if found else CLEAN, joined(found) or _("as deployed"), "")
