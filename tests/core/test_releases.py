"""The list of a release: what comes back, how small it is, and what differs between two."""

import hashlib

import pytest

from wx_static_store.core.releases import Change, ReleaseFile, digests, pack, unpack
from wx_static_store.core.types import ContentHeaders

PAGE = ContentHeaders("text/html", "no-cache")
SCRIPT = ContentHeaders("text/javascript", "public, max-age=31536000, immutable")


def file(name: str, body: bytes = b"1", headers: ContentHeaders = SCRIPT) -> ReleaseFile:
    md5, sha256 = hashlib.md5(body).hexdigest(), hashlib.sha256(body).hexdigest()
    return ReleaseFile(name, len(body), md5, sha256, headers)


A, B = file("a.js"), file("图/b.js", b"22")


def test_a_packed_list_gives_every_file_back() -> None:
    page = file("index.html", b"<p>", PAGE)._replace(last=True)
    assert list(unpack(pack([A, page, B]).files)) == [A, page, B]


def test_a_packed_list_counts_files_and_bytes() -> None:
    packed = pack([A, B])
    assert (packed.count, packed.size) == (2, 3)


def test_the_digests_of_a_packed_list_are_read_without_the_names() -> None:
    packed = pack([A, B])
    assert [each.hex() for each in digests(packed.files, 2)] == [A.sha256, B.sha256]


def test_an_empty_list_gives_nothing_back() -> None:
    assert list(unpack(pack([]).files)) == []
    assert list(digests(pack([]).files, 0)) == []


def test_files_are_packed_by_name() -> None:
    """Two orders would be two releases."""
    with pytest.raises(ValueError, match="comes after"):
        pack([B, A])


@pytest.mark.parametrize(
    "other",
    [
        A._replace(name="b.js"),
        A._replace(size=2),
        A._replace(md5="0" * 32),
        A._replace(sha256="0" * 64),
        A._replace(headers=PAGE),
        A._replace(last=True),
    ],
)
def test_another_file_makes_another_release(other: ReleaseFile) -> None:
    assert pack([A]).digest != pack([other]).digest


def test_a_hundred_thousand_files_take_eight_megabytes_at_most() -> None:
    digests = (
        hashlib.sha256(bytes([n >> 16 & 255, n >> 8 & 255, n & 255])) for n in range(100_000)
    )
    names = (digest.hexdigest() for digest in digests)
    files = (
        ReleaseFile(f"assets/{d[:2]}/chunk-{d[2:10]}.js", 1000 + n, d[:32], d, SCRIPT)
        for n, d in enumerate(names)
    )
    assert len(pack(sorted(files)).files) <= 8_000_000


def test_a_changed_file_says_whether_bytes_or_which_headers_differ() -> None:
    other = A._replace(md5="0" * 32, headers=ContentHeaders("text/javascript", "no-cache"))
    assert Change(A, other).parts == ["bytes", "cache_control"]
    assert Change(A, A._replace(headers=PAGE)).parts == ["content_type", "cache_control"]
    assert Change(A, None).parts == []
