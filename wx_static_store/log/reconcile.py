"""Compare the cloud with the log, and add rows that correct the log; both are read in batches."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from django.db.models import Max
from django.utils.functional import Promise

from ..core.match import Match, match
from ..core.types import RemoteFile, UploadStatus
from ..i18n import english, gettext_lazy as _
from ..models import UploadLog, fitting, key_digest
from ..upload.database import log
from ..upload.store import Store

KEYS_AT_ONCE = 500
STORED, FAILED, UNKNOWN = UploadStatus.STORED, UploadStatus.FAILED, UploadStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A difference of cloud and log, with the values of a row that corrects the log."""

    kind: str  # missing, differs, unlogged, or unknown: the outcome is known now
    key: str
    name: str
    status: UploadStatus
    size: int | None
    md5: str
    message: str | Promise

    def row(self, env: str) -> UploadLog:
        """Return the row that corrects the log."""
        # Without headers, which no list shows: therefore the next deploy sends the file.
        columns = {name: getattr(self, name) for name in ("key", "name", "size", "md5")}
        columns = fitting(UploadLog, columns | {"message": english(self.message)})
        return UploadLog(
            **columns,
            env=env,
            key_digest=key_digest(self.key),
            status=self.status.value,
            cause="cloud" if self.status is FAILED else "",
            stage="verify",
            source="reconcile",
        )


class LogComparison:
    """Compare objects with the newest rows of the log, once; `fix` adds rows that correct it."""

    def __init__(self, store: Store, prefix: str = "", *, fix: bool = False) -> None:
        self.store, self.fix = store, fix
        self.prefix = store.options.location + prefix
        self.objects = 0  # how many there are
        self.unsure = 0  # of them, those compared by size only: the list has no MD5
        # Only a bit per object lives from one pass to the next: there may be millions.
        self._seen = _Ids()
        self._last_id = 0

    def __iter__(self) -> Iterator[Discrepancy]:
        # Rows that are written from now on may be newer than the list, which cannot judge them.
        self._last_id = log().aggregate(last=Max("id"))["last"] or 0
        for found in chain(self._in_the_cloud(), self._only_in_the_log()):
            if self.fix:
                log().bulk_create([discrepancy.row(self.store.env) for discrepancy in found])
            yield from found

    def _in_the_cloud(self) -> Iterator[list[Discrepancy]]:
        files = self.store.sweep(self.prefix)
        while batch := list(islice(files, KEYS_AT_ONCE)):
            self.objects += len(batch)
            newest = log().newest(self.store.env, [file.key for file in batch]).values()
            rows = {row.key_digest: row for row in newest}
            judged = (self._judge(file, rows.get(key_digest(file.key))) for file in batch)
            yield [discrepancy for discrepancy in judged if discrepancy]

    def _judge(self, file: RemoteFile, row: UploadLog | None) -> Discrepancy | None:
        if row is None:
            name = file.key.removeprefix(self.store.options.location)
            return _found("unlogged", file, name, STORED, _("the cloud has it, the log did not"))
        self._seen.add(row.pk)
        if row.pk > self._last_id or row.status == FAILED:
            return None
        found = match(row, file)
        self.unsure += found is Match.UNSURE
        # Lists show no MD5 for some objects, and an equal size proves no bytes.
        if found is Match.UNSURE or (found is Match.SAME and row.status == STORED):
            return None
        if found is Match.SAME:
            return _found("unknown", row, row.name, STORED, _("it is in the cloud"))
        if row.status == UNKNOWN:
            message = _("the cloud has %(cloud)s", cloud=_bytes(file))
            return _found("unknown", row, row.name, FAILED, message)
        message = _(
            "the cloud has %(cloud)s, the log said %(log)s", cloud=_bytes(file), log=_bytes(row)
        )
        return _found("differs", file, row.name, STORED, message)

    def _only_in_the_log(self) -> Iterator[list[Discrepancy]]:
        for ids in _newest_ids(self.store.env):
            left = [pk for pk in ids if pk <= self._last_id and pk not in self._seen]
            rows = log().filter(id__in=left, status__in=(STORED, UNKNOWN)).order_by()
            below = (row for row in rows if row.key.startswith(self.prefix))
            yield [discrepancy for row in below if (discrepancy := _absent(row))]


def _absent(row: UploadLog) -> Discrepancy | None:
    """Return the discrepancy of a row without an object."""
    if row.status == UNKNOWN and row.is_deletion:
        return _found("unknown", row, row.name, STORED, _("it is deleted"))
    if row.status == UNKNOWN:
        return _found("unknown", row, row.name, FAILED, _("the cloud does not have it"))
    if row.is_deletion:
        # Lists leave out objects with the deletion marker.
        return None
    return _found("missing", row, row.name, FAILED, _("the log said stored, the cloud has none"))


def _bytes(of: RemoteFile | UploadLog) -> str | Promise:
    return _("%(size)s bytes with MD5 %(md5)s", size=of.size, md5=of.md5 or _("unknown"))


def _found(
    kind: str, of: RemoteFile | UploadLog, name: str, status: UploadStatus, message: str | Promise
) -> Discrepancy:
    return Discrepancy(kind, of.key, name, status, of.size, of.md5 or "", message)


def _newest_ids(env: str) -> Iterator[list[int]]:
    """Yield the ids of the newest row of each key, some hundred at a time, by the index."""
    digest = ""
    while True:
        rows = log().filter(env=env, key_digest__gt=digest).order_by("key_digest")
        newest = rows.values("key_digest").annotate(newest=Max("id"))[:KEYS_AT_ONCE]
        found = list(newest.values_list("key_digest", "newest"))
        if not found:
            return
        digest = found[-1][0]
        yield [pk for _digest, pk in found]


@dataclass
class _Ids:
    """A set of row ids with a bit for each: a million consecutive ids need 300 KB."""

    _words: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, number: int) -> None:
        self._words[number >> 10] |= 1 << (number & 1023)

    def __contains__(self, number: int) -> bool:
        return bool(self._words.get(number >> 10, 0) >> (number & 1023) & 1)
