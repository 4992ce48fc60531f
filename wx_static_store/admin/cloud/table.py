"""The table of the page *Files in the cloud*: the files of a folder, joined with the log."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from ...causes import Text
from ...core.match import Match, match
from ...core.naming import content_type
from ...core.types import DELETED, RemoteFile
from ...i18n import ago, gettext as _, gettext_lazy, pgettext_lazy
from ...log.compare import CloudState
from ...models import UploadLog
from ...upload.database import add_users
from ..columns import BAD, NOTHING, Look, UploadColumns, day_and_time
from ..places import linkable
from .folders import Folder, SubFolder, is_marker

PAGE = 200  # files
LARGEST_PICTURE = 2 * 2**20  # bytes: a thumbnail is the whole picture
BEGINNING = datetime.min.replace(tzinfo=UTC)  # of what the list gives no time

SORTS: dict[str, tuple[Text, Callable[[RemoteFile], Any]]] = {
    "name": (gettext_lazy("file"), lambda file: file.key),
    "size": (gettext_lazy("size"), lambda file: file.size),
    "time": (pgettext_lazy("of an upload", "time"), lambda file: file.last_modified or BEGINNING),
}
GONE, FOREIGN = Look("∅", "wx-quiet"), Look("·", "wx-quiet")


class FilesTable:
    """The files of a folder that one request shows."""

    def __init__(
        self, asked: QueryDict, folder: Folder, at: float, store: Any, columns: UploadColumns
    ) -> None:
        self._asked, self.folder, self._store = asked, folder, store
        self._columns = columns
        self.ago = ago(datetime.fromtimestamp(min(at, time.time()), UTC))
        self.query = asked.get("q", "").strip()
        self.with_deleted = asked.get("deleted") == "1"
        sort = asked.get("sort", "")
        column = sort.removeprefix("-")
        self._order = (column, sort != column) if column in SORTS else ("name", False)

    def steps(self) -> Iterator[tuple[str, str]]:
        """Yield name and key of the folders down to this one, the environment itself first."""
        yield _("whole environment"), ""
        above = ""
        for name in self.folder.prefix.split("/")[:-1]:
            above += f"{name}/"
            yield f"{name}/", above

    def folders(self) -> list[tuple[str, SubFolder]]:
        """Return the folders with their names; a folder with only deleted files on request."""
        return [
            (one.key.removeprefix(self.folder.prefix), one)
            for one in self.folder.folders
            if self._is_searched(one.key) and (one.files or not one.is_whole or self.with_deleted)
        ]

    def headings(self) -> Iterator[tuple[Text, str, str]]:
        """Yield each column that orders the files: its order, and what a click would ask for."""
        name, is_descending = self._order
        for column, (label, _value) in SORTS.items():
            order = "" if column != name else "descending" if is_descending else "ascending"
            yield label, order, f"-{column}" if order == "ascending" else column

    @cached_property
    def page(self) -> Page[RemoteFile]:
        return Paginator(self._files, PAGE).get_page(self._asked.get("p"))

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield each file of the page with its newest row, or None if the log has none."""
        rows = UploadLog.objects.newest(self._store.env, [file.key for file in self.page])
        add_users(rows.values())
        for file in self.page:
            yield self._line(file, rows.get(file.key))

    @cached_property
    def hidden(self) -> int:
        """Return the number of deleted files that are left out."""
        return 0 if self.with_deleted else len(self._deleted)

    @cached_property
    def _files(self) -> Sequence[RemoteFile]:
        name, is_descending = self._order
        found = [
            file
            for file in self.folder.files
            if self._is_searched(file.key) and (self.with_deleted or file.key not in self._deleted)
        ]
        return sorted(found, key=SORTS[name][1], reverse=is_descending)

    def _is_searched(self, key: str) -> bool:
        return self.query.casefold() in key.removeprefix(self.folder.prefix).casefold()

    @cached_property
    def _deleted(self) -> set[str]:
        """Return the keys of deleted files: by the log, where the list gives no MD5."""
        files = self.folder.files
        unsure = [f.key for f in files if f.md5 is None and f.size == len(DELETED)]
        rows = UploadLog.objects.newest(self._store.env, unsure) if unsure else {}
        by_the_log = {key for key, row in rows.items() if row.is_deletion}
        return by_the_log.union(file.key for file in files if is_marker(file))

    def _line(self, file: RemoteFile, row: UploadLog | None) -> dict[str, Any]:
        address = self._store.known_url(file.key)  # empty if WeChat would have to be asked
        url, is_deleted = linkable(address, self._store.options), file.key in self._deleted
        look, label = _remark(file, row, is_deleted=is_deleted)
        is_picture = content_type(file.key).startswith("image/") and file.size <= LARGEST_PICTURE
        return {
            "file": file,
            "name": file.key.removeprefix(self.folder.prefix),
            "address": address,
            "url": url,  # the address if a page may link to it
            "when": day_and_time(file.last_modified) if file.last_modified else NOTHING,
            "is_picture": bool(url and is_picture and not is_deleted),
            "row": row,
            "origin": self._columns.origin(row) if row else NOTHING,
            "status": self._columns.status(row) if row else "",
            "look": look,
            "label": label,
        }


def _remark(
    file: RemoteFile, row: UploadLog | None, *, is_deleted: bool
) -> tuple[Look | None, Text]:
    """Return a sign and a text in place of the row's status, where that would be wrong."""
    if is_deleted:
        return GONE, gettext_lazy("deleted, a short note is in its place")
    if row is None:
        return FOREIGN, gettext_lazy("not from here")
    if row.status == UploadLog.Status.STORED and match(row, file) is Match.DIFFERS:
        return BAD, CloudState.DIFFERS.label
    return None, ""
