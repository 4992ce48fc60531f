"""What is reported before a deploy; ``tests/builds/`` holds pages that bundlers wrote."""

import json
import re
from dataclasses import replace
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import ENV
from tests.tables import each
from wx_static_store.core.types import (
    DELETED,
    UploadContext,
    UploadItem,
    UploadResult,
    UploadStatus,
)
from wx_static_store.deploy.link_check import MOST, preflight
from wx_static_store.upload.recorder import record_one
from wx_static_store.upload.sources import fingerprint

BUILDS = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).parents[1].glob("builds/*")
}
WITH_PAGES = [build for build in BUILDS if "texts" in BUILDS[build]]


def item(name: str, content: str | bytes = "") -> UploadItem:
    data = content.encode() if isinstance(content, str) else content
    return UploadItem(name, open=lambda: BytesIO(data))


def site(files: dict[str, str], prefix: str = "") -> list[UploadItem]:
    return [item(prefix + name, content) for name, content in files.items()]


def mistakes(
    content: str, *names: str, page: str = "index.html", prefix: str = "", location: str = ""
) -> list[str]:
    """Of a page (or a style sheet) among files of these names."""
    files = {"index.html": "", **dict.fromkeys(names, ""), page: content}
    return preflight(site(files, prefix), prefix=prefix, location=location)


def of_build(build: str, prefix: str = "") -> list[UploadItem]:
    names = [*BUILDS[build]["plain"], *BUILDS[build]["hashed"]]
    return site({name: BUILDS[build]["texts"].get(name, "") for name in names}, prefix)


# --- real builds ------------------------------------------------------------------------------


def test_the_samples_have_three_builds_with_pages() -> None:
    assert sorted(WITH_PAGES) == ["parcel", "vite", "webpack"]


@pytest.mark.parametrize("build", WITH_PAGES)
def test_a_build_as_it_is_has_no_findings(build: str) -> None:
    assert preflight(of_build(build), prefix="") == []


def wanted(build: str) -> set[str]:
    """Return what the texts of a build name, without a parser: files whose names are in them."""
    unread = r"/\*.*?\*/|<script type=importmap>.*?</script>"
    texts = [re.sub(unread, "", text) for text in BUILDS[build]["texts"].values()]
    return {n for n in BUILDS[build]["hashed"] if any(Path(n).name in text for text in texts)}


@pytest.mark.parametrize("build", WITH_PAGES)
def test_each_file_that_a_build_names_is_missed(build: str) -> None:
    assert len(wanted(build)) > 3
    for name in wanted(build):
        items = [item for item in of_build(build) if item.name != name]
        (finding,) = preflight(items, prefix="")
        assert finding.startswith(f"{name}, named in ")


@each(("build", "breaks"), [("vite", True), ("parcel", True), ("webpack", False)])
@each(("prefix", "location"), [("app/", ""), ("", "app/"), ("b/", "a/")])
def test_absolute_addresses_break_under_a_prefix(
    build: str, breaks: bool, prefix: str, location: str
) -> None:
    """webpack was configured to write relative ones."""
    found = preflight(of_build(build, prefix), prefix=prefix, location=location)
    assert any(f"outside of /{location}{prefix}: build" in finding for finding in found) == breaks
    assert bool(found) == breaks


# --- index and names --------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "name"), [("", "index.html"), ("app/", "app/index.html")])
def test_a_missing_index_is_reported(prefix: str, name: str) -> None:
    (finding,) = preflight(site({"docs/index.html": ""}, prefix), prefix=prefix)
    assert f"There is no {name}" in finding
    assert preflight([item(name)], prefix=prefix) == []


@each(
    ("one", "two", "expected"),
    [
        ("A.css", "a.css", "A.css, a.css differ only by case"),
        ("img/a.png", "Img/a.png", "img/a.png, Img/a.png differ only by case"),
        ("é.png", "É.png", "é.png, É.png differ only by case"),
        ("\u00e9.png", "e\u0301.png", r"'\xe9.png', 'e\u0301.png' are one name"),
        ("\u00e9.png", "E\u0301.png", "differ only by case"),
        ("a\u202e.txt", "A\u202e.txt", r"a\u202e.txt, A\u202e.txt differ only by case"),
    ],
)
def test_names_that_some_disks_take_for_one_are_reported(one: str, two: str, expected: str) -> None:
    found = preflight([item("index.html"), item(one), item(two)], prefix="")
    assert expected in found[-1]


