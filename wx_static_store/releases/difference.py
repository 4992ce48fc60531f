"""Compare a release with another, a folder or the cloud."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from ..core.match import Match
from ..core.releases import Change, ReleaseFile
from ..core.types import NO_HEADERS, ContentHeaders, RemoteFile, UploadContext, UploadItem
from ..deploy.environments import Order, stale_files
from ..deploy.plan import hash_items
from ..deploy.records import Records, files_of, item_of
from ..deploy.verify import sweep
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _, listed
from ..upload.as_sent import as_served, hashed
from ..upload.presence import compare
from ..upload.uploader import Uploader

KINDS = ("added", "changed", "removed")
_SHOWN = 5  # names in an error


@dataclass(frozen=True, slots=True)
class Difference:
    """How the second of two sides differs from the first, by name."""

    changes: Sequence[Change]
    unchanged: int  # number of equal files
    unsure: int = 0  # of them, those compared by size only: the list shows no MD5
    uploads: Sequence[RemoteFile] = ()  # files that people put into the folder

    def of(self, kind: str) -> list[Change]:
        """Return the changes of a kind: ``added``, ``changed`` or ``removed``."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of files of each kind, the unchanged ones included."""
        return {kind: len(self.of(kind)) for kind in KINDS} | {"unchanged": self.unchanged}

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the bytes of the files that differ, before and after."""
        before = sum(change.before.size for change in self.changes if change.before)
        return before, sum(change.after.size for change in self.changes if change.after)

    def as_dict(self) -> dict[str, Any]:
        """Return the difference as JSON, without text in the reader's language."""
        before, after = self.sizes
        files = [
            {
                "name": change.name,
                "kind": change.kind,
                "before": change.before and change.before.size,
                "after": change.after and change.after.size,
                "differs": change.parts,
            }
            for change in self.changes
        ]
        return {
            "counts": self.counts,
            "bytes": {"before": before, "after": after},
            "by_size_only": self.unsure,
            "files": files,
            "uploads": [file.key for file in self.uploads],
        }


def compare_files(before: Iterable[ReleaseFile], after: Iterable[ReleaseFile]) -> Difference:
    """Compare two lists of files, such as the `contents` of two releases, headers included."""
    old, new = ({file.name: file for file in files} for files in (before, after))
    every = [Change(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
    found = [change for change in every if change.kind != "changed" or change.parts]
    return Difference(found, len(every) - len(found))


def files_here(
    uploader: Uploader, items: Sequence[UploadItem], prefix: str = ""
) -> list[ReleaseFile]:
    """Return the files of a tree as files of a release; raises SourceError."""
    items = hash_items(items)
    if unread := [ascii(item.name) for item in items if not item.md5]:
        text = _("%(names)s cannot be read", names=listed(unread, _SHOWN))
        raise SourceError(text, stage="source", hint=_("Look at the permissions of these files."))
    return list(files_of(uploader, items, prefix))


def compare_with_cloud(
    uploader: Uploader,
    files: Iterable[ReleaseFile],
    prefix: str = "",
    *,
    seconds: float = math.inf,
    most: float = math.inf,
) -> Difference:
    """Compare a release with the folder `prefix`, by `sweep`, which shows no headers."""
    cloud = sweep(uploader, prefix, seconds=seconds, most=most)
    by_key = {uploader.key(prefix + file.name) or file.name: file for file in files}
    # Pages of a preview were sent with a tag: their kept bytes are read, and get it, too.
    sent = {key: hashed(as_served(item_of(file, prefix))) for key, file in by_key.items()}
    matches, found = compare(uploader.env, sent, cloud), list[Change]()
    for key, matched in matches.items():
        file, remote = by_key[key], cloud.get(key)
        if remote is None:
            found.append(Change(file, None))
        elif matched is Match.DIFFERS:
            found.append(Change(file, _as_file(remote, file.name, file.headers)))
    unsure = [*matches.values()].count(Match.UNSURE)
    unchanged = len(by_key) - len(found)
    items = [UploadItem(prefix + file.name, open=BytesIO) for file in by_key.values()]
    order = Order(items, UploadContext("wx_deploy"), Records(prefix=prefix))
    stale, uploads = stale_files(uploader, order, cloud)
    start = len(uploader.options.location + prefix)
    found += (Change(None, _as_file(remote, remote.key[start:])) for remote in stale)
    return Difference(sorted(found, key=lambda one: one.name), unchanged, unsure, uploads)


def _as_file(remote: RemoteFile, name: str, headers: ContentHeaders = NO_HEADERS) -> ReleaseFile:
    return ReleaseFile(name, remote.size, remote.md5 or "", "", headers)
