"""What a sender notes of its progress, and what a page reads of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.submit.conftest import HERE, UserWith
from wx_static_store.core.types import UploadContext, during
from wx_static_store.emulator import EmulatorServer
from wx_static_store.submit import progress
from wx_static_store.submit.progress import (
    is_noted,
    note_of,
    note_of_save,
    sent_of,
    sizes,
)
from wx_static_store.submit.send import send
from wx_static_store.upload.sources import BLOCK

KEY = "uploads/a.txt"


@pytest.fixture
def files(configure: Any, tmp_path: Path) -> None:
    """Set up a cache that all processes share."""
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    configure(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}})


@pytest.fixture
def editor(cloud: EmulatorServer, files: None, user_with: UserWith) -> User:
    return user_with("upload")


@pytest.mark.django_db
def test_a_sender_notes_the_bytes_that_have_gone(
    editor: User, cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    content = b"x" * (3 * BLOCK)
    context = UploadContext("admin")
    send(editor, HERE, KEY, BytesIO(content), context, size=len(content), sent=note_of("abc"))
    assert sent_of("abc") == [2 * BLOCK]
    assert len(cloud.objects()[KEY].body) == 3 * BLOCK


def test_notes_are_written_a_few_times_a_second(files: None) -> None:
    note = note_of("abc")
    assert note
    for sent in range(1, 100):
        note(sent)
    assert sent_of("abc") == [1]


def test_a_cache_that_fails_is_left_alone(files: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def dead(*args: Any, **options: Any) -> None:
        asked.append(args)
        raise ConnectionError("the cache is gone")

    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(type(cache._connections["default"]), "set", dead)  # type: ignore[attr-defined]
    note = note_of("abc")
    assert note
    for sent in range(1, 100):
        note(sent)
    assert len(asked) == 1


def test_a_cache_of_one_process_gets_no_notes(configure: Any) -> None:
    backend = "django.core.cache.backends.locmem.LocMemCache"
    configure(CACHES={"default": {"BACKEND": backend}})
    assert (is_noted(), note_of("abc"), sent_of("abc")) == (False, None, [None])


def test_saves_are_noted_inside_the_block_only(files: None) -> None:
    with during(note_of_save, note_of("abc")):
        note = note_of_save.get()
        assert note
        note(1)
    assert (note_of_save.get(), sent_of("abc")) == (None, [1])


def test_saves_without_a_digest_are_not_noted(files: None) -> None:
    assert note_of("") is None


def test_there_is_an_example_of_each_unit() -> None:
    assert [size.split("\xa0")[1] for size in sizes()] == ["byte", "bytes", "KB", "MB", "GB", "TB"]