@pytest.mark.parametrize(
    ("name", "location", "expected"),
    [
        (
            "a\u202e.txt",
            "",
            r"'a\u202e.txt' cannot be the name of a file: it has control characters",
        ),
        ("a\\b.txt", "", "it has a backslash"),
        ("x" * 850, "app/", "854 bytes, 850 are allowed"),
    ],
)
def test_a_name_that_cannot_be_a_key_is_reported(name: str, location: str, expected: str) -> None:
    (finding,) = preflight([item("index.html"), item(name)], prefix="", location=location)
    assert expected in finding


# --- references -------------------------------------------------------------------------------

MISSING = {
    '<script src="x.js"></script>': "x.js",
    '<script src="./x.js"></script>': "x.js",
    '<script src="/x.js"></script>': "x.js",
    "<script src=x.js></script>": "x.js",
    '<SCRIPT SRC="x.js"></SCRIPT>': "x.js",
    '<script src="x.js?v=1#a"></script>': "x.js",
    '<script src=" x.js "></script>': "x.js",
    '<img src="a/../x.png">': "x.png",
    '<img src="../x.png">': "x.png",
    r'<img src="img\x.png">': "img/x.png",
    '<img src="%E5%AD%97%20x.png">': "字 x.png",
    '<img src="字 x.png">': "字 x.png",
    '<img src="a&amp;b.png">': "a&b.png",
    '<img src="x.png" src="a.css">': "x.png",
    '<img srcset="a.css, x.png 2x">': "x.png",
    '<img srcset="a.css 1x,x.png 2x">': "x.png",
    '<img srcset="x.png, a.css 2x">': "x.png",
    '<img srcset="x.png">': "x.png",
    '<img srcset="x,1.png 100w, a.css 200w">': "x,1.png",
    '<source srcset="x.webp" type="image/webp">': "x.webp",
    '<video poster="x.png"></video>': "x.png",
    '<video src="x.mp4"></video>': "x.mp4",
    '<track src="x.vtt">': "x.vtt",
    '<iframe src="page/"></iframe>': "page/index.html",
    '<iframe src="page"></iframe>': "page",
    '<object data="x.svg"></object>': "x.svg",
    '<link rel="stylesheet" href="x.css">': "x.css",
    '<link rel="shortcut icon" href="/favicon">': "favicon",
    '<link rel=MODULEPRELOAD href="x">': "x",
    '<link rel="preload" as="image" imagesrcset="x.png 2x">': "x.png",
    '<link rel="alternate" href="feed.xml">': "feed.xml",
    '<svg><use href="x.svg#home"></use></svg>': "x.svg",
    '<svg><use xlink:href="x.svg#home"/></svg>': "x.svg",
    '<svg><image href="x"/></svg>': "x",
    '<a href="x.pdf">': "x.pdf",
    '<a href="x.html#part">': "x.html",
    '<a href="example.com">': "example.com",
    '<p style="background: url(x.png)">': "x.png",
    "<p style='background: url(\"x.png\")'>": "x.png",
    "<style>p { background: url(x.png) }</style>": "x.png",
    '<style>p { content: "<" } b { background: url(x.png) }</style>': "x.png",
    '<base href="/sub/"><img src="x.png">': "sub/x.png",
    '<img src="x.png"><base href="sub/"><base href="other/">': "sub/x.png",
    "<![if x]><img src='x.png'>": "x.png",
    "<div><p></b></div><img src=x.png>": "x.png",
    '<img src="x.png">\x00\xff': "x.png",
}
FINE = [
    '<p <img src="x.png" <b',
    '<script src="a.css"></script>',
    '<script src="/a.css?v=2"></script>',
    '<script src="https://cdn.example.com/x.js"></script>',
    '<script src="//cdn.example.com/x.js"></script>',
    '<script src="HTTPS://cdn.example.com/x.js"></script>',
    "<script>const html = '<img src=\"x.png\">';</script>",
    '<!-- <img src="x.png"> -->',
    "<p>url(x.png)</p><script>url(x.png)</script>",
    '<img src="data:image/png;base64,AAAA">',
    '<img srcset="data:image/png;base64,AAAA 1x, a.css 2x">',
    '<img src="">',
    "<img src>",
    '<img src="{{ photo }}">',
    '<img src="${photo}.png">',
    '<img data-src="x.png" :src="x.png">',
    '<img src="http://[">',
    '<a href="mailto:somebody@example.com">',
    '<a href="tel:+123.x">',
    '<a href="javascript:open.x">',
    '<a href="#x.y">',
    '<a href="?page=x.html">',
    '<a href="/about">',
    '<a href="about/team/">',
    '<a href="/v1.2">',
    '<a href="https://example.com/x.html">',
    '<a href="docs/">',
    '<iframe src="docs/"></iframe>',
    '<iframe src="docs"></iframe>',
    '<iframe src="/"></iframe>',
    '<iframe src="."></iframe>',
    '<link rel="canonical" href="/about">',
    '<link rel="preconnect" href="https://example.com">',
    '<svg><use href="#home"></use></svg>',
    '<base href="https://cdn.example.com/"><img src="x.png">',
    '<base href="docs/"><iframe src="."></iframe>',
    '<p style="fill: url(#x.y)">',
]


