"""`WxStorage`: what is saved reaches the other side byte for byte, and the API keeps its word."""

import io
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile, UploadedFile
from django.db import models, transaction
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.bookshop.models import Book
from tests.conftest import ENV
from wx_static_store.core.notes import REST_SECONDS
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    IntegrityError,
    NameRejected,
    UploadFailed,
)
from wx_static_store.log.reconcile import LogComparison
from wx_static_store.models import UploadLog
from wx_static_store.storage import WxStorage
from wx_static_store.upload.database import close_connections
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db

# one pixel
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccfc0"
    "f01f00050001ff89993d1d0000000049454e44ae426082"
)


class HandedOver(File):  # type: ignore[type-arg]
    """As a package hands over what it received earlier: closed, and on the disk."""

    def __init__(self, path: str) -> None:
        super().__init__(None, "a.txt")
        self._path = path

    def temporary_file_path(self) -> str:
        return self._path


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def body(cloud: EmulatorServer, key: str) -> bytes:
    content: bytes = cloud.objects()[key].body
    return content


def counts(cloud: EmulatorServer) -> dict[str, int]:
    names = ("staticfilelist", "staticuploadfile", "put_object", "get_object")
    return {name: n for name in names if (n := len(cloud.calls(name)))}


# --- save -------------------------------------------------------------------------------------


def test_a_save_stores_the_bytes_under_the_name(cloud: EmulatorServer) -> None:
    assert default_storage.save("notes/a.txt", ContentFile(b"hello")) == "notes/a.txt"
    assert body(cloud, "notes/a.txt") == b"hello"


@pytest.mark.parametrize(
    "name", ["图/文 档.txt", "a+b.txt", "100%.txt", "a#b?.txt", "%2F.txt", "⊗"]
)
def test_a_name_arrives_as_it_is(cloud: EmulatorServer, name: str) -> None:
    default_storage.save(name, ContentFile(b"x"))
    assert body(cloud, name) == b"x"


def test_the_public_address_of_any_name_serves_its_bytes(cloud: EmulatorServer) -> None:
    import requests

    for name in ("图/文 档.txt", "a+b.txt", "100%.txt", "a#b?.txt", "%2F.txt"):
        default_storage.save(name, ContentFile(name.encode()))
        with requests.get(default_storage.url(name), timeout=5) as answer:
            assert answer.content == name.encode()


def test_a_save_makes_three_calls(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"x"))
    assert counts(cloud) == {"staticfilelist": 1, "staticuploadfile": 1, "put_object": 1}


def test_a_save_with_file_overwrite_makes_two_calls(cloud: EmulatorServer) -> None:
    WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))
    assert counts(cloud) == {"staticuploadfile": 1, "put_object": 1}


def test_a_taken_name_gets_a_suffix(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"first"))
    second = default_storage.save("a.txt", ContentFile(b"second"))
    assert second != "a.txt"
    assert body(cloud, "a.txt") == b"first"
    assert body(cloud, second) == b"second"


def test_a_save_with_file_overwrite_replaces_the_file(cloud: EmulatorServer) -> None:
    storage = WxStorage(file_overwrite=True)
    storage.save("a.txt", ContentFile(b"first"))
    assert storage.save("a.txt", ContentFile(b"second")) == "a.txt"
    assert body(cloud, "a.txt") == b"second"


def test_a_name_is_shortened_at_its_root_to_max_length(cloud: EmulatorServer) -> None:
    name = WxStorage(file_overwrite=True).save("x" * 50 + ".tar.gz", ContentFile(b"1"), 20)
    assert len(name) <= 20
    assert name.endswith(".gz")


def test_the_location_comes_before_the_key_and_not_before_the_name(cloud: EmulatorServer) -> None:
    storage = WxStorage(location="media")
    assert storage.save("a.txt", ContentFile(b"x")) == "a.txt"
    assert list(cloud.objects()) == ["media/a.txt"]
    assert storage.url("a.txt") == f"{cloud.site_url()}/media/a.txt"


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        (ContentFile(b""), b""),
        (ContentFile("文字"), "文字".encode()),
        (io.BytesIO(b"raw"), b"raw"),
        (io.StringIO("text é"), "text é".encode()),
        (SimpleUploadedFile("a.bin", b"\x00\xff" * 2000), b"\x00\xff" * 2000),
    ],
    ids=["empty", "text content", "bytes", "text stream", "upload"],
)
def test_content_of_any_kind_arrives_as_bytes(
    cloud: EmulatorServer, content: Any, stored: bytes
) -> None:
    default_storage.save("a", content)
    assert body(cloud, "a") == stored
    assert not cloud.calls("put_object")[0].chunked
    assert cloud.calls("put_object")[0].headers["content-length"] == str(len(stored))


