"""The files of a folder as items: which are left out, and where links may lead."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.tables import each
from wx_static_store.deploy.tree import Tree, read_tree
from wx_static_store.exceptions import ConfigurationError, SourceError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


def write(root: Path, *names: str) -> None:
    """Each file holds its own name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def names(tree: Tree) -> list[str]:
    return [item.name for item in tree.items]


# --- items ------------------------------------------------------------------------------------


def test_items_are_named_by_their_paths_and_sorted(root: Path) -> None:
    write(root, "index.html", "b/z.js", "b/a/y.js", "b.js", "字 x.png")
    tree = read_tree(root)
    assert names(tree) == ["b.js", "b/a/y.js", "b/z.js", "index.html", "字 x.png"]
    assert tree.prefix == ""


def test_an_item_opens_its_file_when_it_is_asked_to(root: Path) -> None:
    write(root, "a.js", "b/b.js")
    tree = read_tree(root, "p")
    (root / "a.js").write_text("later")
    contents = []
    for item in tree.items:
        with item.open() as file:
            contents.append(file.read())
    assert contents == [b"later", b"b/b.js"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ""),
        ("docs", "docs/"),
        ("docs/", "docs/"),
        ("docs/v2", "docs/v2/"),
        ("e\u0301", "\u00e9/"),
    ],
)
def test_a_prefix_ends_in_one_slash(root: Path, prefix: str, expected: str) -> None:
    write(root, "a.js")
    tree = read_tree(root, prefix)
    assert (tree.prefix, names(tree)) == (expected, [f"{expected}a.js"])


@each(
    "prefix", ["/", "/docs", "docs//", "a//b", "../a", "a/./b", ".", r"a\b", " ", "a\n", "\udce4"]
)
def test_a_prefix_that_is_no_folder_of_a_site_is_refused(root: Path, prefix: str) -> None:
    write(root, "a.js")
    with pytest.raises(ConfigurationError, match="cannot be a prefix") as caught:
        read_tree(root, prefix)
    assert str(caught.value).isprintable()


def test_names_that_carry_a_digest_are_marked(root: Path) -> None:
    write(root, "a.js", "index.3d8a9a2b.js")
    assert [item.hashed for item in read_tree(root).items] == [False, True]


RULES = (("*.html", "no-cache"), ("img/*", "max-age=60"), ("*.js", "max-age=5"), ("*", "no-store"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "no-cache"),
        ("docs/a.html", "no-cache"),
        ("img/a.html", "no-cache"),
        ("img/big/a.png", "max-age=60"),
        ("img/a.js", "max-age=60"),
        ("a.js", "max-age=5"),
        ("a.JS", "no-store"),
    ],
)
def test_the_first_rule_that_fits_the_path_decides(root: Path, name: str, expected: str) -> None:
    write(root, name)
    (item,) = read_tree(root, "img", rules=RULES).items
    assert item.cache_control == expected


def test_a_file_that_no_rule_fits_has_no_cache_control_yet(root: Path) -> None:
    write(root, "a.js")
    (item,) = read_tree(root, rules=[("*.html", "no-cache")]).items
    assert (item.cache_control, item.content_type) == (None, None)


# --- what is left out -------------------------------------------------------------------------


def test_files_that_are_never_published_are_left_out(root: Path) -> None:
    write(root, ".env", ".git/config", "a/.DS_Store", "a/Thumbs.db", ".well-known/.htaccess")
    write(root, "a.js", ".well-known/a.txt", "a/.well-known/b.txt", ".well-known-not/a.txt")
    tree = read_tree(root)
    assert names(tree) == [".well-known/a.txt", "a.js", "a/.well-known/b.txt"]


FILES = ("a.js", "a.js.map", "doc/a.md", "doc/b.md", "doc/deep/c.md", "x y.txt", "#1.txt")