@each(("content", "name"), MISSING.items())
def test_a_reference_to_a_missing_file_is_reported(content: str, name: str) -> None:
    expected = f"{name}, named in index.html, is not among the files"
    found = mistakes(content, "a.css", "docs/index.html")
    assert [finding.partition(":")[0] for finding in found] == [expected]


@each(("content", "name"), MISSING.items())
def test_a_reference_to_a_file_of_the_tree_is_not_reported(content: str, name: str) -> None:
    assert mistakes(content, "a.css", "docs/index.html", name) == []


@each("content", FINE)
def test_content_without_broken_references_is_not_reported(content: str) -> None:
    assert mistakes(content, "a.css", "docs/index.html") == []


@each(
    ("css", "name"),
    [
        ("p { background: url(x.png) }", "css/x.png"),
        ("p { background: url( 'x.png' ) }", "css/x.png"),
        ('p { background: URL("../x.png") }', "x.png"),
        ("p { background: url(/x.png) }", "x.png"),
        ("p { background: url(x.woff?#iefix) }", "css/x.woff"),
        (r"p { background: url(x\(1\).png) }", "css/x(1).png"),
        ("/* url(a.png) */ p { background: url(x.png) }", "css/x.png"),
        ("@import 'x.css';", "css/x.css"),
        ("@import url(x.css) screen;", "css/x.css"),
        ("p{background:url(x.png)}/* unclosed url(a.png)", "css/x.png"),
    ],
)
def test_a_style_sheet_s_references_start_at_its_own_place(css: str, name: str) -> None:
    (finding,) = mistakes(css, page="css/site.css")
    assert finding.startswith(f"{name}, named in css/site.css, is not")
    assert mistakes(css, name, page="css/site.css") == []


@each(
    "css",
    [
        "p { background: url(data:image/png;base64,AAAA) }",
        """p { background: url("data:image/svg+xml,<svg fill='url(x.png)'/>") }""",
        "p { background: url(data:image/svg+xml;utf8,<svg%20fill='url(%23a)'/>) }",
        "p { fill: url(#a) } p { fill: url() } p { fill: url('') }",
        "p { background: url(https://example.com/x.png) }",
        "@namespace svg 'http://www.w3.org/2000/svg'; my-url(x.png)",
    ],
)
def test_a_style_sheet_without_broken_references_is_not_reported(css: str) -> None:
    assert mistakes(css, page="css/site.css") == []


def test_a_name_in_another_case_is_reported_with_the_file_of_the_tree() -> None:
    (finding,) = mistakes(
        '<img src="img/Photo.PNG">', "img/photo.png", prefix="app/", location="l/"
    )
    assert finding.startswith("app/img/Photo.PNG, named in")
    assert finding.endswith("the file is called app/img/photo.png.")


def test_a_decomposed_reference_is_not_the_composed_key() -> None:
    """Files are stored under the composed name, browsers ask for what is written."""
    (finding,) = mistakes('<img src="e\u0301.png">', "\u00e9.png")
    assert "the file is called" in finding
    assert mistakes('<img src="\u00e9.png">', "e\u0301.png") == []


