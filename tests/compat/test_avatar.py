"""django-avatar over `WxStorage`."""

from typing import Any

import pytest
from avatar.models import Avatar
from avatar.utils import get_primary_avatar
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from tests.compat.conftest import BLUE, RED, Folder, Place, look, picture


@pytest.fixture
def user(place: Place, monkeypatch: pytest.MonkeyPatch) -> User:
    if isinstance(place, Folder):  # the package takes the storage of the settings at its import
        monkeypatch.setattr(Avatar._meta.get_field("avatar"), "storage", default_storage)
    return User.objects.create(username="ada")


def upload(user: User, colour: str) -> Any:
    """As the package's own page does."""
    avatar = Avatar(user=user, primary=True)
    avatar.avatar.save("me.png", picture(colour))
    avatar.save()
    return avatar


def test_an_avatar_is_stored_with_its_thumbnail(user: User, place: Place) -> None:
    upload(user, RED)
    files = place.files()
    home = f"avatars/{user.pk}"
    assert set(files) == {f"{home}/me.png", f"{home}/resized/80/80/me.png"}
    assert files[f"{home}/me.png"] == picture(RED).read()


@pytest.mark.parametrize("size", [80, 30])
def test_an_avatar_is_shown_in_any_size(user: User, place: Place, size: int) -> None:
    upload(user, RED)
    url = get_primary_avatar(user, size).avatar_url(size)
    assert look(place.get(url)) == ((size, size), RED)


def test_an_avatar_of_the_same_name_does_not_touch_the_first(user: User, place: Place) -> None:
    first, second = upload(user, RED), upload(user, BLUE)
    assert look(place.get(first.avatar_url(80)))[1] == RED
    assert look(place.get(second.avatar_url(80)))[1] == BLUE
    assert get_primary_avatar(user) == second


def test_an_avatar_that_replaces_a_deleted_one_is_shown(user: User, place: Place) -> None:
    old = upload(user, RED)
    old.delete()
    new = upload(user, BLUE)
    assert new.avatar_url(80) == old.avatar_url(80)
    assert look(place.get(new.avatar_url(80))) == ((80, 80), BLUE)


def test_a_deleted_avatar_is_gone_in_every_size(user: User, place: Place) -> None:
    avatar = upload(user, RED)
    avatar.create_thumbnail(30)
    names = set(place.files())
    avatar.delete()
    assert len(names) == 3
    assert all(place.gone(name) for name in names)
    assert place.files() == {}


def test_a_user_with_an_avatar_can_be_deleted(user: User, place: Place) -> None:
    upload(user, RED)
    user.delete()
    assert place.files() == {}
