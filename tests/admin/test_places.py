"""The store and the public address of a row."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import (
    SITE,
    Configure,
    Editor,
    Rows,
    cell,
    detail,
    keys,
    listed,
)
from tests.conftest import ENV
from tests.tables import each
from wx_static_store.admin.places import linkable
from wx_static_store.conf import options_for
from wx_static_store.upload.hosting import Hosting, Hostings

from .upload_page import TEA, ask

pytestmark = pytest.mark.django_db

STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def hostings_asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the environments of whose hosting the cache is asked from now on."""
    asked, get = [], Hostings.get

    def counted(hostings: Hostings, env: str) -> Hosting:
        asked.append(env)
        return get(hostings, env)

    monkeypatch.setattr(Hostings, "get", counted)
    return asked


def test_no_page_asks_wechat_for_an_address(
    configure: Configure, editor: Editor, rows: Rows
) -> None:
    server = configure(STORAGES=STORAGES)
    client = editor("view_uploadlog")
    [row] = rows("a.png")
    assert keys(client) == ["a.png"]
    assert "wx-public" not in detail(client, row)
    assert server.journal == []


def test_a_page_asks_the_cache_once_for_an_address_that_nobody_knows(
    configure: Configure, editor: Editor, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(STORAGES=STORAGES)
    rows(*(f"{number}.txt" for number in range(20)))
    asked = hostings_asked(monkeypatch)
    assert len(keys(editor("view_uploadlog"))) == 20
    assert len(asked) == 1


def test_a_preview_asks_for_settings_and_addresses_once(
    configure: Configure, editor: Editor, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    def env() -> str:
        called.append("env")
        return ENV

    options = {"OPTIONS": {"env": env}}
    configure(STORAGES=STORAGES | {"default": STORAGES["default"] | options})
    names = [f"uploads/{number}.txt" for number in range(20)]
    rows(*names, md5=TEA)
    asked = hostings_asked(monkeypatch)
    client = editor("upload")
    called.clear()
    ask(client, (names[0].removeprefix("uploads/"), 1, TEA))
    of_one, called[:], asked[:] = len(called), [], []
    files = ask(client, *((name.removeprefix("uploads/"), 1, TEA) for name in names)).json()
    assert [file["state"] for file in files["files"]] == ["same"] * 20
    assert (len(called), len(asked)) == (of_one, 1)


@each(
    ("url", "linked"),
    [
        ("https://site.example/a", True),
        ("http://127.0.0.1:8000/a", True),
        ("http://localhost/a", True),
        ("http://cdn.example/site/a", True),
        ("http://cdn.example/other", False),
        ("http://site.example/a", False),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//https://", False),
        ("data:text/html,x", False),
        ("//site.example/a", False),
        ("", False),
    ],
)
def test_only_addresses_on_our_own_site_are_linked(
    configure: Configure, url: str, *, linked: bool
) -> None:
    configure(WX_STATIC_STORE={"BASE_URL": "http://cdn.example/site/"})
    assert linkable(url, options_for("default")) == (url if linked else "")


def stores(client: Client) -> list[str]:
    """Return the stores that the list shows, before the size."""
    return re.findall(r"<span>([^<]*)</span> · <span>\d+\xa0byte", listed(client))


def test_a_store_is_shown_by_label_and_alias(viewer: Client, rows: Rows, settings: Any) -> None:
    names = {ENV: "Tea House", "tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    rows("static/a.css", name="a.css")
    rows("media/a.png", name="a.png", env="tenant-b")
    rows("elsewhere.txt", env="tenant-b")
    assert stores(viewer) == ["Tenant B", "Tenant B (default)", "Tea House (staticfiles)"]


def test_a_store_that_is_no_longer_configured_is_shown_by_its_id(
    viewer: Client, rows: Rows
) -> None:
    rows("static/a.css", env="gone-1")
    assert stores(viewer) == ["gone-1"]
    assert f'<a href="{SITE}' not in listed(viewer)


def test_a_key_belongs_to_an_alias_of_its_own_environment(
    configure: Configure, rows: Rows, editor: Editor
) -> None:
    """Whatever longer folder another one writes to."""
    store = {"BACKEND": "wx_static_store.storage.WxStorage"}
    other = {"env": "tenant-b", "location": "media"}
    configure(
        STORAGES={
            "default": store,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "other": store | {"OPTIONS": other},
        }
    )
    rows("media/a.txt")
    assert stores(editor("view_uploadlog")) == [f"{ENV} (default)"]


def test_the_page_shows_the_id_of_a_store_that_has_a_name(
    viewer: Client, rows: Rows, settings: Any
) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {
        "ENVIRONMENTS": lambda user: {ENV: "Tea House"}
    }
    html = detail(viewer, *rows("static/a.css", name="a.css"))
    assert (cell(html, "store"), cell(html, "env")) == ("Tea House (staticfiles)", ENV)
