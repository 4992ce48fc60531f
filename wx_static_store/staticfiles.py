"""
``WxStaticFilesStorage`` and ``WxManifestStaticFilesStorage``: collect locally, then publish.

Both are Django's own storages over ``STATIC_ROOT``. `post_process()`, which `collectstatic` calls
at its end, publishes the finished files in parallel; ``--no-post-process`` publishes nothing.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any, cast

from django.contrib.staticfiles.storage import ManifestFilesMixin, StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.management.base import BaseCommand

from .conf import checks as checks  # where the app is not installed, nothing else registers them
from .conf.options import STATIC
from .conf.settings import alias_of
from .core.hashed_names import hashed_among
from .core.interrupts import held
from .core.naming import NO_CACHE, quote_key
from .core.types import UploadContext, UploadItem
from .deploy.locks import deploying
from .deploy.log_lines import shown_warnings
from .deploy.plan import Plan, hash_items
from .deploy.publish import Publication
from .deploy.records import Records
from .deploy.report import PublishFailed, Report
from .deploy.state import live
from .exceptions import WxStaticStoreError
from .i18n import gettext as _, labelled, ngettext
from .upload.recorder import announce_deployment
from .upload.sources import tree_item
from .upload.store import Configured
from .upload.uploader import Uploader
from .upload.workers import WorkerPool

__all__ = ["WxManifestStaticFilesStorage", "WxStaticFilesStorage"]


CONTEXT = UploadContext(source="collectstatic")

Processed = tuple[str, str | None, bool | Exception]


class WxStaticFilesStorage(Configured, StaticFilesStorage):
    """Django's static files storage; collectstatic publishes its files under `location`."""

    wx_kind = STATIC

    def url(self, name: str | None) -> str:
        """Return the public address, quoted once."""
        return self.base_url + quote_key((name or "").lstrip("/"))

    def post_process(
        self, paths: Mapping[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Processed]:
        """Publish the collected files; yield only one exception if that fails."""
        if not dry_run:
            yield from self._publish({name: name for name in paths})

    def _publish(self, files: Mapping[str, str]) -> Iterator[Processed]:
        """Publish each name; its value is the file that it is, or is a hashed copy of."""
        command = _running_command()
        files = {name.replace(os.sep, "/"): file for name, file in files.items()}
        try:
            with shown_warnings(command.stderr.write) if command else nullcontext():
                plan, report = self._publish_all(self._items(files))
        except PublishFailed as error:
            yield "All", None, error
        except (WxStaticStoreError, OSError) as error:  # no token, no space for the manifest
            yield "All", None, PublishFailed(str(error))
        else:
            if command:
                command.stderr.writelines(f"{note}\n" for note in plan.notes)
            if command and command.verbosity > 0:
                sent = {files[item.name] for item in plan.sent}
                unchanged = len({*files.values()} - sent)
                command.stdout.write(self._summary(len(sent), report.stored, unchanged))

    def _summary(self, files: int, objects: int, unchanged: int) -> str:
        """Return a line on what was published, and where."""
        store = self.store
        same = _("%(count)d unchanged", count=unchanged)
        if store.options.trust_log:
            same = _("%(count)d unchanged by the log alone", count=unchanged)
        return _(
            "Published %(files)s (%(objects)s), %(unchanged)s, to %(address)s",
            files=ngettext("%(count)d file", "%(count)d files", files),
            objects=ngettext("%(count)d object", "%(count)d objects", objects),
            unchanged=same,
            address=store.known_url(store.options.location) or store.env,
        )

    def _publish_all(
        self,
        items: Iterable[UploadItem],
        last: UploadItem | None = None,
        before_last: Callable[[], object] = lambda: None,
    ) -> tuple[Plan, Report]:
        """Publish the items; when all are stored, call `before_last` and publish the last one."""
        uploader, report, ok = Uploader(self.options), Report(), False

        def make_live() -> UploadItem:
            before_last()
            return cast(UploadItem, last)

        try:
            with (
                held(),
                deploying(uploader, wait=True) as lock,
                WorkerPool(uploader.options.max_workers) as pool,
            ):
                plan, columns = Records(alias_of(self.options)).plan(uploader, [*items], last, pool)
                before = live(uploader.env, columns["folder"])
                Publication(
                    uploader,
                    plan,
                    CONTEXT,
                    lock,
                    last=make_live if last else None,
                    columns=columns,
                    always=before is None or before.release != columns["release"],
                    report=report,
                ).run(pool)
                ok = report.ok
        except BaseException as error:
            if report.broken_off:
                if isinstance(error, KeyboardInterrupt):
                    text = _("Interrupted: %(counts)s", counts=report.counts)
                else:
                    text = _("Broken off: %(counts)s", counts=report.counts)
                sys.stderr.write(f"\n{labelled(uploader.env, text)}\n")
            raise
        finally:
            announce_deployment(uploader.env, report.deployment_id, ok=ok, logged=report.logged)
        report.raise_for_failures()
        return plan, report

    def _items(self, files: Mapping[str, str]) -> Iterator[UploadItem]:
        copies = {name for name, file in files.items() if name != file}
        kept_for_ever = copies | hashed_among(files.keys() - copies)
        for name in files:
            # With --link, they all are links.
            yield tree_item(name, self.path(name), hashed=name in kept_for_ever, follow=True)


def _running_command() -> Any:
    """Return the management command that runs `post_process()`."""
    # Django passes no verbosity: only the command on the stack has it.
    frame: FrameType | None = sys._getframe(1)
    while frame and not isinstance(frame.f_locals.get("self"), BaseCommand):
        frame = frame.f_back
    return frame and frame.f_locals["self"]


class _ForHashing(WxStaticFilesStorage):
    """Give Django's hashing relative addresses, so that collecting makes no call."""

    def url(self, name: str | None) -> str:
        # Quoted twice, as Django unquotes every address.
        return quote_key(quote_key((name or "").lstrip("/")))


class WxManifestStaticFilesStorage(ManifestFilesMixin, _ForHashing):
    """
    Static files with hashed names, which browsers may keep for ever.

    The plain names are published, too (scripts load other files by them), unless `keep_only_hashed`
    is set. The manifest that the site reads stays local, and is written when all files are stored.
    """

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the hashed name's public address, quoted once; the plain name's in DEBUG mode."""
        # A query and a fragment stay as they are: {% static "icons.svg?v=2#home" %}.
        path = re.split("[?#]", name or "", maxsplit=1)[0]
        rest = (name or "").removeprefix(path)
        return self.base_url + super().url(path, force) + rest

    def post_process(  # type: ignore[override]
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Processed]:
        """Hash like Django, publish, and write the manifest when all is stored."""
        if dry_run:
            return
        self.hashed_files: dict[str, str] = {}
        # Skip ManifestFilesMixin's own step, which would write the manifest too early.
        yield from super(ManifestFilesMixin, self).post_process(paths, dry_run, **options)
        files = {copy: name for name, copy in self.hashed_files.items()}
        if not self.options.keep_only_hashed:
            files |= {name: name for name in paths}
        yield from self._publish(files)

    def save_manifest(self) -> None:
        """Write a new manifest, then replace the old one by it."""
        # Django deletes the old one first: killed in between, it leaves none, or a part.
        self.write_manifest(self._manifest())

    def write_manifest(self, content: bytes) -> None:
        """Replace the manifest by these bytes."""
        storage: Any = self.manifest_storage
        # A storage of the project's own may keep no files.
        if storage is not self:
            storage.delete(self.manifest_name)
            storage.save(self.manifest_name, ContentFile(content))
            return
        path = Path(self.path(self.manifest_name))
        new = path.with_name(f"{path.name}.new")
        try:
            new.write_bytes(content)
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)

    def _manifest(self) -> bytes:
        """Return the manifest that Django would write."""
        # Django only writes it: into memory here, in place of the disk.
        storage, memory = self.manifest_storage, InMemoryStorage()
        self.manifest_storage: Any = memory
        try:
            super().save_manifest()
            with memory.open(self.manifest_name) as file:
                return bytes(file.read())
        finally:
            self.manifest_storage = storage

    def _publish_all(self, items: Iterable[UploadItem], *rest: Any) -> tuple[Plan, Report]:
        body = partial(BytesIO, self._manifest())
        last = UploadItem(self.manifest_name, open=body, cache_control=NO_CACHE)
        return super()._publish_all(items, hash_items([last])[0], self.save_manifest)
