"""Copy the files of another storage into a store of media, under their names, and compare them."""

import sqlite3
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import apps
from django.db import DatabaseError
from django.db.models import FileField

from ..core import interrupts
from ..core.frames import described
from ..core.match import Match, match
from ..core.naming import object_key
from ..core.types import (
    DELETED_MD5,
    IMPORT,
    RemoteFile,
    UploadContext,
    UploadItem,
    UploadResult,
    as_listed,
)
from ..exceptions import ConfigurationError, NameRejected
from ..i18n import gettext_lazy as _, listed
from ..upload.claims import Claim
from ..upload.database import log
from ..upload.listing import PAGE, Lookup
from ..upload.presence import Presence, newest_rows
from ..upload.recorder import Recorder
from ..upload.sources import fingerprint
from ..upload.uploader import Queue, Uploader
from ..upload.waiting import row_of
from ..upload.workers import WorkerPool
from .verify import difference

CLAIM_SECONDS = 600.0  # for a thousand files: a save takes another name meanwhile
TABLES = "CREATE TABLE file (key, name, mark); CREATE TABLE expected (key, name, size, md5, field)"
CLASHES = "SELECT key, group_concat(name, char(10)) FROM file GROUP BY key HAVING count(*) > 1"
EXPECTED = "SELECT * FROM expected WHERE size >= 0 OR key NOT IN (SELECT key FROM file) ORDER BY 1"


