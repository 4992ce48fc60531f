"""django-filer over `WxStorage`."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from filer.models import File, Image

from tests.compat.conftest import BLUE, RED, Cloud, Place, look, picture

SIZE = {"size": (10, 10)}


@pytest.fixture(autouse=True)
def _storages(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the storages that the package made at its import."""
    field = File._meta.get_field("file")
    private = FileSystemStorage(location=tmp_path / "private", base_url="/private/")
    for storages in (field.storages, field.thumbnail_storages):
        monkeypatch.setitem(storages, "private", private)
        if type(place) is not Cloud:
            monkeypatch.setitem(storages, "public", default_storage)


@pytest.fixture
def image(place: Place) -> Any:
    made = Image.objects.create(file=picture(RED), original_filename="a.png")
    return Image.objects.get(pk=made.pk)


def test_the_picture_is_stored_as_it_came(image: Any, place: Place) -> None:
    assert place.files() == {image.file.name: picture(RED).read()}
    assert image.size == len(picture(RED))


def test_picture_and_thumbnail_are_shown(image: Any, place: Place) -> None:
    thumbnail = image.file.get_thumbnail(SIZE)
    assert look(place.get(image.url)) == ((40, 20), RED)
    assert look(place.get(thumbnail.url)) == ((10, 5), RED)


def test_a_replaced_picture_is_shown_and_measured_anew(image: Any, place: Place) -> None:
    old, name = image.sha1, image.file.name
    image.file.delete(save=False)
    image.file = picture(BLUE)
    image.save()
    assert image.sha1 != old
    assert place.gone(name)
    assert look(place.get(Image.objects.get().url)) == ((40, 20), BLUE)


def test_a_deleted_picture_is_gone_with_its_thumbnails(image: Any, place: Place) -> None:
    image.file.get_thumbnail(SIZE)
    names = set(place.files())
    image.delete()
    assert len(names) == 2
    assert all(place.gone(name) for name in names)
    assert place.files() == {}


def test_a_picture_made_private_is_no_longer_public(image: Any, place: Place) -> None:
    name = image.file.name
    image.is_public = False
    image.save()
    assert place.gone(name)
    assert place.files() == {}
    assert look(image.file.read()) == ((40, 20), RED)


def test_a_picture_made_public_again_is_shown(image: Any, place: Place) -> None:
    for public in (False, True):
        image.is_public = public
        image.save()
    assert look(place.get(image.url)) == ((40, 20), RED)


def test_a_picture_can_be_copied(image: Any, place: Place) -> None:
    name = image._copy_file("copies/b.png")
    assert place.files()[name] == picture(RED).read()
