"""The values for the page *Overview*: the chosen environments, the worst first, and their sites."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from ...admin.columns import BAD, GOOD, UNSURE, Look, badge
from ...admin.places import Places
from ...causes import Text, cause_of
from ...conf import platform_options
from ...conf.offered import Offer
from ...core.notes import Notes
from ...core.releases import label_in_words
from ...i18n import ago, gettext as _, gettext_lazy, joined, labelled, ngettext, shown
from ...models import Deployment, UploadLog
from ...submit.selection import having_tags, tags_of
from ...upload.hosting import NEVER_OPENED, ONLINE, Hosting, Hostings
from ..models import Drift
from ..overview import Failure, Place, Standing, failed_uploads, newest_uploads, standings

_OPENING = (Look("…", "wx-unsure"), gettext_lazy("hosting is being opened"))
_STATES: dict[str, tuple[Look, Text]] = {
    "init": _OPENING,
    "process": _OPENING,
    ONLINE: (GOOD, gettext_lazy("open")),
    "offline": (BAD, gettext_lazy("hosting is closed")),
    "destroying": (BAD, gettext_lazy("hosting is being closed")),
    "create_fail": (BAD, gettext_lazy("hosting could not be opened")),
    "destroy_fail": (BAD, gettext_lazy("hosting could not be closed")),
    NEVER_OPENED: (BAD, gettext_lazy("hosting was never opened")),
    "": (Look("?", "wx-quiet"), gettext_lazy("WeChat named no state")),
}
_NOT_ASKED = (Look("–", "wx-quiet"), gettext_lazy("not asked"))
LONGEST = 30  # characters of a state that is not known


def shown_hosting(
    places: Places, using: str, folder: str, env: str, hosting: Hosting
) -> dict[str, Any]:
    """
    Return the state and the address of a folder; the alias may be gone, or empty.

    `ago` is empty if WeChat was not asked; of the states, a list shows odd ones only.
    """
    if using not in places.stores:
        at_home = (alias for alias, options in places.stores.items() if options.env == env)
        using = next(at_home, next(iter(places.stores), ""))
    address = places.address(using, env, folder, hosting)
    unknown = UNSURE, _("hosting: %(state)s", state=shown(hosting.status[:LONGEST]))
    look, text = _STATES.get(hosting.status, unknown) if hosting.asked else _NOT_ASKED
    return {
        "address": address,
        "short": address.partition("://")[2].rstrip("/"),
        "look": look,
        "text": text,
        "ago": ago(datetime.fromtimestamp(hosting.asked, UTC)) if hosting.asked else "",
        "is_odd": is_odd(hosting),
    }


def hostings(places: Places, using: str, envs: Collection[str]) -> Mapping[str, Hosting]:
    """Return the remembered hosting of each environment, by one question to the cache."""
    # An unknown alias stands for any other.
    options = places.stores.get(using, next(iter(places.stores.values()), None))
    return Hostings(options).get_many(envs) if options else dict.fromkeys(envs, Hosting())


def _since(hosting: Hosting, live: Deployment | None) -> Hosting:
    """Return the hosting; if a deploy stored files after WeChat was asked, it is open."""
    is_open = live and live.stored and live.created.timestamp() > hosting.asked
    return replace(hosting, status=ONLINE) if is_open else hosting


def is_odd(hosting: Hosting) -> bool:
    """Return whether WeChat named a state other than open."""
    return bool(hosting.asked) and hosting.status not in ("", ONLINE)


PAGE = 50  # environments
# Up to so many environments name the rows that are asked for; of more, all rows are.
FEW = 500
RELEASES = 10  # of those that are live somewhere
TAGS = 24  # of a set

FRESH = 30.0  # seconds in which the order of more than a page is that of everybody


class Rank(NamedTuple):
    """What sorts and filters an environment, as JSON values; the worst is the greatest."""

    is_closed: bool
    is_failing: bool
    differs: bool
    failures: int  # of the last days
    env: str
    live: list[Any] | None  # the ids of deployment and release, label and digest


# What may be asked for beside names and tags, and which environments that are.
SHOWS: dict[str, tuple[Text, Callable[[Rank], bool]]] = {
    "failing": (gettext_lazy("last deploy failed"), lambda one: one.is_failing),
    "drift": (gettext_lazy("with drift"), lambda one: one.differs),
    "nothing": (gettext_lazy("nothing live"), lambda one: one.live is None),
}


class Choice(NamedTuple):
    value: str
    text: Text
    is_chosen: bool


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
        self._read: dict[str, Standing] = {}
        self._failed: Sequence[Any] | None = None if sees_log else []
        self.query = asked.get("q", "").strip()

    # --- what may be chosen ----------------------------------------------------------------------

    def places(self) -> list[Choice]:
        return [
            Choice(_value(place), labelled(place.using, f"/{place.folder}"), place == self._place)
            for place in self._places
        ]

    def tag_sets(self) -> Iterator[dict[str, Any]]:
        """Yield each set with its tags; `more` counts those that are neither chosen nor shown."""
        chosen, sets = {*self._asked.getlist("tag")}, defaultdict[str, list[Choice]](list)
        for tag in sorted(tags_of(self._offers)):
            name, _slash, value = tag.partition("/")
            sets[name].append(Choice(tag, value, tag in chosen))
        for name, choices in sets.items():
            first = sorted(choices, key=lambda choice: not choice.is_chosen)[:TAGS]
            number, more = sum(choice.is_chosen for choice in choices), len(choices) - len(first)
            yield {"name": name, "choices": first, "chosen": number, "more": more}

    def shows(self) -> list[Choice]:
        asked = self._asked.get("show")
        return [Choice(value, text, value == asked) for value, (text, _has) in SHOWS.items()]

    def releases(self) -> list[dict[str, Any]]:
        """Return the releases that are live in most of these environments, and in how many."""
        live = sorted(rank.live for rank in self._chosen if rank.live)
        names = {
            release: {"label": label_in_words(label), "digest": digest}
            for _pk, release, label, digest in live
        }
        counts, chosen = Counter(release for _pk, release, *_ in live), self._asked.get("release")
        return [
            names[pk] | {"pk": pk, "number": number, "is_chosen": str(pk) == chosen}
            for pk, number in counts.most_common(RELEASES)
        ]

    # --- what was chosen -------------------------------------------------------------------------

    @cached_property
    def page(self) -> Page[Rank]:
        found = self._chosen
        if release := self._asked.get("release"):
            found = [rank for rank in found if rank.live and str(rank.live[1]) == release]
        if show := SHOWS.get(self._asked.get("show", "")):
            found = [rank for rank in found if show[1](rank)]
        return Paginator(found, PAGE).get_page(self._asked.get("p"))

    @cached_property
    def _chosen(self) -> Sequence[Rank]:
        """Return the environments with the chosen tags and text, the worst first."""
        tagged = {*having_tags(self._offers, self._asked.getlist("tag"))}
        query = self.query.casefold()
        return [
            rank
            for rank in self._ranks
            if (env := rank.env) in tagged
            and (offer := self._offers[env])
            and any(query in text.casefold() for text in (env, offer.label, *offer.tags))
        ]

    @cached_property
    def _ranks(self) -> Sequence[Rank]:
        """Return all environments, the worst first; many are sorted once for all who see them."""
        if len(self._offers) <= PAGE:
            return self._sorted()
        notes = Notes("overview", platform_options().token_cache, seconds=FRESH)
        name = repr((self._place, self._sees_log, [*self._offers]))
        if (kept := notes.read(name)) is not None:
            return [Rank(*each) for each in kept]
        notes.write(name, found := self._sorted())
        return found

    def _sorted(self) -> Sequence[Rank]:
        sites = hostings(self._known, self._where.using, [*self._offers])
        rows = UploadLog.objects.all()
        if len(self._offers) <= FEW:
            rows = rows.filter(env__in=[*self._offers])
        self._failed = failed_uploads(rows) if self._failed is None else self._failed
        failed = Counter(row.env for row in self._failed)
        found = []
        for env, one in zip(self._offers, self._standings([*self._offers]), strict=True):
            live, closed = one.live, is_odd(_since(sites[env], one.live))
            facts = [live.pk, live.release_id, live.label, str(live.release)] if live else None
            found.append(Rank(closed, one.is_failing, one.differs, failed[env], env, facts))
        return sorted(found, key=lambda rank: rank[:4], reverse=True)

    def _standings(self, envs: Sequence[str]) -> Sequence[Standing]:
        """Return how these environments stand, by what this request read of all if it did."""
        if self._place and not self._read.keys() >= {*envs}:
            self._read = {one.env: one for one in standings(envs, self._place)}
        return [self._read.get(env, Standing(env)) for env in envs]

    def troubled(self, most: int) -> list[dict[str, Any]]:
        """Return the worst of the environments that have any trouble."""
        return [*self._lines([rank for rank in self.page if any(rank[:4])][:most])]

    def lines(self) -> Iterator[dict[str, Any]]:
        return self._lines([*self.page])

    def _lines(self, ranks: Sequence[Rank]) -> Iterator[dict[str, Any]]:
        """Yield the lines of these environments, as they stand now."""
        shown = [rank.env for rank in ranks]
        uploads = newest_uploads(shown) if self._sees_log else {}
        sites = hostings(self._known, self._where.using, shown)
        stand = self._standings(shown)
        whose = [one.failure.deployment_id for one in stand if one.failure]
        of_deploys = UploadLog.objects.filter(deployment__in=whose)
        failed = failed_uploads(of_deploys) if self._failed is None else self._failed
        for rank, standing in zip(ranks, stand, strict=True):
            offer, newest, failure = self._offers[rank.env], standing.newest, standing.failure
            number, cause = _why(failure, failed) if failure else ("", "")
            in_words = ngettext(
                "%(count)d failure in 14 days", "%(count)d failures in 14 days", rank.failures
            )
            hosting = _since(sites[rank.env], standing.live)
            site = shown_hosting(self._known, *self._where, rank.env, hosting)
            yield {
                "name": offer.label,
                "env": rank.env if offer.label != rank.env else "",
                "env_id": rank.env,
                "hosting": site,
                "tags": offer.tags,
                "standing": standing,
                "outcome": badge(newest.outcome, newest.get_outcome_display()) if newest else "",
                "number": number,  # of the last failure, as WeChat or COS gave it
                "cause": cause,  # of the last failure
                "drift": shown_drift(standing.drift) if standing.drift else None,
                "upload": uploads.get(rank.env),  # the newest
                "failures": in_words if rank.failures else "",
            }


def _why(failure: Failure, failed: Iterable[Any]) -> tuple[str, Text]:
    """Return number and title of a failure's cause; for a deploy, that of most files."""
    cause, number = failure.cause, str(failure.errcode or "")
    if not cause and failure.deployment_id:
        of_files = Counter(
            (row.cause, str(row.errcode or row.cos_code or ""))
            for row in failed
            if row.deployment_id == failure.deployment_id
        )
        cause, number = max(of_files, key=of_files.__getitem__, default=("", ""))
    return number, cause_of(cause).title if cause else failure.message and _(failure.message)


def _value(place: Place) -> str:
    return f"{place.using}:{place.folder}"


def shown_drift(row: Drift) -> dict[str, Any]:
    """Return how the cloud differs; a message is in English in the row, as it was recorded."""
    if row.message:
        return {"look": UNSURE, "text": _("not compared")}
    found = [_("%(count)d missing", count=row.missing)] * bool(row.missing)
    found += [_("%(count)d with other bytes", count=row.differs)] * bool(row.differs)
    return {"look": BAD if found else GOOD, "text": joined(found) or _("as deployed")}
