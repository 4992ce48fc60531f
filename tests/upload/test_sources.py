"""The bytes of one file: rewound, spooled, measured, hashed; a change while reading is noticed."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, strategies as st

from tests.conftest import examples
from tests.doubles import CountingFile
from tests.tables import each
from wx_static_store.core.types import UploadItem
from wx_static_store.exceptions import (
    Remedy,
    SourceChanged,
    SourceError,
    WxStaticStoreError,
)
from wx_static_store.upload import sources
from wx_static_store.upload.sources import (
    BLOCK,
    HASH_AHEAD,
    content_item,
    fingerprint,
    opened,
    tree_item,
)


def item(file: Any, **changes: Any) -> UploadItem:
    return UploadItem("a.txt", file if callable(file) else lambda: file, **changes)


def read(file: Any, **more: Any) -> tuple[bytes, int, str]:
    """Return what would be sent, the length that would be announced, and the MD5."""
    with opened(item(file), **more) as source:
        content = b"".join(source)
        return content, len(source), source.md5()


def expected(content: bytes) -> tuple[bytes, int, str]:
    return content, len(content), hashlib.md5(content).hexdigest()


class Pipe(io.RawIOBase):
    """Gives its blocks and cannot seek."""

    def __init__(self, *blocks: Any) -> None:
        self.blocks = list(blocks)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> Any:
        return self.blocks.pop(0) if self.blocks else b""


# --- what is read ---------------------------------------------------------------------------


@each("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_a_file_of_any_size_is_read_whole(size: int) -> None:
    """B25, B26."""
    content = os.urandom(size)
    assert read(io.BytesIO(content)) == expected(content)


@pytest.mark.parametrize("position", [0, 3, 8])
def test_a_file_that_was_read_before_is_rewound(position: int) -> None:
    """B31."""
    file = io.BytesIO(b"contents")
    file.seek(position)
    assert read(file) == expected(b"contents")


@pytest.mark.parametrize(
    "file",
    [
        lambda: ContentFile(b"contents"),
        lambda: SimpleUploadedFile("a", b"contents"),
        lambda: File(io.BytesIO(b"contents")),
        lambda: io.BufferedReader(io.BytesIO(b"contents")),  # type: ignore[arg-type]
    ],
    ids=["content", "upload", "wrapped", "buffered"],
)
def test_django_s_own_files_are_read(file: Callable[[], Any]) -> None:
    assert read(file()) == expected(b"contents")


def test_a_spooled_file_is_read_and_stays_in_memory() -> None:
    with tempfile.SpooledTemporaryFile(max_size=100) as file:
        file.write(b"contents")
        assert read(file) == expected(b"contents")
        assert file._rolled is False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["", "中文", "a\r\nb\n", "😀" * 1000], ids=["empty", "chinese", "lines", "long"]
)
def test_text_is_sent_as_utf8_with_its_length_in_bytes(text: str) -> None:
    """B29: two Chinese characters are six bytes (measured, M5)."""
    assert read(io.StringIO(text, newline="")) == expected(text.encode())


def test_a_file_opened_as_text_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("中文", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        file.read(1)
        assert read(file) == expected("中文".encode())


@pytest.mark.parametrize(
    "blocks",
    [(), (b"a",), (b"a" * BLOCK, b"b", b"c" * 100), ("中", "文"), (b"x" * 3 * 1024 * 1024,)],
)
def test_a_file_that_cannot_seek_is_copied_first(blocks: tuple[Any, ...]) -> None:
    """B30."""
    content = b"".join(b.encode() if isinstance(b, str) else b for b in blocks)
    with Pipe(*blocks) as pipe:
        assert read(pipe) == expected(content)


def test_a_copy_is_made_block_by_block() -> None:
    class Response:
        sizes: ClassVar[list[int]] = []

        def read(self, size: int) -> bytes:
            self.sizes.append(size)
            return b""

    with opened(UploadItem("a", Response, close=False)):  # type: ignore[arg-type]
        assert set(Response.sizes) == {BLOCK}


@pytest.mark.parametrize("position", [0, 3])
def test_a_file_as_the_system_opens_it_is_read_without_a_copy(path: Path, position: int) -> None:
    with path.open("rb", buffering=0) as file:
        file.seek(position)
        with opened(item(file)) as source:
            assert source.file is file
            assert (len(source), b"".join(source)) == (2 * BLOCK, b"x" * 2 * BLOCK)


def test_a_file_with_read_seek_and_tell_alone_is_read_without_a_copy() -> None:
    class Old:
        def __init__(self) -> None:
            inner = io.BytesIO(b"contents")
            self.read, self.seek, self.tell = inner.read, inner.seek, inner.tell

    old = Old()
    with opened(item(old, close=False)) as source:
        assert source.file is old
        assert (len(source), b"".join(source)) == (8, b"contents")


def test_a_file_whose_seek_returns_nothing_is_measured_by_tell() -> None:
    class Mute(io.BytesIO):
        def seek(self, *args: Any) -> Any:
            super().seek(*args)

    assert read(Mute(b"contents")) == expected(b"contents")


def test_a_pipe_of_the_system_is_copied_first() -> None:
    out, into = os.pipe()
    os.write(into, b"contents")
    os.close(into)
    with open(out, "rb", buffering=0) as pipe:
        assert read(pipe) == expected(b"contents")


def test_an_object_with_read_alone_is_copied_first() -> None:
    class Response:
        blocks = [b"con", b"tents"]

        def read(self, size: int) -> bytes:
            return self.blocks.pop(0) if self.blocks else b""

    assert UploadItem("a", Response, close=False).close is False
    with opened(UploadItem("a", Response, close=False)) as source:  # type: ignore[arg-type]
        assert b"".join(source) == b"contents"


@each("lie", [0, 3, 5_000, -1, None, "many"])
def test_a_size_that_lies_is_not_believed(lie: Any) -> None:
    """B35."""
    file = ContentFile(b"contents")
    file.size = lie  # type: ignore[misc]
    with opened(item(file, size=lie)) as source:
        assert (len(source), b"".join(source)) == (8, b"contents")


_BLOCKS = st.lists(st.binary(max_size=40), max_size=6)


@examples(100)
@given(_BLOCKS, st.booleans(), st.integers(0, 50))
def test_any_bytes_in_any_pieces_from_any_position_arrive_whole(
    blocks: list[bytes], seekable: bool, position: int
) -> None:
    """H4."""
    content = b"".join(blocks)
    if seekable:
        file: Any = io.BytesIO(content)
        file.seek(position)
    else:
        file = Pipe(*[block for block in blocks if block])
    assert read(file) == expected(content)


# --- hashing --------------------------------------------------------------------------------


def test_a_small_file_is_hashed_ahead() -> None:
    with opened(item(io.BytesIO(b"contents"))) as source:
        assert source.known_md5 == hashlib.md5(b"contents").hexdigest()


@pytest.mark.parametrize(("size", "ahead"), [(HASH_AHEAD, True), (HASH_AHEAD + 1, False)])
def test_a_large_file_is_hashed_while_it_streams(size: int, ahead: bool) -> None:
    content = b"x" * size
    with opened(item(io.BytesIO(content))) as source:
        assert bool(source.known_md5) is ahead
        assert b"".join(source) == content
        assert source.md5() == hashlib.md5(content).hexdigest()


def test_a_known_md5_saves_the_reading_ahead() -> None:
    file = CountingFile(b"contents")
    with opened(item(file), md5=hashlib.md5(b"contents").hexdigest()) as source:
        b"".join(source)
        source.md5()
        assert file.taken == 8


def test_a_known_md5_that_is_wrong_is_a_change() -> None:
    with opened(item(io.BytesIO(b"contents")), md5="0" * 32) as source:
        b"".join(source)
        with pytest.raises(SourceChanged):
            source.md5()


def test_a_body_counts_as_sent_with_its_last_block() -> None:
    with opened(item(io.BytesIO(b"x" * (BLOCK + 1)))) as source:
        assert source.handed_over is False
        seen = [source.handed_over for _block in source]
    assert seen == [False, True]


def test_a_fingerprint_is_both_digests_and_the_size() -> None:
    found = fingerprint(item(io.BytesIO(b"contents")))
    sha256 = hashlib.sha256(b"contents").hexdigest()
    assert (found.md5, found.sha256, found.size) == (expected(b"contents")[2], sha256, 8)


def test_a_fingerprint_that_is_known_opens_no_file() -> None:
    known = item(lambda: pytest.fail("it was opened"), md5="0" * 32, sha256="0" * 64, size=5)
    assert fingerprint(known) is known


def test_a_file_that_cannot_be_read_has_no_fingerprint_but_the_size_that_it_had() -> None:
    unreadable = item(Odd(lambda size: 1 / 0), size=5)
    assert fingerprint(unreadable) is unreadable


def test_a_fingerprint_ends_at_the_block_at_which_its_caller_raises() -> None:
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fingerprint(item(io.BytesIO(b"x" * 5 * BLOCK)), tick)


# --- files that change ----------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (2 * BLOCK))
    return path


def read_while(path: Path, change: Callable[[Path], object]) -> bytes:
    """Read a block, make the change, then read on to the end; return all that was read."""
    with opened(item(lambda: path.open("rb"))) as source:
        blocks = iter(source)
        first = next(blocks)
        change(path)
        whole = first + b"".join(blocks)
        source.md5()
    return whole


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.truncate(path, BLOCK + 1),
        lambda path: os.truncate(path, 0),
        lambda path: path.open("ab").write(b"more") and gc.collect(),
        lambda path: path.write_bytes(b"y" * (2 * BLOCK)),
        lambda path: os.utime(path, (1, 1)),
    ],
    ids=["shrinks", "emptied", "grows", "rewritten", "touched"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_change_of_the_file_while_it_is_read_is_noticed(
    path: Path, change: Callable[[Path], object]
) -> None:
    """P05, P07: COS would store a cut object and answer 200."""
    with pytest.raises(SourceChanged) as caught:
        read_while(path, change)
    assert (caught.value.remedy, caught.value.once) == (Remedy.NEW_LINK, True)
    assert caught.value.stage == "source"


def test_a_file_that_shrinks_never_gives_fewer_bytes_than_announced(path: Path) -> None:
    """It raises before the HTTP layer can hang."""
    with opened(item(lambda: path.open("rb"))) as source:
        os.truncate(path, BLOCK)
        with pytest.raises(SourceChanged, match="became shorter") as caught:
            b"".join(source)
    assert not caught.value.maybe_stored, "the body was never complete"


def test_a_file_that_grows_is_sent_at_its_first_length(path: Path) -> None:
    with opened(item(lambda: path.open("rb"))) as source:
        with path.open("ab") as more:
            more.write(b"more")
        assert len(b"".join(source)) == len(source) == 2 * BLOCK
        with pytest.raises(SourceChanged) as caught:
            source.md5()
    assert caught.value.maybe_stored, "the old bytes may be there"


def test_a_file_that_holds_more_than_was_measured_is_not_cut_in_silence() -> None:
    class Growing(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            position = super().seek(offset, whence)
            if whence == os.SEEK_END:
                self.write(b"more")
            return position

    with opened(item(lambda: Growing(b"some"))) as source:
        assert b"".join(source) == b"some"
        with pytest.raises(SourceChanged):
            source.md5()


def test_a_file_that_is_replaced_while_it_is_read_was_sent_as_it_was(path: Path) -> None:
    """The open handle still reads the old one: a consistent upload, no error."""
    other = path.with_name("other")
    other.write_bytes(b"y" * 2 * BLOCK)
    old = path.read_bytes()
    assert read_while(path, lambda path: other.replace(path)) == old


def test_a_file_that_stands_still_is_no_change(path: Path) -> None:
    assert read_while(path, lambda path: path.read_bytes()) == path.read_bytes()


# --- files that cannot be read --------------------------------------------------------------


def refused(file: Any, **changes: Any) -> WxStaticStoreError:
    with pytest.raises(SourceError) as caught, opened(item(file, **changes)) as source:
        b"".join(source)
    assert isinstance(caught.value, OSError)
    assert caught.value.stage == "source"
    return caught.value


def test_a_closed_file_is_refused() -> None:
    """B32."""
    file = io.BytesIO(b"contents")
    file.close()
    assert "is closed" in str(refused(file))


@pytest.mark.parametrize("name", ["missing", "folder", "dangling"])
def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, name: str) -> None:
    """P06, P08."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    error = refused(lambda: (tmp_path / name).open("rb"))
    assert error.__cause__ is None
    assert name in str(error) or "nowhere" in str(error)


