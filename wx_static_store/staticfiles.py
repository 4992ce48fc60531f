"""
``WxStaticFilesStorage`` and ``WxManifestStaticFilesStorage``: collect locally, then publish.

Both are Django's own storages over ``STATIC_ROOT``. `post_process()`, which `collectstatic` calls
at its end, publishes the finished files in parallel; ``--no-post-process`` publishes nothing.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from django.contrib.staticfiles.storage import ManifestFilesMixin, StaticFilesStorage

from .conf.options import STATIC, Options
from .conf.settings import freeze, resolve
from .core.hashed_names import hashed_among
from .core.interrupts import held
from .core.naming import NO_CACHE, quote_key
from .core.types import UploadContext, UploadItem
from .deploy.locks import deploying
from .deploy.plan import make_plan
from .deploy.publish import PublishFailed, publish
from .exceptions import WxStaticStoreError
from .upload.sources import disk_item
from .upload.store import store_for
from .upload.uploader import Uploader
from .upload.workers import WorkerPool

__all__ = ["WxManifestStaticFilesStorage", "WxStaticFilesStorage"]

logger = logging.getLogger("wx_static_store.deploy")

CONTEXT = UploadContext(source="collectstatic")

Processed = tuple[str, str | None, bool | Exception]


class WxStaticFilesStorage(StaticFilesStorage):
    """Django's static files storage, whose files are published under `location` at the end."""

    wx_kind: ClassVar[str] = STATIC

    def __init__(self, **options: Any) -> None:
        self._given = freeze(options)
        super().__init__()

    @property
    def options(self) -> Options:
        return resolve(STATIC, self._given)

    @property
    def base_url(self) -> str:
        """The public address of the static files; asks WeChat only if no setting names it."""
        return store_for(self.options).url("")

    @base_url.setter
    def base_url(self, value: str | None) -> None:
        """Django's own storage writes ``STATIC_URL`` here; the options know it already."""

    def url(self, name: str | None) -> str:
        """Return the public address, quoted once."""
        return self.base_url + quote_key((name or "").lstrip("/"))

    def post_process(
        self, paths: Mapping[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Processed]:
        """Publish what was collected; yields nothing but what failed, as one exception."""
        if not dry_run:
            yield from self._publish(paths)

    def _publish(self, names: Iterable[str], hashed: Iterable[str] = ()) -> Iterator[Processed]:
        _warn_of_case(names)
        try:
            self._publish_all([*self._items(names), *self._items(hashed, hashed=True)])
        except PublishFailed as error:
            failure = error
        except (WxStaticStoreError, OSError) as error:  # no token, no space for the manifest
            failure = PublishFailed(str(error))
        else:
            return
        yield "All", None, failure

    def _publish_all(
        self,
        items: list[UploadItem],
        last_name: str = "",
        last: Callable[[], UploadItem] | None = None,
    ) -> None:
        uploader = Uploader(self.options)
        with (
            held(),
            deploying(uploader, wait=True) as lock,
            WorkerPool(uploader.options.max_workers) as pool,
        ):
            plan = make_plan(uploader, items, pool=pool, last=last_name)
            report = publish(uploader, plan, CONTEXT, pool=pool, lock=lock, last=last)
        report.raise_for_failures()

    def _items(self, names: Iterable[str], *, hashed: bool = False) -> Iterator[UploadItem]:
        names = list(names)
        kept_for_ever = {*names} if hashed else hashed_among(names)
        for name in names:
            as_url = name.replace(os.sep, "/")
            yield disk_item(as_url, self.path(name), hashed=name in kept_for_ever)


def _warn_of_case(names: Iterable[str]) -> None:
    """Warn of two files that are one on a laptop whose disk ignores case."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        if (other := seen.setdefault(name.casefold(), name)) != name:
            logger.warning("%s and %s differ only by case", ascii(other), ascii(name))


class _ForHashing(WxStaticFilesStorage):
    """
    Give Django's hashing addresses that are relative, so that collecting makes no call.

    They are quoted twice, because Django unquotes whatever it gets.
    """

    def url(self, name: str | None) -> str:
        return quote_key(quote_key((name or "").lstrip("/")))


class WxManifestStaticFilesStorage(ManifestFilesMixin, _ForHashing):
    """
    Static files with hashed names, which browsers may keep for ever.

    The plain names are published too (scripts load their siblings by them), unless
    `keep_only_hashed` is set. The manifest that the site reads stays local, and is written only
    when all that it names is stored.
    """

    def url(self, name: str | None, force: bool = False) -> str:
        """
        Return the public address of the hashed name, quoted once; the plain name in DEBUG mode.

        A query and a fragment stay as they are: ``{% static "icons.svg?v=2#home" %}``.
        """
        path = re.split("[?#]", name or "", maxsplit=1)[0]
        rest = (name or "").removeprefix(path)
        return self.base_url + super().url(path, force) + rest

    def post_process(  # type: ignore[override]
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Processed]:
        """Hash as Django does, publish, and write the manifest only when all is stored."""
        if dry_run:
            return
        self.hashed_files = {}
        # ManifestFilesMixin's own step would write the manifest too early.
        yield from super(ManifestFilesMixin, self).post_process(paths, dry_run, **options)
        plain = () if self.options.keep_only_hashed else paths
        hashed = (name for name in self.hashed_files.values() if name not in plain)
        yield from self._publish(plain, dict.fromkeys(hashed))

    def save_manifest(self) -> None:
        """
        Write it beside the old one, then in its place: at any moment there is a whole one.

        Django's own way would leave none, or a part, when it is killed between its steps.
        """
        if self.manifest_storage is not self:  # a project's own, perhaps not of files
            super().save_manifest()
            return
        name, new = self.manifest_name, f"{self.manifest_name}.new"
        self.manifest_name = new
        try:
            super().save_manifest()
            os.replace(self.path(new), self.path(name))
        finally:
            self.manifest_name = name
            Path(self.path(new)).unlink(missing_ok=True)

    def _publish_all(self, items: list[UploadItem], *_: Any) -> None:
        super()._publish_all(items, self.manifest_name, self._save_manifest)

    def _save_manifest(self) -> UploadItem:
        self.save_manifest()
        name, storage = self.manifest_name, cast(Any, self.manifest_storage)
        return UploadItem(name, open=lambda: storage.open(name), cache_control=NO_CACHE)
