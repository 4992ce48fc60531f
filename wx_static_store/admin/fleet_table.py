"""What the page *Environments* shows: how those that were chosen stand, some at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from ..conf.offered import Offer
from ..fleet.overview import Place, Standing, standings
from ..fleet.selection import having, tags_of
from ..i18n import gettext as _, gettext_lazy, joined, labelled
from ..models import Drift
from .columns import Look, badge
from .labels import Text, meaning

PAGE = 50  # environments
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
    """The tags of a set; `more` are neither chosen nor shown, and a search finds them, too."""

    name: str
    choices: Sequence[Choice]
    chosen: int
    more: int


class LiveRelease(NamedTuple):
    """A release, and in how many environments it is live."""

    pk: int | None
    label: str
    digest: str
    number: int
    is_chosen: bool


class ShownDrift(NamedTuple):
    """How the cloud differed; the message is in English, as it was recorded."""

    look: Look
    text: Text
    message: str


class Line(NamedTuple):
    """An environment, with its id where it has another name."""

    name: str
    env: str
    tags: Sequence[str]
    standing: Standing
    outcome: str  # of the last deploy
    meaning: Text  # of the last failure
    drift: ShownDrift | None


class FleetTable:
    """What one request chose of the environments that its user sees."""

    def __init__(
        self, asked: QueryDict, offers: Mapping[str, Offer], places: Sequence[Place]
    ) -> None:
        self._asked, self._offers, self._places = asked, offers, places
        chosen = (place for place in places if _value(place) == asked.get("place"))
        self._place = next(chosen, places[0] if places else None)
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
        """Return what is live in most of these environments."""
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
        return Paginator(found, PAGE).get_page(self._asked.get("p"))

    def lines(self) -> Iterator[Line]:
        for standing in self.page:
            offer, failure = self._offers[standing.env], standing.failure
            newest = standing.newest
            yield Line(
                name=offer.label,
                env=standing.env if offer.label != standing.env else "",
                tags=offer.tags,
                standing=standing,
                outcome=badge(newest.outcome, newest.get_outcome_display()) if newest else "",
                meaning=meaning(failure.errcode) if failure and failure.errcode else "",
                drift=_drift(standing.drift) if standing.drift else None,
            )

    @cached_property
    def _standings(self) -> Sequence[Standing]:
        if self._place is None:
            return []
        tagged = having(self._offers, self._asked.getlist("tag"))
        return standings([env for env in tagged if self._is_searched(env)], self._place)

    def _is_searched(self, env: str) -> bool:
        """Return whether the id, the name or a tag has the text that is searched."""
        words = (env, self._offers[env].label, *self._offers[env].tags)
        return any(self.query.casefold() in word.casefold() for word in words)


def _value(place: Place) -> str:
    return f"{place.using}:{place.folder}"


def _drift(row: Drift) -> ShownDrift:
    if row.message:
        return ShownDrift(UNSURE, _("not compared"), row.message)
    counts = {
        gettext_lazy("%(count)d missing"): row.missing,
        gettext_lazy("%(count)d with other bytes"): row.differs,
    }
    found = [text % {"count": count} for text, count in counts.items() if count]
    return ShownDrift(DIFFERS if found else CLEAN, joined(found) or _("as deployed"), "")
