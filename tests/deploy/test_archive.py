"""An uploaded archive of a site: unpacked whole and within limits, or refused with a reason."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.tables import each
from wx_static_store.deploy.archive import HEADER, IN_MEMORY, PER_FILE, Limits, unpack_site
from wx_static_store.deploy.tree import read_tree
from wx_static_store.exceptions import SourceError

SITE = {"index.html": b"<title>tea</title>", "assets/a.js": b"1", "assets/b.css": b""}

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def temporary(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Nothing is left behind, whatever becomes of the archive."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    yield tmp_path
    assert [*tmp_path.iterdir()] == []


def zipped(files: Files, change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    """Return a zip of the files; `change` has a look at the header of each."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, body)
    return packed.getvalue()


def tarred(files: Files, change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> bytes:
    """Return a tar of the files, not yet compressed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            change(info)
            archive.addfile(info, io.BytesIO(body))
    return packed.getvalue()


def targz(files: Files, change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> bytes:
    return gzip.compress(tarred(files, change))


def contents(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def unpack(packed: bytes, name: str, **how: Any) -> Files:
    with unpack_site(io.BytesIO(packed), name, **how) as folder:
        return contents(folder)


def refusal(packed: bytes, name: str, **how: Any) -> str:
    """Return the sentence, and the next one: what to do."""
    with pytest.raises(SourceError) as caught, unpack_site(io.BytesIO(packed), name, **how):
        pytest.fail("it was unpacked")
    assert caught.value.hint
    said = f"{caught.value.what}. {caught.value.hint}".replace("\xa0", " ")
    assert said.isprintable()
    return said


# --- what is unpacked ---------------------------------------------------------------------------


@each(
    "name, packed",
    [
        ("site.zip", zipped(SITE)),
        ("Site.ZIP", zipped(SITE)),
        ("site.tar.gz", targz(SITE)),
        ("site.v1.tgz", targz(SITE)),
        # As `tar -C dist .` writes it, and with folders of its own.
        ("site.tgz", targz({f"./{name}": body for name, body in SITE.items()})),
        ("site.zip", zipped({"assets/": b"", "empty/": b""} | SITE)),
    ],
)
def test_an_archive_gives_the_files_that_were_packed(name: str, packed: bytes) -> None:
    assert unpack(packed, name) == SITE


MAC = {
    ".DS_Store": b"x",
    "__MACOSX/dist/._index.html": b"x",
    "dist/._index.html": b"x",
    "dist/assets/.DS_Store": b"x",
    "dist/assets/__MACOSX/a.js": b"x",
}


@each("pack, name", [(zipped, "dist.zip"), (targz, "dist.tgz")])
@each("more", [{}, MAC, {"__MACOSX/Icon\r": b"x"}])
def test_a_folder_that_holds_all_is_the_site(
    pack: Callable[[Files], bytes], name: str, more: Files
) -> None:
    files = {f"dist/{path}": body for path, body in SITE.items()}
    assert unpack(pack(more | files), name) == SITE


@each(
    "files",
    [
        {"dist/index.html": b"1", "index.html": b"2"},
        {"dist/index.html": b"1", "docs/index.html": b"2"},
        {"index.html": b"1"},
        {".git/config": b"secret"},  # hidden, and so not sent: it must not become the site
    ],
)
def test_a_folder_that_is_not_all_or_hidden_stays(files: Files) -> None:
    assert unpack(zipped(files), "site.zip") == files


def test_only_one_folder_is_taken_off() -> None:
    assert unpack(zipped({"a/b/c.js": b"1"}), "site.zip") == {"b/c.js": b"1"}


def test_what_is_unpacked_is_a_tree_to_publish() -> None:
    with unpack_site(io.BytesIO(zipped(SITE | {".DS_Store": b""})), "site.zip") as folder:
        assert [item.name for item in read_tree(folder).items] == sorted(SITE)


def test_an_error_of_the_caller_goes_through_and_leaves_nothing() -> None:
    with pytest.raises(KeyError), unpack_site(io.BytesIO(zipped(SITE)), "site.zip"):
        raise KeyError


def test_a_folder_of_a_tar_is_no_file() -> None:
    def change(info: tarfile.TarInfo) -> None:
        info.type = tarfile.DIRTYPE if info.name in (".", "docs") else tarfile.REGTYPE

    assert unpack(targz({".": b"", "docs": b"", **SITE}, change), "a.tgz") == SITE


_SAFE = st.text(st.sampled_from("ab.-_ 茶é"), min_size=1, max_size=6).filter(
    lambda part: part.strip(".") and not part.startswith("._") and part.strip()
)
_TREES = st.dictionaries(
    st.lists(_SAFE, min_size=1, max_size=3).map("/".join), st.binary(max_size=300), min_size=1
).filter(lambda files: not any(name.startswith(f"{other}/") for name in files for other in files))


@pytest.mark.parametrize(("pack", "name"), [(zipped, "site.zip"), (targz, "site.tgz")])
@given(files=_TREES)
@examples(100)
def test_any_tree_is_unpacked_as_it_was_packed(
    pack: Callable[[Files], bytes], name: str, files: Files
) -> None:
    marked = {"index.html": b"", **files}
    assert unpack(pack(marked), name) == marked


# --- names and kinds that are refused -----------------------------------------------------------


@each("pack, name", [(zipped, "site.zip"), (targz, "site.tgz")])
@each(
    "path, reason",
    [
        ("../x.js", "it has a part '.' or '..'"),
        ("a/../../x.js", "it has a part '.' or '..'"),
        ("/etc/x.js", "it is absolute"),
        ("a//x.js", "it has an empty part"),
        ("a/./x.js", "it has a part '.' or '..'"),
        ("..\\x.js", "it has a backslash"),
        ("C:\\x.js", "it has a backslash"),
        ("a\n.js", "it has control characters"),
        ("a\u202e.js", "it has control characters"),
        (" ", "it is empty"),
        ("x/" * 430 + "x", "is too long for a key: 861 bytes"),
    ],
)
def test_a_name_that_cannot_be_published_is_refused(
    pack: Callable[[Files], bytes], name: str, path: str, reason: str
) -> None:
    said = refusal(pack({"index.html": b"1", path: b"2"}), name)
    assert reason in said
    assert ascii(path[:60])[1:-1] in said


@each(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_a_device_in_a_tar_is_refused(kind: bytes) -> None:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = kind, "/etc/passwd"

    expected = "'odd' is a link, or no ordinary file. Pack a copy of the file in its place."
    assert refusal(targz({"odd": b""}, change), "site.tgz") == expected


@each("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_a_device_in_a_zip_is_refused(mode: int) -> None:
    packed = zipped(
        {"odd": b"/etc/passwd"}, lambda info: setattr(info, "external_attr", mode << 16)
    )
    assert "'odd' is a link, or no ordinary file" in refusal(packed, "site.zip")


def test_a_file_with_holes_is_refused() -> None:
    """Its few bytes would unfold to as many as its header says."""
    headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**40)}
    packed = targz(SITE, lambda info: info.pax_headers.update(headers))
    assert "'index.html' is a link, or no ordinary file" in refusal(packed, "site.tgz")


TWICE = "is in the archive twice, or as a file and as a folder"


@each(
    "name, packed",
    [
        ("a.zip", zipped({"b.js": b"1", "a.js": b"2"}).replace(b"b.js", b"a.js")),
        ("a.tgz", gzip.compress(tarred({"a.js": b"1"})[:1024] + tarred({"a.js": b"2"}))),
        ("a.tgz", gzip.compress(tarred({"a.js": b"1"})[:1024] + tarred({"./a.js": b"2"}))),
        ("a.zip", zipped({"a.js": b"1", "a.js/b": b"2"})),
        ("a.zip", zipped({"a.js": b"1", "a.js/b/c": b"2"})),
        ("a.zip", zipped({"a.js/b": b"1", "a.js": b"2"})),
        # One name to Unicode: composed, and as a Mac writes it.
        ("a.zip", zipped({"\u00e9": b"1", "e\u0301": b"2"})),
    ],
)
def test_two_files_of_one_name_are_refused(name: str, packed: bytes) -> None:
    assert TWICE in refusal(packed, name)


def test_names_that_differ_in_case_are_two_files_as_they_are_two_keys() -> None:
    files = {"a.js": b"1", "A.js": b"2"}
    assert unpack(zipped(files), "a.zip") == files


@each("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_a_method_that_unfolds_without_bounds_is_refused(method: int) -> None:
    packed = zipped(SITE, lambda info: setattr(info, "compress_type", method))
    said = refusal(packed, "site.zip")
    assert said.startswith("'index.html' is packed by an unusual method. Pack the folder as an ord")


def test_an_encrypted_zip_is_refused() -> None:
    packed = patched(zipped(SITE), flags=1)
    assert refusal(packed, "a.zip").startswith("'index.html' is encrypted. Pack the folder without")


def test_names_in_gbk_are_read() -> None:
    """The Explorer of a Chinese Windows writes them so, without the flag of UTF-8."""
    packed = zipped({"XXXX/YY.html": b"1", "index.html": b"2"})
    packed = packed.replace(b"XXXX", "茶馆".encode("gbk")).replace(b"YY", "乗".encode("gbk"))
    assert unpack(packed, "site.zip") == {"茶馆/乗.html": b"1", "index.html": b"2"}


def test_names_in_gbk_that_look_like_utf_8_are_read() -> None:
    written = {"XXXX/XXXX.png": b"1", "index.html": b"2"}
    packed = zipped(written, lambda info: setattr(info, "create_system", 0))
    packed = packed.replace(b"XXXX", "图片".encode("gbk"))
    assert unpack(packed, "site.zip") == {"图片/图片.png": b"1", "index.html": b"2"}


def test_names_of_another_encoding_are_refused() -> None:
    packed = zipped({"XX.html": b"1"}).replace(b"XX", b"\xff\xff")
    assert refusal(packed, "site.zip").startswith("Names in the archive are not in UTF-8. Pack")


def test_names_in_utf_8_need_no_flag() -> None:
    packed = zipped({"XXXXXX.html": b"1"}).replace(b"XXXXXX", "茶馆".encode())
    assert unpack(packed, "site.zip") == {"茶馆.html": b"1"}


@each("name", ["site.rar", "site.tar", "site.7z", "zip", "site", "", "site.tar.bz2"])
def test_another_kind_of_archive_is_refused_with_those_that_are_read(name: str) -> None:
    said = refusal(zipped(SITE), name)
    assert said == f"{name!r} is no .zip and no .tar.gz. Pack the folder as .zip or as .tar.gz."


# --- limits -------------------------------------------------------------------------------------

MANY = {f"{number}.js": b"" for number in range(5)}
FOLDERS = {f"{number}/": b"" for number in range(2 * PER_FILE)}
FOUR = {f"{number}.js": bytes(range(250)) for number in range(4)}
TAR = tarfile.RECORDSIZE  # bytes of a small tar, headers and all


@pytest.mark.parametrize(
    ("pack", "name", "whole"), [(zipped, "a.zip", 1000), (targz, "a.tgz", TAR)]
)
def test_what_is_just_allowed_is_unpacked(
    pack: Callable[[Files], bytes], name: str, whole: int
) -> None:
    exact = Limits(size=whole, file_size=250, files=4)
    assert unpack(pack(FOUR), name, limits=exact) == FOUR
    shown = refusal(pack(FOUR), name, limits=replace(exact, size=whole - 1))
    assert shown.startswith("The archive holds more than ")
    shown = refusal(pack(FOUR), name, limits=replace(exact, file_size=249))
    assert shown.startswith("'0.js' is larger than 249 bytes. Leave out what the site does not")
    shown = refusal(pack(FOUR), name, limits=replace(exact, files=3))
    assert shown.startswith("The archive holds more files than 3.")


@each("pack, name", [(zipped, "a.zip"), (targz, "a.tgz")])
def test_an_archive_that_unfolds_to_far_more_than_its_size_is_refused(
    pack: Callable[[Files], bytes], name: str
) -> None:
    shown = refusal(pack({"a.js": bytes(2**20)}), name)
    assert shown.startswith("The archive unfolds to more than 200 times its size.")
    assert unpack(pack({"a.js": bytes(2**20)}), name, limits=Limits(ratio=2000))


def test_folders_have_an_end_too() -> None:
    packed = zipped(FOLDERS | {"a.js": b""})
    assert "holds more files than 1." in refusal(packed, "a.zip", limits=Limits(files=1))
    assert unpack(packed, "a.zip", limits=Limits(files=3)) == {"a.js": b""}


def test_a_name_that_the_disk_does_not_take_is_refused() -> None:
    said = refusal(zipped({"x" * 300: b""}), "a.zip")
    assert "xxx' cannot be unpacked (File name too long). Shorten the name, or make room" in said


# --- damaged, cut off, or lying -----------------------------------------------------------------

_FIELDS = {"flags": (6, 8, "<H"), "crc": (14, 16, "<L"), "size": (22, 24, "<L")}


def patched(packed: bytes, **fields: int) -> bytes:
    """Return the zip with other values in both headers of its first file."""
    changed = bytearray(packed)
    for field, value in fields.items():
        local, central, form = _FIELDS[field]
        struct.pack_into(form, changed, packed.index(b"PK\3\4") + local, value)
        struct.pack_into(form, changed, packed.index(b"PK\1\2") + central, value)
    return bytes(changed)


def with_pax(**headers: str) -> bytes:
    return tarred({"a.js": b"1"}, lambda info: info.pax_headers.update(headers))


ZIP, TGZ = zipped(SITE), targz(SITE)


@each(
    "name, packed, reason",
    [
        ("a.zip", b"", "The archive cannot be unpacked (File is not a zip file). Pack the folder"),
        ("a.zip", TGZ, "The archive cannot be unpacked (File is not a zip file)"),
        ("a.zip", ZIP[:-1], "The archive cannot be unpacked"),
        ("a.zip", ZIP[100:], "'index.html' cannot be unpacked"),
        ("a.zip", ZIP[: len(ZIP) // 2], "The archive cannot be unpacked"),
        ("a.zip", ZIP.replace(b"index", b"indux", 1), "'index.html' cannot be unpacked"),
        ("a.zip", patched(ZIP, crc=1), "'index.html' cannot be unpacked (Bad CRC-32"),
        ("a.zip", patched(ZIP, size=1), "'index.html' cannot be unpacked (Bad CRC-32"),
        (
            "a.zip",
            patched(ZIP, size=99),
            "'index.html' has more or fewer bytes than the archive says",
        ),
        ("a.tgz", b"", "The archive holds no file"),
        ("a.tgz", ZIP, "The archive cannot be unpacked (Not a gzipped file"),
        ("a.tgz", tarred(SITE), "The archive cannot be unpacked (Not a gzipped file"),
        ("a.tgz", TGZ[:-1], "The archive cannot be unpacked (Compressed file ended before"),
        ("a.tgz", TGZ[: len(TGZ) // 2], "The archive cannot be unpacked (Compressed file ended"),
        ("a.tgz", TGZ + b"more", "The archive cannot be unpacked (Not a gzipped file"),
        ("a.tgz", gzip.compress(b""), "The archive holds no file"),
        ("a.tgz", gzip.compress(b"x" * 600), "The archive cannot be unpacked"),
        ("a.tgz", gzip.compress(tarred(SITE)[:300]), "The archive cannot be unpacked (truncated"),
        (
            "a.tgz",
            gzip.compress(tarred(SITE)[:520]),
            "'index.html' has more or fewer bytes than the",
        ),
        (
            "a.tgz",
            gzip.compress(tarred(SITE).replace(b"assets/a.js", b"assets/b.js")),
            "The archive cannot be unpacked (bad checksum)",
        ),
        ("a.tgz", gzip.compress(with_pax(size="99999999")), "'a.js' has more or fewer bytes"),
        ("a.tgz", gzip.compress(with_pax(size="many")), "The archive cannot be unpacked"),
        ("a.tgz", gzip.compress(with_pax(size="9" * 30)), "'a.js' has more or fewer bytes"),
        ("a.tgz", gzip.compress(tarred({})), "The archive holds no file"),
        ("a.zip", zipped({}), "The archive holds no file"),
        ("a.zip", zipped({"docs/": b"", ".DS_Store": b"x"}), "The archive holds no file"),
    ],
)
def test_an_archive_that_is_not_sound_is_refused(name: str, packed: bytes, reason: str) -> None:
    assert refusal(packed, name, limits=Limits(ratio=10_000)).startswith(reason)


def test_a_file_of_a_negative_size_is_refused() -> None:
    """It would lead back to its own header, for ever. A newer Python refuses it, too."""
    assert refusal(gzip.compress(with_pax(size="-512")), "a.tgz")


def test_a_header_never_fills_the_memory() -> None:
    """A header of a tar, and the list of a zip, come into the memory whole."""
    said = "The archive has a header that is too long"
    roomy = Limits(ratio=10_000)
    packed = gzip.compress(with_pax(comment="x" * HEADER))
    assert said in refusal(packed, "a.tgz", limits=roomy)
    packed = zipped({"a.js": b""}, lambda info: setattr(info, "comment", b"x" * 60_000))
    first = packed.index(b"PK\1\2")
    end = packed.index(b"PK\5\6")
    number = IN_MEMORY // (end - first) + 1
    record = bytearray(packed[end:])
    struct.pack_into("<L", record, 12, number * (end - first))
    packed = packed[:first] + number * packed[first:end] + record
    assert said in refusal(packed, "a.zip", limits=roomy)


@pytest.mark.parametrize(
    ("sound", "name"),
    [(ZIP, "a.zip"), (TGZ, "a.tgz"), (tarred(SITE), "a.tar")],
    ids=["zip", "tgz", "tar"],  # bytes as an id would hold the time: no two workers agree
)
@given(data=st.data())
@examples(500)
def test_whatever_the_bytes_are_an_archive_is_unpacked_or_refused(
    sound: bytes, name: str, data: st.DataObject
) -> None:
    """Some bytes are others, and the end may be missing; a tar is compressed after that."""
    packed = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(packed[: data.draw(st.integers(1, len(packed)))])
    packed, name = (gzip.compress(cut), "a.tgz") if name == "a.tar" else (cut, name)
    with suppress(SourceError), unpack_site(io.BytesIO(packed), name) as folder:
        assert contents(folder)