def test_any_error_of_a_storage_on_opening_becomes_our_error() -> None:
    def broken() -> Any:
        raise KeyError("no such blob")

    assert "KeyError" in str(refused(broken))


class Odd(io.BytesIO):
    """A file whose `read` gives this answer, but for the test whether it is binary."""

    def __init__(self, answer: Any) -> None:
        super().__init__(b"contents")
        self.answer = answer

    def read(self, size: int | None = -1, /) -> Any:
        return self.answer(size) if size else b""


@each(
    "answer",
    [
        lambda size: None,
        lambda size: 5,
        lambda size: "text",
        lambda size: bytearray(b"x"),
        lambda size: b"x" * (size + 1),
        lambda size: 1 / 0,
        lambda size: (_ for _ in ()).throw(OSError("disk on fire")),
    ],
)
def test_a_read_that_gives_nonsense_is_refused(answer: Callable[[int], Any]) -> None:
    """B34."""
    refused(Odd(answer))


@pytest.mark.parametrize("block", [None, 5, bytearray(b"x"), "\ud800"])
def test_a_file_that_cannot_seek_and_gives_nonsense_is_refused(block: Any) -> None:
    """Above all None, which a pipe gives while it has nothing: that is no end of the file."""
    with Pipe(b"con", block, b"tents") as pipe:
        refused(pipe)


