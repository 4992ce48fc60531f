"""The public site, as a browser sees it."""

from __future__ import annotations

import pytest

from wx_static_store.emulator import EmulatorServer

from .conftest import ENV, Client


def test_an_object_is_served_with_its_headers(client: Client) -> None:
    """Content-Type and Cache-Control as sent; ETag and Last-Modified of the store."""
    client.put("a.css", b"a{}", Content_Type="text/css", Cache_Control="max-age=60")
    answer = client.get("/a.css")
    assert (answer.status_code, answer.content) == (200, b"a{}")
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert answer.headers["ETag"] == f'"{client.server.objects()["a.css"].md5}"'
    assert answer.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_a_head_is_answered_without_a_body(client: Client) -> None:
    """The headers of a GET, and the connection goes on."""
    client.put("a", b"abc")
    url = client.server.site_url() + "/a"
    answer = client.session.head(url)
    assert (answer.headers["Content-Length"], answer.content) == ("3", b"")
    assert client.session.get(url).content == b"abc"


def test_a_folder_s_address_shows_its_index_html(client: Client) -> None:
    """`/` and `dir/` show their index.html."""
    client.server.put_object("index.html", b"top")
    client.server.put_object("docs/index.html", b"docs")
    assert client.get("/").content == b"top"
    assert client.get("/docs/").content == b"docs"


def test_a_missing_object_is_a_404_page(client: Client) -> None:
    """HTML, as of a web server."""
    answer = client.get("/nothing.html")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("status", ["404", "200"])
def test_an_error_page_is_shown_where_there_is_no_object(client: Client, status: str) -> None:
    client.server.quirks.update({"error_page": "404.html", "error_status": status})
    assert client.get("/none").status_code == 404
    client.server.put_object("404.html", b"lost")
    answer = client.get("/none")
    assert (answer.status_code, answer.content) == (int(status), b"lost")


def test_an_address_is_decoded_once_and_its_query_ignored(client: Client) -> None:
    """`%2520` is the key's own `%20`."""
    client.server.put_object("a%20b 字.txt", b"x")
    assert client.get("/a%2520b%20%E5%AD%97.txt?v=1").content == b"x"


def test_hosting_that_is_offline_serves_no_object(client: Client) -> None:
    """Objects stay, the site is gone."""
    client.server.put_object("a", b"x")
    client.server.add_env(ENV, "offline")
    assert client.get("/a").status_code == 404


def test_a_quirk_serves_the_old_copy_after_an_overwrite(client: Client) -> None:
    """A CDN shows the old bytes for a while, unless a query string skips its copy."""
    client.server.quirks.site_stale_seconds = 600
    client.put("a", b"old")
    client.put("a", b"new")
    assert client.get("/a").content == b"old"
    assert client.get("/a?v=2").content == b"new"
    client.server.quirks.site_cache_busting = False
    assert client.get("/a?v=2").content == b"old"
    client.server.advance(600)
    assert client.get("/a").content == b"new"


def test_the_site_serves_new_bytes_while_the_list_lags(client: Client) -> None:
    """New bytes are served at once, whatever staticfilelist shows."""
    client.put("a", b"old")
    client.server.quirks.list_lag_seconds = 600
    client.put("a", b"new")
    client.put("b", b"first")
    assert (client.get("/a").content, client.get("/b").content) == (b"new", b"first")


def test_each_environment_has_its_own_site(emulator: EmulatorServer, client: Client) -> None:
    """The same key in two environments is two objects."""
    emulator.add_env("demo-2")
    emulator.put_object("a", b"one")
    emulator.put_object("a", b"two", env="demo-2")
    assert client.get("/a").content == b"one"
    assert client.session.get(emulator.site_url("demo-2") + "/a").content == b"two"


def test_each_get_is_in_the_journal(client: Client) -> None:
    """Name, method and key."""
    client.get("/docs/")
    (entry,) = client.server.calls("get_object")
    assert (entry.method, entry.key, entry.status) == ("GET", "docs/index.html", 404)


# --- what the CDN changes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "status", "body", "location"),
    [
        ("serve", 200, b"docs", None),
        ("redirect", 302, b"", "/docs/?v=1"),
        ("404", 404, None, None),
    ],
)
def test_a_quirk_decides_about_a_folder_without_its_last_slash(
    client: Client, quirk: str, status: int, body: bytes | None, location: str | None
) -> None:
    client.server.put_object("docs/index.html", b"docs")
    client.server.quirks.folder_without_slash = quirk
    answer = client.get("/docs?v=1", allow_redirects=False)
    assert (answer.status_code, answer.headers.get("Location")) == (status, location)
    assert body in (None, answer.content)


@pytest.mark.parametrize("path", ["/none", "/docs//"])
def test_a_folder_that_does_not_exist_is_a_404(client: Client, path: str) -> None:
    client.server.put_object("docs/index.html", b"docs")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("quirk", "shown"), [("kept", "max-age=60"), ("none", None), ("max-age=600", "max-age=600")]
)
def test_a_quirk_keeps_drops_or_replaces_cache_control(
    client: Client, quirk: str, shown: str | None
) -> None:
    client.put("a", Cache_Control="max-age=60")
    client.server.quirks.cdn_cache_control = quirk
    assert client.get("/a").headers.get("Cache-Control") == shown


@pytest.mark.parametrize(
    ("quirk", "get", "head"),
    [("off", None, None), ("get", "attachment", None), ("all", "attachment", "attachment")],
)
def test_a_quirk_makes_files_downloads(
    client: Client, quirk: str, get: str | None, head: str | None
) -> None:
    client.server.put_object("a", b"x")
    client.server.quirks.attachment = quirk
    url = client.server.site_url() + "/a"
    shown = [
        client.session.request(method, url, timeout=10).headers.get("Content-Disposition")
        for method in ("GET", "HEAD")
    ]
    assert shown == [get, head]


def test_only_a_stale_copy_is_marked_as_a_cache_hit(client: Client) -> None:
    client.server.quirks.site_stale_seconds = 60
    client.put("a", b"old")
    client.put("a", b"new")
    stale, fresh = client.get("/a"), client.get("/a?x")
    assert (stale.content, stale.headers["X-Cache-Lookup"]) == (b"old", "Cache Hit")
    assert (fresh.content, fresh.headers["X-Cache-Lookup"]) == (b"new", "Cache Miss")
