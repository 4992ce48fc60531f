"""What visitors get where no file is: a table of kinds of trees × what the console has set."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deploys import configure_storages, item, run, write
from tests.docs.blocks import DOCS
from tests.tables import each
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.paths import kind_of, path_notes
from wx_static_store.deploy.site_files import follow
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import SourceError
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

START, LOST = b"<h1>Tea</h1>", b"<h1>Lost</h1>"
LOADS = b"<link rel=modulepreload href=/a.js><script src=b.mjs></script>"
ROUTER = b"history.pushState({}, '', '/')"
APP = {"index.html": LOADS, "a.js": ROUTER, "b.mjs": b"brew()"}
PAGES = {"index.html": START, "tea.html": b"<h1>Green</h1>", "a.js": b"brew()"}
TREES = {"app": APP, "pages": PAGES, "pages with 404": PAGES | {"404.html": LOST}}
# What the console has set, and what visitors get then.
SETTINGS = {
    "nothing": ({}, "the error text of the hosting (404)"),
    "index.html": ({"error_page": "index.html", "error_status": "200"}, "index.html with the"),
    "404.html": ({"error_page": "404.html"}, "404.html with the status 404"),
    "a notice": ({"notice_page": "302"}, "the notice of a default domain"),
}
RESET = {"error_page": "", "error_status": "404", "notice_page": "off"}
OWN_DOMAIN, APP_PAGE = "Bind a domain", "Set index.html as the error page"
ADD, SET = "Add a page 404.html", "Set 404.html as the error page"


def items_of(files: dict[str, bytes]) -> list[UploadItem]:
    return [item(name, body) for name, body in files.items()]


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return server


@each(
    ("kind", "setting", "advice"),
    [
        ("app", "nothing", APP_PAGE),
        ("app", "index.html", ""),
        ("app", "404.html", APP_PAGE),
        ("app", "a notice", OWN_DOMAIN),
        ("pages", "nothing", ADD),
        ("pages", "index.html", ADD),
        ("pages", "404.html", ""),
        ("pages", "a notice", OWN_DOMAIN),
        ("pages with 404", "nothing", SET),
        ("pages with 404", "index.html", SET),
        ("pages with 404", "404.html", ""),
        ("pages with 404", "a notice", OWN_DOMAIN),
    ],
)
def test_what_an_address_without_a_file_shows_is_said_with_what_to_do(
    cloud: EmulatorServer, kind: str, setting: str, advice: str
) -> None:
    quirks, shown = SETTINGS[setting]
    cloud.quirks.update(RESET | quirks)
    # Another tree may have left the page that the console names.
    for key, body in (TREES[kind] | {"404.html": LOST}).items():
        cloud.put_object(key, body)
    said, *others = path_notes(get_store(), items_of(TREES[kind]), "")
    assert shown in said
    assert [other[: len(advice)] for other in others] == ([advice] if advice else [])


# What tools build: pages and scripts (one whose name ends with + calls pushState), the kind, and
# what visitors get at an address without a file, at /guide/ and at /guide, if the error page is
# set as this kind needs it. The table of docs/reference/deploy.rst has the same rows.
INDEX_ALWAYS = ("index.html 200",) * 3
FOLDERS = ("404.html 404", "guide/index.html 200", "guide/index.html 200")
BUILT = {
    "Vite, with a router": ("index.html assets/index-BfYjkO2m.js+", "app", *INDEX_ALWAYS),
    "Vue CLI, with a router": (
        "index.html js/app.1f0b9d3c.js js/chunk-vendors.7c2a.js+", "app", *INDEX_ALWAYS),
    "Create React App, with a router": (
        "index.html static/js/main.4f0c1b2a.js+", "app", *INDEX_ALWAYS),
    "Angular, with a router": (
        "index.html polyfills-5CFQRCPP.js main-AB3DKVQT.js+", "app", *INDEX_ALWAYS),
    "An application with a copy of index.html as 404.html": (
        "index.html 404.html app.js+", "app", *INDEX_ALWAYS),
    "An application whose addresses follow a #": ("index.html app.js", "pages", *["404"] * 3),
    "Next.js, exported": (
        "index.html 404.html guide.html _next/static/chunks/main.js+", "pages with 404",
        *["404.html 404"] * 3),
    "Next.js, exported with trailingSlash": (
        "index.html 404.html guide/index.html _next/static/chunks/main.js+", "pages with 404",
        *FOLDERS),
    "Nuxt, generated": (
        "index.html 200.html 404.html guide/index.html _nuxt/entry.js+", "pages with 404",
        *FOLDERS),
    "Docusaurus, Hugo, MkDocs": (
        "index.html 404.html guide/index.html assets/main.js+", "pages with 404", *FOLDERS),
    "Sphinx": ("index.html guide.html search.html _static/doctools.js", "pages", *["404"] * 3),
    "Files without a start page": ("guide.pdf logo.svg", "", *["404"] * 3),
}  # fmt: skip
RIGHT = {"app": "index.html", "pages with 404": "404.html"}


def built(names: str) -> dict[str, bytes]:
    """Return a tree in which each page loads every script."""
    scripts = [name.rstrip("+") for name in names.split() if name.rstrip("+").endswith(".js")]
    loads = "".join(f"<script src=/{name}></script>" for name in scripts).encode()
    return {
        name.rstrip("+"): name.encode() + (ROUTER if name.endswith("+") else loads)
        for name in names.split()
    }


@pytest.mark.parametrize("tree", BUILT)
def test_visitors_of_a_built_tree_get_what_the_table_says(cloud: EmulatorServer, tree: str) -> None:
    names, kind, missing, folder, bare = BUILT[tree]
    files = built(names)
    cloud.quirks.update(SETTINGS[RIGHT.get(kind, "nothing")][0])
    for name, body in files.items():
        cloud.put_object(name, body)

    def visited(path: str) -> str:
        answer = requests.get(f"{cloud.site_url()}/{path}", timeout=5)
        name = next((name for name, body in files.items() if body == answer.content), "")
        return f"{name} {answer.status_code}".strip()

    assert kind_of(items_of(files)) == kind
    assert (visited("no-such-page"), visited("guide/"), visited("guide")) == (missing, folder, bare)
    said = path_notes(get_store(), items_of(files), "")
    assert [text for text in said if text.startswith((APP_PAGE, ADD, SET))] == (
        [text for text in said if text.startswith(ADD)] if kind == "pages" else []
    )


def test_the_docs_have_the_same_table() -> None:
    page = (DOCS / "reference" / "deploy.rst").read_text(encoding="utf-8")
    _before, table, _after = re.split("\n=+  =+  =+  =+\n(?=Vite)|\n=+  =+  =+  =+\n\n", page)[-3:]
    rows = [re.split("  +", line) for line in table.splitlines()]
    assert {tree: shown for tree, *shown in rows} == {
        tree: shown for tree, (_names, _kind, *shown) in BUILT.items()
    }


def test_html_in_place_of_a_missing_script_is_named(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"error_page": "index.html", "error_status": "200"})
    cloud.put_object("index.html", START)
    said, *_others = path_notes(get_store(), items_of(APP), "")
    assert "In place of a missing script or picture, browsers get this page, too." in said


def test_another_page_with_the_status_200_is_named(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"error_page": "lost.html", "error_status": "200"})
    cloud.put_object("index.html", START)
    cloud.put_object("lost.html", LOST)
    said, *_others = path_notes(get_store(), items_of(PAGES), "")
    assert said.startswith("An address without a file shows another page with the status 200.")


@each(
    ("kind", "files"),
    [
        ("app", {"index.html": LOADS, "a.js": ROUTER}),
        ("app", {"index.html": LOADS, "b.mjs": ROUTER, "404.html": b""}),
        ("app", {"index.html": b"<script>" + ROUTER}),
        ("pages", {"index.html": LOADS, "a.js": b"brew()", "never-loaded.js": ROUTER}),
        ("pages", {"index.html": LOADS, "a.js": ROUTER, "tea.html": b""}),
        ("pages with 404", {"index.html": LOADS, "a.js": b"brew()", "404.html": b""}),
        ("", {"a.js": ROUTER}),
    ],
)
def test_a_tree_with_one_page_and_a_router_is_an_app(kind: str, files: dict[str, bytes]) -> None:
    assert kind_of(items_of(files)) == kind


def test_a_page_of_a_redirect_does_not_make_an_app_a_tree_of_pages() -> None:
    items, _notes = follow({"_redirects": ["/old /"]}, items_of(APP), "", "")
    assert (len(items), kind_of(items)) == (len(APP) + 1, "app")


def test_a_tree_whose_scripts_cannot_be_read_has_no_kind() -> None:
    def gone() -> BytesIO:
        raise SourceError("gone")

    assert kind_of([item("index.html", LOADS), UploadItem("a.js", open=gone)]) == ""
    assert kind_of([UploadItem("index.html", open=gone)]) == ""


def test_a_tree_without_a_start_page_needs_no_answer(cloud: EmulatorServer) -> None:
    assert path_notes(get_store(), items_of({"a.js": b"", "d/index.html": b""}), "") == []
    assert cloud.calls() == []


def test_a_site_that_does_not_answer_has_no_notes(cloud: EmulatorServer) -> None:
    cloud.script({"on": "get_object", "do": "reset", "times": None})
    assert path_notes(get_store(), items_of(APP), "") == []


@each(
    ("quirk", "words", "advice"),
    [
        ("serve", "shows the page without a redirect.", "Build with an absolute base"),
        ("redirect", "is a redirect to that with it.", ""),
        ("404", "is an HTTP 404.", "Build with an absolute base"),
    ],
)
def test_what_a_folder_without_its_last_slash_shows_is_said(
    cloud: EmulatorServer, quirk: str, words: str, advice: str
) -> None:
    cloud.quirks.folder_without_slash = quirk
    tree = PAGES | {"tea/index.html": b"<h1>Green</h1>", "tea/list/index.html": b"<h1>All</h1>"}
    for key, body in tree.items():
        cloud.put_object(key, body)
    _missing, _add, shown, without, *others = path_notes(get_store(), items_of(tree), "")
    assert shown == "A folder shows its index.html."
    assert without.endswith(words)
    assert [other[: len(advice)] for other in others] == ([advice] if advice else [])


def test_a_folder_that_shows_the_error_page_is_another_page(cloud: EmulatorServer) -> None:
    cloud.quirks.update({"folder_without_slash": "404"})
    cloud.quirks.update({"error_page": "index.html", "error_status": "200"})
    tree = {"index.html": START, "tea/index.html": b"<h1>Green</h1>"}
    for key, body in tree.items():
        cloud.put_object(key, body)
    assert "A folder without its last slash shows another page." in path_notes(
        get_store(), items_of(tree), ""
    )


@each(("location", "prefix"), [("static/", ""), ("", "shop/")])
def test_an_error_page_of_the_root_is_not_asked_of_a_folder(
    cloud: EmulatorServer, location: str, prefix: str
) -> None:
    tree = {f"{prefix}{name}": body for name, body in APP.items()}
    for name, body in tree.items():
        cloud.put_object(location + name, body)
    store = get_store("staticfiles" if location else "default")
    [said] = path_notes(store, items_of(tree), prefix)
    assert "the error text of the hosting" in said


def test_wx_deploy_verify_says_what_visitors_get(configure: Any, tmp_path: Path) -> None:
    configure(STORAGES=configure_storages())
    site = tmp_path / "site"
    write(site, APP)
    assert "An address without a file" not in run(site)
    shown = run(site, verify=True)
    assert "An address without a file shows the error text of the hosting (404)." in shown
    assert APP_PAGE in shown
