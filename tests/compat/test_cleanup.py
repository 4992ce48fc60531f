"""django-cleanup over `WxStorage`: the file goes with the row, and when another takes its place."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.compat.conftest import Place
from tests.compat.models import Clean


@pytest.fixture
def clean(place: Place) -> Any:
    return Clean.objects.create(file=ContentFile(b"old", "a.txt"))


def test_a_file_is_stored_and_shown(clean: Any, place: Place) -> None:
    assert place.files() == {"clean/a.txt": b"old"}
    assert place.get(clean.file.url) == b"old"


def test_a_replaced_file_is_gone(clean: Any, place: Place, committed: Callable[[], Any]) -> None:
    with committed():
        clean.file = ContentFile(b"new", "a.txt")
        clean.save()
    assert place.gone("clean/a.txt")
    assert place.files() == {clean.file.name: b"new"}


def test_a_cleared_field_deletes_its_file(
    clean: Any, place: Place, committed: Callable[[], Any]
) -> None:
    with committed():
        clean.file = ""
        clean.save()
    assert place.gone("clean/a.txt")


def test_the_file_goes_with_the_row(clean: Any, place: Place, committed: Callable[[], Any]) -> None:
    with committed():
        clean.delete()
    assert place.gone("clean/a.txt")
    assert place.files() == {}


def test_the_name_of_a_deleted_file_can_be_taken_again(
    clean: Any, place: Place, committed: Callable[[], Any]
) -> None:
    with committed():
        clean.delete()
    Clean.objects.create(file=ContentFile(b"next", "a.txt"))
    assert place.files() == {"clean/a.txt": b"next"}
