"""Name → object key, key → public URL, content headers."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.utils import validate_file_name
from django.utils.encoding import filepath_to_uri
from django.utils.functional import lazystr
from hypothesis import assume, given, strategies as st

from tests.conftest import examples
from tests.tables import each
from wx_static_store.conf.options import Options
from wx_static_store.core.naming import (
    clean_name,
    content_headers,
    content_type,
    header_value,
    is_html,
    object_key,
    odd_names,
    quote_key,
)
from wx_static_store.core.types import ContentHeaders, UploadItem
from wx_static_store.exceptions import NameRejected

# --- names that are refused -----------------------------------------------------------------

REFUSED = {
    "B01": ["..", ".", "", " ", "   ", "\t"],
    "B02": ["../a", "a/../b", "a/..", "../../etc/passwd"],
    "B03": ["/etc/passwd", "//host/a", "/"],
    "B04": [r"a\..\b", r"C:\x", r"a\b", "\\"],
    "B05": ["a\x00.txt", "\x00"],
    "B06": ["a\rb", "a\nb", "a\tb", "a\x1bb", "a\x7fb", "a\x80b", "a\x9fb", "a.css\n"],
    "B07": ["a\u202eb", "a\u200eb", "a\u2066b", "a\u061cb", "a\u2028b", "a\u2029b"],
    "B08": ["\ud800", "a\udce4.txt"],
    "B20": ["a//b", "./a", "a/./b", "a/", "a/b//"],
}


@each("name", [name for names in REFUSED.values() for name in names])
def test_a_name_that_cannot_be_a_key_is_refused(name: str) -> None:
    with pytest.raises(NameRejected) as caught:
        clean_name(name)
    assert caught.value.stage == "name"
    assert isinstance(caught.value, SuspiciousFileOperation), "Django answers it with 400"


@pytest.mark.parametrize("name", ["a\r\nforged line", "a\x1b[31m", "a\u202eb", "\ud800"])
def test_a_refusal_cannot_forge_a_line_of_the_log(name: str) -> None:
    with pytest.raises(NameRejected) as caught:
        clean_name(name)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_a_refusal_of_a_huge_name_is_short() -> None:
    with pytest.raises(NameRejected) as caught:
        clean_name("/" * 100_000)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("name", [None, 5, b"a.css", ["a"], 1.5], ids=repr)
def test_a_name_that_is_not_text_is_a_type_error(name: Any) -> None:
    """B23."""
    with pytest.raises(TypeError, match="file name must be str or a path"):
        clean_name(name)


# --- names that are accepted ----------------------------------------------------------------

ACCEPTED = {
    "B04": ["C:/x", "a:b"],
    "B07": ["a\u200bb", "\ufeffa"],
    "B13": ["😀.png", "文档/图.png", "صورة.png"],
    "B14": ["a b.txt"],
    "B15": ["a+b.txt", "a&b", "a=b", "a;b", "a,b", "a@b", "a$b"],
    "B16": ["a%20b", "100%.txt", "%2e%2e/x"],
    "B17": ["a#b", "a?b"],
    "B18": ["a`b", "a^b", 'a"b', "[id].js", "{a}", "a|b", "<a>", "~a", "a*b"],
    "B19": ["a.", "a ", " a", "a /b"],
    "B21": [".env", ".git/config", ".well-known/x", "..a", "a..b", "..."],
}
ACCEPTED_NAMES = [name for names in ACCEPTED.values() for name in names]


@each("name", ACCEPTED_NAMES)
def test_the_names_of_a_real_build_are_accepted_unchanged(name: str) -> None:
    assert clean_name(name) == name


@each("name", ACCEPTED_NAMES)
def test_an_accepted_name_is_quoted_once(name: str) -> None:
    """And lies in one piece in the path: no query, no fragment."""
    parts = urlsplit("https://site/" + quote_key(name))
    assert (parts.query, parts.fragment) == ("", "")
    assert unquote(parts.path) == "/" + name


@each("name", [*ACCEPTED_NAMES, "a~b!c*d'e(f).css"])
def test_a_url_is_quoted_as_django_does(name: str) -> None:
    assert quote_key(name) == filepath_to_uri(name)


def test_a_decomposed_name_becomes_composed() -> None:
    """B11: macOS gives file names in NFD."""
    composed = "caf\u00e9/\u00fc.css"
    assert clean_name(unicodedata.normalize("NFD", composed)) == composed


@pytest.mark.parametrize(
    "name",
    [
        PurePosixPath("a/b.css"),
        PureWindowsPath(r"a\b.css"),
        Path("a") / "b.css",
        lazystr("a/b.css"),
    ],
    ids=lambda name: type(name).__name__,
)
def test_a_path_and_a_lazy_text_are_names_too(name: Any) -> None:
    """B23."""
    assert clean_name(name) == "a/b.css"
    assert type(clean_name(name)) is str


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_the_location_and_the_name() -> None:
    assert object_key("static/", "css/a.css") == "static/css/a.css"


@pytest.mark.parametrize(
    ("location", "name"),
    [("", "a" * 850), ("", "图" * 283 + "a"), ("static/", "a" * 843), ("", "😀" * 212 + "ab")],
)
def test_a_key_of_850_bytes_is_accepted(location: str, name: str) -> None:
    """B09."""
    assert len(object_key(location, name).encode()) == 850


@pytest.mark.parametrize(
    ("location", "name"), [("", "a" * 851), ("", "图" * 284), ("static/", "a" * 844)]
)
def test_a_key_over_850_bytes_is_refused_by_bytes_not_characters(location: str, name: str) -> None:
    with pytest.raises(NameRejected, match=f"{len((location + name).encode())} bytes"):
        object_key(location, name)


# --- properties -----------------------------------------------------------------------------

_TEXT = st.text(max_size=30) | st.text(st.sampled_from("a./\\ é%\u0301\u202e\x00"), max_size=12)
_LIKELY = st.text(st.sampled_from("aé%e\u0301"), min_size=1, max_size=3)
_few = examples(200)


@_few
@given(_TEXT)
def test_a_name_is_refused_or_becomes_a_clean_key(name: str) -> None:
    """H1."""
    try:
        key = object_key("", name)
    except NameRejected:
        return
    assert 1 <= len(key.encode()) <= 850
    assert not {"", ".", ".."} & set(key.split("/"))
    assert not [c for c in key if unicodedata.category(c) in ("Cc", "Cs")]
    assert not [c for c in key if unicodedata.bidirectional(c) in ("LRO", "RLO", "LRE", "RLE")]
    assert clean_name(key) == key


@_few
@given(st.lists(_TEXT, max_size=4), st.sampled_from(["", "a/", "图/"]))
def test_names_that_are_not_odd_are_keys_as_they_are(names: list[str], location: str) -> None:
    odd = odd_names(names, location)
    assert {name for name in names if not name.isascii()} <= {*odd}
    for name in {*names} - {*odd}:
        assert object_key(location, name) == location + name


@each("names", [["a" * 851], ["a", "b" * 851], ["../a", "b"], ["a", "/b"], ["a\tb", "c"], ["a "]])
def test_one_bad_name_makes_all_of_them_odd_and_a_blank_at_the_end_none(names: list[str]) -> None:
    assert [*odd_names(names)] == ([] if names == ["a "] else names)


@_few
@given(_LIKELY, _LIKELY)
def test_two_names_share_a_key_only_if_they_are_the_same_text(one: str, other: str) -> None:
    """H2."""
    try:
        same = clean_name(one) == clean_name(other)
    except NameRejected:
        assume(False)
    assert same == (unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other))


@_few
@given(_TEXT)
def test_an_accepted_key_comes_back_from_its_url(name: str) -> None:
    """H3."""
    try:
        key = clean_name(name)
    except NameRejected:
        assume(False)
    assert quote_key(key) == filepath_to_uri(key)
    assert unquote(urlsplit("https://site/" + quote_key(key)).path) == "/" + key
    validate_file_name(key, allow_relative_path=True)


# --- content types --------------------------------------------------------------------------


@each(
    ("name", "expected"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.js.map", "application/json; charset=utf-8"),
        ("a.webmanifest", "application/manifest+json; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("sitemap.xml", "text/xml; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.ico", "image/x-icon"),
        ("a.woff2", "font/woff2"),
        ("a.ttf", "font/ttf"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.mp4", "video/mp4"),
        ("a.zip", "application/zip"),
        ("a.css.gz", "application/gzip"),
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.css.br", "application/octet-stream"),
        ("a", "application/octet-stream"),
        (".htaccess", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("A.CSS", "text/css; charset=utf-8"),
        ("文档/图 1.PNG", "image/png"),
        ("a#b?c;d%20.css", "text/css; charset=utf-8"),
        ("data:a,b.css", "text/css; charset=utf-8"),
        ("http://x/a.css", "text/css; charset=utf-8"),
        ("a.css/readme", "application/octet-stream"),
    ],
)
def test_the_content_type_is_that_of_the_last_extension(name: str, expected: str) -> None:
    assert content_type(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.html", True), ("A.HTM", True), ("a.xhtml", True), ("a.html.gz", False), ("html", False)],
)
def test_html_is_known_by_its_extension(name: str, expected: bool) -> None:
    assert is_html(name) is expected


# --- cache rules ----------------------------------------------------------------------------


def item(name: str = "a.css", **changes: Any) -> UploadItem:
    return UploadItem(name, io.BytesIO, **changes)


YEAR = 365 * 24 * 3600


@each(
    ("name", "hashed", "static", "expected"),
    [
        ("a.0123456789ab.css", True, True, f"public, max-age={YEAR}, immutable"),
        ("index.html", False, True, "no-cache"),
        ("index.0123456789ab.html", True, True, f"public, max-age={YEAR}, immutable"),
        ("a.css", False, True, "public, max-age=300"),
        ("thumb.0123456789ab.png", True, False, "public, max-age=300"),
        ("page.html", False, False, "public, max-age=300"),
    ],
)
def test_cache_control_depends_on_the_name(
    name: str, hashed: bool, static: bool, expected: str
) -> None:
    """Media names that look hashed, such as thumbnails', are written again."""
    headers = content_headers(item(name, hashed=hashed), static=static)
    assert headers.cache_control == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.css", "first"), ("a.js", "second"), ("img/a.css", "first"), ("A.CSS", "second")],
)
def test_the_first_rule_whose_pattern_fits_wins(name: str, expected: str) -> None:
    rules = [("*.css", "first"), ("*", "second")]
    assert content_headers(item(name), rules, static=True).cache_control == expected


