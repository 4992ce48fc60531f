"""A sound project, and what the system checks report of it."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

WX = "wx_static_store.storage.WxStorage"


STATIC = "wx_static_store.staticfiles.WxStaticFilesStorage"


LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1"}


CALLBACK = {
    "COMPONENT_APPID": "wx5a3c9e7b1d2f4806",
    "CALLBACK_TOKEN": "planted-callback-token",
    "CALLBACK_AES_KEY": "planted0callback0key".ljust(43, "A"),
}


CREDENTIALS = {
    "COMPONENT_APPID": "wx5a3c9e7b1d2f4806",
    "COMPONENT_APPSECRET": "planted-appsecret",
    "VERIFY_TICKET": lambda: "",
}


@pytest.fixture
def project(settings: Any) -> Any:
    """`project(STATIC_URL=…, **WX_STATIC_STORE)`: a sound project, but for what is given."""

    def make(*, default: Any = None, staticfiles: Any = None, **changes: Any) -> None:
        settings.STORAGES = {
            "default": {"BACKEND": WX, "OPTIONS": {"location": "media"}} | (default or {}),
            "staticfiles": {"BACKEND": STATIC, "OPTIONS": {"location": "static"}}
            | (staticfiles or {}),
        }
        settings.STATIC_ROOT = changes.pop("STATIC_ROOT", "/srv/static")
        settings.CACHES = {"default": changes.pop("CACHE", REDIS)}
        sound = {"ENV": "env-1", "ACCESS_TOKEN": "t", "BASE_URL": "https://www.example.com"}
        sound |= CALLBACK
        settings.WX_STATIC_STORE = sound | changes

    return make


def messages(*, deploy: bool = False, tags: Any = ("wx_static_store",)) -> list[CheckMessage]:
    return run_checks(tags=list(tags), include_deployment_checks=deploy)


def ids(**kwargs: Any) -> list[str | None]:
    return [message.id for message in messages(**kwargs)]
