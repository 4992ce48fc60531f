"""easy-thumbnails over `WxStorage`."""

from typing import Any

import pytest

from tests.compat.conftest import BLUE, RED, Place, look, picture
from tests.compat.models import Easy

SIZE = {"size": (10, 10)}


@pytest.fixture
def easy(place: Place) -> Any:
    easy = Easy()
    easy.image.save("a.png", picture(RED))
    return Easy.objects.get(pk=easy.pk)


def test_the_picture_is_stored_as_it_came(easy: Any, place: Place) -> None:
    assert place.files() == {"easy/a.png": picture(RED).read()}


def test_the_thumbnail_is_shown(easy: Any, place: Place) -> None:
    thumbnail = easy.image.get_thumbnail(SIZE)
    assert look(place.get(thumbnail.url)) == ((10, 5), RED)


def test_a_thumbnail_is_made_once(easy: Any, place: Place) -> None:
    name = easy.image.get_thumbnail(SIZE).name
    again = Easy.objects.get().image.get_existing_thumbnail(SIZE)
    assert again.name == name
    assert set(place.files()) == {"easy/a.png", name}


def test_a_thumbnail_made_again_takes_the_place_of_the_old_one(easy: Any, place: Place) -> None:
    first = easy.image.get_thumbnail(SIZE)
    again = easy.image.generate_thumbnail(SIZE)
    easy.image.save_thumbnail(again)
    assert set(place.files()) == {"easy/a.png", first.name}
    assert look(place.get(again.url)) == ((10, 5), RED)


def test_a_replaced_picture_has_another_thumbnail(easy: Any, place: Place) -> None:
    old = easy.image.get_thumbnail(SIZE).url
    easy.image.delete()
    easy.image.save("a.png", picture(BLUE))
    new = easy.image.get_thumbnail(SIZE).url
    assert new == old
    assert look(place.get(new)) == ((10, 5), BLUE)


def test_a_deleted_picture_is_gone_with_its_thumbnails(easy: Any, place: Place) -> None:
    thumbnail = easy.image.get_thumbnail(SIZE).name
    easy.image.delete()
    assert place.gone("easy/a.png")
    assert place.gone(thumbnail)
    assert place.files() == {}
