"""The alias that owns a row is the same one, whoever asks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from tests.api.urls import urlpatterns as api_urls
from tests.conftest import ENV
from tests.urls import urlpatterns as admin_urls
from wx_static_store.core.naming import object_key
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.owner import owning_alias, usable_stores
from wx_static_store.log.retry import retry_uploads
from wx_static_store.models import UploadLog, key_digest

urlpatterns = [*admin_urls, *api_urls]

Configure = Callable[..., EmulatorServer]

MEDIA = "wx_static_store.storage.WxStorage"
STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def stores(**options: dict[str, Any]) -> dict[str, Any]:
    made = {using: {"BACKEND": MEDIA, "OPTIONS": given} for using, given in options.items()}
    return {"staticfiles": STATIC} | made


def row(key: str, *, name: str = "", env: str = ENV) -> UploadLog:
    return UploadLog(env=env, key=key, name=name or key)


@pytest.mark.django_db
def test_admin_api_and_retry_name_the_same_owner(configure: Configure) -> None:
    """A row whose key begins with the location of a store that would write it elsewhere."""
    cloud = configure(
        ROOT_URLCONF=__name__,
        STORAGES=stores(default={"location": "media"}, site={"cache_control": "no-cache"}),
    )
    cloud.put_object("media/x.png", b"hello")
    kept = UploadLog.objects.create(
        env=ENV, key="media/x.png", key_digest=key_digest("media/x.png"), name="media/x.png",
        status="stored", source="admin", md5=cloud.objects()["media/x.png"].md5, size=5,
    )  # fmt: skip
    user = User.objects.create_superuser("ann")
    assert owning_alias(kept) == "site"

    page, api = Client(), APIClient()
    page.force_login(user)
    api.force_authenticate(user)
    assert f"{ENV} (site)" in page.get("/admin/wx_static_store/uploadlog/").content.decode()
    assert api.get(f"/wx/uploads/{kept.pk}/").json()["store"] == "site"
    [again] = retry_uploads([kept])
    assert again.result
    assert again.result.headers.cache_control == "no-cache"


@pytest.mark.parametrize(
    ("env", "owner"), [(ENV, "default"), ("tenant-b", "tenant"), ("gone", "tenant")]
)
def test_a_store_at_the_rows_own_environment_comes_first(
    configure: Configure, env: str, owner: str
) -> None:
    configure(STORAGES=stores(tenant={"env": "tenant-b"}, default={}))
    assert owning_alias(row("a.txt", env=env)) == owner


def test_a_row_belongs_to_the_store_that_writes_its_name_to_its_key(configure: Configure) -> None:
    configure(STORAGES=stores(default={}, inner={"location": "media"}))
    assert owning_alias(row("media/a.txt", name="a.txt")) == "inner"
    assert owning_alias(row("media/a.txt")) == "default"


@pytest.mark.parametrize(
    ("key", "name"), [("elsewhere/a.txt", "a.txt"), ("", "../a.txt"), ("", "")]
)
def test_a_row_that_no_store_writes_has_no_owner(configure: Configure, key: str, name: str) -> None:
    configure(STORAGES=stores(default={"location": "media"}))
    assert owning_alias(UploadLog(env=ENV, key=key, name=name)) == ""


@pytest.mark.django_db
def test_admin_and_api_show_one_address_of_a_row_without_an_owner(configure: Configure) -> None:
    """Its store has another location by now; the file is where it was."""
    options = {"location": "media", "base_url": "https://x.example"}
    configure(ROOT_URLCONF=__name__, STORAGES=stores(default=options))
    kept = UploadLog.objects.create(
        env=ENV, key="old/x.png", key_digest=key_digest("old/x.png"), name="x.png",
        status="stored", source="admin",
    )  # fmt: skip
    user = User.objects.create_superuser("ann")
    page, api = Client(), APIClient()
    page.force_login(user)
    api.force_authenticate(user)
    address = "https://x.example/old/x.png"
    assert address in page.get("/admin/wx_static_store/uploadlog/").content.decode()
    row = api.get(f"/wx/uploads/{kept.pk}/").json()
    assert (row["store"], row["url"]) == ("", address)


def test_a_misconfigured_store_owns_nothing(configure: Configure) -> None:
    configure(STORAGES=stores(default={"location": "../"}, site={}))
    assert [*usable_stores()] == ["site"]
    assert owning_alias(row("a.txt")) == "site"


def test_a_callable_env_is_asked_once_for_many_rows(configure: Configure) -> None:
    asked = []

    def env() -> str:
        asked.append(1)
        return ENV

    configure(STORAGES=stores(default={"env": env, "location": "media"}))
    found = usable_stores()
    rows = [row(object_key("media/", name), name=name) for name in ("a.txt", "b.txt")]
    assert [owning_alias(one, found) for one in rows] == ["default", "default"]
    assert len(asked) == 1
