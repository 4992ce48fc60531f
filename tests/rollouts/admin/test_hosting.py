"""The address and the state of the hosting, as lists and the page of an environment show them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache.backends.locmem import LocMemCache

from tests.admin.conftest import SITE
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.admin.places import Places
from wx_static_store.clients.wechat import StaticStore
from wx_static_store.conf import platform_options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.rollouts.admin.table import hostings, shown_hosting
from wx_static_store.upload.hosting import Hostings

pytestmark = pytest.mark.django_db

OTHER = "tenant-b"


def keep(status: str = "online", domain: str = "b.example.com", env: str = OTHER) -> None:
    Hostings(platform_options()).keep(env, StaticStore(domain, status))


def shown(env: str = OTHER, using: str = "", folder: str = "") -> Any:
    places = Places(AnonymousUser())
    found = shown_hosting(places, using, folder, env, hostings(places, using, [env])[env])
    return SimpleNamespace(**found)


def test_a_remembered_address_is_shown_without_its_scheme(admin_site: EmulatorServer) -> None:
    keep()
    site = shown(using="staticfiles", folder="static/")
    assert (site.address, site.short) == (
        "https://b.example.com/static/",
        "b.example.com/static",
    )


def test_base_url_is_the_address_of_its_own_environment(admin_site: EmulatorServer) -> None:
    keep()
    assert (shown(ENV).address, shown(OTHER).address) == (SITE, "https://b.example.com/")
    assert shown(ENV, "staticfiles", "static/").address == f"{SITE}static/"


def test_what_nobody_asked_is_not_asked_here(admin_site: EmulatorServer) -> None:
    site = shown()
    assert (site.address, site.text, site.ago, site.is_odd) == ("", "not asked", "", False)
    assert admin_site.journal == []


@each(
    "status, sign, text, is_odd",
    [
        ("online", "✓", "open", False),
        ("", "?", "WeChat named no state", False),
        ("process", "…", "hosting is being opened", True),
        ("offline", "✗", "hosting is closed", True),
        ("frozen\x1b", "?", "hosting: frozen\\x1b", True),
    ],
)
def test_a_list_shows_a_state_that_is_odd(
    admin_site: EmulatorServer, status: str, sign: str, text: str, is_odd: bool
) -> None:
    keep(status)
    site = shown()
    assert (site.look.sign, site.text, site.is_odd) == (sign, text, is_odd)
    assert site.ago == "less than a minute ago"


def test_hosting_that_was_never_opened_is_odd(admin_site: EmulatorServer) -> None:
    keep("", "")
    assert (shown().text, shown().is_odd) == ("hosting was never opened", True)


def test_without_a_store_nothing_is_known(configure: Any) -> None:
    configure(STORAGES={"staticfiles": {"BACKEND": "django.core.files.storage.FileSystemStorage"}})
    assert shown().address == ""


class CountedCache(LocMemCache):
    """A cache that notes what it is asked, as one that answers many keys at once."""

    asked: ClassVar[list[str]] = []

    def get_many(self, keys: Any, version: Any = None) -> dict[str, Any]:
        self.asked.append("get_many")
        return {key: LocMemCache.get(self, key) for key in keys if LocMemCache.get(self, key)}

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append("get")
        return super().get(*args, **kwargs)


def test_a_thousand_environments_are_one_question_to_the_cache(
    admin_site: EmulatorServer, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.CountedCache", "LOCATION": "counted"}}
    keep()
    CountedCache.asked.clear()
    envs = [OTHER, *(f"tenant-{number}" for number in range(999))]
    found = hostings(Places(AnonymousUser()), "gone", envs)
    assert [env for env in envs if found[env].root] == [OTHER]
    assert CountedCache.asked == ["get_many"]
