"""``WxStorage``: a Django storage for media; one upload per save, every file public."""

import os
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from errno import ENOENT
from functools import partial
from io import BytesIO
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self

from django.core import signing
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.deconstruct import deconstructible

from .conf import checks as checks  # where the app is not installed, nothing else registers them
from .conf.options import MEDIA
from .conf.settings import setting
from .core.naming import WAITING_URL, clean_name, object_key
from .core.types import (
    DELETED_MD5,
    RemoteFile,
    UploadContext,
    UploadItem,
    UploadStatus,
    deletion,
    during,
)
from .exceptions import IntegrityError, SourceError, UploadFailed, WxStaticStoreError
from .i18n import gettext, gettext_lazy as _
from .submit.progress import note_of_save
from .upload import recorder
from .upload.claims import (
    Claim,
    Save,
    abandoned_object,
    claim_abandoned,
    current_claim,
    current_saves,
    drop_claim,
    note_abandoned,
)
from .upload.database import after_commit
from .upload.in_threads import in_thread
from .upload.presence import Presence, from_log, look
from .upload.sources import IN_MEMORY, content_item, digest, fingerprint
from .upload.store import Configured
from .upload.uploader import Uploader, to_raise

if TYPE_CHECKING:  # django-storages has no types
    from django.core.files.storage import Storage as BaseStorage
else:
    from storages.base import BaseStorage

__all__ = ["WxStorage"]

SAVE = UploadContext(source="storage")
DELETE = UploadContext(source="delete")


class PublicFile(File):  # type: ignore[type-arg]
    """A file of `open()`, which can be opened again after it was closed, as Django expects."""

    def __init__(self, storage: "WxStorage", name: str) -> None:
        self._storage = storage
        super().__init__(storage.fetch(name), name)

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> Self:
        if self.closed:
            self.file = self._storage.fetch(str(self.name))
        else:
            self.seek(0)
        return self