def test_a_half_read_file_is_sent_whole_and_stays_open(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    with path.open("rb") as raw:
        raw.read(5)
        default_storage.save("a", File(raw))
        assert not raw.closed
    assert body(cloud, "a") == b"0123456789"


def test_a_save_sends_content_md5_and_headers(cloud: EmulatorServer) -> None:
    default_storage.save("a.css", ContentFile(b"123456789"))
    sent = cloud.calls("put_object")[0].headers
    assert sent["content-md5"] == "JfnnlDI7RTiF9RgfG2JNCw=="
    assert sent["content-type"] == "text/css; charset=utf-8"
    assert sent["cache-control"] == "public, max-age=300"


def test_cache_control_rules_are_by_pattern(cloud: EmulatorServer) -> None:
    WxStorage(cache_control=[("*.css", "no-store")]).save("a.css", ContentFile(b"x"))
    assert cloud.objects()["a.css"].headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd"])
def test_a_name_that_is_no_key_is_refused_without_a_call(cloud: EmulatorServer, name: str) -> None:
    with pytest.raises(Exception, match=r"name|path|Detected"):
        default_storage.save(name, ContentFile(b"x"))
    with pytest.raises(NameRejected):
        default_storage.exists(name)
    assert cloud.journal == []


def test_a_refused_upload_is_an_oserror_with_the_reason(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097, "errmsg": "invalid"})
    with pytest.raises(OSError, match="errcode 40097") as caught:
        default_storage.save("a.txt", ContentFile(b"x"))
    assert isinstance(caught.value, UploadFailed)
    assert {"env " + ENV, "key a.txt", "errmsg invalid"} <= set(
        str(caught.value).replace(")", ", ").replace("(", ", ").split(", ")
    )
    assert caught.value.status == "failed"


LOOK = "staticfilelist"
NO_LOOK = {
    "a token that expired": ({"do": "errcode", "errcode": 42001}, 42001),
    "the quota of the day": ({"do": "errcode", "errcode": 45009}, 45009),
    "another's environment": ({"do": "errcode", "errcode": -501005}, -501005),
    "a permission that is missing": ({"do": "errcode", "errcode": 61007}, 61007),
    "an outage": ({"do": "reset"}, None),
}


@pytest.mark.parametrize("why", NO_LOOK)
def test_a_save_that_cannot_look_whether_the_name_is_free_is_a_failed_row(
    configure: Any, why: str
) -> None:
    fault, errcode = NO_LOOK[why]
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    cloud.script(fault | {"on": LOOK, "times": None})
    with pytest.raises(UploadFailed) as caught:
        default_storage.save("a.txt", ContentFile(b"hello"))
    row = UploadLog.objects.get()
    assert (caught.value.errcode, caught.value.stage) == (errcode, "name")
    assert (row.status, row.stage, row.errcode, row.key) == ("failed", "name", errcode, "a.txt")
    assert cloud.objects() == {}


