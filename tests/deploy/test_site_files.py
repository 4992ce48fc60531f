"""What ``_headers`` and ``_redirects`` of a folder ask for is done as far as a bucket can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.deploys import bodies, configure_releases, fails, run, sent, write
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import UploadLog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_last_put")]

SITE = "wx_static_store.staticfiles.WxStaticFilesStorage"
CDN = "Only a CDN in front of the site can add that."
PAGES = "Write that into the pages as <meta> or <link>."
TAKEN = "Not done: the site has a file at this path, or a line above redirects it."
INEXACT = "Not done: a page leads from one exact path only, with 301, 302, 303, 307 or 308."
BACK = "Not done: it leads back to itself."
FILES = {"index.html": b"<p>tea</p>", "logo.svg": b"<svg/>", "docs/index.html": b"<p>docs</p>"}


@pytest.fixture
def cloud(configure: Any, tmp_path: Path) -> EmulatorServer:
    server: EmulatorServer = configure(**configure_releases(tmp_path / "kept"))
    return server


@pytest.fixture
def dist(cloud: EmulatorServer, tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    write(folder, FILES)
    return folder


def headers(cloud: EmulatorServer, key: str) -> dict[str, str]:
    """Return the headers of an object in lower case, without those that every file has."""
    found = {name.lower(): value for name, value in cloud.objects()[key].headers.items()}
    usual = {("cache-control", "no-cache"), ("cache-control", "public, max-age=300")}
    return {
        name: value
        for name, value in found.items()
        if (name, value) not in usual and (name != "content-type" or "utf-8" not in value)
    }


def at_lines(text: str) -> list[str]:
    """Return the lines on ``_headers`` and ``_redirects`` that a run printed."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith(("_headers", "_redirects"))]


# --- _headers ---------------------------------------------------------------------------------

SHARED = """\
# Assets of a shop
/assets/*
  Cache-Control: public, max-age=604800
  X-Frame-Options: DENY

/assets/live/*
  ! Cache-Control
/assets/img/:picture
  # the name without its folder
  X-Cos-Meta-Picture: :picture
  x-frame-options: SAMEORIGIN
https://preview.example.net/*
  Cache-Control: no-store
"""
MANUAL = """\
/*
  X-Content-Type-Options: nosniff
  Content-Security-Policy: default-src 'self'
/
  Cache-Control: max-age=0, must-revalidate
/manual/
  Content-Language: zh-CN
/manual/index.html
  X-Robots-Tag: noindex
/files/*.pdf
  Content-Disposition: attachment
  Expires: Wed, 21 Oct 2026 07:28:00 GMT
"""
APP = """\
/.well-known/app
  Content-Type: application/json
/*.bin
\tContent-Type: application/wasm
\tAccess-Control-Allow-Origin: *
/feeds/:lang/:kind
  x-cos-meta-feed: :kind in :lang, :unknown
/caf%C3%A9/*
  x-cos-meta-from: /:splat
"""


@pytest.mark.parametrize(
    ("text", "expected", "undone"),
    [
        (
            SHARED,
            {
                "index.html": {},
                "assets/a.js": {"cache-control": "public, max-age=604800"},
                "assets/live/a.js": {},
                "assets/img/tea.js": {
                    "cache-control": "public, max-age=604800",
                    "x-cos-meta-picture": "tea.js",
                },
                "assets/img/more/tea.js": {"cache-control": "public, max-age=604800"},
            },
            [
                f"_headers:4, 11: Not sent: X-Frame-Options. {CDN}",
                "_headers:12: Not done: a rule for one host. Begin the path with a slash.",
            ],
        ),
        (
            MANUAL,
            {
                "index.html": {"cache-control": "max-age=0, must-revalidate"},
                "manual/index.html": {"content-language": "zh-CN"},
                "manual/index.js": {},
                "files/old/a.pdf": {
                    "content-type": "application/pdf",
                    "content-disposition": "attachment",
                    "expires": "Wed, 21 Oct 2026 07:28:00 GMT",
                },
            },
            [
                f"_headers:2: Not sent: X-Content-Type-Options. {CDN}",
                f"_headers:3, 9: Not sent: Content-Security-Policy, X-Robots-Tag. {PAGES}",
            ],
        ),
        (
            APP,
            {
                ".well-known/app": {"content-type": "application/json"},
                "a/b.bin": {"content-type": "application/wasm"},
                "feeds/zh/rss.js": {"x-cos-meta-feed": "rss.js in zh, :unknown"},
                "café/茶.js": {"x-cos-meta-from": "/%E8%8C%B6.js"},
            },
            [f"_headers:5: Not sent: Access-Control-Allow-Origin. {CDN}"],
        ),
    ],
)
def test_each_line_of_headers_is_followed_or_named(
    cloud: EmulatorServer, tmp_path: Path, text: str, expected: Any, undone: list[str]
) -> None:
    write(tmp_path / "site", {"_headers": text.encode(), **dict.fromkeys(expected, b"1")})
    printed = run(tmp_path / "site")
    assert {key: headers(cloud, key) for key in cloud.objects()} == expected
    assert at_lines(printed) == undone


