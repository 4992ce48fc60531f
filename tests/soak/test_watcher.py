"""The watcher can fail: each kind of mixed page is found, and only these."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.soak import watcher
from tests.soak.watcher import DELETED, Watcher, dead_ends, mixed
from tests.waiting import wait_for
from wx_static_store.emulator import EmulatorServer

PAGE = b'<link rel="stylesheet" href="/a.1.css"><script src="/b.1.js"></script><a href="/x.html">'
ASSETS = {"a.1.css": b'@font-face { src: url("/f.1.woff2") }', "b.1.js": b"b", "f.1.woff2": b"f"}


def found(objects: Mapping[str, bytes]) -> list[str]:
    return [*mixed(objects.get, PAGE, ASSETS)]


def test_a_page_that_is_shown_with_its_own_files_is_not_mixed() -> None:
    assert found(ASSETS) == []


@pytest.mark.parametrize("key", ASSETS)
@pytest.mark.parametrize(
    ("body", "what"), [(None, "missing"), (DELETED, "blanked"), (b"another", "other bytes")]
)
def test_a_page_with_a_file_that_is_not_of_its_release_is_mixed(
    key: str, body: bytes | None, what: str
) -> None:
    objects = {name: content for name, content in ASSETS.items() if name != key}
    assert found(objects | ({key: body} if body else {})) == [f"{key} ({what})"]


def test_a_dead_end_is_a_link_to_nothing_on_a_way_from_the_start() -> None:
    pages = {
        "index.html": b'<a href="/a.html"><a href="/index.html"><a href="/older.html">',
        "a.html": b'<a href="/gone.html"><a href="/blanked.html">',
        "blanked.html": DELETED,
        "older.html": b'<a href="/which.html">',
        "stale.html": b'<a href="/where.html">',
    }
    release = {name: pages[name] for name in ("index.html", "a.html")}
    assert [*dead_ends(pages.get, [release])] == ["gone.html", "blanked.html"]
    assert [*dead_ends({}.get, [release])] == ["index.html"]


# --- over HTTP --------------------------------------------------------------------------------


@pytest.fixture
def cloud(emulator: EmulatorServer) -> EmulatorServer:
    for key, body in (ASSETS | {"x.html": PAGE, "blanked.html": DELETED}).items():
        emulator.put_object(key, body)
    return emulator


@pytest.fixture
def watching(cloud: EmulatorServer) -> Iterator[Watcher]:
    with Watcher(cloud.site_url(), ("x.html", "blanked.html", "gone.html"), ASSETS) as watcher:
        yield watcher


def test_the_watcher_judges_every_page_that_is_there(watching: Watcher) -> None:
    wait_for(lambda: watching.passes > 2)
    assert watching.judged >= watching.passes
    assert watching.mixed == []


def test_the_watcher_sees_a_page_whose_file_is_gone(
    cloud: EmulatorServer, watching: Watcher
) -> None:
    watching.run_number = 7
    cloud.delete_object("b.1.js")
    wait_for(lambda: watching.mixed)
    assert watching.mixed[0] == "run 7: x.html with b.1.js (missing)"


def test_a_page_that_is_replaced_while_its_files_are_fetched_is_not_judged(
    cloud: EmulatorServer,
) -> None:
    """The next release is there, and has blanked what the old page named."""
    cloud.script({"on": "get_object", "key": "a.1.css", "do": "delay", "seconds": 0.5})
    with Watcher(cloud.site_url(), ("x.html",), ASSETS) as watcher:
        wait_for(lambda: cloud.calls("get_object", key="x.html"))
        cloud.put_object("x.html", b"another release")
        cloud.put_object("b.1.js", DELETED)
        wait_for(lambda: watcher.passes > 2)
    assert cloud.calls("get_object", key="b.1.js")
    assert watcher.mixed == []


def test_an_error_of_the_watcher_itself_is_raised(emulator: EmulatorServer) -> None:
    with pytest.raises(ConnectionError), Watcher("http://127.0.0.1:1", ("x.html",), {}) as watcher:
        wait_for(lambda: not watcher.is_alive())


def test_the_watcher_imports_nothing_of_the_package() -> None:
    """Import nothing of this folder either, as that does."""
    nodes = [*ast.walk(ast.parse(Path(watcher.__file__).read_text()))]
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    roots = {str(name).partition(".")[0] for name in [*plain, *(node.module for node in froms)]}
    assert not [node for node in froms if node.level]
    assert not roots & {"wx_static_store", "tests"}
