"""
Which bytes of releases are kept, by rows: the release storage is asked only without a row.

A row of `KeptFile` is written when the bytes are there. Before they go, it is marked `freed`, which
happens only to bytes that no deploy used for a day; then both go in one transaction. A deploy that
needs such bytes takes the row back, and waits until their deletion has ended. If there is no row
before it looks, nobody can free the bytes it finds or writes. So a row without the mark is true,
wherever a run is killed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from django.db import router, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from ..core.releases import ReleaseFile, digests
from ..core.types import UploadItem
from .database import in_database, persistently
from .release_storage import (
    alias as alias,
    check as check,
    delete,
    has,
    is_whole,
    open_kept as open_kept,
    store,
)
from .workers import WorkerPool

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from ..models import KeptFile

T = TypeVar("T")

UNTOUCHED = timedelta(days=1)  # since a deploy used it, before anything is freed
FRESH = timedelta(hours=1)  # a row that was used since then says so without a write
ROWS = 500  # in a query
FREED_AT_ONCE = 100  # files, whose rows are locked so long
COMPARED_AT_ONCE = 250_000  # digests in memory, some 30 MB

Freed = tuple[int, int]  # files, bytes


def keep(items: Iterable[UploadItem], pool: WorkerPool, *, again: bool = False) -> int:
    """
    Keep the bytes of hashed items, each once; return how many were written.

    Bytes with a row cost no call of the storage, others cost one; `again` reads all bytes. Raises
    ConfigurationError if the storage fails or is public, SourceError if a file does.
    """
    check()
    return sum(_keep(part, pool, again=again) for part in in_parts(items, ROWS))


def missing(
    files: Iterable[ReleaseFile], pool: WorkerPool, *, needed: Collection[str] = ()
) -> list[ReleaseFile]:
    """Return the files whose bytes are not kept; those `needed` at once are read there."""
    check()
    return [file for part in in_parts(files, ROWS) for file in _missing(part, pool, needed)]


def free(releases: Sequence[int], pool: WorkerPool, *, dry_run: bool = False) -> Iterator[Freed]:
    """
    Delete the bytes that none of these releases names and no deploy used for a day.

    Yields how many files and bytes went, after each small step. The next run ends what a killed run
    began. Refuses a transaction of the caller, which could bring rows back.
    """
    check()
    if not dry_run:
        with transaction.atomic(using=_rows().db, durable=True):
            pass
    until = timezone.now() - UNTOUCHED
    for unnamed in _candidates(until):
        for release in releases:
            unnamed.difference_update(_named(release))
        for part in in_parts(sorted(unnamed), ROWS if dry_run else FREED_AT_ONCE):
            rows = _rows().filter(sha256__in=[digest.hex() for digest in part])
            if dry_run:
                found = rows.aggregate(files=Count("id"), bytes=Sum("size", default=0))
                yield found["files"], found["bytes"]
            else:
                yield _freed(rows, until, pool)


def in_parts(some: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(some)
    return iter(lambda: list(islice(left, size)), [])


def _rows() -> QuerySet[KeptFile]:
    """Return the rows of this storage in the database that is written to."""
    from ..models import KeptFile

    return KeptFile._base_manager.using(router.db_for_write(KeptFile)).filter(storage=alias())


# --- what is kept ------------------------------------------------------------------------------


def _keep(part: Iterable[UploadItem], pool: WorkerPool, *, again: bool) -> int:
    wanted = {item.sha256: item for item in part if item.sha256}
    known = _claimed(wanted)
    unclaimed = sorted(wanted.keys() - known)
    rows = _rows().filter(sha256__in=unclaimed).values_list("sha256", flat=True)
    # These have a row although they were not claimed: a run is freeing them.
    freed = in_database(lambda: {*rows}, otherwise=set[str]()) if unclaimed else ()
    taken_back = {sha256 for sha256 in freed if _taken_back(wanted[sha256])}
    done = taken_back if again else taken_back | known
    left = {sha256: item for sha256, item in wanted.items() if sha256 not in done}
    written = sum(pool.run(partial(store, again=again), left.values()))
    _insert(left)
    return written


def _missing(
    part: Sequence[ReleaseFile], pool: WorkerPool, needed: Collection[str]
) -> list[ReleaseFile]:
    wanted = {file.sha256 for file in part}
    unsure = (wanted - _claimed(wanted)).union(wanted.intersection(needed))

    def look(sha256: str) -> tuple[str, bool]:
        return sha256, has(sha256) and (sha256 not in needed or is_whole(sha256))

    gone = {sha256 for sha256, is_there in pool.run(look, unsure) if not is_there}
    return [file for file in part if file.sha256 in gone]


def _claimed(wanted: Collection[str]) -> set[str]:
    """Return the bytes with a row, and mark them as used, so that no run frees them now."""

    def claim() -> set[str]:
        rows, now = _rows().filter(sha256__in=sorted(wanted), freed=False), timezone.now()
        rows.filter(used__lt=now - FRESH).update(used=now)
        # Asked for by its time as well: an old snapshot of the caller's shows what was freed since.
        return {*rows.filter(used__gte=now - FRESH).values_list("sha256", flat=True)}

    return in_database(claim, otherwise=set[str]())


def _taken_back(item: UploadItem) -> bool:
    """Take a row back that another run was freeing, once it has ended; return whether it stays."""
    row = _rows().filter(sha256=item.sha256, freed=True)

    def take_back() -> bool:
        # Locked until the bytes are there: nobody may trust the row before.
        if held := row.update(freed=False, used=timezone.now()):
            store(item)
        return bool(held)

    return in_database(take_back, otherwise=False)


def _insert(stored: dict[str, UploadItem]) -> None:
    """Write a row for each item whose bytes are there."""
    from ..models import KeptFile

    now, storage = timezone.now(), alias()
    rows = [  # in one order for all runs, which else may wait for each other
        KeptFile(storage=storage, sha256=sha256, size=stored[sha256].size or 0, used=now)
        for sha256 in sorted(stored)
    ]
    manager = KeptFile._base_manager.using(_rows().db)
    if rows:
        in_database(partial(manager.bulk_create, rows, ignore_conflicts=True), otherwise=rows)


# --- what is freed -----------------------------------------------------------------------------


def _candidates(until: datetime) -> Iterator[set[bytes]]:
    """Yield the digests of bytes that may be freed, many at a time."""
    rows = _rows().filter(Q(used__lt=until) | Q(freed=True)).order_by("id")
    found, last = set[bytes](), 0
    while page := list(rows.filter(id__gt=last).values_list("id", "sha256")[:ROWS]):
        last = page[-1][0]
        found.update(bytes.fromhex(sha256) for _id, sha256 in page)
        if len(found) >= COMPARED_AT_ONCE:
            yield found
            found = set()
    if found:
        yield found


def _named(release: int) -> Iterator[bytes]:
    """Yield the digests of a release, whose list may have megabytes."""
    from ..models import Release

    rows = Release._base_manager.using(router.db_for_write(Release)).filter(pk=release)
    for files, count in rows.values_list("files", "count"):
        yield from digests(bytes(files), count)


def _freed(rows: QuerySet[KeptFile], until: datetime, pool: WorkerPool) -> Freed:
    marked = rows.filter(freed=True)

    def mark() -> Freed:
        return rows.filter(freed=False, used__lt=until).update(freed=True), 0

    def delete_marked() -> Freed:
        marked.update(freed=True)  # locks them: who needs one waits, and takes none of these back
        sizes = dict(marked.values_list("sha256", "size"))
        marked.filter(sha256__in=[*sizes]).delete()
        for _deleted in pool.run(delete, sizes):
            pass
        return len(sizes), sum(sizes.values())

    persistently(mark, otherwise=(0, 0))
    return persistently(delete_marked, otherwise=(0, 0))