@deconstructible(path="wx_static_store.storage.WxStorage")
class WxStorage(Configured, BaseStorage):
    """
    Keep files in WeChat's static hosting; options as in the README, by keyword.

    Every saved file is public. `save()` returns only after COS confirmed exactly our bytes, or,
    with the option `wait`, after they wait safely; else it raises UploadFailed (an OSError),
    NameRejected or ConfigurationError.
    """

    wx_kind = MEDIA

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Save like Django, but reuse the object that a failed form left with the same bytes."""
        asked = str(name or getattr(content, "name", ""))
        saved = self._reuse_abandoned_upload(asked, content, max_length)
        try:
            with during(current_claim, Claim()) as claim:
                claim.of_a_person = isinstance(content, UploadedFile)
                claim.max_length = max_length
                saved = saved or str(super().save(name, content, max_length))
        except UploadFailed as error:
            if error.status == UploadStatus.UNKNOWN:  # there may be an object without a row
                maybe = error.key.removeprefix(self.options.location)
                self.leave(Save(self, asked, maybe, content))
            raise
        if (saves := current_saves.get()) is not None:
            saves.append(Save(self, asked, saved, content))
        return saved

    def leave(self, save: Save) -> None:
        """Note for some minutes that a saved object belongs to no row, as its form failed."""
        if not isinstance(save.content, UploadedFile):  # others may not be readable twice
            return
        options, row = self.options.settled(), self._waiting_row(save.name)
        if (row and self._waiting.drop(row)) or options.file_overwrite:
            return
        item = fingerprint(content_item(save.name, save.content))
        if item.md5 and item.size:
            key = self._key(save.name)
            note_abandoned(options, self._key(save.asked), item.size, item.md5, key)

    def _reuse_abandoned_upload(self, asked: str, content: Any, max_length: int | None) -> str:
        """Return the name of an object with these bytes that a failed form left; or ''."""
        if not isinstance(content, UploadedFile):  # others may not be readable twice
            return ""
        with suppress(WxStaticStoreError):  # the save will meet the error again, and report it
            if self.options.file_overwrite or self.options.wait == "always":
                return ""
            options = self.options.settled()
            md5, key = abandoned_object(options, self._key(asked), content.size or 0)
            name = key.removeprefix(options.location)
            if not name or (max_length and len(name) > max_length):
                return ""
            if fingerprint(content_item(name, content)).md5 != md5:
                return ""
            file = (found := self._seen(name)).listed and found.file  # the log may not be sure
            if file and file.md5 == md5 and claim_abandoned(options, key):
                return name
        return ""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Choose a name like Django; if the look-up fails, record a row and raise UploadFailed."""
        try:
            return str(super().get_available_name(name, max_length))
        except WxStaticStoreError as error:
            failure = error
        result = Uploader(self.options).failed(UploadItem(name, open=BytesIO), failure)
        recorder.record_one(result, SAVE)
        raise to_raise(result)

    def _save(self, name: str, content: Any) -> str:
        name = clean_name(name.replace(os.sep, "/"))
        item = replace(content_item(name, content), sent=note_of_save.get())
        claim, result = current_claim.get(), None
        if self.options.wait == "never":
            result, row = Uploader(self.options).attempt(item, SAVE)
        else:
            longest = claim.max_length if claim else None
            another_name = partial(self.get_available_name, max_length=longest)
            name, result, row = self._waiting.save(self.options, item, SAVE, another_name)
        if claim:
            if result and result.status is UploadStatus.FAILED:
                claim.release()
            # Without a log, only the claim says that the name is taken.
            elif row is not None or result is None:
                after_commit(claim.release)
        if result and result.error:
            raise to_raise(result)
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode not in ("r", "rb"):
            text = gettext("%(mode)r: a public file is opened for reading; save() replaces it.")
            raise ValueError(text % {"mode": mode})
        return PublicFile(self, name)

    def fetch(self, name: str) -> IO[bytes]:
        """Return the checked public bytes in a temporary file, which the caller closes."""
        if row := self._waiting_row(name):
            return self._fetch_waiting(name, row)
        file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        try:
            self._fetch(self._key(name), file)
        except BaseException:
            file.close()
            raise
        return file

    def _fetch(self, key: str, sink: Any) -> None:
        store = self.store
        if not store.fetch(key, sink) or (md5 := digest(sink)) == DELETED_MD5:
            raise _missing(key)
        logged = from_log(store.env, [key]).get(key)
        row = logged and logged.row
        if row is None or row.status != UploadStatus.STORED or row.md5 in ("", md5):
            return
        if row.headers and row.headers.plain_md5 in (md5, None):  # it is not stored as it is
            return
        file = look(store, key).file  # another program may have written since
        if file is None:
            raise _missing(key)
        if file.md5 not in (None, md5):
            hint = _("A CDN may serve the old file for some minutes; try again then.")
            text = _("The public site serves other bytes than are stored")
            error = IntegrityError(text, hint=hint, stage="verify", maybe_stored=False)
            raise error.with_context(env=store.env, key=key)

    def _fetch_waiting(self, name: str, row: Any) -> IO[bytes]:
        if row.file is None:
            raise _missing(row.key)
        try:
            return self._waiting.open_row(row)  # type: ignore[no-any-return]
        except SourceError:
            newer = self._waiting_row(name)
            if newer and newer.token == row.token:
                raise
        return self.fetch(name)  # it was sent, or replaced, at this moment

    def exists(self, name: str) -> bool:
        """Return whether the object exists; the root does, other folders are no objects."""
        if not name or name.endswith("/"):
            return not name
        return (self._waiting_row(name) or self._seen(name)).file is not None

    def is_waiting(self, name: str) -> bool:
        """Return whether the file waits until the cloud takes it, as the option `wait` allows."""
        row = self._waiting_row(name)
        return bool(row and row.file)

    def waiting_url(self, name: str) -> str:
        """Return where anybody can see a file that waits, for an hour; else its public address."""
        url, row = self.url(name), self._waiting_row(name)
        if row and row.file:
            signed = signing.dumps([row.env, row.key, url], salt=WAITING_URL, compress=True)
            with suppress(NoReverseMatch):  # the project does not include `urls`
                return reverse(WAITING_URL, args=[signed])
        return url

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """Claim a free name for the save under way: no other save takes it."""
        if max_length and len(name) > max_length:
            return False
        if self.options.file_overwrite:  # every name is free, without a call
            return True
        options, key, saving = self.options.settled(), self._key(name), current_claim.get()
        claim = saving or Claim()
        # Claim before asking: of two saves at once, both would see a free name.
        if not claim.take(options, key):
            return False
        free = False
        try:
            free = self._is_free(name, saving)
        finally:
            if not (free and saving):
                claim.release(key)
        return free

    def _is_free(self, name: str, saving: Claim | None) -> bool:
        if row := self._waiting_row(name):
            return row.file is None
        found = self._seen(name, ask=self.options.wait != "always")
        if self.options.wait == "outage" and not found.listed and saving and saving.of_a_person:
            # The log alone may not know an object; whoever saves for a person takes any name.
            saving.of_a_person = False
            return False
        return found.taken_by is None

    def size(self, name: str) -> int:
        return self._get(name).size

    def get_modified_time(self, name: str) -> datetime:
        moment = self._get(name).last_modified
        if moment is None:
            raise NotImplementedError(gettext("The list does not say when this file was written."))
        return moment if setting("USE_TZ") else timezone.make_naive(moment)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and files of one level; WeChat lists everything below it."""
        path = path.strip("/")
        prefix = self._key(path) + "/" if path else self.options.location
        folders: dict[str, None] = {}
        files = []
        waiting: dict[str, RemoteFile | None] = {}
        if self.options.wait != "never":  # first: what is sent meanwhile is in both
            waiting = self._waiting.below(self.options.settled(), prefix)
        swept = (remote.key for remote in self.store.sweep(prefix) if remote.key not in waiting)
        for key in chain(swept, filter(waiting.get, waiting)):
            head, slash, _rest = key.removeprefix(prefix).partition("/")
            if slash:
                folders[head] = None
            else:
                files.append(head)
        return list(folders), files

    def url(self, name: str | None) -> str:
        """Return the public address, quoted once."""
        return self.store.url(clean_name(name or ""))

    def delete(self, name: str) -> None:
        """
        Overwrite a file with a marker, so that it is not public and does not exist any more.

        This takes three calls. A missing name is silent. `on_delete` may also be ``raise``
        (NotImplementedError) or ``ignore``.
        """
        if not name:
            raise ValueError(gettext("The name must be given to delete()."))
        if self.options.on_delete == "raise":
            raise NotImplementedError(gettext("WeChat's static hosting cannot delete files."))
        if self.options.on_delete == "ignore":
            return
        if self.options.wait != "never":
            self._waiting.delete(self.options, clean_name(name), DELETE)
        elif self._look(name).taken_by is not None:
            # By an upload: WeChat has no call that deletes.
            uploader = Uploader(self.options)
            uploader.upload(deletion(clean_name(name)), DELETE)
            drop_claim(uploader.options, self._key(name))

    asave, adelete, aexists = in_thread(save), in_thread(delete), in_thread(exists)
    asize, aopen = in_thread(size), in_thread(BaseStorage.open)
    aget_modified_time = in_thread(get_modified_time)

    def _key(self, name: str) -> str:
        # Django joins alternative names with the separator of the machine.
        return object_key(self.options.location, str(name).replace(os.sep, "/"))

    def _look(self, name: str) -> Presence:
        return look(self.store, self._key(name))

    @property
    def _waiting(self) -> Any:
        """The module of waiting files: a storage whose files never wait does not import it."""
        from .upload import waiting

        return waiting

    def _waiting_row(self, name: str) -> Any:
        """Return the row of a file or a deletion that waits; no query where files never wait."""
        if self.options.wait == "never":
            return None
        return self._waiting.row_of(self.options.settled(), self._key(name))

    def _seen(self, name: str, *, ask: bool = True) -> Presence:
        """Return what is there; by the log alone, if not to `ask` or while the cloud is away."""
        if self.options.wait == "never":
            return self._look(name)
        found: Presence = self._waiting.seen(self.options.settled(), self._key(name), ask=ask)
        return found

    def _get(self, name: str) -> RemoteFile:
        if (file := (self._waiting_row(name) or self._look(name)).file) is None:
            raise _missing(self._key(name))
        return file


def _missing(key: str) -> FileNotFoundError:
    return FileNotFoundError(ENOENT, gettext("The environment has no such file"), key)
