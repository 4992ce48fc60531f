"""A copy of another storage: what is sent, what is known, and what is never overwritten."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage, storages
from django.db import DatabaseError
from django.utils import timezone

from tests.bookshop.models import Book
from tests.conftest import lost_table
from tests.log.conftest import row
from wx_static_store.conf import options_for
from wx_static_store.core import interrupts
from wx_static_store.deploy.media_import import MediaImport, names_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, WxStaticStoreError
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.upload import database
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.push import push
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.waiting import note_away, note_back

pytestmark = pytest.mark.django_db

LONG = "/".join(["x" * 200] * 4) + "/"  # 804 bytes, in folders that any disk takes


class Watched(FileSystemStorage):
    """A folder that counts what is opened, and can do something first."""

    opened: Counter[str]
    before_open: Callable[[str], object]
    before_look: Callable[[str], object]

    def open(self, name: str, mode: str = "rb") -> File:  # type: ignore[type-arg]
        self.opened[name] += 1
        self.before_open(name)
        return super().open(name, mode)

    def get_modified_time(self, name: str) -> datetime:
        self.before_look(name)
        return super().get_modified_time(name)


class Move:
    """A folder of pictures, and the store into which they are to go."""

    def __init__(self, cloud: EmulatorServer, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.source = Watched(location=str(folder))
        self.source.opened = Counter()
        self.source.before_open = self.source.before_look = lambda name: None
        self.why: dict[str, str] = {}

    def write(self, **files: bytes) -> None:
        for name, body in files.items():
            self.put(name, body)

    def put(self, name: str, body: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def run(self, **how: Any) -> dict[str, list[str]]:
        """Return the names by what became of them."""
        found: dict[str, list[str]] = {}

        def report(kind: str, name: str, why: object) -> None:
            found.setdefault(kind, []).append(name)
            self.why[name] = str(why)

        with interrupts.held():
            MediaImport(self.source, get_uploader(), report, **how).run()
        return {kind: sorted(names) for kind, names in found.items()}

    def public(self) -> dict[str, bytes]:
        return {
            key.removeprefix("media/"): found.body for key, found in self.cloud.objects().items()
        }

    def puts(self) -> int:
        return len(self.cloud.calls("put_object"))


@pytest.fixture
def move(configure: Any, tmp_path: Path) -> Move:
    return make_move(configure, tmp_path)


def make_move(configure: Any, tmp_path: Path, **options: Any) -> Move:
    local = "django.core.files.storage.FileSystemStorage"
    kept = {"BACKEND": local, "OPTIONS": {"location": str(tmp_path / "kept")}}
    store = {"location": "media", **options}
    cloud = configure(
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": store},
            "staticfiles": {"BACKEND": local},
            "kept": kept,
        },
        WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "MAX_WORKERS": 1, "WAITING_STORAGE": "kept"},
    )
    folder = tmp_path / "old"
    folder.mkdir()
    return Move(cloud, folder)


def save(name: str, body: bytes) -> None:
    assert default_storage.save(name, ContentFile(body)) == name


# --- what is sent ------------------------------------------------------------------------------


def test_every_file_goes_under_its_name(move: Move) -> None:
    files = {"a.txt": b"tea", ".hidden/.b": b"", "茶 馆/c d.txt": b"pot", "no_ending": b"x" * 9}
    for name, body in files.items():
        move.put(name, body)
    assert move.run() == {"sent": sorted(files)}
    assert move.public() == files


def test_links_of_a_folder_are_followed_as_its_storage_follows_them(
    move: Move, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.txt").write_bytes(b"pot")
    (move.folder / "other-disk").symlink_to(outside)
    (move.folder / "a.txt").symlink_to(outside / "b.txt")
    assert move.run() == {"sent": ["a.txt", "other-disk/b.txt"]}
    assert {*move.public().values()} == {b"pot"}


def test_a_prefix_chooses_files_and_folders(move: Move) -> None:
    for name in ("tea/1", "tea/2/3", "teapot", "other/tea", "t"):
        move.put(name, b"x")
    assert move.run(prefix="tea")["sent"] == ["tea/1", "tea/2/3", "teapot"]
    assert [name for name, _mark in names_of(move.source, "tea/2/")] == ["tea/2/3"]


def test_the_log_has_a_row_of_each_file_with_its_mark(move: Move) -> None:
    move.write(a=b"tea")
    move.run()
    [row] = UploadLog.objects.all()
    assert (row.name, row.source, row.source_ref.split()[0]) == ("a", "import", "3")


def test_more_files_than_one_list_shows_are_all_compared(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.media_import.PAGE", 2)
    names = ["a", "b", "c", "d", "e"]
    move.write(**dict.fromkeys(names, b"x"))
    assert move.run() == {"sent": names}
    assert move.run() == {"unchanged": names}


def test_a_dry_run_says_what_is_new_and_sends_nothing(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    move.cloud.put_object("media/b", b"pot")
    assert move.run(dry_run=True) == {"new": ["a"], "corrected": ["b"]}
    assert (move.puts(), UploadLog.objects.count()) == (0, 0)


# --- what is known -----------------------------------------------------------------------------


def test_a_second_run_sends_and_reads_nothing(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    move.run()
    move.source.opened.clear()
    assert move.run() == {"unchanged": ["a", "b"]}
    assert (move.puts(), move.source.opened) == (2, {})


def test_the_same_bytes_without_a_row_get_one_and_are_not_sent(move: Move) -> None:
    move.write(a=b"tea")
    move.cloud.put_object("media/a", b"tea")
    assert move.run() == {"corrected": ["a"]}
    assert move.run() == {"unchanged": ["a"]}
    assert move.puts() == 0


def test_a_file_that_only_got_a_newer_time_is_not_sent_again(move: Move) -> None:
    move.write(a=b"tea")
    move.run()
    os.utime(move.folder / "a", (1, 1))
    assert move.run() == {"corrected": ["a"]}
    assert (move.run(), move.puts()) == ({"unchanged": ["a"]}, 1)


def test_a_file_whose_time_nobody_knows_is_read_and_not_sent_again(move: Move) -> None:
    move.write(a=b"tea")

    def refuse(name: str) -> None:
        raise NotImplementedError

    move.source.before_look = refuse
    move.run()
    assert move.run() == {"unchanged": ["a"]}
    assert (move.source.opened["a"], move.puts(), UploadLog.objects.count()) == (2, 1, 1)
    move.write(a=b"pot")
    assert move.run() == {"sent": ["a"]}


def test_without_md5_in_the_list_the_row_knows_the_file(move: Move) -> None:
    move.cloud.quirks.list_md5 = "multipart"
    move.write(a=b"tea")
    move.run()
    assert move.run() == {"unchanged": ["a"]}
    os.utime(move.folder / "a", (1, 1))
    assert move.run() == {"corrected": ["a"]}


def test_a_list_that_is_late_neither_misses_nor_repeats_a_file(move: Move) -> None:
    move.cloud.quirks.list_lag_seconds = 600
    move.write(a=b"tea")
    assert move.run() == {"sent": ["a"]}
    assert (move.run(), move.puts()) == ({"unchanged": ["a"]}, 1)


# --- a source that changes ---------------------------------------------------------------------


def test_a_file_that_changed_since_its_import_is_sent_again(move: Move) -> None:
    move.write(a=b"tea")
    move.run()
    move.write(a=b"other tea")
    assert move.run() == {"sent": ["a"]}
    assert move.public() == {"a": b"other tea"}


def test_a_file_that_changes_while_it_is_sent_is_right_after_the_next_run(move: Move) -> None:
    move.write(a=b"tea")
    move.source.before_open = lambda name: move.write(a=b"other tea")
    move.run()
    move.source.before_open = lambda name: None
    assert move.run() == {"corrected": ["a"]}
    assert (move.public(), move.run()) == ({"a": b"other tea"}, {"unchanged": ["a"]})


def test_a_file_that_goes_while_it_is_sent_fails_and_stops_no_other(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    move.source.before_open = lambda name: (move.folder / "a").unlink(missing_ok=True)
    assert move.run() == {"failed": ["a"], "sent": ["b"]}
    assert "cannot be read" in move.why["a"]


def test_a_file_that_cannot_be_read_for_its_comparison_fails(move: Move) -> None:
    move.write(a=b"tea")
    move.cloud.put_object("media/a", b"tea")
    move.source.before_open = lambda name: (move.folder / "a").unlink()
    assert move.run() == {"failed": ["a"]}


# --- what is never overwritten -----------------------------------------------------------------


def test_a_file_saved_after_the_switch_stays(move: Move) -> None:
    move.write(a=b"tea")
    save("a", b"saved later")
    assert move.run() == {"differs": ["a"]}
    assert move.public() == {"a": b"saved later"}
    assert "11 bytes in the cloud, 3 here" in move.why["a"]


def test_a_file_that_replaced_the_imported_one_stays(configure: Any, tmp_path: Path) -> None:
    move = make_move(configure, tmp_path, file_overwrite=True)
    move.write(a=b"tea")
    move.run()
    save("a", b"saved later")
    assert move.run() == {"differs": ["a"]}
    assert move.public() == {"a": b"saved later"}


def test_a_file_deleted_after_the_switch_stays_deleted(move: Move) -> None:
    move.write(a=b"tea")
    move.run()
    default_storage.delete("a")
    assert move.run() == {"differs": ["a"]}
    assert not default_storage.exists("a")


def test_what_differs_is_replaced_if_that_is_asked_for(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    save("a", b"saved later")
    save("b", b"deleted later")
    default_storage.delete("b")
    assert move.run(overwrite=True) == {"sent": ["a", "b"]}
    assert move.public() == {"a": b"tea", "b": b"pot"}


def test_other_bytes_of_the_same_size_stay_if_the_list_shows_no_md5(move: Move) -> None:
    move.cloud.quirks.list_md5 = "multipart"
    move.write(a=b"tea")
    move.cloud.put_object("media/a", b"pot")
    assert move.run() == {"differs": ["a"]}
    assert "no MD5" in move.why["a"]


def test_a_name_that_a_save_holds_is_left_to_it(move: Move) -> None:
    move.write(a=b"tea")
    assert Claim().take(options_for("default"), "media/a")
    assert move.run() == {"differs": ["a"]}
    assert move.puts() == 0


def test_an_upload_that_has_not_ended_is_not_overwritten(move: Move) -> None:
    move.write(a=b"tea")
    row("media/a", status="unknown", source="storage", size=3, md5="0" * 32)
    assert (move.run(), move.puts()) == ({"differs": ["a"]}, 0)


def test_an_import_of_its_own_that_has_not_ended_is_sent_again(move: Move) -> None:
    move.write(a=b"tea")
    row("media/a", status="unknown", source="import", size=3, md5="0" * 32)
    assert move.run() == {"sent": ["a"]}


def test_a_name_that_a_killed_import_held_is_sent(move: Move) -> None:
    move.write(a=b"tea")
    assert Claim("import").take(options_for("default"), "media/a")
    assert move.run() == {"sent": ["a"]}


def test_a_name_is_free_after_a_failed_import(move: Move) -> None:
    move.write(a=b"tea")
    move.cloud.script({"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403})
    assert move.run() == {"failed": ["a"]}
    save("a", b"saved later")


def test_a_file_that_is_saved_between_the_look_and_its_turn_stays(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    move.source.before_open = lambda name: name == "a" and save("b", b"saved now")
    assert move.run() == {"sent": ["a"], "differs": ["b"]}
    assert move.public()["b"] == b"saved now"


def test_a_name_under_which_a_file_waits_is_left_to_it(configure: Any, tmp_path: Path) -> None:
    move = make_move(configure, tmp_path, wait="outage")
    move.write(a=b"tea", b=b"pot")
    note_away(options_for("default"), WxStaticStoreError())
    save("a", b"saved in an outage")
    note_back(options_for("default"))
    assert move.run() == {"waits": ["a"], "sent": ["b"]}
    assert (move.public(), WaitingFile.objects.count()) == ({"b": b"pot"}, 1)


def test_what_waits_stays_the_newest_though_the_cloud_has_the_bytes_of_the_source(
    configure: Any, tmp_path: Path
) -> None:
    move = make_move(configure, tmp_path, wait="always", file_overwrite=True)
    move.write(a=b"tea")
    move.cloud.put_object("media/a", b"tea")  # an import that was killed before its row
    save("a", b"saved after the switch")
    WaitingFile.objects.update(created=timezone.now() - timedelta(minutes=5))
    assert move.run() == {"waits": ["a"]}
    push()
    assert move.public() == {"a": b"saved after the switch"}


def test_a_file_that_is_saved_during_its_put_differs(configure: Any, tmp_path: Path) -> None:
    move = make_move(configure, tmp_path, file_overwrite=True)
    move.write(a=b"tea")
    bodies = iter([b"saved now"])
    move.source.before_open = lambda name: [save(name, body) for body in bodies]
    assert move.run() == {"differs": ["a"]}
    assert move.why["a"] == "it was saved while it was sent: save it again"


def test_a_name_is_free_after_an_interrupted_import(move: Move) -> None:
    move.write(a=b"tea")
    move.source.before_open = lambda name: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        move.run()
    assert Claim("a save").take(options_for("default").settled(), "media/a")


# --- names -------------------------------------------------------------------------------------


def test_a_prefix_of_no_file_is_an_error(move: Move) -> None:
    move.write(a=b"tea")
    with pytest.raises(ConfigurationError, match="No file of the storage begins with '/a'"):
        move.run(prefix="/a")


def test_a_folder_that_goes_while_it_is_listed_stops_no_other(move: Move) -> None:
    move.write(a=b"tea")
    listdir = move.source.listdir
    move.source.listdir = lambda path: (["gone", *listdir(path)[0]], listdir(path)[1])  # type: ignore[method-assign]
    assert move.run() == {"sent": ["a"]}


def test_a_folder_without_a_name_is_left_out(move: Move) -> None:
    move.write(a=b"tea")
    listdir = move.source.listdir
    move.source.listdir = lambda path: (["", *listdir(path)[0]], listdir(path)[1])  # type: ignore[method-assign]
    assert move.run() == {"sent": ["a"]}


def test_a_key_of_850_bytes_is_sent_and_one_of_851_refused(move: Move) -> None:
    fits, long = (LONG + "y" * (850 - len("media/") - len(LONG) + more) for more in (0, 1))
    move.put(fits, b"1")
    move.put(long, b"2")
    assert move.run() == {"refused": [long], "sent": [fits]}
    assert "too long for a key" in move.why[long]


def test_a_name_that_is_no_text_is_refused(move: Move) -> None:
    Path(os.fsdecode(os.fsencode(move.folder) + b"/\xff.txt")).write_bytes(b"x")
    assert move.run() == {"refused": [os.fsdecode(b"\xff.txt")]}


def test_a_decomposed_name_is_found_under_both_of_its_forms(move: Move) -> None:
    move.put("cafe\u0301", b"tea")
    assert move.run() == {"sent": ["caf\xe9"]}
    assert default_storage.exists("cafe\u0301")
    assert move.run() == {"unchanged": ["caf\xe9"]}


def test_two_forms_of_one_name_are_both_refused(move: Move) -> None:
    names = ["cafe\u0301", "caf\xe9"]
    for name in names:
        move.put(name, name.encode())
    assert move.run() == {"refused": names}
    assert "are the same key" in move.why["caf\xe9"]


# --- how it ends -------------------------------------------------------------------------------


def test_an_error_that_concerns_all_files_ends_the_run(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    move.cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 45009})
    with pytest.raises(WxStaticStoreError, match="45009"):
        move.run()
    assert UploadLog.objects.count() == 1
    assert move.run() == {"sent": ["a", "b"]}


def test_no_file_is_sent_if_the_list_cannot_be_read(move: Move) -> None:
    move.write(a=b"tea")
    move.cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with pytest.raises(WxStaticStoreError, match="45009"):
        move.run()
    assert move.puts() == 0


def test_no_file_is_sent_while_the_log_is_not_read(move: Move) -> None:
    """What was deleted would come back."""
    move.write(a=b"tea")
    database.rest(30.0)
    try:
        with pytest.raises(DatabaseError, match="log cannot be read"):
            move.run()
    finally:
        database.rest(0.0)
    assert move.puts() == 0


def test_a_sent_file_that_the_list_does_not_show_at_the_end_is_missing(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.media_import.PAGE", 1)
    move.write(a=b"tea", b=b"pot")

    def lose(name: str) -> None:
        if name == "b":  # a is stored by then; long ago, by our log
            move.cloud.delete_object("media/a")
            UploadLog.objects.update(created="2020-01-01T00:00:00Z")

    move.source.before_open = lose
    assert move.run()["missing"] == ["a"]
    assert move.why["a"] == "it is not in the cloud"


def test_a_sent_file_that_was_deleted_during_the_import_is_not_missing(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wx_static_store.deploy.media_import.PAGE", 1)
    move.write(a=b"tea", b=b"pot")
    move.source.before_open = lambda name: name == "b" and default_storage.delete("a")
    assert move.run() == {"sent": ["a", "b"]}


def test_an_interrupted_list_ends_at_once(move: Move) -> None:
    move.write(a=b"tea", b=b"pot")
    looks: list[str] = []

    def interrupt(name: str) -> None:
        looks.append(name)
        signal.raise_signal(signal.SIGINT)

    move.source.before_look = interrupt
    with pytest.raises(KeyboardInterrupt):
        move.run()
    assert len(looks) == 1


def test_a_storage_that_cannot_be_listed_is_an_error_of_the_settings(move: Move) -> None:
    move.folder.rmdir()
    with pytest.raises(ConfigurationError, match=r"cannot be listed.*FileNotFoundError"):
        move.run()


# --- names in file fields ----------------------------------------------------------------------


@pytest.fixture
def books(move: Move) -> Iterator[Move]:
    """Books whose files are in the source, in the cloud, nowhere, and in no possible place."""
    move.write(a=b"tea")
    save("b", b"saved after the switch")
    for name in ("a", "b", "gone", "/absolute"):
        Book.objects.create(file=name)
    yield move
    Book.objects.all().delete()


def test_names_in_fields_that_nobody_has_are_missing(books: Move) -> None:
    found = books.run(storages=[storages["default"]])
    assert found == {"sent": ["a"], "missing": ["/absolute", "gone"]}
    assert books.why["gone"] == "bookshop.Book.file"


def test_a_field_is_not_reported_for_a_file_that_failed(books: Move) -> None:
    books.cloud.script({"on": "put_object", "do": "cos_error", "code": "Busy", "status": 403})
    found = books.run(storages=[storages["default"]])
    assert found == {"failed": ["a"], "missing": ["/absolute", "gone"]}


def test_a_field_whose_file_waits_is_not_missing(configure: Any, tmp_path: Path) -> None:
    move = make_move(configure, tmp_path, wait="always")
    save("a", b"waits")
    book = Book.objects.create(file="a")
    assert move.run(storages=[storages["default"]]) == {}
    book.delete()


def test_fields_of_other_storages_are_not_looked_at(books: Move) -> None:
    assert "missing" not in books.run(storages=[storages["kept"]])


def test_fields_are_compared_below_the_prefix_only(books: Move) -> None:
    assert books.run(storages=[default_storage], prefix="go") == {"missing": ["gone"]}


def test_fields_are_compared_below_a_folder_that_the_source_lacks(books: Move) -> None:
    assert books.run(storages=[default_storage], prefix="books/") == {}


def test_a_lost_log_stops_the_run_before_it_sends(move: Move) -> None:
    move.write(a=b"tea")
    with lost_table(UploadLog), pytest.raises(Exception, match="no_such_table"):
        move.run()
    assert move.puts() == 0