@pytest.mark.parametrize(
    "file", [iter([b"a"]), object(), "text", 5, None], ids=lambda f: type(f).__name__
)
def test_an_object_that_is_not_a_file_is_refused(file: Any) -> None:
    refused(lambda: file, close=False)


def test_a_file_that_cannot_seek_back_is_refused() -> None:
    class Stuck(io.BytesIO):
        def seek(self, *args: Any) -> int:
            raise OSError("Illegal seek")

    assert "Illegal seek" in str(refused(Stuck(b"contents")))


def test_a_refusal_says_how_to_open_the_file() -> None:
    assert "binary mode" in str(refused(Odd(lambda size: "text")))


# --- items of files on the disk, and of what Django saves -----------------------------------


def test_an_item_of_a_path_has_its_size_and_reads_it_unbuffered(path: Path) -> None:
    made = tree_item("a.txt", str(path), follow=True)
    facts = (made.name, made.size, made.hashed, made.cache_control)
    assert facts == ("a.txt", 2 * BLOCK, False, None)
    with made.open() as file:
        assert isinstance(file, io.FileIO)
        assert file.read() == b"x" * 2 * BLOCK


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1])
def test_a_small_file_of_a_tree_has_its_digests(tmp_path: Path, size: int) -> None:
    body = b"x" * size
    (tmp_path / "a.txt").write_bytes(body)
    made = tree_item("a.txt", str(tmp_path / "a.txt"), hashed=True, cache_control="no-store")
    assert (made.md5, made.sha256) == (expected(body)[2], hashlib.sha256(body).hexdigest())
    assert (made.size, made.hashed, made.cache_control) == (size, True, "no-store")
    assert content(made) == body