def test_a_rule_wins_over_a_hashed_name_and_the_item_s_own_header_over_all() -> None:
    rules = [("*", "of the rule")]
    assert content_headers(item(hashed=True), rules, static=True).cache_control == "of the rule"
    own = content_headers(item(cache_control="own", content_type="text/x"), rules, static=True)
    assert own == ContentHeaders("text/x", "own")


def test_a_name_that_no_rule_fits_gets_the_default() -> None:
    headers = content_headers(item("a.html"), [("*.css", "x")], static=True)
    assert headers.cache_control == "no-cache"


@each(
    "value",
    [
        "text/html\r\nX: y",
        "a\nb",
        "a\rb",
        "a\x00",
        "",
        "类型",
        "é",
        "a\n",
        "\t",
        " no-cache",
        "\x7f",
    ],
)
def test_a_header_value_that_could_end_its_line_is_refused(value: str) -> None:
    """B37; a leading space the HTTP library would refuse (measured, M26)."""
    with pytest.raises(NameRejected):
        header_value(value)


@pytest.mark.parametrize("name", ["content_type", "cache_control"])
def test_no_header_of_an_item_escapes_the_check(name: str) -> None:
    with pytest.raises(NameRejected):
        content_headers(item(**{name: "x\r\nSet-Cookie: a=b"}), static=True)


def test_a_good_header_value_passes() -> None:
    assert header_value("text/html; charset=utf-8") == "text/html; charset=utf-8"


def test_a_key_is_quoted_as_the_browser_would() -> None:
    assert quote_key("文/a b.css") == quote("文/a b.css")


@each("extension", Options().upload_extensions)
def test_every_kind_of_file_that_may_be_uploaded_has_its_type(extension: str) -> None:
    assert content_type(f"a.{extension}") != "application/octet-stream"


@each(
    ("name", "kind"),
    [
        ("a.html.css", "text/css; charset=utf-8"),
        ("X.css", "text/css; charset=utf-8"),
        ("css", "application/octet-stream"),
        (".css", "application/octet-stream"),
        ("a/.css", "application/octet-stream"),
        ("a.css.", "application/octet-stream"),
        ("a.css/b", "application/octet-stream"),
    ],
)
def test_the_last_ending_of_the_last_part_is_the_type(name: str, kind: str) -> None:
    assert content_type(name) == kind


def test_an_absolute_name_is_refused_as_absolute() -> None:
    with pytest.raises(NameRejected, match="it is absolute"):
        clean_name("/etc/passwd")
