"""What we promise of archives, of trees of files, and of the look at their pages."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploys import deploy
from tests.tables import each
from wx_static_store.core.naming import MAX_KEY_BYTES
from wx_static_store.core.types import UploadItem
from wx_static_store.deploy.archive import Limits, _Reader, unpack_site
from wx_static_store.deploy.link_check import preflight
from wx_static_store.deploy.plan import hash_items
from wx_static_store.deploy.tree import read_tree
from wx_static_store.exceptions import SourceError
from wx_static_store.upload.sources import opened
from wx_static_store.upload.uploader import get_uploader

# Archives

ROOMY = Limits(ratio=10**6)  # that nothing is refused for its ratio


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def special(kind: bytes, body: bytes) -> bytes:
    """Return a header that says something of the next file."""
    return header("special", len(body), kind) + body + bytes(-len(body) % tarfile.BLOCKSIZE)


def record(keyword: str, value: str) -> bytes:
    """Return a line of a pax header; its length is a part of it."""
    rest = f" {keyword}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    return str(length + (len(str(length)) > len(str(len(rest))))).encode() + rest


def unpack(packed: bytes, name: str, limits: Limits = ROOMY) -> dict[str, bytes]:
    with unpack_site(io.BytesIO(packed), name, limits=limits) as folder:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def untar(*blocks: bytes, limits: Limits = ROOMY) -> dict[str, bytes]:
    return unpack(gzip.compress(b"".join(blocks)), "site.tgz", limits)


def sparse(extensions: int) -> bytes:
    """Return an old header of a file with holes, and what goes on with its list."""
    first = bytearray(header("a.js", kind=tarfile.GNUTYPE_SPARSE))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    return bytes(first) + (b"00000000000\0" * 42 + b"\1" + bytes(7)) * extensions


def of_holes(entries: int) -> bytes:
    said = {"major": "1", "minor": "0", "name": "a.js", "realsize": "1"}
    body = b"".join(record(f"GNU.sparse.{keyword}", value) for keyword, value in said.items())
    return special(tarfile.XHDTYPE, body) + special(tarfile.REGTYPE, b"0\n" * entries)


FILE = header("a.js")
TOO_LONG, NO_FILE, BAD = "a header that is too long", "no ordinary file", "bad header"


@each(
    "attack, refusal",
    [
        # What each costs Python's reader, at the size that was tried: 148 s and 1.5 GiB; 12 s;
        # 1.4 GiB; 37 s; 9 s.
        (special(b"g", b"".join(record(f"k{n}", "") for n in range(9000))), TOO_LONG),
        (special(b"x", b"1" * 80_000), TOO_LONG),
        (special(b"x", b"3 a" * 20_000 + b"="), BAD),
        (of_holes(1000), NO_FILE),
        (sparse(1000), NO_FILE),
        # More of it, in headers that are short enough.
        (special(b"x", b"1" * 60_000), BAD),
        (special(b"x", record("comment", "1" * 60_000)) * 18, TOO_LONG),
        (special(b"L", b"a" * 60_000) * 18, TOO_LONG),
        # Headers that lie of their own length.
        (special(b"x", b"0 a=b\n"), BAD),
        (special(b"x", b"99 a=b\n"), BAD),
        (special(b"x", b"-6 a=b\n"), BAD),
        (special(b"x", b"6a=b\n"), BAD),
        # What a site never needs.
        (special(b"K", b"a"), NO_FILE),
        (header("a.js", kind=tarfile.CONTTYPE), NO_FILE),
        (special(b"X", record("path", "b.js")), NO_FILE),
        (special(b"D", b"a"), NO_FILE),
    ],
)
def test_a_tar_is_refused_before_its_headers_cost_anything(attack: bytes, refusal: str) -> None:
    with pytest.raises(SourceError, match=refusal):
        untar(attack, FILE)


@each("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_an_ordinary_program_is_unpacked(form: int) -> None:
    files = {"index.html": b"1", "茶/" + "长" * 20 + ".js": b"2", "d/" * 60 + "a.css": b"3"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=form, encoding="utf-8") as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(body), 1.5  # type: ignore[assignment]
            archive.addfile(info, io.BytesIO(body))
    assert unpack(packed.getvalue(), "a.tgz") == files


def test_a_header_that_git_writes_for_all_files_is_not_read() -> None:
    of_git = special(tarfile.XGLTYPE, record("comment", "0" * 40) + record("path", "evil.js"))
    assert untar(of_git, FILE) == {"a.js": b""}


def test_a_file_as_tar_wrote_it_before_1988_is_unpacked() -> None:
    folder, file = (header(name, kind=tarfile.AREGTYPE) for name in ("docs/", "b.js"))
    assert untar(folder, file) == {"b.js": b""}


def test_many_short_headers_are_those_of_an_ordinary_tar() -> None:
    about = special(tarfile.XHDTYPE, record("mtime", "1" * 400))
    assert untar(about * 3000, FILE) == {"a.js": b""}


def test_an_archive_that_takes_too_long_is_refused() -> None:
    with pytest.raises(SourceError, match=r"takes too long .* publish the folder with wx_deploy"):
        untar(FILE, limits=Limits(seconds=0))


@each("size, seconds", [(0, 8), (1, 8), (10 * 2**20, 8), (10 * 2**20 + 1, 16)])
def test_each_10_mib_of_an_archive_have_8_seconds(
    monkeypatch: pytest.MonkeyPatch, size: int, seconds: int
) -> None:
    seen: list[float] = []

    class Reader(_Reader):
        def __init__(self, file: Any, until: float, left: int | None = None) -> None:
            seen.append(until - time.thread_time())
            super().__init__(file, until, left)

    monkeypatch.setattr("wx_static_store.deploy.archive._Reader", Reader)
    with pytest.raises(SourceError):
        unpack(bytes(size), "a.zip")
    assert seen[0] == pytest.approx(seconds, abs=0.5)


@each("name", ["a.zip", "a.tgz"])
def test_folders_that_only_names_ask_for_have_an_end(name: str) -> None:
    path = "x/" * 40 + "a.js"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(path, b"")
    about = special(b"x", record("path", path))
    packed = {"a.zip": zipped.getvalue(), "a.tgz": gzip.compress(about + FILE)}[name]
    assert unpack(packed, name, Limits(files=41, ratio=10**6))
    with pytest.raises(SourceError, match="holds more files than 40"):
        unpack(packed, name, Limits(files=40, ratio=10**6))


# Pages of a site, which are looked at before it is published


def look(page: bytes, **how: float) -> list[str]:
    items = [UploadItem("index.html", open=lambda: io.BytesIO(page))]
    return preflight(items, prefix="", **how)


NOT_ALL = "Not all pages were looked at: that would take too long. To look at all of them, run wx_"


@each("start", ["<a b='", '<a b="', "<a ", "<a/", "<a b=", "<a ''", "<!--", "</", "&#"])
def test_a_page_that_costs_the_parser_hours_is_looked_at_for_a_moment(start: str) -> None:
    """Two seconds is the limit; without it 40 kB took four, and four times as long at 80."""
    before = time.thread_time()
    look(start.encode() * (100_000 // len(start)), seconds=0.02)
    assert time.thread_time() - before < 1


def test_a_page_that_was_not_looked_at_is_warned_of() -> None:
    (warning,) = look(b"<a href=index.html>" * 20_000, seconds=0)
    assert warning.startswith(NOT_ALL)
    assert look(b"<a href=index.html>") == []


LONG = b"a" * 1_800_000


@each(
    "page",
    [
        b'<base href="/' + LONG + b'/">' + b"".join(b"<a href=%d.b>" % n for n in range(100)),
        b'<a href="' + LONG + b'.b">',
        b"<a href=" + b"a" * (4 * MAX_KEY_BYTES) + b".b>",
    ],
)
def test_an_address_that_no_file_can_have_costs_nothing(page: bytes) -> None:
    """A long base took 8 s and 650 MiB."""
    before = time.thread_time()
    assert look(page) == []
    assert time.thread_time() - before < 1


# Trees of files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder that is published while somebody else may write to it."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.js").write_bytes(b"public")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def linked(file: Path) -> None:
    file.unlink()
    file.symlink_to("../secret")


def renamed(file: Path) -> None:
    (file.parent.parent / "secret").replace(file)


def made_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def moved_folder(file: Path) -> None:
    """Put a link in the place of the folder, not of the file."""
    private = file.parent.parent / "private"
    private.mkdir()
    (private / "a.js").write_bytes(b"secret")
    file.parent.rename(file.parent.with_name("old"))
    file.parent.symlink_to(private)


@pytest.mark.django_db
@pytest.mark.parametrize("swap", [linked, renamed, made_a_pipe, moved_folder])
def test_a_file_that_is_another_one_when_it_is_sent_is_not_published(
    configure: Any, tree: Path, swap: Callable[[Path], None]
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    hashed = hash_items(read_tree(tree).items)
    swap(tree / "a.js")
    report = deploy(get_uploader(), hashed)
    assert cloud.objects() == {}
    assert "The file was replaced by another one" in str(report.failures[0].error)


def test_a_file_that_is_written_anew_in_its_place_is_published_as_it_is(tree: Path) -> None:
    (item,) = read_tree(tree).items
    (tree / "a.js").write_bytes(b"newer")
    with opened(item) as source:
        assert b"".join(source) == b"newer"
