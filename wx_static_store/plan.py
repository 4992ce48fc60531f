"""Many files: what changed since they were stored, and in which order they are to be sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from . import pool, recorders
from .exceptions import NameRejected, SourceError, WxStaticStoreError
from .naming import is_html, object_key
from .sources import digest, opened
from .texts import english, gettext_lazy as _
from .transfers import ContentHeaders, UploadItem, UploadResult, UploadStatus
from .uploader import Uploader

__all__ = ["Plan", "hash_items", "is_unchanged", "make_plan"]

logger = logging.getLogger("wx_static_store.deploy")

# What is known of a key: its MD5, and the headers it was stored with (None: a list cannot say).
Known = dict[str, tuple[str, ContentHeaders | None]]


@dataclass(frozen=True)
class Plan:
    """What a run will send, in this order, and what it leaves alone."""

    assets: tuple[UploadItem, ...]
    pages: tuple[UploadItem, ...]
    unchanged: tuple[UploadItem, ...]
    rejected: tuple[UploadResult, ...]
    known: Known = field(repr=False)
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
            UploadResult(
                item.name, key, stored, uploader.env, item.size, item.md5 or "", stage="verify"
            )
            for key, item in keys.items()
            if self.known[key][1] is None
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
    headers. Where there is no log, or the last deploy was killed, one list of the environment
    tells the MD5. Files that would share a key are rejected. `also` names files that come later,
    so that they are asked for in the same query. `force` sends the unchanged ones too.
    """
    single, rejected = _without_collisions(uploader, items)
    hashed = hash_items(single, max_workers=uploader.options.max_workers)
    known = _known(uploader, [*(item.name for item in hashed), *also])
    changed = [item for item in hashed if force or not is_unchanged(uploader, item, known)]
    unchanged = () if force else [item for item in hashed if is_unchanged(uploader, item, known)]
    return Plan(
        assets=tuple(item for item in changed if not is_html(item.name)),
        pages=tuple(item for item in changed if is_html(item.name)),
        unchanged=tuple(unchanged),
        rejected=rejected,
        known=known,
        force=force,
    )


def hash_items(items: Iterable[UploadItem], *, max_workers: int = 1) -> list[UploadItem]:
    """The items with MD5 and size; each file is read once, however many plans it goes into."""
    return sorted(pool.run(_hashed, items, max_workers=max_workers), key=lambda item: item.name)


def _hashed(item: UploadItem) -> UploadItem:
    """A file that cannot be read is left to fail when its turn comes."""
    if item.md5:
        return item
    try:
        with opened(item, md5="") as source:
            return replace(item, md5=digest(source.file), size=len(source))
    except SourceError:
        return item


def _without_collisions(
    uploader: Uploader, items: Iterable[UploadItem]
) -> tuple[list[UploadItem], tuple[UploadResult, ...]]:
    """Names that differ only in their Unicode form would overwrite each other, in any order."""
    by_key: dict[str, dict[str, UploadItem]] = {}
    for item in items:
        by_key.setdefault(_key(uploader, item.name) or item.name, {})[item.name] = item
    alone = [item for named in by_key.values() if len(named) == 1 for item in named.values()]
    return alone, tuple(
        _collision(uploader, key, name, [*named])
        for key, named in by_key.items()
        if len(named) > 1
        for name in named
    )


def _collision(uploader: Uploader, key: str, name: str, names: list[str]) -> UploadResult:
    text = _("%(names)s are the same key", names=", ".join(map(ascii, names)))
    error = NameRejected(text, stage="name", hint=_("Rename one."))
    return UploadResult(name, key, UploadStatus.FAILED, uploader.env, stage="name", error=error)


def _known(uploader: Uploader, names: Iterable[str]) -> Known:
    keys = [key for name in names if (key := _key(uploader, name))]
    rows = recorders.newest_rows(uploader.env, keys)
    if rows is None:
        return _listed(uploader)
    known: Known = {
        key: (row.md5, ContentHeaders(row.content_type, row.cache_control))
        for key, row in rows.items()
        if row.status == UploadStatus.STORED
    }
    if recorders.was_cut_short(uploader.env):  # it may have stored what no row tells of
        listed, failed = _listed(uploader), rows.keys() - known.keys()
        agreed = {key: it for key, it in known.items() if listed.get(key, ("", None))[0] == it[0]}
        return {key: it for key, it in listed.items() if key not in failed} | agreed
    return known


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


def is_unchanged(uploader: Uploader, item: UploadItem, known: Known) -> bool:
    md5, headers = known.get(_key(uploader, item.name), ("", None))
    if not md5 or md5 != item.md5:
        return False
    return headers is None or headers == uploader.headers(item)