def test_a_changed_rule_sends_its_file_again_once(cloud: EmulatorServer, dist: Path) -> None:
    for rule in (b"Content-Language: zh", b"Content-Language: en", b"! Content-Language"):
        write(dist, {"_headers": b"/docs/\n  " + rule})
        run(dist)
        cloud.journal.clear()
        run(dist, verify=True)
        assert sent(cloud) == []
    assert headers(cloud, "docs/index.html") == {}
    rows = UploadLog.objects.filter(key="docs/index.html").order_by("id")
    found = [*rows.values_list("other_headers", flat=True)]
    assert found == ["Content-Language: zh", "Content-Language: en", ""]


def test_map_is_nearer_than_headers_and_headers_than_the_store(configure: Any, dist: Path) -> None:
    site = {"BACKEND": SITE, "OPTIONS": {"cache_control": {"*": "max-age=3"}}}
    cloud = configure(STORAGES=settings.STORAGES | {"site": site})
    write(dist, {"_headers": b"/*.html\n  Cache-Control: max-age=2\n"})
    run(dist, map=["docs/*=max-age=1"])
    found = {key: headers(cloud, key)["cache-control"] for key in FILES}
    assert found == {
        "docs/index.html": "max-age=1",
        "index.html": "max-age=2",
        "logo.svg": "max-age=3",
    }


def test_a_path_that_fits_no_file_is_named_with_its_line(cloud: EmulatorServer, dist: Path) -> None:
    lines = ["/doc/*", " Expires: 0", "/docs/", " Expires: 0", "/LOGO.svg", " Expires: 0"]
    write(dist, {"_headers": "\n".join(lines).encode()})
    assert at_lines(run(dist)) == ["_headers:1, 5: No file fits this path."]


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("Cache-Contol", "Cache-Control"),
        ("content_type", "Content-Type"),
        ("Expire", "Expires"),
        ("x-robots-tags", "X-Robots-Tag"),
    ],
)
def test_a_header_that_is_almost_one_is_named_with_it(
    cloud: EmulatorServer, dist: Path, header: str, meant: str
) -> None:
    write(dist, {"_headers": f"/*\n {header}: no-store\n".encode()})
    [said] = at_lines(run(dist))
    assert said == f"_headers:2: Not sent: {header.title()}. Did you mean {meant}?"


@pytest.mark.parametrize(
    "header", ["CDN-Cache-Control", "Content-Security-Policy-Report-Only", "Accept-CH"]
)
def test_a_header_of_its_own_is_no_mistake_for_another(
    cloud: EmulatorServer, dist: Path, header: str
) -> None:
    write(dist, {"_headers": f"/*\n {header}: 1\n".encode()})
    assert at_lines(run(dist)) == [f"_headers:2: Not sent: {header.title()}. {CDN}"]


def test_many_headers_that_cannot_be_sent_are_one_note_with_their_number(
    cloud: EmulatorServer, dist: Path
) -> None:
    lines = ["/*", *(f" X-Team-{number}: tea" for number in range(1999))]
    write(dist, {"_headers": "\n".join(lines).encode()})
    [said] = at_lines(run(dist))
    assert said.startswith("_headers:2, 3, 4, ")
    assert ", 21 and 1979 more: Not sent: X-Team-0, X-Team-1, " in said
    assert said.endswith(f", X-Team-19 and 1979 more. {CDN}")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "/*\n Expires: 0\n/docs/*\n Expires: 1",
            "_headers:4: line 2 gives '/docs/index.html' another Expires.",
        ),
        (" Expires: 0", "_headers:1: no path stands above this header"),
        (
            "/a\nExpires: 0",
            "_headers:2: write a path from its slash, with each of * and :name once",
        ),
        ("/a\n Expires 0", "_headers:2: write a header as 'Name: value'"),
        ("/a\n Expires: \x01", "_headers:2: '\\x01' cannot be the value of a header"),
        ("/a\n X-Cos-Meta-Ä: 0", "_headers:2: write a header as 'Name: value'"),
        ("/*/*", "_headers:1: write a path from its slash, with each of * and :name once"),
        ("/a\n" * 101, "_headers:101: 100 paths are allowed"),
        (f"/{'a' * 2000}", "_headers:1: 2000 lines of 2000 characters"),
        (
            f"/*\n Content-Type: {':splat' * 40}",
            "_headers:2: it has more than 255 characters",
        ),
    ],
)
def test_headers_that_cannot_be_followed_are_refused_with_the_line(
    cloud: EmulatorServer, dist: Path, text: str, error: str
) -> None:
    write(dist, {"_headers": text.encode()})
    assert error in fails(dist, code=2)
    assert cloud.objects() == {}


