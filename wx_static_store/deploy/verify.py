"""Compare cloud and site with the tree after a deploy; find and overwrite what is stale."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from tempfile import SpooledTemporaryFile
from typing import Any

from django.utils.functional import Promise

from ..conf import aliases, options_for
from ..core.interrupts import interruptible
from ..core.match import Match, match
from ..core.naming import clean_name, common_folder, is_html
from ..core.types import (
    DEPLOYS,
    REPEATS,
    RemoteFile,
    UploadItem,
    UploadResult,
    UploadStatus,
    deletion,
)
from ..exceptions import ConfigurationError, DeadlineExceeded, NameRejected, WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..upload.database import in_database, log
from ..upload.recorder import Recorder
from ..upload.sources import IN_MEMORY, digest
from ..upload.store import Store
from ..upload.uploader import Queue, Uploader
from ..upload.workers import WorkerPool

logger = logging.getLogger("wx_static_store.deploy")

PAGES = 20  # that are looked at, at most
CDN_SECONDS = 5.0  # after which a page that looks old is asked for once more

# Never stale: the manifest, and the proofs that a domain is ours, are in no tree.
KEPT = ("staticfiles.json", "MP_verify_*.txt", "WW_verify_*.txt")

_BY_COMMAND = _("Compare them with wx_deploy --diff RELEASE cloud.")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What is wrong with the object at `key`, in plain words."""

    key: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How many files were compared by the list and how many pages by the site, and what differs."""

    files: int
    pages: int
    mismatches: Sequence[Mismatch]


def sweep(
    uploader: Uploader, prefix: str = "", *, seconds: float = math.inf, most: float = math.inf
) -> dict[str, RemoteFile]:
    """
    Return what is in the folder `prefix` of the location, by key and without what was deleted.

    One call per 1000 files. Raises what the list raises, NameRejected, and DeadlineExceeded where
    it has more files, or takes longer.
    """
    folder = uploader.options.location + (clean_name(prefix.rstrip("/")) + "/" if prefix else "")
    until, found = time.monotonic() + seconds, dict[str, RemoteFile]()
    with interruptible():
        for file in uploader.store.sweep(folder):
            if len(found) >= most or time.monotonic() > until:
                raise DeadlineExceeded(_("The folder has too many files"), hint=_BY_COMMAND)
            found[file.key] = file
    return found


def verify(
    uploader: Uploader,
    items: Sequence[UploadItem],
    *,
    cloud: Mapping[str, RemoteFile] | None = None,
    pages: bool = True,
    pool: WorkerPool | None = None,
) -> Verification:
    """
    Compare the cloud with the tree, and the pages that the public site serves.

    The items are as `hash_items` gives them, `cloud` as `sweep` gave it (else it is asked for).
    Raises what the list raises, and where the site's address cannot be had; trouble with a page
    is a mismatch.
    """
    # The cloud has no object of a name that can have no key.
    by_key = {uploader.key(item.name) or item.name: item for item in items}
    if cloud is None:
        folder = common_folder([*by_key]).removeprefix(uploader.options.location)
        cloud = sweep(uploader, folder)
    differences = {key: _difference(item, cloud.get(key)) for key, item in by_key.items()}
    if count := sum(key in cloud and cloud[key].md5 is None for key in by_key):
        text = "The list of %s shows no MD5 of %d files: only their sizes were compared"
        logger.warning(text, uploader.env, count)
    entries = _entries(differences) if pages else []
    if entries:
        differences |= _look(uploader, {key: by_key[key] for key in entries}, pool)
    return Verification(
        files=sum(item.md5 is not None for item in by_key.values()),
        pages=len(entries),
        mismatches=[Mismatch(key, str(what)) for key, what in differences.items() if what],
    )


def find_stale(
    cloud: Mapping[str, RemoteFile], items: Sequence[UploadItem], uploader: Uploader
) -> list[RemoteFile]:
    """Return what `sweep` found and the tree has not; the manifest and its like are left out."""
    wanted = {uploader.key(item.name) for item in items}
    return [
        cloud[key]
        for key in sorted(cloud)
        if key not in wanted and key.startswith(uploader.options.location)
        if not any(fnmatchcase(os.path.basename(key), pattern) for pattern in KEPT)
    ]


def uploads_among(env: str, keys: Sequence[str], *, certain: bool) -> set[str]:
    """
    Return the keys that no deploy wrote last: a person, a save or another program did.

    Rows that only repeat an earlier one do not say who wrote it. A key without a row is stale,
    unless it lies where a store keeps uploads. Raises ConfigurationError where there is no log and
    the answer must be `certain`.
    """
    folders = tuple(
        options.location + options.upload_location
        for options in map(options_for, aliases())
        if options.upload_location  # else they lie everywhere
    )
    sources = in_database(lambda: _last_sources(env, keys), otherwise=None)
    if sources is None and certain:
        raise ConfigurationError(
            _("The log cannot say what people uploaded"),
            hint=_("Look at DATABASES, or name --include-uploads to take it for stale."),
        )
    by_people = {key for key, source in (sources or {}).items() if source not in DEPLOYS}
    return by_people | {key for key in keys if key.startswith(folders)}


def _last_sources(env: str, keys: Sequence[str]) -> dict[str, str]:
    rows = log().exclude(source__in=REPEATS).exclude(status=UploadStatus.FAILED)
    return {key: source for key, source, _last in rows.newest_values(env, keys, "key", "source")}


def blank(
    uploader: Uploader,
    files: Sequence[RemoteFile],
    recorder: Recorder,
    pool: WorkerPool,
    report: Callable[[UploadResult], object],
) -> int:
    """
    Overwrite each with the marker that means "deleted", and record and report each result.

    Pages go first. If one of them fails, it still names what it loads: all other files are held
    back, and their number is returned.
    """
    pages = [file for file in files if is_html(file.key)]
    others = [file for file in files if not is_html(file.key)]
    if not _overwrite(uploader, pages, recorder, pool, report):
        return len(others)
    _overwrite(uploader, others, recorder, pool, report)
    return 0


def _overwrite(
    uploader: Uploader,
    files: Sequence[RemoteFile],
    recorder: Recorder,
    pool: WorkerPool,
    report: Callable[[UploadResult], object],
) -> bool:
    """
    Overwrite each, in any order; return whether all are.

    A key that only the console could have written fails: under our spelling of it (its normal
    form, say) there may be another, live file.
    """
    location = uploader.options.location
    names = {file.key: file.key.removeprefix(location) for file in files}
    foreign = [key for key, name in names.items() if uploader.key(name) != key]
    for key in foreign:
        refused = _refusal(uploader, names.pop(key), key)
        recorder.add(refused)
        report(refused)
    steps = Queue(uploader, map(deletion, names.values()), report)
    results = uploader.send(steps, pool, recorder)
    return sum(result.error is None for result in results) == len(files)


def _difference(item: UploadItem, remote: RemoteFile | None) -> str | Promise:
    """Return how they differ; empty where they agree, as far as the list shows."""
    if remote is None:
        return _("it is not in the cloud")
    if item.md5 is None:
        return _("it was not compared: the file here could not be read")
    if match(item, remote) is not Match.DIFFERS:
        return ""
    if remote.size != item.size:
        return _("%(there)d bytes in the cloud, %(here)d here", there=remote.size, here=item.size)
    return _("MD5 %(there)s in the cloud, %(here)s here", there=remote.md5, here=item.md5)


def _entries(differences: Mapping[str, str | Promise]) -> list[str]:
    """Return the pages to fetch: those that the list agrees with, indexes of folders first."""

    def rank(key: str) -> tuple[bool, int, str]:
        return os.path.basename(key) != "index.html", key.count("/"), key

    right = [key for key, what in differences.items() if is_html(key) and not what]
    return sorted(right, key=rank)[:PAGES]


def _look(
    uploader: Uploader, pages: Mapping[str, UploadItem], pool: WorkerPool | None
) -> dict[str, str | Promise]:
    """Return what is wrong with each page; a CDN that shows an old copy gets a few seconds."""
    store = uploader.store
    with interruptible():
        store.url("")  # the address is asked for once, and not by the workers

    def look(page: tuple[str, UploadItem]) -> tuple[str, str | Promise]:
        return page[0], _as_served(store, *page)

    def look_at(some: Mapping[str, UploadItem]) -> dict[str, str | Promise]:
        with WorkerPool(uploader.options.max_workers) if pool is None else nullcontext(pool) as own:
            return dict(own.run(look, some.items()))

    differences = look_at(pages)
    if again := {key: pages[key] for key, what in differences.items() if what}:
        with interruptible():
            store.clock.sleep(CDN_SECONDS)
        differences |= look_at(again)
    return differences


def _as_served(store: Store, key: str, item: UploadItem) -> str | Promise:
    """Return how the served page differs; empty where it is exactly the file."""
    file: Any
    with SpooledTemporaryFile(IN_MEMORY) as file:
        try:
            if not store.fetch(key, file):
                return _("%(url)s is not there (404)", url=store.key_url(key))
        except WxStaticStoreError as error:
            return str(error)
        md5, size = digest(file), file.seek(0, os.SEEK_END)
    if md5 == item.md5:
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


def _refusal(uploader: Uploader, name: str, key: str) -> UploadResult:
    error = NameRejected(
        _("%(key)s was not written from here, and cannot be overwritten from here", key=ascii(key)),
        stage="name",
        hint=_("Delete it in the console."),
    ).with_context(env=uploader.env, key=key)
    return UploadResult(name, key, UploadStatus.FAILED, uploader.env, stage="name", error=error)
