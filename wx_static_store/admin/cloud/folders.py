"""
The objects in one folder of an environment, by at most two calls of `staticfilelist`.

The cloud has no folders: a list has every key below the prefix, in the order of their bytes. A
delimiter would hide the folders (wechat-cos.md, 1.4); this module derives them from the keys.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ...clients.wechat import ListPage
from ...core.types import DELETED, DELETED_MD5, RemoteFile
from ...upload.platform import platform_for
from ...upload.store import Store

FRESH = 60.0  # seconds in which a list is not asked for again
LAST = "\U0010ffff"  # no character comes after it: the end of a folder's keys


@dataclass(frozen=True, slots=True)
class SubFolder:
    """A folder in the folder that is shown."""

    key: str  # it ends in a slash
    files: int  # that were read, without deleted ones
    size: int  # of these
    is_whole: bool  # all were read


@dataclass(frozen=True, slots=True)
class Folder:
    """One part of a folder; `marker` asks for the next part, None if there is none."""

    prefix: str
    folders: tuple[SubFolder, ...]
    files: tuple[RemoteFile, ...]
    marker: str | None

    @property
    def read(self) -> int:
        """Return how many objects were read."""
        return len(self.files) + sum(folder.files for folder in self.folders)


def read_folder(page: Callable[[str, str], ListPage], prefix: str, marker: str = "") -> Folder:
    """Read the part of a folder after the marker, by `page(prefix, marker)`."""
    found = page(prefix, marker)
    files, cut = list(found.files), set[str]()
    # Of a sub-folder that goes on after the page, the rest is skipped.
    if begun := _folder_of(found.marker or "", prefix):
        cut.add(begun)
        found = page(prefix, begun + LAST)
        files += found.files
    end = found.marker
    if end and (begun := _folder_of(end, prefix)):
        cut.add(begun)
        end = begun + LAST
    by_folder = defaultdict[str, list[RemoteFile]](list)
    for file in files:
        by_folder[_folder_of(file.key, prefix)].append(file)
    own, folders = by_folder.pop("", []), list[SubFolder]()
    for key, inside in by_folder.items():
        sizes = [file.size for file in inside if not is_marker(file)]
        folders.append(SubFolder(key, len(sizes), sum(sizes), key not in cut))
    return Folder(prefix, tuple(folders), tuple(own), end)


def is_marker(file: RemoteFile) -> bool:
    """Return whether a file is certainly the deletion marker, without reading its bytes."""
    return file.size == len(DELETED) and file.md5 == DELETED_MD5


def _folder_of(key: str, prefix: str) -> str:
    """Return the folder in the prefix that a key is in; empty for a key of the prefix itself."""
    head, slash, _rest = key.removeprefix(prefix).partition("/")
    return prefix + head + slash if slash else ""


class RecentPages:
    """Pages of an environment's list; all processes together ask for each once a minute."""

    def __init__(self, store: Store, *, fresh: bool = False) -> None:
        self._store, self._fresh = store, fresh
        self._remembered = platform_for(store.options).remembered
        self.asked = time.time()  # for the oldest page

    def __call__(self, prefix: str, marker: str) -> ListPage:
        name = f"list:{self._store.env}\n{prefix}\n{marker}"
        if not self._fresh and (known := self._remembered.read(name)):
            self.asked = min(self.asked, known["at"])
            rows = ((*row, when and datetime.fromisoformat(when)) for *row, when in known["files"])
            return ListPage(tuple(RemoteFile(*row) for row in rows), known["marker"])
        asked = time.time()
        page = self._store.page(prefix, marker)
        times = [file.last_modified and file.last_modified.isoformat() for file in page.files]
        files = [(f.key, f.size, f.md5, when) for f, when in zip(page.files, times, strict=True)]
        self._remembered.write(name, {"at": asked, "files": files, "marker": page.marker}, FRESH)
        return page