def test_a_save_that_cannot_list_is_logged(
    cloud: EmulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script({"on": LOOK, "do": "errcode", "errcode": 45009})
    with pytest.raises(UploadFailed):
        default_storage.save("a.txt", ContentFile(b"hello"))
    (line,) = [one for one in caplog.records if one.name == "wx_static_store.uploads"]
    assert "errcode 45009" in line.getMessage()


@pytest.mark.parametrize("ask", ["exists", "size", "get_modified_time"])
def test_a_failed_exists_or_size_is_an_oserror_and_no_row(cloud: EmulatorServer, ask: str) -> None:
    cloud.script({"on": LOOK, "do": "errcode", "errcode": 45009})
    with pytest.raises(OSError, match="45009"):
        getattr(default_storage, ask)("a.txt")
    assert not UploadLog.objects.exists()


def test_a_folder_that_cannot_be_listed_is_an_oserror_and_no_row(cloud: EmulatorServer) -> None:
    cloud.script({"on": LOOK, "do": "errcode", "errcode": 42001, "times": None})
    with pytest.raises(OSError, match="42001"):
        default_storage.listdir("")
    assert not UploadLog.objects.exists()


def test_a_save_works_without_a_working_cache(cloud: EmulatorServer) -> None:
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
    with override_settings(CACHES={"default": nowhere | {"LOCATION": "redis://127.0.0.1:9"}}):
        assert default_storage.save("a.txt", ContentFile(b"x")) == "a.txt"


@pytest.fixture
def hanging() -> Iterator[socket.socket]:
    """Listen as a cache server that takes each connection and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("fetches", [False, True], ids=["fixed token", "fetched token"])
def test_a_cache_that_hangs_costs_five_saves_one_time_out(
    configure: Any, hanging: socket.socket, fetches: bool
) -> None:
    """At most one in two seconds, whatever the saves ask of it: claims, rate, token."""
    account = configure().state.account
    fetched = {
        "ACCESS_TOKEN": None,
        "COMPONENT_APPID": account.appid,
        "COMPONENT_APPSECRET": account.appsecret,
        "VERIFY_TICKET": account.ticket,
    }
    configure(WX_STATIC_STORE={"API_RATE": 1000, **(fetched if fetches else {})})
    hangs = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{hanging.getsockname()[1]}",
        "OPTIONS": {"socket_timeout": 0.1, "retry": Retry(NoBackoff(), 0)},
    }
    began, asked = monotonic(), 0
    with override_settings(CACHES={"default": hangs}):
        for number in range(5):
            default_storage.save(f"{number}.txt", ContentFile(b"x"))
    seconds = monotonic() - began
    with suppress(BlockingIOError):
        while True:  # each question is a connection: a client hangs up after a time-out
            hanging.accept()[0].close()
            asked += 1
    assert 1 <= asked <= 1 + seconds / REST_SECONDS


def test_the_base_url_comes_before_every_name(configure: Any) -> None:
    configure()
    storage = WxStorage(location="media")
    assert storage.base_url + "notes/a.txt" == storage.url("notes/a.txt")


def test_a_closed_upload_that_lies_on_the_disk_is_read_from_there(cloud: EmulatorServer) -> None:
    with TemporaryUploadedFile("a.txt", "text/plain", 5, None) as upload:
        upload.write(b"hello")
        upload.flush()
        handed_over = HandedOver(upload.temporary_file_path())
        default_storage.save("a.txt", handed_over)
    assert body(cloud, "a.txt") == b"hello"


def test_a_closed_file_with_a_path_is_read_from_there(
    cloud: EmulatorServer, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    with path.open("rb") as file:
        content = File(file)
        content.path = str(path)  # type: ignore[attr-defined]
    default_storage.save("a.txt", content)
    assert body(cloud, "a.txt") == b"hello"


@pytest.mark.parametrize("kind", [lambda file: file, UploadedFile], ids=["alone", "wrapped"])
def test_a_stored_file_that_nobody_opened_yet_is_saved_again(
    cloud: EmulatorServer, kind: Callable[[Any], Any]
) -> None:
    Book.objects.create(file=ContentFile(b"hello", "a.txt"))
    with Book.objects.get().file as file:
        assert file.closed
        default_storage.save("copy.txt", kind(file))
    assert body(cloud, "copy.txt") == b"hello"


def test_a_closed_file_without_a_path_is_an_error(cloud: EmulatorServer, tmp_path: Path) -> None:
    with pytest.raises(UploadFailed, match="is closed"):
        default_storage.save("a.txt", HandedOver(str(tmp_path / "gone")))


def test_a_save_whose_answer_is_lost_is_unknown(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "drop_reply", "times": None})
    with pytest.raises(UploadFailed) as caught:
        WxStorage(file_overwrite=True, max_attempts=1).save("a.txt", ContentFile(b"x"))
    assert caught.value.status == "unknown"
    assert UploadLog.objects.get().status == "unknown"


def test_an_attempt_never_uses_a_link_twice(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "InternalError", "status": 500})
    WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))
    assert counts(cloud) == {"staticuploadfile": 2, "put_object": 2}
    assert body(cloud, "a.txt") == b"x"


def test_bytes_that_arrive_damaged_are_sent_again(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "store_truncated", "bytes": 1})
    WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"whole"))
    assert body(cloud, "a.txt") == b"whole"
    assert UploadLog.objects.get().attempts == 2


# --- read -------------------------------------------------------------------------------------


def test_open_reads_the_public_address(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"hello")
    with default_storage.open("a.txt") as file:
        assert file.read() == b"hello"
    assert counts(cloud)["get_object"] == 1


def test_open_goes_past_a_stale_cache(cloud: EmulatorServer) -> None:
    cloud.quirks.site_stale_seconds = 600
    storage = WxStorage(file_overwrite=True)
    for content in (b"old", b"new"):
        storage.save("a.txt", ContentFile(content))
        with storage.open("a.txt") as file:
            assert file.read() == content


def test_open_refuses_stale_bytes_that_no_cache_buster_passes(cloud: EmulatorServer) -> None:
    cloud.quirks.site_stale_seconds, cloud.quirks.site_cache_busting = 600, False
    storage = WxStorage(file_overwrite=True)
    storage.save("a.txt", ContentFile(b"old"))
    storage.open("a.txt").close()
    storage.save("a.txt", ContentFile(b"new"))
    with pytest.raises(IntegrityError, match="CDN"):
        storage.open("a.txt")


def test_open_believes_the_list_when_somebody_else_wrote(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"ours"))
    cloud.put_object("a.txt", b"theirs")
    with default_storage.open("a.txt") as file:
        assert file.read() == b"theirs"


@pytest.mark.parametrize("method", ["open", "size", "get_modified_time"])
def test_a_missing_file_is_not_found(cloud: EmulatorServer, method: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(default_storage, method)("none.txt")


def test_an_opened_file_can_be_closed_and_opened_again(cloud: EmulatorServer) -> None:
    """A local file of the same name is never taken for it."""
    book = Book(title="t")
    book.file.save("README.rst", ContentFile(b"ours"), save=False)
    book.file.open()
    book.file.close()
    with book.file.open() as file:
        assert file.read() == b"ours"


def test_opening_an_open_file_starts_again(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"hello")
    with default_storage.open("a.txt") as file:
        file.read()
        assert file.open().read() == b"hello"


def test_open_for_writing_says_what_to_do(cloud: EmulatorServer) -> None:
    with pytest.raises(ValueError, match=r"save\(\)"):
        default_storage.open("a.txt", "wb")


def test_exists_is_true_of_the_exact_name_only(cloud: EmulatorServer) -> None:
    cloud.put_object("dir/ab.txt", b"x")
    assert default_storage.exists("dir/ab.txt")
    assert not default_storage.exists("dir/ab")
    assert not default_storage.exists("dir")
    assert not default_storage.exists("dir/")
    assert default_storage.exists("")


def test_size_and_time_come_from_the_list(cloud: EmulatorServer) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    default_storage.save("a.txt", ContentFile(b"12345"))
    assert default_storage.size("a.txt") == 5
    assert before <= default_storage.get_modified_time("a.txt") <= datetime.now(UTC)


def test_the_time_is_naive_without_use_tz(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"12345"))
    with override_settings(USE_TZ=False):
        assert timezone.is_naive(default_storage.get_modified_time("a.txt"))


def test_listdir_shows_one_level(cloud: EmulatorServer) -> None:
    for key in ("a.txt", "d/b.txt", "d/e/c.txt", "dd.txt"):
        cloud.put_object(key, b"x")
    assert default_storage.listdir("") == (["d"], ["a.txt", "dd.txt"])
    assert default_storage.listdir("d") == (["e"], ["b.txt"])


def test_listdir_reads_every_page(cloud: EmulatorServer) -> None:
    cloud.quirks.page_size = 2
    names = [f"{n}.txt" for n in range(5)]
    for name in names:
        cloud.put_object(name, b"x")
    assert default_storage.listdir("") == ([], names)


# --- delete -----------------------------------------------------------------------------------


def test_what_is_deleted_is_no_longer_public(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"private after all"))
    default_storage.delete("a.txt")
    assert body(cloud, "a.txt") == DELETED
    assert cloud.objects()["a.txt"].headers["Cache-Control"] == "no-store"


def test_what_is_deleted_is_not_there(cloud: EmulatorServer) -> None:
    default_storage.save("d/a.txt", ContentFile(b"x"))
    default_storage.delete("d/a.txt")
    assert not default_storage.exists("d/a.txt")
    assert default_storage.listdir("") == ([], [])
    with pytest.raises(FileNotFoundError):
        default_storage.open("d/a.txt")
    with pytest.raises(FileNotFoundError):
        default_storage.size("d/a.txt")


def test_a_marker_is_known_where_the_list_gives_no_md5(cloud: EmulatorServer) -> None:
    cloud.quirks.list_md5 = "multipart"
    cloud.put_object("same size.txt", b"x" * len(DELETED))
    cloud.put_object("deleted.txt", DELETED)
    assert default_storage.exists("same size.txt")
    assert not default_storage.exists("deleted.txt")


def test_a_deleted_name_can_be_taken_again(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"1"))
    default_storage.delete("a.txt")
    assert default_storage.save("a.txt", ContentFile(b"2")) == "a.txt"


def test_deleting_a_missing_name_is_silent_and_writes_nothing(cloud: EmulatorServer) -> None:
    default_storage.delete("none.txt")
    assert counts(cloud) == {"staticfilelist": 1}


def test_a_delete_costs_three_calls(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"x")
    default_storage.delete("a.txt")
    assert counts(cloud) == {"staticfilelist": 1, "staticuploadfile": 1, "put_object": 1}


def test_on_delete_raise_says_that_the_cloud_cannot(cloud: EmulatorServer) -> None:
    with pytest.raises(NotImplementedError, match="cannot delete"):
        WxStorage(on_delete="raise").delete("a.txt")


def test_on_delete_ignore_leaves_the_file_public(cloud: EmulatorServer) -> None:
    cloud.put_object("a.txt", b"x")
    WxStorage(on_delete="ignore").delete("a.txt")
    assert body(cloud, "a.txt") == b"x"


# --- a list that is late ----------------------------------------------------------------------


@pytest.fixture
def late(cloud: EmulatorServer) -> EmulatorServer:
    cloud.quirks.list_lag_seconds = 5
    return cloud


def test_two_saves_of_one_name_by_one_thread_get_two_names(late: EmulatorServer) -> None:
    names = [default_storage.save("photo.jpg", ContentFile(each)) for each in (b"one", b"two")]
    assert len({*names}) == 2
    assert [body(late, name) for name in names] == [b"one", b"two"]


def saved_elsewhere() -> str:
    """Return the name that another thread gets, whose connection sees committed rows only."""

    def save() -> str:
        try:
            return default_storage.save("a.txt", ContentFile(b"two"))
        finally:
            close_connections()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(save).result()


@pytest.mark.django_db(transaction=True)
def test_a_name_stays_claimed_while_nobody_else_sees_its_row(late: EmulatorServer) -> None:
    with transaction.atomic():
        default_storage.save("a.txt", ContentFile(b"one"))
        assert saved_elsewhere() != "a.txt"
    assert body(late, "a.txt") == b"one"


@pytest.mark.django_db(transaction=True)
def test_a_name_stays_claimed_after_its_row_was_rolled_back(late: EmulatorServer) -> None:
    with transaction.atomic():
        default_storage.save("a.txt", ContentFile(b"one"))
        transaction.set_rollback(True)
    assert default_storage.save("a.txt", ContentFile(b"two")) != "a.txt"
    assert body(late, "a.txt") == b"one"


def test_a_saved_file_is_there_before_the_list_shows_it(late: EmulatorServer) -> None:
    name = default_storage.save("a.txt", ContentFile(b"hello"))
    assert default_storage.exists(name)
    assert default_storage.size(name) == 5
    assert default_storage.get_modified_time(name) <= timezone.now()


def test_a_saved_file_is_deleted_before_the_list_shows_it(late: EmulatorServer) -> None:
    name = default_storage.save("a.txt", ContentFile(b"hello"))
    default_storage.delete(name)
    assert body(late, name) == DELETED
    assert not default_storage.exists(name)
    assert default_storage.save("a.txt", ContentFile(b"again")) == name


def test_an_upload_that_fails_does_not_free_the_name_of_the_save_before(
    late: EmulatorServer,
) -> None:
    default_storage.save("a.txt", ContentFile(b"one"))
    late.script({"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied"})
    with pytest.raises(UploadFailed):
        WxStorage(file_overwrite=True, max_attempts=1).save("a.txt", ContentFile(b"no"))
    assert default_storage.save("a.txt", ContentFile(b"two")) != "a.txt"


def test_a_row_that_repeats_a_late_list_does_not_free_the_name_of_a_save(
    late: EmulatorServer,
) -> None:
    default_storage.save("a.txt", ContentFile(b"one"))
    assert [found.kind for found in LogComparison(get_store(), fix=True)] == ["missing"]
    assert default_storage.save("a.txt", ContentFile(b"two")) != "a.txt"


def test_a_save_whose_answer_was_lost_keeps_its_name_from_the_next(late: EmulatorServer) -> None:
    late.script({"on": "put_object", "do": "drop_reply"})
    with pytest.raises(UploadFailed):
        WxStorage(max_attempts=1).save("a.txt", ContentFile(b"one"))
    assert default_storage.save("a.txt", ContentFile(b"two")) != "a.txt"
    assert body(late, "a.txt") == b"one"


# --- Django's manners -------------------------------------------------------------------------


def test_a_storage_is_built_without_settings_database_or_network() -> None:
    with override_settings(WX_STATIC_STORE={}):
        storage = WxStorage()
        with pytest.raises(ConfigurationError, match=r'WX_STATIC_STORE\["ENV"\]'):
            storage.exists("a")


def test_an_unknown_option_names_its_neighbour() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean max_workers"):
        storages.create_storage(
            {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"max_worker": 3}}
        )


def test_path_is_not_implemented() -> None:
    with pytest.raises(NotImplementedError):
        WxStorage().path("a")


def test_a_storage_on_a_field_is_written_into_migrations() -> None:
    field = models.FileField(storage=WxStorage(location="docs"))
    code, _imports = MigrationWriter.serialize(field.deconstruct()[3]["storage"])
    assert code == "wx_static_store.storage.WxStorage(location='docs')"


def test_model_fields_save_and_read(cloud: EmulatorServer) -> None:
    book = Book(title="t")
    book.file.save("report.pdf", ContentFile(b"%PDF"), save=False)
    book.cover.save("cover.png", ContentFile(PNG), save=True)
    again = Book.objects.get()
    assert again.file.name == "books/report.pdf"
    assert (again.cover.width, again.cover.height) == (1, 1)
    assert body(cloud, "covers/cover.png") == PNG


def test_each_upload_is_one_row(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"hello"))
    row = UploadLog.objects.get()
    shown = (row.env, row.key, row.status, row.errcode, row.size, row.attempts, row.source)
    assert shown == (ENV, "a.txt", "stored", 0, 5, 1, "storage")


# --- many tenants -----------------------------------------------------------------------------


def test_a_storage_can_address_another_environment(cloud: EmulatorServer) -> None:
    storage = WxStorage(env="tenant-b")
    storage.save("a.txt", ContentFile(b"b"))
    assert cloud.objects("tenant-b")["a.txt"].body == b"b"
    assert cloud.objects() == {}
    assert storage.url("a.txt") == f"{cloud.site_url('tenant-b')}/a.txt"


@pytest.mark.parametrize("env", ["", None, "no such id!"])
def test_a_callable_env_that_gives_no_id_is_an_error(cloud: EmulatorServer, env: Any) -> None:
    with pytest.raises(ConfigurationError, match="env must be the id"):
        WxStorage(env=lambda: env).save("a.txt", ContentFile(b"x"))
    assert cloud.journal == []


def test_another_tenant_does_not_inherit_the_address(cloud: EmulatorServer) -> None:
    ours = {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"env": ENV}}
    wx = {"ACCESS_TOKEN": cloud.access_token, "API_BASE_URL": cloud.api_url}
    with override_settings(
        STORAGES={"default": ours}, WX_STATIC_STORE=wx | {"BASE_URL": "https://a.example"}
    ):
        assert default_storage.url("x") == "https://a.example/x"
        assert WxStorage(env="tenant-b").url("x") == f"{cloud.site_url('tenant-b')}/x"


def test_a_decomposed_location_is_the_composed_one(cloud: EmulatorServer) -> None:
    storage = WxStorage(location="cafe\u0301")
    storage.save("x.txt", ContentFile(b"x"))
    assert list(cloud.objects()) == ["caf\xe9/x.txt"]
    assert storage.listdir("") == ([], ["x.txt"])
    assert storage.url("x.txt") == f"{cloud.site_url()}/caf%C3%A9/x.txt"


def test_a_callable_env_is_asked_for_each_call(cloud: EmulatorServer) -> None:
    current = [ENV]
    storage = WxStorage(env=lambda: current[0])
    storage.save("a.txt", ContentFile(b"first"))
    current[0] = "tenant-b"
    storage.save("a.txt", ContentFile(b"second"))
    assert body(cloud, "a.txt") == b"first"
    assert cloud.objects("tenant-b")["a.txt"].body == b"second"


def test_the_address_of_the_site_is_asked_once(cloud: EmulatorServer) -> None:
    for _ in range(3):
        WxStorage(env="tenant-b").url("a.txt")
    assert len(cloud.calls("describestaticstore")) <= 1
