"""What is reported before a deploy; ``tests/builds/`` holds pages that bundlers wrote."""

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.link_check import LARGEST, MOST, preflight

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


@pytest.mark.parametrize(
    ("build", "breaks"), [("vite", True), ("parcel", True), ("webpack", False)]
)
@pytest.mark.parametrize(("prefix", "location"), [("app/", ""), ("", "app/"), ("b/", "a/")])
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(("content", "name"), MISSING.items(), ids=ascii)
def test_a_reference_to_a_missing_file_is_reported(content: str, name: str) -> None:
    expected = f"{name}, named in index.html, is not among the files"
    found = mistakes(content, "a.css", "docs/index.html")
    assert [finding.partition(":")[0] for finding in found] == [expected]


@pytest.mark.parametrize(("content", "name"), MISSING.items(), ids=ascii)
def test_a_reference_to_a_file_of_the_tree_is_not_reported(content: str, name: str) -> None:
    assert mistakes(content, "a.css", "docs/index.html", name) == []


@pytest.mark.parametrize("content", FINE, ids=ascii)
def test_content_without_broken_references_is_not_reported(content: str) -> None:
    assert mistakes(content, "a.css", "docs/index.html") == []


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(("spare", "expected"), [(0, 1), (1, 0)])
def test_a_page_over_two_mib_is_not_read(spare: int, expected: int) -> None:
    tag = '<img src="x.png">'
    assert len(mistakes(tag + " " * (LARGEST - len(tag) + spare))) == expected


def test_a_page_that_cannot_be_read_is_left_to_fail_when_it_is_sent() -> None:
    def gone() -> Any:
        raise FileNotFoundError("index.html")

    assert preflight([UploadItem("index.html", open=gone)], prefix="") == []


def test_a_page_that_is_not_utf8_is_judged_by_what_can_be_read() -> None:
    page = '<img src="照片.png"><img src="x.png">'.encode("gb18030")
    (finding,) = preflight([item("index.html", page)], prefix="")
    assert "x.png" in finding


def test_scripts_and_pictures_are_not_opened() -> None:
    opened = []

    def noted(name: str) -> UploadItem:
        return UploadItem(name, open=lambda: opened.append(name) or BytesIO(b""))  # type: ignore[func-returns-value]

    names = ("index.html", "a.htm", "a.css", "a.js", "a.png", "a.html.gz", "a.json")
    assert preflight([noted(name) for name in names], prefix="") == []
    assert opened == ["index.html", "a.htm", "a.css"]


def test_a_name_that_is_no_text_does_no_harm() -> None:
    found = preflight([item("index.html"), item("\udce4/a.html", '<img src="x.png">')], prefix="")
    assert len(found) == 2
    assert all(map(str.isprintable, found))


# --- any page ---------------------------------------------------------------------------------

TAGS = st.sampled_from(["<img src=", "<style>", "</", "<!", "<![", "<?", "&#", "url(", "//[", '"'])


@given(st.lists(TAGS | st.text(max_size=5)).map("".join))
def test_the_link_check_reads_any_page_without_an_error(content: str) -> None:
    text = content.encode(errors="replace").decode()
    for finding in [*mistakes(text), *mistakes(text, page="a.css")]:
        assert finding.isprintable()
