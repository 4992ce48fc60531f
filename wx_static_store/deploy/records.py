"""Record the releases of a folder in an environment with their bytes, and find them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Max, Q
from django.utils import timezone

from ..conf.settings import nearest
from ..core.naming import PREVIEWS, object_key
from ..core.releases import PackedRelease, ReleaseFile, pack
from ..core.types import RemoteFile, UploadItem
from ..exceptions import ConfigurationError, SourceError
from ..i18n import gettext_lazy as _, listed, sentences, shown
from ..upload import kept, presence
from ..upload.database import deployments, in_database
from ..upload.uploader import Uploader
from ..upload.workers import WorkerPool
from .plan import Plan, hash_items, make_plan
from .state import from_log, live_below, state, with_release

if TYPE_CHECKING:
    from ..models import Deployment, Release

SHORTEST = 4  # characters of a digest that may name it
CANDIDATES = 10

_SAY_WHICH = _(
    "Write its id, or more of its label or digest; --using names the store, --prefix the folder."
)


@dataclass
class Records:
    """Record the release of each environment of a run; its bytes are kept once for all of them."""

    using: str = ""  # the alias
    prefix: str = ""  # the folder below its location
    again: bool = False  # check bytes that are kept
    _kept: set[str] = field(default_factory=set)  # digests of releases

    def plan(
        self,
        uploader: Uploader,
        items: Iterable[UploadItem],
        last: UploadItem | None,
        pool: WorkerPool,
        *,
        force: bool = False,
        verify: bool = False,
    ) -> tuple[Plan, dict[str, Any]]:
        """Compare and record the files; return the plan, and the columns of a `Deployment`."""
        items, name = hash_items(items), last.name if last else ""
        packed = self.pack(uploader, items, last)
        # If the same files are live, only rows of those that may differ since are read.
        row = None if force or verify else self.live(uploader, packed)
        settled = presence.settled(row) if row else None
        plan = make_plan(uploader, items, pool=pool, last=name, force=force, settled=settled)
        if plan.rejected:
            names = {item.name for item in (*plan.sent, *plan.unchanged)}
            items = [item for item in items if item.name in names]
            packed = self.pack(uploader, items, last)
        return plan, self.record(uploader, items, last, pool, packed)

    def record(
        self,
        uploader: Uploader,
        items: Iterable[UploadItem],
        last: UploadItem | None,
        pool: WorkerPool,
        packed: PackedRelease | None = None,
    ) -> dict[str, Any]:
        """Record the release of hashed items with its bytes; return columns of a `Deployment`."""
        packed = packed or self.pack(uploader, items, last)
        release = in_database(partial(_record, packed), otherwise=None)
        if release and kept.alias() and packed.digest not in self._kept:
            kept.keep([*items, *filter(None, [last])], pool, again=self.again)
            self._kept.add(packed.digest)
        folder = uploader.options.location + self.prefix
        return {"using": self.using, "folder": folder, "release": release}

    def live(self, uploader: Uploader, packed: PackedRelease) -> Deployment | None:
        """Return the newest deployment if it has this release, and ended well."""
        try:
            now = state(uploader.env, uploader.options.location + self.prefix)
        except ConfigurationError:  # there is no log
            return None
        row = now.live if now.live == now.wanted else None
        return row if row and row.release and row.release.digest == packed.digest else None

    def pack(
        self, uploader: Uploader, items: Iterable[UploadItem], last: UploadItem | None
    ) -> PackedRelease:
        """Return the release that has these hashed files."""
        by_name = sorted([*items, *filter(None, [last])], key=attrgetter("name"))
        return pack(files_of(uploader, by_name, self.prefix, last.name if last else ""))


def files_of(
    uploader: Uploader, items: Iterable[UploadItem], prefix: str = "", last: str = ""
) -> Iterator[ReleaseFile]:
    """Yield hashed items as files of a release, without `prefix`; skip unreadable ones."""
    for item in items:
        if item.md5 and item.sha256 and item.size is not None:
            name, headers = item.name.removeprefix(prefix), uploader.headers(item)
            yield ReleaseFile(name, item.size, item.md5, item.sha256, headers, item.name == last)


def items_of(release: Release, prefix: str = "") -> tuple[list[UploadItem], UploadItem | None]:
    """Return the files of a release as items with their kept bytes, the last file apart."""
    every = [(file.last, item_of(file, prefix)) for file in release.contents()]
    last = next((item for is_last, item in every if is_last), None)
    return [item for is_last, item in every if not is_last], last


def item_of(file: ReleaseFile, prefix: str = "") -> UploadItem:
    """Return the file of a release as an item with its kept bytes."""
    return UploadItem(
        prefix + file.name,
        open=partial(kept.open_kept, file.sha256),
        size=file.size,
        content_type=file.headers.content_type,
        cache_control=file.headers.cache_control,
        other_headers=file.headers.other_headers,
        md5=file.md5,
        sha256=file.sha256,
    )


def leftover_files(
    uploader: Uploader,
    releases: Iterable[Release],
    items: Iterable[UploadItem],
    prefix: str,
    cloud: Mapping[str, RemoteFile] | None = None,
) -> dict[str, RemoteFile]:
    """Return by key the objects of these releases that are no items, by the list or the log."""
    wanted = {uploader.key(item.name) for item in items}
    files = (file for release in releases for file in release.contents())
    keys = {uploader.key(prefix + file.name) for file in files} - wanted
    folder = uploader.options.location + prefix
    # What is live in a folder below this one stays.
    for row in live_below(uploader.env, folder) if keys else ():
        if row.folder != folder and row.release:
            keys -= {object_key(row.folder, file.name) for file in row.release.contents()}
    if cloud is not None:
        return {key: cloud[key] for key in keys & cloud.keys()}
    logged = presence.from_log(uploader.env, keys)
    return {key: there.file for key, there in logged.items() if there.file}


def find_deployment(
    text: str,
    env: str = "",
    folder: str | None = None,
    using: str = "",
    among: Collection[str] | None = None,
) -> Deployment:
    """
    Return the newest deployment with this id, label, or beginning of a label or release digest.

    `env` comes first. Raises SourceError if none, or several releases or folders have this name.
    """
    rows = with_release() if folder is None else with_release().in_folder(folder)
    rows = rows.filter(using=using) if using else rows
    rows = rows if among is None else rows.filter(env__in=[*among])
    found = from_log(lambda: _names(rows, text))
    ranked = [(_rank(name, text, env), name) for name in found]
    best = min((rank for rank, _name in ranked), default=_UNLIKE)
    if best >= _UNLIKE:
        raise from_log(lambda: _unknown_error(text, rows, env))
    in_order = sorted(name for rank, name in ranked if rank == best)
    # A preview has the label and the release of what becomes the site.
    site = [name for name in in_order if f"/{PREVIEWS}" not in f"/{name.folder}"] or in_order
    meant = sorted({(name.digest, name.folder): name for name in site}.values(), reverse=True)
    if len(meant) > 1:
        several = listed(map(str, meant), CANDIDATES)
        message = _("%(text)r names several releases: %(names)s", text=text, names=several)
        raise SourceError(message, hint=_SAY_WHICH)
    deployment: Deployment = from_log(lambda: rows.get(pk=meant[0].newest))
    return deployment


class _Name(NamedTuple):
    """The names of deployments that differ only in their ids."""

    newest: int
    env: str
    label: str
    folder: str
    digest: str

    def __str__(self) -> str:
        return shown(f"{self.newest} {self.env} /{self.folder} {self.label} {self.digest[:10]}")


_UNLIKE = (3, False)


def _rank(name: _Name, text: str, env: str) -> tuple[int, bool]:
    """Return how well the text fits, from 0 for the best."""
    # Compared again: databases compare texts more loosely.
    digest = len(text) >= SHORTEST and name.digest.startswith(text.lower())
    fits = (str(name.newest) == text, name.label == text, digest or name.label.startswith(text))
    return (fits.index(True), name.env != env) if any(fits) else _UNLIKE


def _names(rows: Any, text: str) -> list[_Name]:
    condition = Q(label__startswith=text) | Q(release__digest__startswith=text.lower())
    columns = ("env", "label", "folder", "release__digest")
    groups = rows.filter(condition).order_by().values(*columns).annotate(newest=Max("pk"))
    by_id = rows.filter(pk=text) if text.isascii() and text.isdecimal() else rows.none()
    found = (*by_id.values_list("pk", *columns), *groups.values_list("newest", *columns))
    return [_Name(*row) for row in found]


def _unknown_error(text: str, rows: Any, env: str) -> SourceError:
    parts = (rows.filter(env=env), rows) if env else (rows,)
    found = (list(part.values_list("pk", "label")[:100]) for part in parts)
    newest: list[tuple[int, str]] = next(filter(None, found), [])
    names = dict.fromkeys(label or str(pk) for pk, label in newest)
    error = SourceError(_("No release is named %(text)r", text=text), cause="release.unknown")
    known = [nearest(text, [*names])] if names else []
    return error.with_context(hint=sentences([*known, error.hint]))


def _record(packed: PackedRelease) -> Release:
    from ..models import Release

    known = Release.objects.using(deployments().db).filter(digest=packed.digest)
    if not known.update(used=timezone.now()):
        values = {name: getattr(packed, name) for name in ("files", "count", "size")}
        known.get_or_create(digest=packed.digest, defaults=values)
    return known.defer("files").get()
