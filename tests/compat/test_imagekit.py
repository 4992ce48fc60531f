"""django-imagekit over `WxStorage`."""

from typing import Any

import pytest
from django.core.cache import cache

from tests.compat.conftest import BLUE, RED, Place, look, picture
from tests.compat.models import Kit


@pytest.fixture
def kit(place: Place) -> Any:
    kit = Kit()
    kit.image.save("a.png", picture(RED))
    return Kit.objects.get()


def test_the_picture_is_stored_as_it_came(kit: Any, place: Place) -> None:
    assert place.files() == {"kit/a.png": picture(RED).read()}


def test_a_thumbnail_is_shown(kit: Any, place: Place) -> None:
    assert look(place.get(kit.small.url)) == ((8, 8), RED)


def test_a_thumbnail_is_read_from_the_storage(kit: Any, place: Place) -> None:
    kit.small.generate()
    with Kit.objects.get().small as small:
        assert look(small.read()) == ((8, 8), RED)


def test_a_thumbnail_is_made_once(kit: Any, place: Place) -> None:
    kit.small.generate()
    cache.clear()
    Kit.objects.get().small.generate()
    assert set(place.files()) == {"kit/a.png", kit.small.name}


def test_a_deleted_thumbnail_is_made_again_under_its_name(kit: Any, place: Place) -> None:
    kit.small.generate()
    kit.small.storage.delete(kit.small.name)
    assert place.gone(kit.small.name)
    cache.clear()
    assert look(place.get(Kit.objects.get().small.url)) == ((8, 8), RED)
    assert set(place.files()) == {"kit/a.png", kit.small.name}


def test_a_replaced_picture_has_another_thumbnail(kit: Any, place: Place) -> None:
    old = kit.small.url
    kit.image.save("a.png", picture(BLUE))
    new = Kit.objects.get().small.url
    assert new != old
    assert look(place.get(new)) == ((8, 8), BLUE)


def test_a_deleted_picture_is_gone(kit: Any, place: Place) -> None:
    """What was made from it stays, with every storage: imagekit leaves that to the project."""
    kit.small.generate()
    made = kit.small.name
    kit.image.delete()
    assert place.gone("kit/a.png")
    assert set(place.files()) == {made}
