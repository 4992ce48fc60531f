"""What is kept, what that costs, and what is freed, also beside each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from django.utils import timezone

from tests.conftest import lost_table
from wx_static_store.core.releases import ReleaseFile, pack
from wx_static_store.core.types import NO_HEADERS, UploadItem
from wx_static_store.exceptions import ConfigurationError, SourceChanged
from wx_static_store.models import KeptFile, Release
from wx_static_store.upload import kept
from wx_static_store.upload.database import forget
from wx_static_store.upload.sources import fingerprint
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db(transaction=True)


class Counting(FileSystemStorage):
    """A folder that counts how often it is asked whether it has a file."""

    looks = 0

    def exists(self, name: str) -> bool:
        type(self).looks += 1
        return super().exists(name)


@pytest.fixture
def folder(configure: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "releases"
    options = {"BACKEND": f"{__name__}.Counting", "OPTIONS": {"location": str(folder)}}
    configure(
        WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "releases": options,
        },
    )
    Counting.looks = 0
    return folder


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as pool:
        yield pool


def item(name: str, body: bytes = b"1") -> UploadItem:
    return fingerprint(UploadItem(name, open=partial(BytesIO, body)))


def listed(*items: UploadItem) -> list[ReleaseFile]:
    return [
        ReleaseFile(each.name, each.size or 0, each.md5 or "", each.sha256 or "", NO_HEADERS)
        for each in items
    ]


def in_folder(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def path_of(body: bytes) -> str:
    return f"{digest_of(body)[:2]}/{digest_of(body)[2:]}"


def test_bytes_are_kept_once_by_their_digest(folder: Path, pool: WorkerPool) -> None:
    assert kept.keep([item("a.js"), item("copy.js"), item("b.js", b"2")], pool) == 2
    assert in_folder(folder) == {path_of(b"1"): b"1", path_of(b"2"): b"2"}


def test_what_a_row_says_is_kept_costs_no_look(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js")], pool)
    Counting.looks = 0
    assert (kept.keep([item("a.js")], pool), Counting.looks) == (0, 0)


def test_what_is_there_without_a_row_costs_one_look(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js")], pool)
    KeptFile.objects.all().delete()
    Counting.looks = 0
    assert (kept.keep([item("a.js")], pool), Counting.looks) == (0, 1)
    assert KeptFile.objects.count() == 1


def test_again_finds_what_was_damaged(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js")], pool)
    (folder / path_of(b"1")).write_bytes(b"x")
    assert kept.keep([item("a.js")], pool, again=True) == 1
    assert in_folder(folder) == {path_of(b"1"): b"1"}


def test_a_file_that_changed_since_it_was_hashed_is_not_kept(
    folder: Path, pool: WorkerPool
) -> None:
    changed = UploadItem(
        "a.js", open=partial(BytesIO, b"2"), size=1, sha256=hashlib.sha256(b"1").hexdigest()
    )
    with pytest.raises(SourceChanged, match="changed before it was sent"):
        kept.keep([changed], pool)
    assert (in_folder(folder), KeptFile.objects.count()) == ({}, 0)


def test_a_public_storage_keeps_nothing(configure: Any, pool: WorkerPool) -> None:
    cloud = configure(WX_STATIC_STORE={"RELEASE_STORAGE": "default"})
    with pytest.raises(ConfigurationError, match="which is public"):
        kept.keep([item("a.js")], pool)
    assert (cloud.objects(), KeptFile.objects.count()) == ({}, 0)


def test_a_row_of_the_last_hour_is_not_written_again(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js")], pool)
    used = KeptFile.objects.get().used
    kept.keep([item("a.js")], pool)
    assert KeptFile.objects.get().used == used
    aged(hours=2)
    kept.keep([item("a.js")], pool)
    assert KeptFile.objects.get().used > used


# --- beside a run that frees -------------------------------------------------------------------


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_killed_run_was_freeing_is_kept_anew(
    folder: Path, pool: WorkerPool, is_there: bool
) -> None:
    kept.keep([item("a.js")], pool)
    KeptFile.objects.update(freed=True)
    if not is_there:
        (folder / path_of(b"1")).unlink()
    kept.keep([item("a.js")], pool)
    assert in_folder(folder) == {path_of(b"1"): b"1"}
    assert not KeptFile.objects.get().freed


def test_nobody_frees_what_a_deploy_has_seen(
    folder: Path, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run had marked the row before, and deletes what is marked after the look."""
    kept.keep([item("a.js")], pool)
    KeptFile.objects.update(freed=True)

    def look_and_free(self: Counting, name: str) -> int:
        size = FileSystemStorage.size(self, name)
        if KeptFile.objects.filter(freed=True).delete()[0]:
            self.delete(name)
        return size

    monkeypatch.setattr(Counting, "size", look_and_free)
    with WorkerPool(1) as here:
        kept.keep([item("a.js")], here)
    assert in_folder(folder) == {path_of(b"1"): b"1"}
    assert not KeptFile.objects.get().freed


