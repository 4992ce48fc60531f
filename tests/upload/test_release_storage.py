"""The release storage: what lies in it, what it costs, and what is not believed."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from tests.doubles import ObjectStore
from wx_static_store.core.types import UploadItem
from wx_static_store.exceptions import ConfigurationError, SourceChanged, SourceError
from wx_static_store.upload.release_storage import (
    _Body,
    check,
    delete,
    has,
    open_kept,
    path_of,
    store,
)
from wx_static_store.upload.sources import fingerprint

LONG = bytes(range(256)) * 3000  # three blocks of ours


class Beside(ObjectStore):
    """An object store that overwrites nothing: who comes second gets another name."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"{name}_2" if name in self.objects else name


class Quicker(Beside):
    """Another run stores each file between the look and the save."""

    def _save(self, name: str, content: Any) -> str:
        self.objects[name.removesuffix("_2")] = b"1"
        return str(super()._save(self.get_available_name(name), content))


class Vanishing(ObjectStore):
    """What was there goes when it is asked for its size."""

    def size(self, name: str) -> int:
        self.objects.pop(name)
        return super().size(name)


class Full(FileSystemStorage):
    def _save(self, name: str, content: Any) -> str:
        super()._save(name, File(BytesIO(content.read(1)), name))
        raise OSError(28, "No space left on device")


