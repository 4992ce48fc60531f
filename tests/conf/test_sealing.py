"""Secrets at rest: sealed with SECRET_KEY, plain where nothing can seal."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from wx_static_store.conf import sealing
from wx_static_store.core.secrets import Secret
from wx_static_store.upload.store import get_store

PLATFORM = {
    "ACCESS_TOKEN": None,
    "COMPONENT_APPID": "wx0000000000000001",
    "COMPONENT_APPSECRET": "emulator-appsecret",
    "VERIFY_TICKET": "emulator-ticket",
}


def in_the_cache() -> str:
    """All that lies there, as text."""
    values = cache._cache  # type: ignore[attr-defined]
    return repr([cache.get(key.split(":", 2)[2]) for key in values])


def forget() -> None:
    """Be another process."""
    from wx_static_store.upload import platform as platforms, store

    for platform in platforms._platforms.values():
        platform.transport._pools.close()
    platforms._platforms.clear()
    store._store.cache_clear()


def test_a_sealed_value_is_unreadable_and_never_the_same_twice() -> None:
    one, other = (sealing.seal(Secret("planted"), "purpose") for _ in range(2))
    assert one != other
    assert "planted" not in one
    assert sealing.unseal(one, "purpose") == Secret("planted")
    assert sealing.unseal(one, "other purpose") is None


@pytest.mark.parametrize("sealed", ["", "a", "票", "gAAAAA==", "cut short"])
def test_a_value_that_is_not_our_seal_opens_to_nothing(sealed: str) -> None:
    given = sealing.seal(Secret("a"), "p")[:-2] if sealed == "cut short" else sealed
    assert sealing.unseal(given, "p") is None


def test_the_token_in_the_cache_is_sealed_and_shared(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE=PLATFORM)
    token = get_store().tokens.get()
    assert token not in in_the_cache()
    assert "gAAAA" in in_the_cache()
    forget()
    assert get_store().tokens.get() == token
    assert len(cloud.calls("api_component_token")) == 1


def test_a_token_that_the_former_key_sealed_is_read(configure: Any, settings: Any) -> None:
    cloud = configure(WX_STATIC_STORE=PLATFORM)
    token = get_store().tokens.get()
    forget()
    former = settings.SECRET_KEY
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=[former]):
        assert get_store().tokens.get() == token
    assert len(cloud.calls("api_component_token")) == 1


def test_a_token_that_lies_there_as_plain_text_is_read(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the version before, or of a process without cryptography: a new one would end it."""
    cloud = configure(WX_STATIC_STORE=PLATFORM)
    with monkeypatch.context() as without:
        without.setattr(sealing, "is_available", lambda: False)
        token = get_store().tokens.get()
    assert token in in_the_cache()
    forget()
    assert get_store().tokens.get() == token
    assert len(cloud.calls("api_component_token")) == 1


def test_a_value_sealed_with_another_key_cannot_be_opened() -> None:
    with override_settings(SECRET_KEY="another" * 10):
        sealed = sealing.to_cache("planted")
    with pytest.raises(ValueError, match="another key") as caught:
        sealing.from_cache(sealed)
    assert "planted" not in str(caught.value)


def test_a_value_of_another_kind_is_left_as_it_is() -> None:
    assert sealing.from_cache(None) is None
    assert json.loads(sealing.from_cache("true")) is True
