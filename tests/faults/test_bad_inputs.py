"""Names, contents, settings: refused before a byte leaves, or stored whole."""

import unicodedata
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import PurePosixPath
from typing import Any
from unittest.mock import patch

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.conftest import slow
from tests.faults.bad_inputs import (
    CONTENTS,
    IGNORED,
    NAMES,
    NO_DISK,
    SETTINGS,
    Content,
    Mistake,
    Name,
)
from tests.faults.harness import CONTEXT, ENV, KEY, Bench, Scene, collect
from tests.faults.rows import Case
from wx_static_store.core.types import UploadItem
from wx_static_store.exceptions import ConfigurationError, NameRejected, SourceError, UploadFailed
from wx_static_store.models import UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

GOOD = Case("B", "", "stored", (0, 0), "", None, 0, options={"FILE_OVERWRITE": True})
BODY = b"content"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("inputs")) as bench:
        yield bench


@pytest.fixture
def scene(bench: Bench) -> Iterator[Scene]:
    with bench.scene(GOOD) as scene:
        yield scene


def named(table: tuple[Any, ...], quick: int = 99) -> list[Any]:
    """Return the rows as parameters; after so many, they are slow."""
    return [
        pytest.param(row, id=row.id, marks=[slow] * (number >= quick))
        for number, row in enumerate(table)
    ]


def calls(scene: Scene) -> tuple[int, int]:
    return len(scene.emulator.calls("staticuploadfile")), len(scene.emulator.calls("put_object"))


def stored(scene: Scene) -> dict[str, bytes]:
    return {key: entry.body for key, entry in scene.emulator.objects().items()}


def item(name: Any, **details: Any) -> UploadItem:
    return UploadItem(name, open=lambda: ContentFile(BODY), **details)


def exit_code(scene: Scene) -> int:
    """Return Python's exit code for an exception, also for one that is no CommandError."""
    try:
        return collect(scene)
    except (SuspiciousFileOperation, ImproperlyConfigured):
        return 1


# --- names ------------------------------------------------------------------------------------


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def refused(name: str) -> bool:
    """Upload a file of this name; say whether the name was refused."""
    try:
        get_uploader().upload(item(name), CONTEXT)
    except NameRejected:
        return True
    return False


def test_an_upload_takes_a_name_or_makes_no_call(scene: Scene) -> None:
    taken = [row.name for row in NAMES if not refused(row.name)]
    assert taken == [row.name for row in NAMES if row.accepted]
    assert stored(scene) == {composed(name): BODY for name in taken}
    assert calls(scene) == (len(taken), len(taken))


def test_an_upload_has_a_row_whether_its_name_is_taken_or_refused(scene: Scene) -> None:
    ends = ["failed" if refused(row.name) else "stored" for row in NAMES]
    rows = {"stored": ("stored", "", 0, 1), "failed": ("failed", "name", None, 0)}
    written = UploadLog.objects.order_by("pk").values_list("status", "stage", "errcode", "attempts")
    assert list(written) == [rows[end] for end in ends]


@pytest.mark.parametrize("row", named(tuple(row for row in NAMES if row.accepted or row.saved)))
def test_save_takes_a_name(scene: Scene, row: Name) -> None:
    name = default_storage.save(row.name, ContentFile(BODY))
    assert row.saved in ("", name)
    assert stored(scene) == {name: BODY}
    assert requests.get(default_storage.url(name), timeout=10).content == BODY


def test_save_makes_no_call_for_a_name_that_it_refuses(scene: Scene) -> None:
    for row in NAMES:
        if not (row.accepted or row.saved):
            with pytest.raises(SuspiciousFileOperation):
                default_storage.save(row.name, ContentFile(BODY))
    assert scene.emulator.journal == []


def write(scene: Scene, name: str) -> None:
    path = scene.source.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BODY)


def test_collectstatic_publishes_the_names_that_it_takes(scene: Scene) -> None:
    there = [row for row in NAMES if row.accepted and row.collected != NO_DISK]
    for row in there:
        write(scene, row.name)
    assert exit_code(scene) == 0
    sent = {composed(row.name) for row in there if row.collected != IGNORED}
    assert set(stored(scene)) == {KEY, *sent}


