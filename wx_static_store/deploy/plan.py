"""Compare many files with the cloud, and put what differs in the order in which it is sent."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

from ..conf.options import STATIC
from ..core.match import Match, match
from ..core.naming import content_headers, is_html, odd_names
from ..core.releases import ReleaseFile
from ..core.types import UploadItem, UploadResult, UploadStatus, as_listed
from ..exceptions import NameRejected
from ..i18n import english, gettext, gettext_lazy as _, listed, ngettext
from ..upload.as_sent import GZIP, as_gzip, as_served, hashed, sends_gzip, smaller
from ..upload.database import in_database, log
from ..upload.listing import Listing, Lookup, most_calls
from ..upload.presence import Presence, Rows, Settled, aware, newest_rows
from ..upload.recorder import trusted_from
from ..upload.uploader import Uploader
from ..upload.workers import WorkerPool
from .state import live_below

AT_ONCE = 10_000  # keys that are in memory together

logger = logging.getLogger("wx_static_store.deploy")


@dataclass(frozen=True)
class Plan:
    """The files that a run will send, in this order, and the files that it leaves alone."""

    assets: tuple[UploadItem, ...]
    pages: tuple[UploadItem, ...]
    unchanged: tuple[UploadItem, ...]
    rejected: tuple[UploadResult, ...]
    existing: frozenset[str]  # keys that are sent and have an object
    corrections: tuple[UploadResult, ...]  # rows that make the log agree with the list
    notes: tuple[str, ...]  # why the log decided, and not the list
    last: Presence | None  # of the last file; None: send it in any case
    compared: bool = True  # no file is unchanged by the log alone

    def __len__(self) -> int:
        return len(self.assets) + len(self.pages)

    def __bool__(self) -> bool:
        """Return whether there is anything to do, or to report."""
        return bool(len(self) or self.rejected)

    @property
    def sent(self) -> tuple[UploadItem, ...]:
        return *self.assets, *self.pages

    def states(self, uploader: Uploader) -> list[tuple[str, UploadItem]]:
        """Return each file as new, changed, unchanged or refused (it can have no key), by name."""
        keys = {"": "refused"} | dict.fromkeys(self.existing, "changed")
        sent = [(keys.get(uploader.key(item.name), "new"), item) for item in self.sent]
        left = [("unchanged", item) for item in self.unchanged]
        return sorted([*sent, *left], key=lambda pair: pair[1].name)

    @property
    def size(self) -> int:
        """Return the number of bytes that will be sent."""
        return sum(item.size or 0 for item in self.sent)


def make_plan(
    uploader: Uploader,
    items: Iterable[UploadItem],
    *,
    pool: WorkerPool,
    last: str = "",
    force: bool = False,
    settled: Settled | None = None,
) -> Plan:
    """Compare the files with the cloud, and order them; `settled` ones are taken for unchanged."""
    by_key, rejected = _without_collisions(uploader, hash_items(map(as_served, items)))
    last_key = uploader.key(last)
    # Not of a set: what is almost in order is sorted at once.
    keys = sorted(key for key in {**by_key, last_key: 0} if key and not key.startswith("/"))
    by_log = force or uploader.options.trust_log
    lookup = None if by_log else Lookup(uploader.store, pool, most_calls(keys))
    survey = Survey(uploader, lookup, settled)
    changed = [item for key, item in by_key.items() if key.startswith("/")]
    state_of_last, existing = None, set[str]()
    for start in range(0, len(keys), AT_ONCE):
        states = survey.look(keys[start : start + AT_ONCE], by_key)
        state_of_last = states.get(last_key, state_of_last)
        for key in filter(by_key.__contains__, states):
            if item := survey.to_send(by_key[key], states[key], force=force):
                changed.append(item)
                existing |= {key} if states[key].file else set()
    return Plan(
        assets=_by_name(item for item in changed if not is_html(item.name)),
        pages=_by_name(item for item in changed if is_html(item.name)),
        unchanged=_by_name(survey.unchanged),
        rejected=rejected,
        existing=frozenset(existing),
        corrections=tuple(survey.corrections),
        notes=tuple(survey.notes()),
        last=None if force else state_of_last,
        compared=survey.reads_list or not survey.unchanged,
    )


def _by_name(items: Iterable[UploadItem]) -> tuple[UploadItem, ...]:
    return tuple(sorted(items, key=attrgetter("name")))


def differs(uploader: Uploader, item: UploadItem, state: Presence) -> bool:
    """Return whether the hashed item must be sent: its object or its headers differ."""
    headers, file, row = uploader.headers(item), state.listing, state.row
    # A row of gzip names the plain bytes: another machine may have packed them otherwise.
    is_gzip = not item.md5 and headers.plain_md5 and row and row.headers == headers
    same = (md5 := state.md5_with(headers)) and (is_gzip or item.md5 == md5)
    return not same or (file is not None and match(item, file) is Match.DIFFERS)


def hash_items(items: Iterable[UploadItem]) -> list[UploadItem]:
    """Return the items with MD5 and size, so that many plans read each file once."""
    # Without threads: with small files, two threads took twice as long as one.
    return [*_by_name(map(hashed, items))]


def _without_collisions(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[dict[str, UploadItem], tuple[UploadResult, ...]]:
    """Reject names that differ only in their Unicode form: they would overwrite each other."""
    items, location = list(items), uploader.options.location
    odd = {*odd_names([item.name for item in items], location)}
    by_key = {location + item.name: item for item in items if item.name not in odd}
    clashes: dict[str, dict[str, None]] = {}
    for item in [item for item in items if item.name in odd]:
        # No key begins with a slash: such a file is sent, and fails with the reason.
        key = uploader.key(item.name) or f"/{item.name}"
        if (other := by_key.setdefault(key, item)).name != item.name:
            clashes.setdefault(key, {other.name: None})[item.name] = None
        by_key[key] = item
    rejected, env = [], uploader.env
    for key, names in clashes.items():
        del by_key[key]
        text = _("%(names)s are the same key", names=listed(map(ascii, names)))
        for name in names:
            error = NameRejected(text, stage="name", hint=_("Rename one."))
            rejected.append(
                UploadResult(name, key, UploadStatus.FAILED, env, stage="name", error=error)
            )
    return by_key, tuple(rejected)


class Survey:
    """Read the state of keys in the list and the log of an environment, some thousand at a time."""

    def __init__(self, uploader: Uploader, lookup: Lookup | None, settled: Settled | None) -> None:
        self._uploader, self._store, self._settled = uploader, uploader.store, settled
        self._gzip = sends_gzip(uploader.options)
        self._lookup, self.reads_list = lookup, lookup is not None  # and could read it
        self.has_log = True
        self.unchanged: list[UploadItem] = []
        self.corrections: list[UploadResult] = []  # rows on objects, by the list: the log was wrong
        self._undecided = 0  # keys that the log decided, as too many calls would be needed
        self._error = ""

    def to_send(self, item: UploadItem, state: Presence, *, force: bool) -> UploadItem | None:
        """Return the hashed item in the form in which it must be sent, None if it need not be."""
        gzip = as_gzip(self._uploader.options, item) if self._gzip else item
        if not (force or self.differs(gzip, state)):
            return None
        # Only now it is packed: as gzip it may gain too little, and be there as it is.
        if gzip is item or (gzip := smaller(gzip, item)) is not item:
            return gzip
        return item if force or self.differs(item, state) else None

    def differs(self, item: UploadItem, state: Presence) -> bool:
        """Return whether the item must be sent; note it as unchanged if not."""
        known = not self.has_log or (state.row.headers if state.row else not state.listing)
        if not (known or self._is_likely(item)) or differs(self._uploader, item, state):
            return True
        if state.row and not item.md5:  # a gzip, which was not packed again
            item = replace(item, md5=state.row.md5, size=state.row.size)
        self.unchanged.append(item)
        if state.listing and not state.row and self.has_log:
            self.corrections.append(as_listed(self._store.env, item.name, state.listing))
        return False

    def _is_likely(self, item: UploadItem) -> bool:
        """Return whether the live release gave these bytes these headers; else, if all do."""
        # If the object has others, the item is sent once: then a row has them.
        headers = self._uploader.headers(item)
        file = self._released.get(self._uploader.key(item.name))
        if file and file.md5 == item.md5:
            return file.headers == headers
        plain = replace(item, content_type=None, cache_control=None, other_headers="")
        return content_headers(plain, static=self._uploader.options.kind == STATIC) == headers

    @cached_property
    def _released(self) -> dict[str, ReleaseFile]:
        """Return the files of the live releases by key, of the newest last."""

        def released() -> dict[str, ReleaseFile]:
            rows = live_below(self._store.env, self._store.options.location)
            pairs = [(row.folder, row.release) for row in sorted(rows, key=attrgetter("pk"))]
            return {at + file.name: file for at, it in pairs if it for file in it.contents()}

        return in_database(released, otherwise=dict[str, ReleaseFile]())

    def look(self, keys: Sequence[str], items: Mapping[str, UploadItem]) -> dict[str, Presence]:
        """Return the state of each of these sorted keys but the settled: they are unchanged."""
        listing = self._lookup.ask(keys) if self._lookup else Listing(unseen=set(keys))
        if self._settled and not self._gzip:  # by its row, what was left plain may be packed now
            files, settled = listing.files, self._settled
            there = [k for k in keys if k in items and k in files and settled(items[k], files[k])]
            self.unchanged += [items[key] for key in there]
            for key in there:
                del files[key]
            keys = sorted({*keys}.difference(there))
        # Read after the list: a row that is written in between is newer, and counts.
        rows = self._rows(keys)
        # Without MD5, size and time decide: no row may be doubtful.
        if mute := {key for key, file in listing.files.items() if key in rows and not file.md5}:
            rows = self._mark_outranked(self._without_doubtful(rows, mute), mute)
        # The list shows files between these keys, too: their rows are corrected as well.
        between = sorted(listing.files.keys() - set(keys))
        for key, row in (rows | self._rows(between)).items():
            if (file := listing.files.get(key)) and row.is_corrected_by(file):
                name = key.removeprefix(self._store.options.location)
                self.corrections.append(as_listed(self._store.env, name, file))
        if listing.unseen:
            if listing.error and not self._error:
                self._error, self.reads_list = str(listing.error.in_general()), False
                why = english(listing.error)
                logger.warning("The list could not be read: %s", why, extra={"in_report": True})
            elif self._lookup and not listing.error:
                self._undecided += len(listing.unseen)
                text, count = "The log decides about %d files: too many calls", len(listing.unseen)
                logger.warning(text, count, extra={"in_report": True})
            rows = self._without_doubtful(rows, listing.unseen)
        files, unseen = listing.files, listing.unseen
        return {k: Presence(k, rows.get(k), files.get(k), k not in unseen) for k in keys}

    def notes(self) -> Iterator[str]:
        """Yield for the report why the log decided, and not the list; and why there is no gzip."""
        if self._uploader.options.compress == GZIP and not self._gzip:
            unknown = gettext(
                "Nothing is sent as gzip: no wx_doctor --probe has seen that the site takes it."
            )
            refused = gettext(
                "Nothing is sent as gzip: the last wx_doctor --probe saw that the site does not "
                "take it."
            )
            yield unknown if self._gzip is None else refused
        if self._lookup is None and self.unchanged:
            yield gettext("The log alone says what is unchanged: the cloud's list was not read.")
        if why := self._error:
            yield gettext("The list could not be read, so the log decided: %(why)s", why=why)
        if self._undecided:
            yield ngettext(
                "The log decided about %(count)d file: to list it would take too many calls.",
                "The log decided about %(count)d files: to list them would take too many calls.",
                self._undecided,
            )

    def _rows(self, keys: Iterable[str]) -> Rows:
        rows = newest_rows(self._store.env, keys)
        self.has_log &= rows is not None
        return rows or {}

    def _without_doubtful(self, rows: Rows, keys: set[str]) -> Rows:
        """Return the rows without those of these keys that an unfinished deployment may outdate."""
        since = trusted_from(self._store.env) or 0
        return {
            key: row
            for key, row in rows.items()
            if key not in keys or (row.deployment_id or 0) >= since
        }

    def _mark_outranked(self, rows: Rows, keys: set[str]) -> Rows:
        """Mark rows as outranked if other bytes were stored at the key in the same second."""
        from ..models import key_digest

        env, by_digest = self._store.env, {key_digest(key): key for key in keys}
        pairs = in_database(
            lambda: [*log().stored_in_the_same_second(env, [*by_digest])], otherwise=None
        )
        alike = {(by_digest[digest], aware(moment)) for digest, moment in pairs or ()}
        return {
            key: row._replace(outranked=row.outranked or (key, row.stored_at) in alike)
            for key, row in rows.items()
        }