def test_a_reference_below_the_prefix_is_held_against_the_tree() -> None:
    content = '<script src="/l/app/a.js"></script><script src="/l/app/x.js"></script>'
    (finding,) = mistakes(content, "a.js", prefix="app/", location="l/")
    assert finding.startswith("app/x.js, named in app/index.html, is not")


def test_a_page_s_references_out_of_the_prefix_are_one_finding() -> None:
    content = '<img src="/a.png"><img src="../b.png"><img src="/a.png"><img src="c.png">'
    (finding,) = mistakes(content, "c.png", prefix="app/")
    assert "app/index.html refers to /a.png and 1 more, outside of /app/: build" in finding


def test_a_file_that_many_pages_miss_is_one_finding() -> None:
    pages = {f"{number}.html": '<img src="x.png"><img src="x.png">' for number in range(3)}
    (finding,) = preflight(site({"index.html": "", **pages}), prefix="")
    assert finding.startswith("x.png, named in 0.html and 2 more, is not")


@pytest.mark.parametrize(("number", "last"), [(MOST, "x49"), (MOST + 1, "… and 1 more")])
def test_no_more_than_fifty_findings_are_reported(number: int, last: str) -> None:
    found = mistakes("".join(f'<img src="x{i}">' for i in range(number)))
    assert len(found) == min(number, MOST + 1)
    assert found[0].startswith("x0, named")
    assert last in found[-1]


def test_a_name_that_is_no_text_does_no_harm() -> None:
    found = preflight([item("index.html"), item("\udce4/a.html", '<img src="x.png">')], prefix="")
    assert len(found) == 2
    assert all(map(str.isprintable, found))


# --- files that change in place ---------------------------------------------------------------

OTHER_ENV = "tenant-b"


def row(key: str, content: bytes, status: str = "stored", env: str = ENV) -> None:
    result = UploadResult(key, key, UploadStatus(status), env, md5=md5(content).hexdigest())
    record_one(result, UploadContext("wx_deploy"))


def changes(files: dict[str, str], *envs: str, location: str = "") -> list[str]:
    items = [
        replace(one, hashed="-BfYjkO2m" in one.name) for one in site({"index.html": ""} | files)
    ]
    return preflight(items, prefix="", location=location, envs=envs or [ENV])


@pytest.mark.django_db
@pytest.mark.parametrize("location", ["", "app/"])
def test_a_file_that_pages_load_and_that_changes_in_place_is_named(location: str) -> None:
    row(f"{location}a.css", b"old")
    (finding,) = changes({"x.html": "<img src=a.css>", "a.css": "new"}, location=location)
    assert finding.startswith("a.css changes under a name that pages keep")


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 500])
def test_the_log_is_asked_once_for_many_environments(
    number: int, django_assert_num_queries: Any
) -> None:
    envs = [f"tenant-{each}" for each in range(number)]
    row("a.css", b"old", env=envs[-1])
    files = {"x.html": "<img src=a.css><img src=b.css>", "a.css": "new", "b.css": ""}
    # Two, and two for a savepoint.
    with django_assert_num_queries(4):
        (finding,) = changes(files, *envs)
    assert finding.startswith("a.css changes under a name that pages keep")


@pytest.mark.django_db
def test_a_file_that_a_style_sheet_loads_and_that_changes_in_place_is_named() -> None:
    row("font.woff2", b"old")
    (finding,) = changes({"site.css": "@font-face { src: url(font.woff2) }", "font.woff2": "new"})
    assert finding.startswith("font.woff2 changes")


@pytest.mark.django_db
def test_files_that_change_in_place_are_one_finding_that_names_the_first() -> None:
    files = {f"{number}.js": "new" for number in range(8)}
    for name in files:
        row(name, b"old")
    (finding,) = changes(
        {"x.html": "".join(f"<script src={name}></script>" for name in files)} | files
    )
    assert finding.startswith("0.js, 1.js, 2.js, 3.js, 4.js and 3 more change under names")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "content", "status"),
    [
        ("a.css", b"new", "stored"),
        ("a.css", b"old", "failed"),
        ("a.css", b"old", "unknown"),
        ("a.css", DELETED, "stored"),
        ("elsewhere/a.css", b"old", "stored"),
    ],
)
def test_a_file_of_which_the_log_knows_no_other_bytes_is_not_named(
    key: str, content: bytes, status: str
) -> None:
    row(key, content, status)
    assert changes({"x.html": "<link rel=stylesheet href=a.css>", "a.css": "new"}) == []


