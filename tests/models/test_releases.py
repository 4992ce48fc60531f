"""The releases: what a row gives back, on every database."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.core.test_releases import A, B
from wx_static_store.core.releases import pack
from wx_static_store.models import KeptFile, Release

pytestmark = pytest.mark.django_db


def release_of(*files: object) -> Release:
    packed = pack(files)  # type: ignore[arg-type]
    values = {name: getattr(packed, name) for name in ("digest", "files", "count", "size")}
    return Release.objects.create(**values)


def test_a_release_gives_its_files_back() -> None:
    row = Release.objects.get(pk=release_of(A, B).pk)
    assert list(row.contents()) == [A, B]


class Replica:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"


def test_files_that_were_left_out_are_read_from_the_database_of_their_row(settings: Any) -> None:
    """A replica may be behind."""
    row = Release.objects.defer("files").get(pk=release_of(A, B).pk)
    settings.DATABASE_ROUTERS = [Replica()]
    assert list(row.contents()) == [A, B]


def test_a_release_is_named_by_the_beginning_of_its_digest() -> None:
    release = release_of(A)
    assert str(release) == release.digest[:10]


def test_equal_trees_are_one_release() -> None:
    release_of(A)
    with pytest.raises(IntegrityError), transaction.atomic():
        release_of(A)


def test_bytes_are_kept_once_in_each_storage() -> None:
    digest, now = "0" * 64, timezone.now()
    for storage in ("one", "two"):
        KeptFile.objects.create(storage=storage, sha256=digest, size=1, used=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        KeptFile.objects.create(storage="one", sha256=digest, size=1, used=now)
