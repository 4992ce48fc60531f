"""Compare the cloud and the site with the tree after a deploy; find and overwrite stale files."""

import logging
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from tempfile import SpooledTemporaryFile
from typing import Any

from django.utils.functional import Promise

from ..conf import aliases, options_for
from ..core.interrupts import interruptible
from ..core.match import Known, Match, match
from ..core.naming import clean_name, is_html, is_preview
from ..core.types import (
    DEPLOYS,
    ENCODING,
    REPEATS,
    RemoteFile,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
)
from ..exceptions import ConfigurationError, DeadlineExceeded, NameRejected, WxStaticStoreError
from ..i18n import gettext_lazy as _, gettext_noop, listed, shown
from ..upload.as_sent import before_gzip
from ..upload.database import in_database, log
from ..upload.recorder import Recorder
from ..upload.sources import IN_MEMORY, digest
from ..upload.uploader import Queue, Uploader
from ..upload.workers import WorkerPool

logger = logging.getLogger("wx_static_store.deploy")

PAGES = 20  # pages that are fetched at most
NAMED = 3  # of the pages with one difference of headers
CDN_SECONDS = 5.0  # seconds after which a differing page is fetched again

# Never stale: the manifest and the files that prove a domain's owner are in no tree.
KEPT = ("staticfiles.json", "MP_verify_*.txt", "WW_verify_*.txt")

Rewritten = defaultdict[tuple[str, str, str], list[str]]  # name, value there, here: the keys

_SENT = _("The site sends %(name)s '%(there)s' for %(keys)s, not '%(here)s': by a CDN?")
_BY_COMMAND = _("Compare them with wx_deploy --diff RELEASE cloud.")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A difference of the object at `key`, in plain words."""

    key: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The number of compared files (by the list) and pages (by the site), and the differences."""

    files: int
    pages: int
    mismatches: Sequence[Mismatch]
    notes: Sequence[str] = ()  # on headers, which a CDN may rewrite


def sweep(
    uploader: Uploader, prefix: str = "", *, seconds: float = math.inf, most: float = math.inf
) -> dict[str, RemoteFile]:
    """Return a folder's files by key, but deleted ones and previews; DeadlineExceeded if many."""
    folder = uploader.options.location + (clean_name(prefix.rstrip("/")) + "/" if prefix else "")
    until, found = time.monotonic() + seconds, dict[str, RemoteFile]()
    with interruptible():
        for file in uploader.store.sweep(folder):
            if len(found) >= most or time.monotonic() > until:
                raise DeadlineExceeded(_("The folder has too many files"), hint=_BY_COMMAND)
            # A preview is no part of the site, whose stale files it would be.
            if is_preview(prefix) or not is_preview(file.key.removeprefix(folder)):
                found[file.key] = file
    return found


def verify(
    uploader: Uploader,
    items: Sequence[UploadItem],
    cloud: Mapping[str, RemoteFile],
    pool: WorkerPool,
) -> Verification:
    """Compare hashed items with the cloud's `sweep`, and with the pages that the site serves."""
    # A name that can have no key stands for itself: the cloud has no such object.
    by_key = {uploader.key(item.name) or item.name: item for item in items}
    differences = {key: difference(item, cloud.get(key)) for key, item in by_key.items()}
    if count := sum(key in cloud and cloud[key].md5 is None for key in by_key):
        text = gettext_noop(
            "The list of %s shows no MD5 of %d files: only their sizes were compared"
        )
        logger.warning(text, uploader.env, count)
    # The pages that are right in the list, index pages first; none that a rule calls packed.
    pages = [key for key in filter(is_html, by_key) if not differences[key]]
    pages = [key for key in pages if uploader.headers(by_key[key]).plain_md5 is not None]
    pages.sort(key=lambda key: (os.path.basename(key) != "index.html", key.count("/"), key))
    rewritten = Rewritten(list)
    if fetched := {key: by_key[key] for key in pages[:PAGES]}:
        differences |= _look(uploader, fetched, pool, rewritten)
    return Verification(
        files=sum(item.md5 is not None for item in by_key.values()),
        pages=len(fetched),
        mismatches=[Mismatch(key, str(what)) for key, what in differences.items() if what],
        notes=[
            str(_SENT)
            % {"name": name, "there": there, "here": here, "keys": listed(sorted(keys), NAMED)}
            for (name, there, here), keys in sorted(rewritten.items())
        ],
    )


def find_stale(
    cloud: Mapping[str, RemoteFile], items: Sequence[UploadItem], uploader: Uploader
) -> list[RemoteFile]:
    """Return the files of `sweep` that are not in the tree, without those of KEPT."""
    wanted, location = {uploader.key(item.name) for item in items}, uploader.options.location
    return [
        cloud[key]
        for key in sorted(cloud)
        if key not in wanted and key.startswith(location)
        if is_preview(key.removeprefix(location))
        or not any(fnmatchcase(os.path.basename(key), pattern) for pattern in KEPT)
    ]