@pytest.mark.django_db
def test_a_failed_upload_does_not_hide_what_is_there() -> None:
    row("a.css", b"old")
    row("a.css", b"new", "failed")
    assert len(changes({"x.html": "<link rel=stylesheet href=a.css>", "a.css": "new"})) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    [
        "<a href=a.pdf>",
        "<link rel=icon href=a.pdf>",
        "<link rel=manifest href=a.pdf>",
        "<link rel=alternate href=a.pdf>",
        "a.pdf",
    ],
)
def test_a_file_that_no_page_is_shown_with_may_change_in_place(page: str) -> None:
    """A favicon, a feed, a document to download: their names cannot carry a hash."""
    row("a.pdf", b"old")
    assert changes({"x.html": page, "a.pdf": "new"}) == []


@pytest.mark.django_db
def test_pages_and_hashed_names_may_change_in_place() -> None:
    for name in ("b.html", "app-BfYjkO2m.js"):
        row(name, b"old")
    page = "<iframe src=b.html></iframe><script src=app-BfYjkO2m.js></script>"
    assert changes({"x.html": page, "b.html": "new", "app-BfYjkO2m.js": "new"}) == []


@pytest.mark.django_db
def test_a_file_that_changes_in_one_of_the_environments_is_named() -> None:
    row("a.css", b"new")
    row("a.css", b"old", env=OTHER_ENV)
    files = {"x.html": "<link rel=stylesheet href=a.css>", "a.css": "new"}
    assert len(changes(files, ENV, OTHER_ENV)) == 1
    assert changes(files, ENV) == []


SHEET = "<link rel=stylesheet href=a.css>"


def before(files: dict[str, str]) -> list[UploadItem]:
    return [fingerprint(one) for one in site(files)]


@pytest.mark.parametrize("location", ["", "app/"])
def test_a_file_that_only_a_page_of_the_live_release_loads_is_named(location: str) -> None:
    items, live = site({"index.html": "", "a.css": "new"}), {"x.html": SHEET, "a.css": "old"}
    (finding,) = preflight(items, prefix="", location=location, before=[lambda: before(live)])
    assert finding.startswith("a.css changes under a name that pages keep")


@pytest.mark.parametrize(
    ("live", "files"),
    [
        ({"x.html": SHEET, "a.css": "old"}, {"a.css": "old"}),
        ({"x.html": SHEET}, {"a.css": "new"}),
        ({"x.html": "<a href=a.css>", "a.css": "old"}, {"a.css": "new"}),
        ({"x.html": SHEET, "a.css": "old"}, {}),
    ],
)
def test_what_no_page_of_the_live_release_gets_otherwise_is_not_named(
    live: dict[str, str], files: dict[str, str]
) -> None:
    assert (
        preflight(site({"index.html": "", **files}), prefix="", before=[lambda: before(live)]) == []
    )


def test_pages_of_the_live_release_are_read_only_if_a_file_changes_that_a_page_may_show() -> None:
    def never() -> BytesIO:
        raise AssertionError

    page = replace(before({"x.html": SHEET})[0], open=never)
    files = {"index.html": "", "a.css": "same", "sitemap.xml": "new"}
    live = [page, *before({"a.css": "same", "sitemap.xml": "old"})]
    assert preflight(site(files), prefix="", before=[lambda: live]) == []


# --- any page ---------------------------------------------------------------------------------

TAGS = st.sampled_from(["<img src=", "<style>", "</", "<!", "<![", "<?", "&#", "url(", "//[", '"'])


@given(st.lists(TAGS | st.text(max_size=5)).map("".join))
def test_the_link_check_reads_any_page_without_an_error(content: str) -> None:
    text = content.encode(errors="replace").decode()
    for finding in [*mistakes(text), *mistakes(text, page="a.css")]:
        assert finding.isprintable()