def test_a_preview_keeps_what_the_store_and_the_rules_say_of_its_files(
    configure: Any, dist: Path
) -> None:
    rules = {"docs/*": "max-age=3", "logo.svg": "max-age=4"}
    site = {"BACKEND": SITE, "OPTIONS": {"location": "app", "cache_control": rules}}
    cloud = configure(STORAGES=settings.STORAGES | {"site": site})
    write(dist, {"_headers": b"/index.html\n Expires: 0\n"})
    run(dist, preview="menu", using="site", map=["index.html=max-age=1"])
    found = {
        key[len("app/_preview/menu-12345678/") :]: headers(cloud, key) for key in bodies(cloud)
    }
    assert found == {
        "index.html": {"cache-control": "max-age=1", "expires": "0"},
        "docs/index.html": {"cache-control": "max-age=3"},
        "logo.svg": {"cache-control": "max-age=4"},
    }


def test_an_ignored_file_is_neither_read_nor_sent(cloud: EmulatorServer, dist: Path) -> None:
    write(dist, {"_headers": b"no rule"})
    run(dist, ignore=["_headers"])
    assert bodies(cloud) == FILES


def test_a_path_fits_a_name_in_the_other_normal_form(cloud: EmulatorServer, dist: Path) -> None:
    write(dist, {"cafe\u0301/index.html": b"1", "_redirects": b"/caf%C3%A9 /docs/"})
    write(dist, {"_headers": "/caf\u00e9/\n Expires: 0".encode()})
    assert TAKEN in run(dist)
    assert headers(cloud, "caf\u00e9/index.html") == {"expires": "0"}


def test_headers_of_a_release_come_back_with_it(cloud: EmulatorServer, dist: Path) -> None:
    write(dist, {"_headers": b"/*.svg\n  Content-Disposition: attachment\n"})
    run(dist)
    write(dist, {"_headers": b"", "logo.svg": b"<svg></svg>"})
    run(dist)
    assert headers(cloud, "logo.svg") == {}
    run(rollback=True)
    assert headers(cloud, "logo.svg")["content-disposition"] == "attachment"


# --- _redirects -------------------------------------------------------------------------------


def test_an_exact_redirect_becomes_a_page_and_every_other_is_named(
    cloud: EmulatorServer, dist: Path
) -> None:
    text = """\
# moved
/old         /new?a=1&b=2#c
/old.html    https://example.com/%E8%8C%B6  301!
/caf%C3%A9/  /docs/        302   # in spring
/old/        /twice
/docs        /elsewhere
/blog/*      /news/:splat
/*           /index.html   200
/*           https://example.com/:splat 200
/api         https://api.example.com  200
/shop        /cn/shop      302   Country=cn
/a           mailto:a@example.com
/../b        /
/e           /\\example.com
/f           https://
"""
    write(dist, {"_redirects": text.encode()})
    printed = run(dist, "site")
    found = bodies(cloud)
    pages = found.keys() - {f"site/{name}" for name in FILES}
    assert pages == {"site/old/index.html", "site/old.html", "site/café/index.html"}
    page = found["site/old/index.html"].decode()
    assert '<meta http-equiv="refresh" content="0; url=/site/new?a=1&amp;b=2#c">' in page
    assert '<link rel="canonical" href="/site/new?a=1&amp;b=2#c">' in page
    assert "url=https://example.com/%E8%8C%B6" in found["site/old.html"].decode()
    assert at_lines(printed) == [
        "_redirects:2, 3, 4: A small page leads on, with status 200.",
        f"_redirects:5, 6: {TAKEN}",
        f"_redirects:7, 9, 10, 11, 12, 13, 14, 15: {INEXACT}",
        "_redirects:8: Not done: set index.html as the error page in the console.",
    ]


def test_a_redirect_that_leads_back_is_not_done(cloud: EmulatorServer, dist: Path) -> None:
    lines = ["/a /a/?again", "/b /c", "/c /%64#top", "/d /b/index.html"]
    write(dist, {"_redirects": "\n".join(lines).encode()})
    printed = run(dist, "site")
    pages = bodies(cloud).keys() - {f"site/{name}" for name in FILES}
    assert pages == {"site/b/index.html", "site/c/index.html"}
    assert f"_redirects:1, 4: {BACK}" in at_lines(printed)


def test_map_reaches_the_page_of_a_redirect(cloud: EmulatorServer, dist: Path) -> None:
    text = b"/old/\n Cache-Control: max-age=2\n/feed/\n Cache-Control: max-age=2"
    write(dist, {"_redirects": b"/old /docs/\n/feed /docs/", "_headers": text})
    run(dist, "site", map=["old/*=max-age=1"])
    found = {name: headers(cloud, f"site/{name}/index.html") for name in ("old", "feed")}
    assert found == {"old": {"cache-control": "max-age=1"}, "feed": {"cache-control": "max-age=2"}}


def test_a_page_of_a_redirect_is_sent_once_and_has_the_headers_of_its_path(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"_redirects": b"/feed.xml /docs/", "_headers": b"/feed.xml\n Expires: 0"})
    run(dist)
    cloud.journal.clear()
    run(dist, verify=True)
    assert sent(cloud) == []
    feed = cloud.objects()["feed.xml"].headers
    assert (feed["Content-Type"], headers(cloud, "feed.xml")) == (
        "text/html; charset=utf-8",
        {"expires": "0"},
    )
