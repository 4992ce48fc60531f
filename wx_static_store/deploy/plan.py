"""Compare many files with the cloud, and put what differs in the order in which it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..core import interrupts
from ..core.match import Match, match
from ..core.naming import is_html
from ..core.types import UploadItem, UploadResult, UploadStatus
from ..exceptions import NameRejected
from ..i18n import gettext_lazy as _, listed
from ..upload.listing import most_calls
from ..upload.sources import fingerprint
from ..upload.uploader import Uploader
from ..upload.workers import WorkerPool
from .current_state import CurrentState, Survey

AT_ONCE = 25_000  # keys that are in memory together


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
    last: CurrentState | None  # of the last file; None: send it in any case

    def __len__(self) -> int:
        return len(self.assets) + len(self.pages)

    def __bool__(self) -> bool:
        """Return whether there is anything to do, or to report."""
        return bool(len(self) or self.rejected)

    @property
    def items(self) -> tuple[UploadItem, ...]:
        """Return all files but the last, with their digests."""
        return *self.assets, *self.pages, *self.unchanged

    def states(self, uploader: Uploader) -> list[tuple[str, UploadItem]]:
        """Return each file as new, changed, unchanged or refused (it can have no key), by name."""
        keys = {"": "refused"} | dict.fromkeys(self.existing, "changed")
        sent = [
            (keys.get(uploader.key(item.name), "new"), item) for item in (*self.assets, *self.pages)
        ]
        left = [("unchanged", item) for item in self.unchanged]
        return sorted([*sent, *left], key=lambda pair: pair[1].name)

    @property
    def size(self) -> int:
        """Return the number of bytes that will be sent."""
        return sum(item.size or 0 for item in (*self.assets, *self.pages))


def make_plan(
    uploader: Uploader,
    items: Iterable[UploadItem],
    *,
    pool: WorkerPool,
    last: str = "",
    force: bool = False,
) -> Plan:
    """
    Compare the files with the cloud, and order them.

    A file is unchanged if its object has the same MD5 in the environment's list, and the same
    headers in its newest row. With `trust_log`, or without a list, the log decides. Files with the
    same key are rejected. `last` is the name of the last file. `force` sends unchanged files, too.
    """
    by_key, rejected = _without_collisions(uploader, items)
    last_key = uploader.key(last) if last else ""
    keys = sorted(key for key in {*by_key, last_key} if key and not key.startswith("/"))
    trust_log = force or uploader.options.trust_log
    survey = Survey(uploader.store, pool, calls=most_calls(keys), trust_log=trust_log)
    looked_up = _look_up(survey, keys, by_key)
    compared = _compare(uploader, survey, looked_up, last_key, force=force)
    without_key = {key: item for key, item in by_key.items() if key.startswith("/")}
    to_send = without_key | compared.changed  # a file without a key fails with the reason
    return Plan(
        assets=_by_name(item for item in to_send.values() if not is_html(item.name)),
        pages=_by_name(item for item in to_send.values() if is_html(item.name)),
        unchanged=_by_name(compared.unchanged),
        rejected=rejected,
        existing=frozenset(compared.existing),
        corrections=tuple(survey.corrections),
        notes=tuple(survey.notes()),
        last=None if force else compared.last,
    )


@dataclass
class _Compared:
    """The files that differ from the cloud, and the state of the last file there."""

    changed: dict[str, UploadItem] = field(default_factory=dict)  # by key
    unchanged: list[UploadItem] = field(default_factory=list)
    existing: set[str] = field(default_factory=set)  # keys of changed files that have an object
    last: CurrentState | None = None


def _compare(
    uploader: Uploader,
    survey: Survey,
    looked_up: Iterable[tuple[str, CurrentState, UploadItem | None]],
    last_key: str,
    *,
    force: bool,
) -> _Compared:
    """Split the files into changed and unchanged; an object without a row gets one."""
    compared = _Compared()
    for key, state, item in looked_up:
        if key == last_key:
            compared.last = state
        if item is None:
            continue
        if force or differs(uploader, item, state):
            compared.changed[key] = item
            if state.exists:
                compared.existing.add(key)
            continue
        compared.unchanged.append(item)
        if state.file and not state.row and survey.has_log:
            survey.add_correction(item.name, state.file)
    return compared


def _look_up(
    survey: Survey, keys: Sequence[str], by_key: Mapping[str, UploadItem]
) -> Iterator[tuple[str, CurrentState, UploadItem | None]]:
    """Yield each key, its state and its item, which is hashed while the list is read."""
    for start in range(0, len(keys), AT_ONCE):
        asked = survey.begin(keys[start : start + AT_ONCE])
        hashed = {key: _hash(by_key[key]) for key in asked.keys if key in by_key}
        for key, state in survey.end(asked).items():
            yield key, state, hashed.get(key)
        del asked, hashed  # free the memory before the next keys


def _by_name(items: Iterable[UploadItem]) -> tuple[UploadItem, ...]:
    return tuple(sorted(items, key=lambda item: item.name))


def differs(uploader: Uploader, item: UploadItem, state: CurrentState) -> bool:
    """Return whether the hashed item must be sent: its object or its headers differ."""
    md5, file = state.md5_with(uploader.headers(item)), state.file
    return not md5 or item.md5 != md5 or (file is not None and match(item, file) is Match.DIFFERS)


def hash_items(items: Iterable[UploadItem]) -> list[UploadItem]:
    """Return the items with MD5 and size, so that many plans read each file once."""
    # Without threads: with small files, two threads took twice as long as one.
    return [*_by_name(map(_hash, items))]


def _hash(item: UploadItem) -> UploadItem:
    interrupts.check()
    return fingerprint(item, interrupts.check)


def _without_collisions(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[dict[str, UploadItem], tuple[UploadResult, ...]]:
    """Reject names that differ only in their Unicode form: they would overwrite each other."""
    by_key: dict[str, UploadItem] = {}
    clashes: dict[str, dict[str, None]] = {}
    for item in items:
        key = uploader.key(item.name) or f"/{item.name}"  # a slash in front makes it no key
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