def names_of(storage: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names that begin so, each with a mark that changes with the file, if known."""
    if objects := getattr(getattr(storage, "bucket", None), "objects", None):
        # S3 lists sizes and ETags, too: asked for one by one, they are two calls for each file.
        root = f"{at}/" if (at := storage.location.strip("/")) else ""
        for found in objects.filter(Prefix=root + prefix):
            if not found.key.endswith("/"):  # the console of S3 makes folders so
                yield found.key.removeprefix(root), f"{found.size} {found.e_tag}"
        return
    folders = [prefix.rpartition("/")[0]]
    while folders:
        folder = folders.pop()
        listed_names: Any = ((), ())
        # A folder may be deleted since it was listed, or no file has the prefix.
        with suppress(*[FileNotFoundError] if folder else ()):
            listed_names = storage.listdir(folder)
        found = [[f"{folder}/{name}".lstrip("/") for name in of if name] for of in listed_names]
        below, files = ([path for path in paths if path.startswith(prefix)] for paths in found)
        folders += below
        for path in files:
            mark = ""
            with suppress(Exception):  # of any storage: whoever reads the file reports it
                mark = f"{storage.size(path)} {storage.get_modified_time(path).isoformat()}"
            yield path, mark


def names_in_fields(storages: Collection[Any]) -> Iterator[tuple[str, str]]:
    """Yield the names that rows hold in file fields of these storages, each with its field."""
    for model in apps.get_models() if storages else ():
        for field in model._meta.local_fields:
            if isinstance(field, FileField) and field.storage in storages:
                names = model._base_manager.order_by().values_list(field.name, flat=True)
                yield from ((name, str(field)) for name in names.distinct().iterator() if name)


@dataclass
class MediaImport:
    """
    Copy files whose names begin with `prefix`; look for names in file fields of `storages`.

    `report` is called with what became of a file (a kind of ``wx_import_media``), its name, why.
    """

    source: Any
    uploader: Uploader
    report: Callable[[str, str, object], object]
    prefix: str = ""
    storages: Collection[Any] = ()
    overwrite: bool = False
    dry_run: bool = False

    def run(self) -> None:
        """List the source, send what the cloud lacks, and list the cloud again."""
        self._recorder = Recorder(UploadContext(source=IMPORT))
        self._pool = WorkerPool(self.uploader.options.max_workers)
        # By a fixed id: whoever goes on after a kill holds the claims of the killed one.
        self._claim = Claim("import")
        # Without a name, it is a temporary file once it is too long for its cache.
        with closing(sqlite3.connect("")) as self._list, closing(self._recorder), self._pool:
            self._list.executescript(TABLES)
            self._collect()
            for part in self._parts("SELECT * FROM file ORDER BY key"):
                self._send(part)
            for name, field in names_in_fields(self.storages):
                if name.startswith(self.prefix):
                    self._expect(self.uploader.key(name), name, None, "", field)
            for part in self._parts(EXPECTED):
                self._check(part)

    def _collect(self) -> None:
        """List the source; refuse names that can be no key, or are the same key."""
        try:
            for name, mark in names_of(self.source, self.prefix):
                interrupts.check()
                try:
                    row = object_key(self.uploader.options.location, name), name, mark
                    self._list.execute("INSERT INTO file VALUES (?, ?, ?)", row)
                except NameRejected as error:
                    self.report("refused", name, error)
        except Exception as error:  # noqa: BLE001 -- of any storage
            text = _("The files of the storage cannot be listed (%(why)s)", why=described(error))
            hint = _("Look at its OPTIONS, and whether all of its folders may be read.")
            raise ConfigurationError(text, hint=hint) from None
        is_empty = not self._list.execute("SELECT 1 FROM file").fetchone()
        if self.prefix and is_empty and not self.storages:
            text = _("No file of the storage begins with %(prefix)r", prefix=self.prefix)
            raise ConfigurationError(text, hint=_("A prefix has no slash at its beginning."))
        for key, names in self._list.execute(CLASHES).fetchall():
            text = _("%(names)s are the same key", names=listed(map(ascii, names.split("\n"))))
            for name in names.split("\n"):
                self.report("refused", name, NameRejected(text, hint=_("Rename one.")))
            self._list.execute("DELETE FROM file WHERE key = ?", [key])

    def _parts(self, query: str) -> Iterator[list[Any]]:
        cursor = self._list.execute(query)
        return iter(lambda: cursor.fetchmany(PAGE), [])

    def _expect(self, *row: Any) -> None:
        self._list.execute("INSERT INTO expected VALUES (?, ?, ?, ?, ?)", row)

    def _look(self, part: list[Any]) -> dict[str, Presence]:
        """Return what is at the keys of these rows; raise what the list raises."""
        keys = sorted({key for key, *_rest in part if key})
        listing = Lookup(self.uploader.store, self._pool, sys.maxsize).ask(keys)
        # Read after the list; None while the database rests after an error.
        rows = newest_rows(self.uploader.env, keys)
        if listing.error or rows is None:
            raise listing.error or DatabaseError(_("The upload log cannot be read"))
        return {key: Presence(key, rows.get(key), listing.files.get(key)) for key in keys}

    def _send(self, part: list[Any]) -> None:
        last, states = log().end_of_newest(0), self._look(part)
        rows = log().newest_values(self.uploader.env, states, "key", "source_ref")
        marks = {key: mark for key, mark, _stored_at in rows}
        wanted, doubtful = list[UploadItem](), list[UploadItem]()
        for key, name, mark in part:
            own_name = key.removeprefix(self.uploader.options.location)
            item = UploadItem(own_name, partial(self.source.open, name), source_ref=mark)
            if _is_free(states[key]):
                wanted.append(item)
            elif mark and mark == marks.get(key) and _is_imported(states[key]):
                self.report("unchanged", own_name, "")
            else:
                doubtful.append(item)
        doubtful = [*self._unless_waiting(doubtful)]
        for item in self._pool.run(fingerprint, doubtful):
            if self._must_send(item, states[self.uploader.key(item.name)]):
                wanted.append(item)
        steps, failure = Queue(self.uploader, self._unless_taken(wanted, last)), None
        try:
            for result in self.uploader.send(steps, self._pool, self._recorder):
                failure = result.error or failure
                self._report(result, last)
        finally:
            self._claim.release()
        if steps.halted and failure:
            raise failure

    def _report(self, result: UploadResult, last: int) -> None:
        """Report what was sent, unless a save came between the last look and the end of the PUT."""
        kind, why = "sent", result.error or ""
        if result.error:
            kind = "failed"
        elif self._newer(result.key, last).exclude(source=IMPORT).exists():
            kind, why = "differs", _("it was saved while it was sent: save it again")
        else:
            self._expect(result.key, result.name, result.size, result.md5, "")
        self.report(kind, result.name, why)

    def _must_send(self, item: UploadItem, state: Presence) -> bool:
        """Compare a file that was read with the object; report it, unless it must be sent."""
        row, there, is_ours = state.row, state.file, _is_imported(state)
        if row and is_ours:  # it knows the MD5, even if the list shows none
            there = row.file(state.key)
        kind, why = "differs", str(_("it was deleted, or its upload has not ended"))
        if item.md5 is None:
            kind, why = "failed", str(_("it was not compared: the file here could not be read"))
        elif there and match(item, there) is Match.SAME:
            # Without a mark each run reads it, and its row has nothing new to say.
            kind, why = "corrected" if item.source_ref or not is_ours else "unchanged", ""
            if kind == "corrected" and not self.dry_run:
                self._recorder.add(as_listed(self.uploader.env, item.name, there, item.source_ref))
        elif is_ours or self.overwrite:
            return True
        elif there:
            why = str(difference(item, there) or _("the list shows no MD5 to compare"))
        self.report(kind, item.name, why)
        return False

    def _unless_waiting(self, items: Iterable[UploadItem]) -> Iterator[UploadItem]:
        for item in items:
            if self._waits(self.uploader.key(item.name)):
                self.report("waits", item.name, _("a file waits under this name: run wx_push"))
            else:
                yield item

    def _unless_taken(self, items: Iterable[UploadItem], last: int) -> Iterator[UploadItem]:
        """Yield each item when its turn comes, unless a save took its name since the look."""
        options = self.uploader.options
        for item in self._unless_waiting(items):
            key = self.uploader.key(item.name)
            if self.dry_run:
                self.report("new", item.name, "")
            elif (
                not self._claim.take(options, key, CLAIM_SECONDS) or self._newer(key, last).exists()
            ):
                self.report("differs", item.name, _("it was saved at this moment"))
            else:
                yield item

    def _check(self, part: list[Any]) -> None:
        """Report what was sent and is not in the cloud, and what fields name and nobody has."""
        states = self._look(part)
        for key, name, size, md5, why in part:
            state = states.get(key)
            if state and not why and (state.row is None or state.row.source == IMPORT):
                # Else somebody has saved or deleted it since.
                why = difference(RemoteFile(key, size, md5, None), state.file)
            elif state and (state.file or self._waits(key)):
                why = ""
            if why:
                self.report("missing", name, why)

    def _newer(self, key: str, last: int) -> Any:
        return log().with_key(key).filter(env=self.uploader.env, id__gt=last)

    def _waits(self, key: str) -> bool:
        options = self.uploader.options
        return options.wait != "never" and row_of(options, key) is not None


def _is_free(state: Presence) -> bool:
    """Return whether nothing is at the key, and nothing was deleted there."""
    row, listing = state.row, state.listing
    # An import that was killed sends its file again; another upload may yet end.
    there = state.file if row and row.source == IMPORT else state.taken_by
    return there is None and DELETED_MD5 not in (row and row.md5, listing and listing.md5)


def _is_imported(state: Presence) -> bool:
    """Return whether an import stored the object, and nobody wrote there since."""
    row, file = state.row, state.file
    return bool(row and row.source == IMPORT and file and row.is_about(file))