def uploads_among(env: str, keys: Sequence[str], *, certain: bool) -> set[str]:
    """Return the keys that no deploy wrote last; without a log, raise if that must be `certain`."""
    # A file without a row was uploaded if it is in a folder for uploads.
    folders = tuple(
        options.location + options.upload_location
        for options in map(options_for, aliases())
        if options.upload_location  # else uploads are everywhere
    )

    def last_sources() -> dict[str, str]:
        rows = log().exclude(source__in=REPEATS).exclude(status=UploadStatus.FAILED)
        found = rows.newest_values(env, keys, "key", "source")
        return {key: source for key, source, _last in found}

    sources = in_database(last_sources, otherwise=None)
    if sources is None and certain:
        hint = _("Look at DATABASES, or name --include-uploads to take it for stale.")
        raise ConfigurationError(_("The log cannot say what people uploaded"), hint=hint)
    by_people = {key for key, source in (sources or {}).items() if source not in DEPLOYS}
    return by_people | {key for key in keys if key.startswith(folders)}


def blank(
    uploader: Uploader,
    files: Sequence[RemoteFile],
    recorder: Recorder,
    pool: WorkerPool,
    report: Callable[[UploadResult], object],
) -> int:
    """
    Overwrite each file with the deletion marker; record and report each result.

    Pages go first. If one of them fails, all other files are held back; return their number.
    """
    # A page that stays public must not lose the files that it loads.
    pages = [file.key for file in files if is_html(file.key)]
    others = [file.key for file in files if not is_html(file.key)]
    location, failed = uploader.options.location, False
    for keys in (pages, others):
        if failed:
            return len(others)
        names = {key: key.removeprefix(location) for key in keys}
        # A key that only the console can write fails: our spelling of it (in its normal form, say)
        # may be another, live file.
        for key in [key for key, name in names.items() if uploader.key(name) != key]:
            text = _("%(key)s was not written from here, and cannot be overwritten from here")
            error = NameRejected(text % {"key": ascii(key)}, hint=_("Delete it in the console."))
            error.with_context(env=uploader.env, key=key, stage="name")
            how = names.pop(key), key, UploadStatus.FAILED, uploader.env
            refused = UploadResult(*how, stage="name", error=error)
            recorder.add(refused)
            report(refused)
        steps = Queue(uploader, map(deletion, names.values()), report)
        results = uploader.send(steps, pool, recorder)
        failed = sum(result.error is None for result in results) < len(keys)
    return 0


def difference(item: Known, remote: RemoteFile | None) -> str | Promise:
    """Return the difference; empty if they agree, as far as the list shows."""
    if remote is None:
        return _("it is not in the cloud")
    if item.md5 is None:
        return _("it was not compared: the file here could not be read")
    if match(item, remote) is not Match.DIFFERS:
        return ""
    if remote.size != item.size:
        return _("%(there)d bytes in the cloud, %(here)d here", there=remote.size, here=item.size)
    return _("MD5 %(there)s in the cloud, %(here)s here", there=remote.md5, here=item.md5)


def _look(
    uploader: Uploader, pages: Mapping[str, UploadItem], pool: WorkerPool, rewritten: Rewritten
) -> dict[str, str | Promise]:
    """Return the difference of each page; a page that differs is fetched again after seconds."""
    store = uploader.store
    with interruptible():
        # Ask for the address once, and not in each worker.
        store.url("")

    def look(page: tuple[str, UploadItem]) -> tuple[str, str | Promise]:
        return page[0], _as_served(uploader, *page, rewritten)

    differences = dict(pool.run(look, pages.items()))
    if again := {key: pages[key] for key, what in differences.items() if what}:
        with interruptible():
            store.clock.sleep(CDN_SECONDS)
        differences |= dict(pool.run(look, again.items()))
    return differences


def _as_served(
    uploader: Uploader, key: str, item: UploadItem, rewritten: Rewritten
) -> str | Promise:
    """Return how the served page differs from the file; empty if it is the same."""
    file: Any
    store, headers, item = uploader.store, uploader.headers(item), before_gzip(item)
    with SpooledTemporaryFile(IN_MEMORY) as file:
        try:
            if not (reply := store.fetch(key, file)):
                return _("%(url)s is not there (404)", url=store.key_url(key))
        except WxStaticStoreError as error:
            return str(error)
        md5, size = digest(file), file.seek(0, os.SEEK_END)
    if md5 == item.md5:
        wanted = {"Content-Type": headers.content_type, "Cache-Control": headers.cache_control}
        wanted[ENCODING] = ""  # no gzip was asked for
        for name, here in wanted.items():
            there = shown(reply.headers.get(name, ""))
            if there.lower().replace(" ", "") != here.lower().replace(" ", ""):
                rewritten[name, there, here].append(key)
        return ""
    return _(
        "%(url)s serves %(there)d bytes with the MD5 %(served)s, the file here has %(here)d with "
        "%(md5)s; a CDN may show an old copy for some minutes: verify again",
        url=store.key_url(key),
        there=size,
        served=md5,
        here=item.size,
        md5=item.md5,
    )
