"""Many files: what changed since they were stored, and in which order they are to be sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from . import recorders
from .exceptions import NameRejected, WxStaticStoreError
from .naming import is_html, object_key
from .sources import looked_at
from .texts import english, gettext_lazy as _
from .transfers import ContentHeaders, UploadItem, UploadResult, UploadStatus
from .uploader import Uploader

__all__ = ["Plan", "changed", "hash_items", "make_plan"]

logger = logging.getLogger("wx_static_store.deploy")

# What is known of a key: its MD5, and the headers it was stored with (None: a list cannot say).
Stored = tuple[str, ContentHeaders | None]
Known = dict[str, Stored]
NOTHING: Stored = ("", None)

AT_ONCE = 25_000  # keys whose rows are in memory together


@dataclass(frozen=True)
class Plan:
    """What a run will send, in this order, and what it leaves alone."""

    assets: tuple[UploadItem, ...]
    pages: tuple[UploadItem, ...]
    unchanged: tuple[UploadItem, ...]
    rejected: tuple[UploadResult, ...]
    known: Known = field(repr=False)  # without what the log tells of unchanged files
    force: bool = False  # the file that comes last is sent in any case, too

    def __len__(self) -> int:
        return len(self.assets) + len(self.pages)

    def __bool__(self) -> bool:
        """Whether there is anything to do, or to tell."""
        return bool(len(self) or self.rejected)

    def states(self, uploader: Uploader) -> list[tuple[str, UploadItem]]:
        """Each file as new, changed, unchanged or refused (no key can have its name), by name."""
        keys = {"": "refused"} | dict.fromkeys(self.known, "changed")
        sent = [
            (keys.get(_key(uploader, item.name), "new"), item)
            for item in (*self.assets, *self.pages)
        ]
        left = [("unchanged", item) for item in self.unchanged]
        return sorted([*sent, *left], key=lambda pair: pair[1].name)

    def found(self, uploader: Uploader, items: Iterable[UploadItem]) -> list[UploadResult]:
        """
        Of unchanged items those that only the list tells of, as results for the log.

        Without headers, which no list shows: so a later run sends them once more.
        """
        keys = {_key(uploader, item.name): item for item in items}
        stored = UploadStatus.STORED
        return [
            UploadResult(item.name, key, stored, uploader.env, item.size, md5, stage="verify")
            for key, item in keys.items()
            for md5, headers in [self.known.get(key, NOTHING)]
            if md5 and headers is None
        ]

    @property
    def size(self) -> int:
        """Bytes that will be sent."""
        return sum(item.size or 0 for item in (*self.assets, *self.pages))


def make_plan(
    uploader: Uploader,
    items: Iterable[UploadItem],
    *,
    also: Sequence[str] = (),
    force: bool = False,
) -> Plan:
    """
    Compare the files with what was stored before, and order them.

    Unchanged is a file whose key's newest row, of any status, is `stored` with the same MD5 and
    headers; only files of such keys are read here, the others are hashed as they are sent. Where
    there is no log, or the last deploy was killed, one list of the environment tells the MD5.
    Files that would share a key are rejected. `also` names files that come later, so that they
    are asked for in the same query. `force` sends the unchanged ones too.
    """
    keys, files, rejected = _by_key(uploader, items)
    later = [key for name in also if (key := _key(uploader, name))]
    to_send, unchanged, known = _compared(uploader, keys, files, later, force=force)
    return Plan(
        assets=tuple(item for item in to_send if not is_html(item.name)),
        pages=tuple(item for item in to_send if is_html(item.name)),
        unchanged=tuple(unchanged),
        rejected=rejected,
        known=known,
        force=force,
    )


def _compared(
    uploader: Uploader,
    keys: Sequence[str],
    files: Sequence[UploadItem],
    later: Sequence[str],
    *,
    force: bool,
) -> tuple[list[UploadItem], list[UploadItem], Known]:
    """Which files are to be sent, which did not change, and what is known of the others."""
    tell, known = _teller(uploader), Known()
    to_send: list[UploadItem] = []
    unchanged: list[UploadItem] = []
    for start in range(0, len(keys) or 1, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        told = tell([*keys[part], *later])
        for key, item in zip(keys[part], files[part], strict=True):
            stored = told.get(key, NOTHING)
            if other := item if force else _other_than(stored, uploader, item):
                to_send.append(other)
                continue
            unchanged.append(item)
            if stored[1] and key not in later:
                told[key] = NOTHING
        known |= {key: stored for key, stored in told.items() if stored is not NOTHING}
        del told  # before the next ones come
    return to_send, unchanged, known


def changed(uploader: Uploader, item: UploadItem, known: Known) -> UploadItem | None:
    """The item to send, with its MD5 where that was asked for; None where it is what is stored."""
    return _other_than(known.get(_key(uploader, item.name), NOTHING), uploader, item)


def _other_than(stored: Stored, uploader: Uploader, item: UploadItem) -> UploadItem | None:
    """The file is read last: only where nothing else tells that it must be sent."""
    md5, headers = stored
    if not md5 or (headers is not None and headers != uploader.headers(item)):
        return item
    here, size = looked_at(item)
    return None if here == md5 else replace(item, md5=here, size=size)


def _by_key(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[list[str], list[UploadItem], tuple[UploadResult, ...]]:
    """Keys and files, both in the order of the names, and what has no key of its own."""
    by_key, rejected = _without_collisions(uploader, items)
    keys = sorted(by_key, key=lambda key: by_key[key].name)
    return keys, [by_key[key] for key in keys], rejected


def hash_items(items: Iterable[UploadItem]) -> list[UploadItem]:
    """
    The items with MD5 and size; each file is read once, however many plans it goes into.

    Not in threads: at small files they wait for each other, so that two took twice as long as one.
    """
    return sorted(map(_hashed, items), key=lambda item: item.name)


def _hashed(item: UploadItem) -> UploadItem:
    md5, size = looked_at(item)
    return replace(item, md5=md5, size=size)


def _without_collisions(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[dict[str, UploadItem], tuple[UploadResult, ...]]:
    """Names that differ only in their Unicode form would overwrite each other, in any order."""
    by_key: dict[str, UploadItem] = {}
    clashes: dict[str, dict[str, None]] = {}
    for item in items:
        key = _key(uploader, item.name) or f"/{item.name}"  # which is no key, so never known
        if (other := by_key.setdefault(key, item)).name != item.name:
            clashes.setdefault(key, {other.name: None})[item.name] = None
        by_key[key] = item
    for key in clashes:
        del by_key[key]
    return by_key, tuple(
        _collision(uploader, key, name, [*names])
        for key, names in clashes.items()
        for name in names
    )


def _collision(uploader: Uploader, key: str, name: str, names: list[str]) -> UploadResult:
    text = _("%(names)s are the same key", names=", ".join(map(ascii, names)))
    error = NameRejected(text, stage="name", hint=_("Rename one."))
    return UploadResult(name, key, UploadStatus.FAILED, uploader.env, stage="name", error=error)


def _teller(uploader: Uploader) -> Callable[[Sequence[str]], Known]:
    """The log; where there is none the list; after a run that was killed what both agree on."""
    listed = cache(partial(_listed, uploader))
    cut_short = cache(partial(recorders.was_cut_short, uploader.env))

    def tell(keys: Sequence[str]) -> Known:
        logged = recorders.in_database(partial(_logged, uploader.env, keys), otherwise=None)
        if logged is not None and not cut_short():
            return logged
        # A run that was cut short may have stored what no row tells of.
        seen = {key: listed()[key] for key in keys if key in listed()}
        return seen | {
            key: it
            for key, it in (logged or {}).items()
            if it is NOTHING or it[0] == seen.get(key, NOTHING)[0]
        }

    return tell


def _logged(env: str, keys: Sequence[str]) -> Known:
    """By the newest row of each key: NOTHING, if that is no `stored` one."""
    from .models import UploadLog

    headers = cache(ContentHeaders)
    columns = ("key", "status", "md5", "content_type", "cache_control")
    return {
        key: (md5, headers(*kept)) if status == UploadStatus.STORED else NOTHING
        for key, status, md5, *kept in UploadLog.objects.newest_values(env, keys, *columns)
    }


def _listed(uploader: Uploader) -> Known:
    try:
        files = list(uploader.store.sweep(uploader.options.location))
    except WxStaticStoreError as error:
        logger.warning(
            "Neither log nor list tell what is stored, so all is sent: %s", english(error)
        )
        return {}
    return {file.key: (file.md5, None) for file in files if file.md5}


def _key(uploader: Uploader, name: str) -> str:
    try:
        return object_key(uploader.options.location, name)
    except NameRejected:
        return ""