# .wxignore, the command line, and what is left of FILES
PATTERNS = [
    ("*.map", [], {"a.js.map"}),
    ("", ["*.map"], {"a.js.map"}),
    ("doc/", [], {"doc/"}),
    ("doc", [], {"doc/"}),
    ("/a.md", [], set()),
    ("a.md", [], {"doc/a.md"}),
    ("doc/*.md", [], {"doc/a.md", "doc/b.md"}),
    ("doc/**", [], {"doc/a.md", "doc/b.md", "doc/deep/"}),
    ("doc/**", ["!doc/a.md"], {"doc/b.md", "doc/deep/"}),
    ("doc/**/", [], {"doc/deep/"}),
    ("**/deep", [], {"doc/deep/"}),
    ("d*", ["!doc"], set()),
    ("a.js/", [], set()),
    ("*.md\n!a.md", [], {"doc/b.md", "doc/deep/c.md"}),
    ("*.md", ["!a.md"], {"doc/b.md", "doc/deep/c.md"}),
    ("!a.md", ["*.md"], {"doc/a.md", "doc/b.md", "doc/deep/c.md"}),
    ("doc/", ["!doc/a.md"], {"doc/"}),  # as in git: the folder is not looked into
    ("doc/*", ["!doc/deep/"], {"doc/a.md", "doc/b.md"}),
    ("# *.js\n\n   \n*.map\n", [], {"a.js.map"}),
    ("\ufeff*.map", [], {"a.js.map"}),
    ("*.map\r\n*.txt\r\n", [], {"a.js.map", "x y.txt", "#1.txt"}),
    (r"\#1.txt", [], {"#1.txt"}),
    ("*.map   ", [], {"a.js.map"}),
    ("", ["# *.js"], set()),
]


@each(("lines", "ignore", "expected"), PATTERNS)
def test_the_ignore_patterns_are_those_of_git(
    root: Path, lines: str, ignore: list[str], expected: set[str]
) -> None:
    write(root, *FILES)
    (root / ".wxignore").write_text(lines)
    tree = read_tree(root, ignore=ignore)
    below = tuple(folder for folder in expected if folder.endswith("/"))
    kept = (n for n in FILES if n not in expected and not n.startswith(below or " "))
    assert names(tree) == sorted(kept)


def test_a_pattern_brings_back_nothing_that_is_always_left_out(root: Path) -> None:
    write(root, "a.js", ".env")
    assert names(read_tree(root, ignore=["!.env", "!.*"])) == ["a.js"]


def test_the_ignore_file_is_not_sent(root: Path) -> None:
    write(root, "a.js")
    (root / ".wxignore").write_text("# nothing")
    assert names(read_tree(root)) == ["a.js"]


def test_a_pattern_that_is_refused_is_named(root: Path) -> None:
    write(root, "a.js")
    with pytest.raises(ConfigurationError, match=r"cannot be used .*'!'.* as in a \.gitignore"):
        read_tree(root, ignore=["!"])


def test_an_ignore_file_that_cannot_be_read_is_an_error(root: Path) -> None:
    write(root, "a.js")
    (root / ".wxignore").write_bytes(b"caf\xe9/")
    with pytest.raises(SourceError, match=r"\.wxignore cannot be read as UTF-8 text"):
        read_tree(root)


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pathspec", None)
    write(root, "a.js")
    with pytest.raises(ImproperlyConfigured, match=r'pip install "wx_static_store\[deploy\]"'):
        read_tree(root, ignore=["*.map"])