class Wrapping(ObjectStore):
    """A storage whose library wraps what a file raises."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return super()._save(name, content)
        except OSError as error:
            raise RuntimeError("The body broke") from error


@pytest.fixture
def use(configure: Any, tmp_path: Path) -> Callable[[Any], Path]:
    """`use(storage)`: its folder, where it has one."""

    def set_up(storage: Any) -> Path:
        folder = tmp_path / "releases"
        local = issubclass(storage, FileSystemStorage)
        options = {"location": str(folder)} if local else {}
        configure(
            WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
            STORAGES={
                "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
                "releases": {
                    "BACKEND": f"{storage.__module__}.{storage.__name__}",
                    "OPTIONS": options,
                },
            },
        )
        ObjectStore.objects.clear()
        return folder

    return set_up


def item(body: bytes = b"1", name: str = "a.js") -> UploadItem:
    return fingerprint(UploadItem(name, open=partial(BytesIO, body)))


def changed(before: bytes, after: bytes) -> UploadItem:
    """Return a file that is hashed, and changes after that."""
    bodies = iter([before, after])
    return fingerprint(UploadItem("a.js", open=lambda: BytesIO(next(bodies))))


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def in_folder(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


ALL_OR_NOTHING = [FileSystemStorage, ObjectStore, Beside]
STORAGES = [*ALL_OR_NOTHING, InMemoryStorage]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("body", [b"", b"1", LONG], ids=["empty", "short", "long"])
def test_what_is_stored_is_read_back(use: Any, storage: Any, body: bytes) -> None:
    use(storage)
    assert store(item(body)) is True
    assert has(digest_of(body))
    with open_kept(digest_of(body)) as file:
        assert file.read() == body


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_there_is_not_written_again(use: Any, storage: Any) -> None:
    use(storage)
    assert [store(item()), store(item())] == [True, False]


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_deleted_is_not_there(use: Any, storage: Any) -> None:
    use(storage)
    store(item())
    delete(digest_of(b"1"))
    delete(digest_of(b"1"))
    assert not has(digest_of(b"1"))


@pytest.mark.parametrize("storage", STORAGES)
def test_again_replaces_what_is_damaged(use: Any, storage: Any) -> None:
    folder, path = use(storage), path_of(digest_of(b"1"))
    store(item())
    ObjectStore.objects[path] = b"x"
    if storage is FileSystemStorage:
        (folder / path).write_bytes(b"x")
    store(item(), again=True)
    with open_kept(digest_of(b"1")) as file:
        assert file.read() == b"1"


@pytest.mark.parametrize("storage", STORAGES)
def test_a_file_of_another_length_is_replaced(use: Any, storage: Any) -> None:
    use(storage)
    store(item(b"whole"))
    ObjectStore.objects[path_of(digest_of(b"whole"))] = b"who"
    store(item(b"whole"))
    with open_kept(digest_of(b"whole")) as file:
        assert file.read() == b"whole"


def test_a_folder_has_nothing_but_whole_files(use: Any) -> None:
    folder = use(FileSystemStorage)
    path = folder / path_of(digest_of(b"whole"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"who")
    assert store(item(b"whole")) is True
    assert in_folder(folder) == {path_of(digest_of(b"whole")): b"whole"}


def test_a_file_in_a_folder_is_whole_when_it_gets_its_name(
    use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = use(FileSystemStorage), list[bytes]()
    replace = os.replace

    def look(source: str, target: str) -> None:
        assert not Path(target).exists()
        seen.append(Path(source).read_bytes())
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    store(item(LONG))
    assert seen == [LONG]
    assert in_folder(folder) == {path_of(digest_of(LONG)): LONG}


@pytest.mark.parametrize("body", [b"", b"1"])
def test_what_goes_after_the_look_is_stored(use: Any, body: bytes) -> None:
    """As another run frees it."""
    use(Vanishing)
    store(item(body))
    assert store(item(body)) is True
    assert ObjectStore.objects == {path_of(digest_of(body)): body}


def test_another_run_that_is_quicker_leaves_one_copy(use: Any) -> None:
    use(Quicker)
    store(item())
    assert ObjectStore.objects == {path_of(digest_of(b"1")): b"1"}


@pytest.mark.parametrize("storage", ALL_OR_NOTHING)
@pytest.mark.parametrize("after", [b"2", b"", b"23"], ids=["other", "shorter", "longer"])
def test_a_file_that_changed_since_it_was_hashed_is_not_stored(
    use: Any, storage: Any, after: bytes
) -> None:
    folder = use(storage)
    with pytest.raises(SourceChanged):
        store(changed(b"1", after))
    assert (has(digest_of(b"1")), in_folder(folder), ObjectStore.objects) == (False, {}, {})


def test_a_changed_file_leaves_what_another_run_stored(use: Any) -> None:
    """The storage overwrites: had it got all of the other bytes, the good ones were lost."""
    use(ObjectStore)
    path = path_of(digest_of(LONG))
    file = changed(LONG, LONG[:-1] + b"x")

    class Stored(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            ObjectStore.objects[path] = LONG
            return super().read(size)

    body = Stored(file.open().read())
    with pytest.raises(SourceChanged):
        store(UploadItem("a.js", open=lambda: body, size=file.size, sha256=file.sha256))
    assert ObjectStore.objects == {path: LONG}


def test_a_change_is_named_in_whatever_words_the_storage_has(use: Any) -> None:
    use(Wrapping)
    with pytest.raises(SourceChanged, match=r"'a\.js' changed before it was sent"):
        store(changed(b"1", b"2"))


def test_a_file_that_cannot_be_read_is_not_the_storages_fault(use: Any) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if size:
                raise OSError(5, "Input/output error")
            return b""

    use(FileSystemStorage)
    file = UploadItem("a.js", open=lambda: Broken(b"1"), size=1, sha256=digest_of(b"1"))
    with pytest.raises(SourceError, match="Input/output error"):
        store(file)


def test_a_storage_that_fails_is_named_and_keeps_no_part(use: Any) -> None:
    folder = use(Full)
    with pytest.raises(ConfigurationError, match=r"'releases' failed \(OSError.*No space left"):
        store(item(LONG))
    assert in_folder(folder) == {}


def test_a_storage_that_cannot_be_made_is_named(configure: Any) -> None:
    configure(WX_STATIC_STORE={"RELEASE_STORAGE": "nowhere"})
    with pytest.raises(ConfigurationError, match=r"'nowhere' failed \(InvalidStorageError"):
        has("0" * 64)


def test_a_public_storage_is_refused(configure: Any) -> None:
    configure(WX_STATIC_STORE={"RELEASE_STORAGE": "default"})
    with pytest.raises(ConfigurationError, match="which is public"):
        check()


def test_damaged_bytes_are_not_given(use: Any) -> None:
    use(ObjectStore)
    ObjectStore.objects[path_of(digest_of(b"1"))] = b"x"
    with pytest.raises(SourceError, match="has other bytes at") as caught:
        open_kept(digest_of(b"1"))
    assert caught.value.cause == "source.kept"


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("body", [b"", b"1"])
def test_bytes_that_are_gone_are_named_with_what_to_do(use: Any, storage: Any, body: bytes) -> None:
    use(storage)
    with pytest.raises(SourceError, match=r"'releases' failed \(FileNotFoundError.*--force"):
        open_kept(digest_of(body))


# --- the body that a storage reads -------------------------------------------------------------


def body_of(file: UploadItem) -> _Body:
    return _Body(file.open(), file)


def test_a_body_gives_as_many_bytes_as_it_is_asked_for() -> None:
    """Libraries take a short answer for the end."""

    class Slow(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(1000, size or 0))

    file = fingerprint(UploadItem("a", open=lambda: Slow(LONG)))
    body = body_of(file)
    assert [len(body.read(500_000)), body.tell()] == [500_000, 500_000]
    assert len(body.read(500_000)) == len(LONG) - 500_000
    assert body.read(500_000) == b""


def test_a_body_that_is_read_from_its_start_again_is_compared_again() -> None:
    """As by a library that makes a checksum first, and after a lost connection."""
    body = body_of(item(LONG))
    assert body.read(10) == LONG[:10]
    assert body.seek(0) == 0
    assert body.read() == LONG
    body.seek(0)
    assert body.readall() == LONG


def test_a_body_cannot_be_read_in_parts() -> None:
    body = body_of(item())
    assert (body.readable(), body.seekable()) == (True, False)
    with pytest.raises(io.UnsupportedOperation):
        body.seek(0, io.SEEK_END)


def test_the_last_bytes_of_a_changed_body_are_not_given() -> None:
    body = body_of(changed(LONG, LONG[:-1] + b"x"))
    with pytest.raises(SourceChanged):
        list(iter(partial(body.read, 1000), b""))
    assert body.tell() < len(LONG)
