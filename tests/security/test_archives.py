"""What we promise of archives, of trees of files, and of the look at their pages."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from tests.tables import each
from wx_static_store.deploy.archive import Limits, unpacked
from wx_static_store.exceptions import SourceError

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
    with unpacked(io.BytesIO(packed), name, limits=limits) as folder:
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