@pytest.mark.parametrize("lines", ["", "\n  \n# a comment\n"])
def test_a_tree_without_patterns_does_not_need_the_library(
    root: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    monkeypatch.setitem(sys.modules, "pathspec", None)
    write(root, "a.js", ".env")
    (root / ".wxignore").write_text(lines)
    assert names(read_tree(root)) == ["a.js"]


# --- links ------------------------------------------------------------------------------------


def link(root: Path, name: str, target: str | Path) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(target)


def test_links_within_the_tree_are_followed(root: Path) -> None:
    write(root, "v2/a.js", "v2/img/b.png")
    link(root, "current", "v2")
    link(root, "docs/first.js", "../v2/a.js")
    link(root, "docs/absolute.js", root / "v2" / "a.js")
    tree = read_tree(root)
    assert names(tree) == [
        *("current/a.js", "current/img/b.png", "docs/absolute.js", "docs/first.js"),
        *("v2/a.js", "v2/img/b.png"),
    ]
    with tree.items[0].open() as file:
        assert file.read() == b"v2/a.js"


def test_a_folder_may_end_with_the_name_of_the_link_to_it(root: Path) -> None:
    write(root, "dist/a.js")
    link(root, "t", "dist")
    with read_tree(root, "v1").items[1].open() as file:
        assert file.read() == b"dist/a.js"


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    write(root, "a.js", "img/b.png")
    link(root, "c.png", "img/b.png")
    link(tmp_path, "latest", root)
    assert names(read_tree(tmp_path / "latest")) == ["a.js", "c.png", "img/b.png"]


def test_a_link_may_be_changed_after_it_was_listed(root: Path, tmp_path: Path) -> None:
    """What is sent is the file that was seen to be in the tree."""
    write(root, "a.js")
    write(tmp_path, "secret")
    link(root, "b.js", "a.js")
    tree = read_tree(root)
    (root / "b.js").unlink()
    link(root, "b.js", tmp_path / "secret")
    with tree.items[1].open() as file:
        assert file.read() == b"a.js"


BAD_LINKS: dict[str, tuple[str, str]] = {
    "to nothing": ("missing", "leads nowhere"),
    "to itself": ("link", "leads nowhere"),
    "to a file outside": ("../secret", "leads out of the tree"),
    "to a folder outside": ("../other", "leads out of the tree"),
    "to a folder whose name begins like the tree's": ("../site2", "leads out of the tree"),
    "to what is above": ("..", "leads out of the tree"),
    "to the tree": (".", "leads back to a folder that it is in"),
    "out and in again": ("../back", "leads back to a folder that it is in"),
}


@pytest.fixture(params=BAD_LINKS)
def bad_link(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> str:
    """Make a tree with a link that must not be followed; return what is said of the link."""
    target, expected = BAD_LINKS[request.param]
    write(root, "a.js")
    write(tmp_path, "secret", "other/a.js", "site2/a.js")
    link(tmp_path, "back", root)
    link(root, "link", target)
    return expected


def test_a_link_that_must_not_be_followed_is_named(root: Path, bad_link: str) -> None:
    with pytest.raises(SourceError, match=f"'link/?' {bad_link}"):
        read_tree(root)


@pytest.mark.usefixtures("bad_link")
def test_an_ignored_link_is_not_followed(root: Path) -> None:
    assert names(read_tree(root, ignore=["link"])) == ["a.js"]


def test_links_in_a_circle_are_an_error(root: Path) -> None:
    write(root, "a/1.js", "b/2.js")
    link(root, "a/to_b", "../b")
    link(root, "b/to_a", "../a")
    with pytest.raises(SourceError, match="leads back to a folder that it is in"):
        read_tree(root)


def test_an_ignored_file_is_not_sent_through_a_link(root: Path) -> None:
    write(root, "a.js", ".env", ".git/config", "old/b.js")
    link(root, "env.txt", ".env")
    link(root, "git", ".git")
    link(root, "config", ".git/config")
    link(root, "b.js", "old/b.js")
    link(root, "new", "old")
    assert names(read_tree(root, ignore=["/old/"])) == ["a.js"]


# --- what is no folder of files ---------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # its name must be short


def linked_device(path: Path) -> None:
    pipe(path.with_suffix(".fifo"))
    path.symlink_to(path.with_suffix(".fifo"))


@pytest.mark.parametrize("make", [pipe, bound_socket, linked_device])
def test_a_path_that_is_neither_file_nor_folder_is_named_in_the_error(
    root: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    write(root, "a.js")
    make(root / "odd")
    with pytest.raises(SourceError, match=r"'odd(\.fifo)?' is no file"):
        read_tree(root)
    assert names(read_tree(root, ignore=["odd*"])) == ["a.js"]


@pytest.mark.parametrize("name", ["missing", "file", "broken"])
def test_the_root_must_be_a_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path, "file")
    link(tmp_path, "broken", "nowhere")
    with pytest.raises(SourceError, match=f"{name}' is no folder.*that your build writes"):
        read_tree(tmp_path / name)


@pytest.mark.parametrize("files", [[], [".env"], ["a/.env"]], ids=str)
def test_a_tree_without_files_is_an_error(root: Path, files: list[str]) -> None:
    write(root, *files)
    with pytest.raises(SourceError, match=r"There is no file to send in .*/site'.*Build the site"):
        read_tree(root)


def test_a_folder_that_cannot_be_read_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the system's own answer: root, who may run this, can read every folder."""
    write(root, "a.js", "private/b.js")
    scan = os.scandir

    def guarded(path: Any) -> Any:
        if str(path).endswith("private"):
            raise PermissionError(13, os.strerror(13), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(
        SourceError, match=r"folder 'private/' cannot be read \(Permission denied\)"
    ):
        read_tree(root)


def test_a_refusal_cannot_forge_a_line_of_the_log(root: Path) -> None:
    write(root, "a.js")
    link(root, "b\nforged line", "missing")
    with pytest.raises(SourceError) as caught:
        read_tree(root)
    assert str(caught.value).isprintable()


def test_a_file_is_not_opened_before_it_is_sent(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "a.js", "b.js")
    monkeypatch.setattr("builtins.open", None)
    assert names(read_tree(root)) == ["a.js", "b.js"]