def test_a_deploy_goes_on_without_rows_where_the_database_takes_none(
    folder: Path, pool: WorkerPool
) -> None:
    with lost_table(KeptFile):
        assert kept.keep([item("a.js")], pool) == 1
    forget()
    assert in_folder(folder) == {path_of(b"1"): b"1"}


def test_missing_names_the_files_whose_bytes_are_not_kept(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js")], pool)
    files = listed(item("a.js"), item("b.js", b"2"), item("c.js", b"2"))
    assert [file.name for file in kept.missing(files, pool)] == ["b.js", "c.js"]


def test_missing_believes_the_rows_and_looks_for_the_rest(folder: Path, pool: WorkerPool) -> None:
    kept.keep([item("a.js"), item("b.js", b"2")], pool)
    KeptFile.objects.filter(sha256=hashlib.sha256(b"2").hexdigest()).delete()
    Counting.looks = 0
    files = listed(item("a.js"), item("b.js", b"2"))
    assert (kept.missing(files, pool), Counting.looks) == ([], 1)


# --- what is freed -----------------------------------------------------------------------------


def release(*files: UploadItem) -> int:
    packed = pack(listed(*files))
    return Release.objects.create(
        digest=packed.digest, files=packed.files, count=packed.count, size=packed.size
    ).pk


def aged(**ago: float) -> None:
    KeptFile.objects.update(used=timezone.now() - timedelta(**ago))


def free(*releases: int, dry_run: bool = False) -> tuple[int, int]:
    with WorkerPool(2) as pool:
        steps = list(kept.free(releases, pool, dry_run=dry_run))
    return sum(files for files, _size in steps), sum(size for _files, size in steps)


@pytest.fixture
def two(folder: Path, pool: WorkerPool) -> list[UploadItem]:
    """Two files that no deploy has used for two days."""
    items = [item("a.js"), item("b.js", b"22")]
    kept.keep(items, pool)
    aged(days=2)
    return items


def test_what_no_release_names_is_freed(folder: Path, two: list[UploadItem]) -> None:
    assert free(release(two[0])) == (1, 2)
    assert in_folder(folder) == {path_of(b"1"): b"1"}
    assert KeptFile.objects.get().sha256 == digest_of(b"1")


def test_what_any_release_names_is_left(folder: Path, two: list[UploadItem]) -> None:
    assert free(release(two[0]), release(two[1])) == (0, 0)
    assert len(in_folder(folder)) == KeptFile.objects.count() == 2


def test_what_a_deploy_used_within_a_day_is_left(folder: Path, two: list[UploadItem]) -> None:
    aged(hours=23)
    assert free() == (0, 0)
    assert len(in_folder(folder)) == 2


def test_what_a_deploy_needs_now_is_left(
    folder: Path, two: list[UploadItem], pool: WorkerPool
) -> None:
    """Its release is not recorded yet when the releases are asked for."""
    kept.keep(two[:1], pool)
    assert free() == (1, 2)


def test_a_dry_run_counts_what_a_run_frees(folder: Path, two: list[UploadItem]) -> None:
    assert free(dry_run=True) == (2, 3)
    assert len(in_folder(folder)) == KeptFile.objects.count() == 2
    assert free() == (2, 3)
    assert (in_folder(folder), KeptFile.objects.count()) == ({}, 0)


def test_a_run_ends_what_a_killed_one_began(folder: Path, two: list[UploadItem]) -> None:
    KeptFile.objects.update(freed=True, used=timezone.now())
    (folder / path_of(b"1")).unlink()
    assert free() == (2, 3)
    assert (in_folder(folder), KeptFile.objects.count()) == ({}, 0)


def test_what_a_killed_run_was_freeing_is_left_if_a_release_names_it_since(
    folder: Path, two: list[UploadItem]
) -> None:
    KeptFile.objects.update(freed=True)
    assert free(release(*two)) == (0, 0)


def test_a_storage_that_fails_ends_the_run_and_the_next_one_goes_on(
    folder: Path, two: list[UploadItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Counting, name: str) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as broken:
        broken.setattr(Counting, "delete", refuse)
        with pytest.raises(ConfigurationError, match="Read-only file system"):
            free()
    assert set(KeptFile.objects.values_list("freed", flat=True)) == {True}
    assert free() == (2, 3)
    assert in_folder(folder) == {}


def test_files_are_freed_in_small_steps(
    folder: Path, two: list[UploadItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FREED_AT_ONCE", 1)
    monkeypatch.setattr(kept, "COMPARED_AT_ONCE", 1)
    with WorkerPool(1) as pool:
        assert sorted(kept.free([], pool)) == [(1, 1), (1, 2)]


def test_nothing_is_freed_in_a_transaction_that_could_be_rolled_back(
    folder: Path, two: list[UploadItem]
) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        free()
    assert len(in_folder(folder)) == 2


def test_bytes_of_another_storage_are_left(folder: Path, two: list[UploadItem]) -> None:
    KeptFile.objects.update(storage="before")
    assert free() == (0, 0)