REFUSED = tuple(row for row in NAMES if not row.accepted and row.collected != NO_DISK)


@pytest.mark.parametrize("row", named(REFUSED, 5))
def test_collectstatic_fails_for_a_name_that_it_refuses(scene: Scene, row: Name) -> None:
    write(scene, row.name)
    assert exit_code(scene) == 1
    assert composed(row.name) not in stored(scene)


@pytest.mark.parametrize("row", named(tuple(r for r in NAMES if r.id[:3] in ("B06", "B07", "B08"))))
def test_no_name_forges_a_line_of_the_log(
    scene: Scene, row: Name, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = nullcontext() if row.accepted else pytest.raises(NameRejected)
    with caplog.at_level("INFO", "wx_static_store.uploads"), outcome:
        get_uploader().upload(item(row.name), CONTEXT)
    lines = [r.getMessage() for r in caplog.records if r.name == "wx_static_store.uploads"]
    assert len(lines) == 1
    assert lines[0].isascii()
    assert lines[0].isprintable()


def test_b05_the_row_of_a_name_with_nul_is_written_escaped(scene: Scene) -> None:
    with pytest.raises(NameRejected):
        get_uploader().upload(item("a\0b"), CONTEXT)
    assert UploadLog.objects.get().name == "a\\x00b"


def test_b08_the_other_files_go_on(scene: Scene) -> None:
    (scene.source.parent / "a\udcffb").write_bytes(BODY)
    assert exit_code(scene) == 1
    assert set(stored(scene)) == {KEY}


def test_b11_the_row_keeps_the_name_as_it_was(scene: Scene) -> None:
    get_uploader().upload(item("cafe\u0301.txt"), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.name, row.key) == ("cafe\u0301.txt", "caf\xe9.txt")


def test_b12_two_forms_of_one_name_are_both_refused(scene: Scene) -> None:
    for name in ("caf\xe9.txt", "cafe\u0301.txt"):
        (scene.source.parent / name).write_bytes(name.encode())
    assert exit_code(scene) == 1
    assert set(stored(scene)) == {KEY}


def test_b12_upper_and_lower_case_are_two_names(scene: Scene) -> None:
    for name in ("A.css", "a.css"):
        (scene.source.parent / name).write_bytes(name.encode())
    assert exit_code(scene) == 0
    assert (stored(scene)["A.css"], stored(scene)["a.css"]) == (b"A.css", b"a.css")


@pytest.mark.parametrize("name", [None, 5, b"a.txt", ["a"]], ids=str)
def test_b23_what_is_no_name_is_a_type_error_before_anything_else(scene: Scene, name: Any) -> None:
    with pytest.raises(TypeError):
        get_uploader().upload(item(name), CONTEXT)
    assert scene.emulator.journal == []


def test_b23_a_path_is_a_name(scene: Scene) -> None:
    default_storage.save(PurePosixPath("d/a.txt"), ContentFile(BODY))  # type: ignore[arg-type]
    assert stored(scene) == {"d/a.txt": BODY}


def test_b24_a_name_that_is_cut_keeps_its_extension(scene: Scene) -> None:
    name = default_storage.save("x" * 200 + ".txt", ContentFile(BODY), max_length=100)
    assert (len(name) <= 100, name[-4:], stored(scene)) == (True, ".txt", {name: BODY})


# --- contents ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", named(CONTENTS))
def test_a_content_is_stored_whole_or_makes_no_call(scene: Scene, row: Content) -> None:
    with closing(row.make()) as content:
        if row.stored is None:
            with pytest.raises(UploadFailed):
                default_storage.save("a.bin", content)
        else:
            default_storage.save("a.bin", content)
    if row.stored is None:
        wanted: tuple[Any, ...] = ("failed", "source", None, 1)
        assert (calls(scene), stored(scene)) == ((0, 0), {})
    else:
        wanted = ("stored", "", 0, 1)
        assert (calls(scene), stored(scene)) == ((1, 1), {"a.bin": row.stored})
    assert UploadLog.objects.values_list("status", "stage", "errcode", "attempts").get() == wanted


@pytest.mark.parametrize("row", named(CONTENTS, 5))
def test_collectstatic_publishes_the_content_or_fails(scene: Scene, row: Content) -> None:
    """It sends what it reads then; a small file of a disk was read before, for its digests."""

    def unread(*args: object) -> None:
        raise SourceError("not before", stage="source")

    scene.open = lambda *args: row.make()
    with patch("wx_static_store.upload.sources._read_small", unread):
        code = exit_code(scene)
    assert code == (row.stored is None)
    assert stored(scene) == ({} if row.stored is None else {KEY: row.stored})


def test_b25_an_empty_file_has_a_length_and_is_not_chunked(scene: Scene) -> None:
    default_storage.save("a.bin", ContentFile(b""))
    put = scene.emulator.calls("put_object")[0]
    assert (put.headers.get("content-length"), put.chunked) == ("0", False)


def test_b33_the_caller_can_read_the_file_after_it_was_saved(scene: Scene) -> None:
    file = ContentFile(BODY)
    default_storage.save("a.bin", file)
    file.seek(0)
    assert file.read() == BODY


def test_b37_the_client_s_content_type_is_not_taken(scene: Scene) -> None:
    file: Any = ContentFile(BODY)
    file.content_type = "text/html\r\nX-Evil: yes"
    default_storage.save("a.bin", file)
    put = scene.emulator.calls("put_object")[0]
    assert put.headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in put.headers


@pytest.mark.parametrize("header", ["content_type", "cache_control"])
def test_b37_a_header_with_a_line_end_makes_no_call(scene: Scene, header: str) -> None:
    with pytest.raises(NameRejected):
        get_uploader().upload(item("a.bin", **{header: "text/html\r\nX-Evil: yes"}), CONTEXT)
    assert scene.emulator.journal == []


# --- settings ---------------------------------------------------------------------------------


@pytest.fixture
def mistaken(bench: Bench, row: Mistake) -> Iterator[Scene]:
    case = Case(row.id, "", "failed", (0, 0), "", None, 1, options={row.setting: row.value})
    with bench.scene(case) as scene:
        scene.wx = {row.setting: row.value}
        with scene.settings():
            yield scene


@pytest.mark.parametrize("row", named(SETTINGS))
def test_a_mistake_in_the_settings_names_itself_at_first_use(mistaken: Scene, row: Mistake) -> None:
    with pytest.raises(ConfigurationError) as caught:
        get_uploader().upload(item("a.txt"), CONTEXT)
    assert row.says in str(caught.value)
    assert "planted" not in str(caught.value)
    assert mistaken.emulator.journal == []
    assert UploadLog.objects.filter(status="failed").count() == UploadLog.objects.count() == row.row


@pytest.mark.parametrize("row", named(SETTINGS))
def test_collectstatic_fails_with_a_mistake_in_the_settings(mistaken: Scene, row: Mistake) -> None:
    assert exit_code(mistaken) == 1
    assert mistaken.emulator.journal == []


def test_b38_nothing_is_asked_of_the_settings_before_the_first_use(bench: Bench) -> None:
    with bench.scene(GOOD) as scene:
        scene.wx = {"ENV": None}
        with scene.settings():
            storage = WxStorage()
            with pytest.raises(ImproperlyConfigured, match="ENV"):
                storage.exists("a")


def test_b47_two_environments_do_not_mix(scene: Scene) -> None:
    scene.emulator.add_env("tenant-b")
    for env in (ENV, "tenant-b"):
        WxStorage(env=env).save("a.txt", ContentFile(env.encode()))
    assert [scene.emulator.objects(env)["a.txt"].body.decode() for env in (ENV, "tenant-b")] == [
        ENV,
        "tenant-b",
    ]
    assert set(UploadLog.objects.values_list("env", "key")) == {
        (ENV, "a.txt"),
        ("tenant-b", "a.txt"),
    }
