"""sorl-thumbnail over `WxStorage`."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.functional import empty
from sorl.thumbnail import default, delete, get_thumbnail
from sorl.thumbnail.images import delete_all_thumbnails, get_or_create_storage

from tests.compat.conftest import BLUE, RED, Place, WaitingCloud, look, picture
from tests.compat.models import Sorl


@pytest.fixture
def sorl(place: Place) -> Iterator[Any]:
    _forget_the_storage()
    sorl = Sorl()
    sorl.image.save("a.png", picture(RED))
    yield Sorl.objects.get()
    _forget_the_storage()


def _forget_the_storage() -> None:
    """sorl keeps the storage for the life of the process; here it changes with each test."""
    default.storage._wrapped = empty
    get_or_create_storage.cache_clear()


def test_the_picture_is_stored_as_it_came(sorl: Any, place: Place) -> None:
    assert place.files() == {"sorl/a.png": picture(RED).read()}


def test_the_thumbnail_is_shown(sorl: Any, place: Place) -> None:
    thumbnail = get_thumbnail(sorl.image, "10x10", format="PNG")
    assert look(place.get(thumbnail.url)) == ((10, 5), RED)


def test_a_thumbnail_is_made_once(sorl: Any, place: Place) -> None:
    names = {get_thumbnail(sorl.image, "10x10").name for _ in range(2)}
    assert {"sorl/a.png", *names} == set(place.files())
    assert len(names) == 1


def test_a_thumbnail_that_the_store_forgot_is_found_in_the_storage(sorl: Any, place: Place) -> None:
    name = get_thumbnail(sorl.image, "10x10").name
    default.kvstore.clear()
    assert get_thumbnail(sorl.image, "10x10").name == name
    assert set(place.files()) == {"sorl/a.png", name}


def test_a_replaced_picture_has_another_thumbnail(sorl: Any, place: Place) -> None:
    old = get_thumbnail(sorl.image, "10x10", format="PNG").url
    delete(sorl.image)
    sorl.image.save("a.png", picture(BLUE))
    new = get_thumbnail(sorl.image, "10x10", format="PNG").url
    assert new == old
    assert look(place.get(new)) == ((10, 5), BLUE)


def test_a_deleted_picture_is_gone_with_its_thumbnails(sorl: Any, place: Place) -> None:
    thumbnail = get_thumbnail(sorl.image, "10x10").name
    delete(sorl.image)
    assert place.gone("sorl/a.png")
    assert place.gone(thumbnail)
    assert place.files() == {}


def test_all_thumbnails_are_deleted_by_walking_the_folders(sorl: Any, place: Place) -> None:
    names = [get_thumbnail(sorl.image, size).name for size in ("10x10", "12x12")]
    if isinstance(place, WaitingCloud) and place.in_outage:
        with pytest.raises(OSError, match="45009"):  # half a list would be a lie
            delete_all_thumbnails()
        return
    delete_all_thumbnails()
    assert all(place.gone(name) for name in names)
    assert set(place.files()) == {"sorl/a.png"}