def test_a_large_file_of_a_tree_is_not_read_before_it_is_hashed(path: Path) -> None:
    made = tree_item("a.txt", str(path))
    assert (made.md5, made.sha256, made.size) == (None, None, 2 * BLOCK)
    assert fingerprint(made).md5 == expected(path.read_bytes())[2]


@pytest.mark.parametrize(("follow", "size"), [(True, 4), (False, None)])
def test_a_link_is_read_only_where_links_are_followed(
    tmp_path: Path, follow: bool, size: int | None
) -> None:
    (tmp_path / "a.txt").write_bytes(b"body")
    (tmp_path / "link.txt").symlink_to("a.txt")
    made = tree_item("link.txt", str(tmp_path / "link.txt"), follow=follow)
    assert (made.size, bool(made.md5), bool(made.sha256)) == (size, follow, follow)


def test_where_links_are_followed_another_file_may_replace_this_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"body")
    made = tree_item("a.txt", str(path), follow=True)
    (tmp_path / "new.txt").write_bytes(b"other")
    (tmp_path / "new.txt").rename(path)
    with made.open() as file:
        assert file.read() == b"other"


def test_a_time_out_of_the_caller_ends_the_reading_of_a_tree(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error may be an OSError, as those of the disk, which only fail the file."""

    def time_out(*_args: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGUSR1, time_out)
    monkeypatch.setattr(sources, "_read_small", lambda *_args: signal.raise_signal(signal.SIGUSR1))
    try:
        with pytest.raises(TimeoutError):
            tree_item("a.txt", str(path))
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_file_of_a_tree_that_is_read_while_it_grows_is_hashed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"half")
    facts = os.stat(path)
    monkeypatch.setattr(sources, "_read_small", lambda *_args: (facts, b"half of it"))
    assert tree_item("a.txt", str(path)).md5 is None


def test_an_item_of_a_missing_path_fails_when_it_is_opened(tmp_path: Path) -> None:
    made = tree_item("a.txt", str(tmp_path / "missing"), follow=True)
    assert made.size is None
    assert "missing" in str(refused(made.open))


def content(made: UploadItem) -> bytes:
    with opened(made) as source:
        return b"".join(source)


def test_an_item_of_a_django_file_reads_it_and_leaves_it_open() -> None:
    file = ContentFile(b"contents")
    made = content_item("a.txt", file)
    assert (made.name, made.size, made.close) == ("a.txt", 8, False)
    assert content(made) == b"contents"
    assert not file.closed


class Sized(io.BytesIO):
    """A file with this `size`."""

    def __init__(self, size: Callable[[], Any]) -> None:
        super().__init__(b"contents")
        self._size = size

    @property
    def size(self) -> Any:
        return self._size()


@pytest.mark.parametrize(
    ("says", "known"),
    [
        (lambda: 1, 1),
        (lambda: 0, None),
        (lambda: -1, None),
        (lambda: "8", None),
        (lambda: 1 / 0, None),
    ],
    ids=["number", "nothing", "negative", "text", "error"],
)
def test_a_size_that_a_file_cannot_tell_is_not_known_yet(
    says: Callable[[], Any], known: int | None
) -> None:
    assert content_item("a.txt", Sized(says)).size == known


def closed(file: Any) -> Any:
    file.close()
    return file


def test_a_closed_file_of_the_disk_is_read_from_its_path(path: Path) -> None:
    class Kept(File):  # type: ignore[type-arg]
        path = ""

    file = closed(Kept(path.open("rb")))
    file.path = str(path)
    made = content_item("a.txt", file)
    assert (made.name, content(made)) == ("a.txt", b"x" * 2 * BLOCK)


def test_a_closed_temporary_upload_is_read_from_its_temporary_path(path: Path) -> None:
    class Upload(io.BytesIO):
        path = "/no/such/file"

        def temporary_file_path(self) -> str:
            return str(path)

    assert content(content_item("a.txt", closed(Upload()))) == b"x" * 2 * BLOCK


@pytest.mark.parametrize("at", ["", "/no/such/file"])
def test_a_closed_file_without_a_file_at_its_path_is_refused(at: str) -> None:
    class Lost(io.BytesIO):
        path = at

    assert "is closed" in str(refused(content_item("a.txt", closed(Lost())).open, close=False))


def test_a_closed_object_without_seek_is_refused() -> None:
    class Closed:
        closed = True

    assert "is closed" in str(refused(content_item("a.txt", Closed()).open, close=False))


def test_a_field_s_file_that_counts_as_closed_is_opened_by_its_first_seek() -> None:
    """Of a storage that knows no paths."""

    class Sleeping(io.BytesIO):
        asleep = True

        @property
        def closed(self) -> bool:
            return self.asleep

        @property
        def path(self) -> str:
            raise NotImplementedError

        def seek(self, position: int, whence: int = 0) -> int:
            self.asleep = False
            return super().seek(position, whence)

    assert content(content_item("a.txt", Sleeping(b"contents"))) == b"contents"


def test_an_object_that_does_not_say_whether_it_is_closed_is_read_itself(path: Path) -> None:
    class Response:
        def __init__(self) -> None:
            self.read, self.path = io.BytesIO(b"contents").read, str(path)

    assert content(content_item("a.txt", Response())) == b"contents"


# --- who closes what ------------------------------------------------------------------------


def test_a_file_that_we_opened_is_closed() -> None:
    file = io.BytesIO(b"contents")
    with opened(item(file, close=True)):
        assert not file.closed
    assert file.closed


def test_a_caller_s_file_stays_open() -> None:
    """B33: it can still be read after `save()`."""
    file = io.BytesIO(b"contents")
    with opened(item(file, close=False)) as source:
        b"".join(source)
    file.seek(0)
    assert file.read() == b"contents"


@pytest.mark.parametrize(("close", "closed"), [(True, True), (False, False)])
def test_a_file_is_closed_or_left_open_as_agreed_after_an_error(close: bool, closed: bool) -> None:
    file = Odd(lambda size: None)
    refused(file, close=close)
    assert file.closed is closed
    file.close()


def test_a_copy_is_closed_and_the_original_is_left_as_agreed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def spool(*args: Any) -> Any:
        made.append(tempfile.SpooledTemporaryFile(*args))  # noqa: SIM115 -- `opened` closes it
        return made[-1]

    monkeypatch.setattr(sources, "SpooledTemporaryFile", spool)
    monkeypatch.setattr(sources, "_stat_of", lambda file: None)
    with Pipe(b"contents") as pipe:
        with opened(item(pipe, close=False)) as source:
            assert b"".join(source) == b"contents"
        assert [copy.closed for copy in made] == [True]
        assert not pipe.closed
