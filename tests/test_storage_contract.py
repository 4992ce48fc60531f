"""
What Django expects of a storage, point by point: C-1 to C-26.

Django's own tests of the same points run in ``tests/django_suite``.
"""

import asyncio
import io
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, default_storage, storages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.management import CommandError, call_command
from django.db import models, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test import RequestFactory, override_settings
from django.utils import timezone
from django.utils.encoding import filepath_to_uri
from django.utils.functional import empty
from django.utils.module_loading import import_string
from hypothesis import given, strategies as st

from tests.conftest import ENV, examples, lost_table
from wx_static_store.core.types import DELETED
from wx_static_store.deploy.report import PublishFailed
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import (
    ConfigurationError,
    NameRejected,
    UploadFailed,
    WxStaticStoreError,
)
from wx_static_store.models import UploadLog
from wx_static_store.staticfiles import WxManifestStaticFilesStorage
from wx_static_store.storage import WxStorage

MEDIA = "wx_static_store.storage.WxStorage"
PLAIN = "wx_static_store.staticfiles.WxStaticFilesStorage"
MANIFEST = "wx_static_store.staticfiles.WxManifestStaticFilesStorage"
ALL = pytest.mark.parametrize("backend", [MEDIA, PLAIN, MANIFEST])
STATIC = pytest.mark.parametrize("backend", [PLAIN, MANIFEST])
BAD_NAMES = ["../a", "a/../b", "/etc/passwd", "a\\..\\b", "a\0b", "a//b", "./a"]
BAD_NAME = pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No socket may go anywhere; an attempt fails the test even where its error is caught."""
    attempts: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        raise OSError("no network in this test")

    for owner, name in [(socket.socket, "connect"), (socket.socket, "connect_ex")]:
        monkeypatch.setattr(owner, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    yield
    assert attempts == []


class Front:
    """A small front end, collected into one of our storages."""

    def __init__(self, configure: Any, folder: Path) -> None:
        folder.mkdir()
        self.configure, self.folder = configure, folder
        self.cloud: EmulatorServer
        (folder / "img").mkdir()
        (folder / "a.css").write_text('body { background: url("img/b.svg") }')
        (folder / "img" / "b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    def use(self, backend: str, **changes: Any) -> EmulatorServer:
        self.cloud = self.configure(
            STORAGES={"staticfiles": {"BACKEND": backend, "OPTIONS": {"location": "static"}}},
            STATICFILES_DIRS=[str(self.folder)],
            STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
            **changes,
        )
        return self.cloud

    def collect(self, **options: Any) -> int:
        """Run collectstatic; return the number of its PUTs."""
        before = len(self.cloud.calls("put_object"))
        call_command("collectstatic", interactive=False, verbosity=0, **options)
        return len(self.cloud.calls("put_object")) - before


@pytest.fixture
def front(configure: Any, tmp_path: Path) -> Front:
    return Front(configure, tmp_path / "front")


def names_of(cloud: EmulatorServer) -> list[str]:
    return [entry.name for entry in cloud.journal]


# --- C-1: built without anything --------------------------------------------------------------


@ALL
@pytest.mark.usefixtures("offline")
def test_c01_building_a_storage_asks_nobody(cloud: EmulatorServer, backend: str) -> None:
    """Not the database either: this test has none."""
    assert isinstance(import_string(backend)(), Storage)
    assert isinstance(import_string(backend)(location="x", max_workers=3), Storage)


def test_c01_building_storages_imports_no_http_library_and_nothing_optional() -> None:
    code = f"""
from django.conf import settings
settings.configure(STATIC_ROOT="/nowhere", STATIC_URL="/static/")
import sys, django
from django.utils.module_loading import import_string
django.setup()
for backend in {[MEDIA, PLAIN, MANIFEST]!r}:
    import_string(backend)()
print([name for name in ("requests", "tqdm", "celery", "cryptography") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# --- C-2: options -----------------------------------------------------------------------------


@ALL
def test_c02_options_in_storages_are_those_of_the_storage(
    cloud: EmulatorServer, backend: str
) -> None:
    options = {"location": "docs", "max_workers": 3}
    storage = storages.create_storage({"BACKEND": backend, "OPTIONS": options})
    assert (storage.options.location, storage.options.max_workers) == ("docs/", 3)


@ALL
def test_c02_an_unknown_option_is_refused(backend: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no option 'bucket'"):
        storages.create_storage({"BACKEND": backend, "OPTIONS": {"bucket": "x"}})


# --- C-3: _open, path -------------------------------------------------------------------------


def test_c03_a_missing_file_is_not_found(cloud: EmulatorServer) -> None:
    with pytest.raises(FileNotFoundError):
        default_storage.open("none.txt")


@pytest.mark.usefixtures("offline")
def test_c03_a_remote_file_has_no_path() -> None:
    with pytest.raises(NotImplementedError):
        WxStorage().path("")


def test_c03_a_remote_destination_cannot_be_linked_to(front: Front) -> None:
    cloud = front.use(MEDIA)
    with pytest.raises(CommandError, match="remote destination"):
        front.collect(link=True)
    assert cloud.journal == []


@STATIC
def test_c03_a_linked_file_is_published_with_its_bytes(front: Front, backend: str) -> None:
    cloud = front.use(backend)
    front.collect(link=True)
    assert Path(staticfiles_storage.path("a.css")).is_symlink()
    assert cloud.objects()["static/a.css"].body == (front.folder / "a.css").read_bytes()


# --- C-4: the name that _save returns ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a.txt", "a.txt"), ("d/e/a.txt", "d/e/a.txt"), ("d\\a.txt", "d/a.txt")],
)
def test_c04_a_saved_name_is_relative_and_without_the_location(
    cloud: EmulatorServer, name: str, kept: str
) -> None:
    assert WxStorage(location="media").save(name, ContentFile(b"x")) == kept
    assert list(cloud.objects()) == [f"media/{kept}"]


# --- C-5: called past save() ------------------------------------------------------------------


@pytest.mark.django_db
def test_c05_the_inner_save_uploads_and_logs(cloud: EmulatorServer) -> None:
    storage = WxStorage()
    assert storage._save("a.txt", ContentFile(b"x")) == "a.txt"
    assert storage.exists("a.txt")
    storage.delete("a.txt")
    assert not storage.exists("a.txt")
    rows = UploadLog.objects.order_by("id").values_list("key", "status", "source")
    assert list(rows) == [("a.txt", "stored", "storage"), ("a.txt", "stored", "delete")]


# --- C-6: names -------------------------------------------------------------------------------

# Doubled slashes and dots are refused, not repaired: design.md wins.
METHODS: dict[str, Callable[[Storage, str], Any]] = {
    "_save": lambda storage, name: storage._save(name, ContentFile(b"x")),
    "open": lambda storage, name: storage.open(name),
    "exists": lambda storage, name: storage.exists(name),
    "size": lambda storage, name: storage.size(name),
    "url": lambda storage, name: storage.url(name),
    "delete": lambda storage, name: storage.delete(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
}


@BAD_NAME
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("offline")
def test_c06_no_method_takes_a_name_that_is_no_key(
    cloud: EmulatorServer, method: str, name: str
) -> None:
    with pytest.raises(NameRejected):
        METHODS[method](WxStorage(location="media"), name)


@pytest.mark.parametrize("method", ["_save", "open", "size", "url", "get_modified_time"])
@pytest.mark.usefixtures("offline")
def test_c06_an_empty_name_is_refused(cloud: EmulatorServer, method: str) -> None:
    with pytest.raises(NameRejected):
        METHODS[method](WxStorage(), "")


def test_c06_two_forms_of_a_name_are_one_file(cloud: EmulatorServer) -> None:
    storage = WxStorage()
    assert storage._save("cafe\u0301.txt", ContentFile(b"x")) == "caf\xe9.txt"
    assert storage.exists("cafe\u0301.txt")
    assert storage.url("cafe\u0301.txt") == storage.url("caf\xe9.txt")


@examples(200)
@given(st.text(max_size=20) | st.text(st.sampled_from("a./\\%é\u0301 "), max_size=10))
def test_c06_an_address_never_leaves_the_location(name: str) -> None:
    with override_settings(WX_STATIC_STORE={"ENV": ENV, "ACCESS_TOKEN": "t"}):
        storage = WxStorage(location="media", base_url="https://site.example")
        try:
            path = unquote(urlsplit(storage.url(name)).path)
        except NameRejected:
            return
    assert path.startswith("/media/")
    assert not {"", ".", ".."} & set(path.split("/")[1:])
    assert "\\" not in path


# --- C-7: addresses ---------------------------------------------------------------------------

ODD_NAMES = ["⊗.txt", "%2F.txt", "a+b.txt", "a b.txt", "a#b.txt", "a?b.txt", "中文.txt", "~!*()'"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_c07_an_address_is_quoted_once(cloud: EmulatorServer, name: str) -> None:
    assert default_storage.url(name) == f"{cloud.site_url()}/{filepath_to_uri(name)}"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_c07_the_address_leads_to_the_bytes(cloud: EmulatorServer, name: str) -> None:
    default_storage.save(name, ContentFile(name.encode()))
    with urlopen(default_storage.url(name), timeout=5) as answer:
        assert answer.read() == name.encode()


# Not ``%2F.txt`` with a manifest: Django's own hashing unquotes names, and then misses that file.
@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (PLAIN, "%2F.txt"),
        *product((PLAIN, MANIFEST), ("⊗.txt", "a+b.txt", "a b.txt", "100%.txt", "中文.txt")),
    ],
)
def test_c07_the_address_of_a_static_file_leads_to_its_bytes(
    front: Front, backend: str, name: str
) -> None:
    (front.folder / name).write_text(name)
    front.use(backend)
    front.collect()
    with urlopen(staticfiles_storage.url(name), timeout=5) as answer:
        assert answer.read() == name.encode()


# --- C-8: seekable input ----------------------------------------------------------------------


def test_c08_a_file_is_sent_from_its_start_however_often(cloud: EmulatorServer) -> None:
    content = ContentFile(b"abcdef")
    content.read(3)
    names = [default_storage.save(name, content) for name in ("1.txt", "2.txt")]
    assert [cloud.objects()[name].body for name in names] == [b"abcdef", b"abcdef"]
    assert not content.closed


# --- C-9: exactly the declared length ---------------------------------------------------------


class Pipe(io.RawIOBase):
    """A file that cannot seek and has no size."""

    def __init__(self, body: bytes) -> None:
        self._rest = io.BytesIO(body)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)


LARGE = bytes(range(256)) * 12_000  # 3 MB: an upload of that size lies in a temporary file


def text_file(folder: Path) -> Any:
    path = folder / "text"
    path.write_text("文字\n", encoding="utf-8")
    return path.open(encoding="utf-8")


def large_upload(folder: Path) -> Any:
    file = TemporaryUploadedFile("a.bin", "application/octet-stream", len(LARGE), None)
    file.write(LARGE)
    return file


def answer_of(folder: Path) -> Any:
    path = folder / "served"
    path.write_bytes(b"served")
    return urlopen(path.as_uri())


@pytest.mark.parametrize(
    ("make", "sent"),
    [
        (lambda folder: ContentFile("文字\n"), "文字\n".encode()),
        (lambda folder: ContentFile(b""), b""),
        (text_file, "文字\n".encode()),
        (lambda folder: Pipe(b"x" * 70_000), b"x" * 70_000),
        (large_upload, LARGE),
        (answer_of, b"served"),
    ],
    ids=["text", "empty", "file in text mode", "pipe", "large upload", "answer of urlopen"],
)
def test_c09_the_length_is_that_of_the_bytes(
    cloud: EmulatorServer, tmp_path: Path, make: Callable[[Path], Any], sent: bytes
) -> None:
    with make(tmp_path) as raw:
        default_storage.save("a", raw if isinstance(raw, File) else File(raw))
    put = cloud.calls("put_object")[0]
    assert cloud.objects()["a"].body == sent
    assert (put.headers["content-length"], put.chunked) == (str(len(sent)), False)


# --- C-10: free names -------------------------------------------------------------------------


def test_c10_an_overwriting_save_asks_nobody_whether_the_name_is_free(
    cloud: EmulatorServer,
) -> None:
    WxStorage(file_overwrite=True).save("a.txt", ContentFile(b"x"))
    assert names_of(cloud) == ["staticuploadfile", "put_object"]


@pytest.mark.parametrize("file_overwrite", [False, True])
@pytest.mark.parametrize("name", ["x" * 30 + ".txt", "d/" + "x" * 30 + ".tar.gz"])
def test_c10_the_root_of_a_long_name_is_shortened(
    cloud: EmulatorServer, name: str, file_overwrite: bool
) -> None:
    saved = WxStorage(file_overwrite=file_overwrite).save(name, ContentFile(b"x"), max_length=20)
    assert len(saved) <= 20
    assert saved.endswith(name[name.index(".") :])
    assert list(cloud.objects()) == [saved]


def test_c10_a_taken_name_keeps_all_suffixes_and_the_length(cloud: EmulatorServer) -> None:
    first, second = (
        default_storage.save("archive.tar.gz", ContentFile(b"x"), max_length=20) for _ in range(2)
    )
    assert first == "archive.tar.gz"
    assert second != first
    assert second.endswith(".tar.gz")
    assert len(second) <= 20


def test_c10_a_name_without_room_is_refused(cloud: EmulatorServer) -> None:
    with pytest.raises(SuspiciousFileOperation, match="available filename"):
        default_storage.save("a." + "x" * 30, ContentFile(b"x"), max_length=20)
    assert cloud.calls("put_object") == []


# --- C-11: exists() of folders ----------------------------------------------------------------


def test_c11_the_root_exists_and_no_folder_does(cloud: EmulatorServer) -> None:
    """There are no folders: design.md wins."""
    cloud.put_object("d/a.txt", b"x")
    assert default_storage.exists("")
    assert not default_storage.exists("d")


@pytest.mark.parametrize("backend", [MEDIA, PLAIN, MANIFEST])
def test_c11_collectstatic_clear_works(front: Front, backend: str) -> None:
    front.use(backend)
    front.collect()
    staticfiles_storage.save("old.txt", ContentFile(b"old"))
    front.collect(clear=True)
    assert not staticfiles_storage.exists("old.txt")
    assert staticfiles_storage.exists("a.css")


# --- C-12: times ------------------------------------------------------------------------------


@pytest.mark.parametrize("use_tz", [False, True])
def test_c12_a_time_is_aware_as_use_tz_says(
    cloud: EmulatorServer, settings: Any, use_tz: bool
) -> None:
    cloud.put_object("a.txt", b"x")
    settings.USE_TZ = use_tz
    assert timezone.is_aware(default_storage.get_modified_time("a.txt")) is use_tz


@pytest.mark.parametrize("use_tz", [False, True])
@ALL
def test_c12_collectstatic_compares_times(front: Front, backend: str, use_tz: bool) -> None:
    front.use(backend, USE_TZ=use_tz)
    assert front.collect() > 0
    os.utime(front.folder / "a.css", (0, 0))
    assert front.collect() == 0


def test_c12_a_time_that_the_list_does_not_show_is_not_implemented(cloud: EmulatorServer) -> None:
    listed = {"key": "a.txt", "size": "1", "md5": "0" * 32}
    cloud.script({"on": "staticfilelist", "do": "merge", "json": {"contents": [listed]}})
    with pytest.raises(NotImplementedError):
        default_storage.get_modified_time("a.txt")


# --- C-13: delete without a delete call -------------------------------------------------------


@pytest.mark.django_db
def test_c13_what_is_deleted_is_overwritten_and_logged(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"private after all"))
    default_storage.delete("a.txt")
    assert cloud.objects()["a.txt"].body == DELETED
    assert UploadLog.objects.latest("id").source == "delete"


@pytest.mark.parametrize("on_delete", ["blank", "ignore"])
def test_c13_a_changed_file_is_collected_again(front: Front, on_delete: str) -> None:
    """`collectstatic` deletes what it copies anew."""
    cloud = front.use(MEDIA, WX_STATIC_STORE={"ON_DELETE": on_delete, "FILE_OVERWRITE": True})
    front.collect()
    (front.folder / "a.css").write_text("changed")
    future = cloud.state.now() + 100
    os.utime(front.folder / "a.css", (future, future))
    front.collect()
    assert cloud.objects()["static/a.css"].body == b"changed"


@pytest.mark.usefixtures("offline")
def test_c13_on_delete_raise_says_that_there_is_no_delete(cloud: EmulatorServer) -> None:
    with pytest.raises(NotImplementedError):
        WxStorage(on_delete="raise").delete("a.txt")


# --- C-14: the manifest's home ----------------------------------------------------------------

# The manifest that the site reads is the local one; there is no manifest storage in the database.


def test_c14_the_site_reads_its_manifest_without_network(
    front: Front, request: pytest.FixtureRequest
) -> None:
    front.use(MANIFEST, WX_STATIC_STORE={"BASE_URL": "https://site.example"})
    front.collect()
    request.getfixturevalue("offline")
    fresh = WxManifestStaticFilesStorage(location="static")
    assert fresh.url("a.css") == f"https://site.example/static/{fresh.hashed_files['a.css']}"
    assert Path(fresh.path("staticfiles.json")).is_file()


@pytest.mark.usefixtures("offline")
def test_c14_the_site_works_without_a_manifest(cloud: EmulatorServer) -> None:
    assert WxManifestStaticFilesStorage().read_manifest() is None


# --- C-15: post_process -----------------------------------------------------------------------


@STATIC
def test_c15_a_dry_run_yields_and_sends_nothing(front: Front, backend: str) -> None:
    cloud = front.use(backend)
    paths = {"a.css": (staticfiles_storage, "a.css")}
    assert list(staticfiles_storage.post_process(paths, dry_run=True)) == []
    assert cloud.journal == []


def test_c15_post_process_yields_hashed_files_as_django_does(front: Front) -> None:
    front.use(MANIFEST)
    front.collect(post_process=False)
    paths = {name: (staticfiles_storage, name) for name in ("a.css", "img/b.svg")}
    yielded = list(staticfiles_storage.post_process(paths))
    hashed = staticfiles_storage.hashed_files
    assert sorted(yielded) == [(name, hashed[name], True) for name in sorted(paths)]


@STATIC
def test_c15_a_failure_is_yielded_once_and_last(front: Front, backend: str) -> None:
    cloud = front.use(backend)
    front.collect(post_process=False)
    cloud.script({"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403,
                  "times": None})  # fmt: skip
    paths = {"a.css": (staticfiles_storage, "a.css")}
    *_successes, (name, processed, failure) = staticfiles_storage.post_process(paths)
    assert (name, processed) == ("All", None)
    assert isinstance(failure, PublishFailed)


# --- C-16: twice the same ---------------------------------------------------------------------


@STATIC
@pytest.mark.django_db
def test_c16_a_second_collectstatic_sends_nothing(front: Front, backend: str) -> None:
    front.use(backend)
    assert front.collect() > 0
    assert front.collect() == 0


def test_c16_a_second_save_of_the_same_bytes_is_sent_and_keeps_the_name(
    cloud: EmulatorServer,
) -> None:
    """A save is never skipped: it returns when the bytes are stored, whatever the log says."""
    storage = WxStorage(file_overwrite=True)
    assert [storage.save("a.txt", ContentFile(b"x")) for _ in range(2)] == ["a.txt", "a.txt"]
    assert len(cloud.calls("put_object")) == 2


# --- C-17: in migrations ----------------------------------------------------------------------


@ALL
def test_c17_a_storage_deconstructs_to_its_own_path(cloud: EmulatorServer, backend: str) -> None:
    path, args, options = import_string(backend)(location="docs").deconstruct()
    assert (path, args, options) == (backend, (), {"location": "docs"})
    assert import_string(path)(**options).options.location == "docs/"


def test_c17_a_migration_holds_no_secret(cloud: EmulatorServer) -> None:
    storage = WxStorage(location="docs")
    storage.save("a.txt", ContentFile(b"x"))
    code, _imports = MigrationWriter.serialize(storage)
    assert code == "wx_static_store.storage.WxStorage(location='docs')"


def shared_storage() -> WxStorage:
    return WxStorage(location="docs")


@pytest.mark.parametrize("storage", [WxStorage(location="docs"), shared_storage])
def test_c17_changed_settings_make_no_migration(cloud: EmulatorServer, storage: Any) -> None:
    detector = MigrationAutodetector(ProjectState(), ProjectState())
    field = models.FileField(storage=storage)
    before = detector.deep_deconstruct(field)
    with override_settings(WX_STATIC_STORE={"ENV": "tenant-b", "LOCATION": "else"}):
        assert detector.deep_deconstruct(field) == before


def test_c17_a_callable_is_written_as_itself(cloud: EmulatorServer) -> None:
    code, _imports = MigrationWriter.serialize(models.FileField(storage=shared_storage))
    assert "storage=tests.test_storage_contract.shared_storage" in code


# --- C-18: pickle -----------------------------------------------------------------------------


def test_c18_a_used_storage_can_be_pickled(cloud: EmulatorServer) -> None:
    storage = WxStorage(location="docs")
    storage.save("a.txt", ContentFile(b"x"))
    pickle.loads(pickle.dumps(storage)).save("b.txt", ContentFile(b"x"))
    assert list(cloud.objects()) == ["docs/a.txt", "docs/b.txt"]


@STATIC
def test_c18_a_static_storage_can_be_pickled(front: Front, backend: str) -> None:
    front.use(backend)
    front.collect()
    storage = storages["staticfiles"]
    assert pickle.loads(pickle.dumps(storage)).url("a.css") == storage.url("a.css")


# --- C-19: threads and processes --------------------------------------------------------------

# gevent is not among what we test with: a thread is a thread there too.


def test_c19_eight_threads_share_a_storage(cloud: EmulatorServer) -> None:
    """Without a log: the database of the suite is this thread's own."""
    storage, together = WxStorage(file_overwrite=True), threading.Barrier(8, timeout=20)

    def save_fifty(thread: int) -> None:
        together.wait()
        for n in range(50):
            storage.save(f"{thread}/{n}.txt", ContentFile(f"{thread} {n}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save_fifty, range(8)))
    stored = {key: object_.body.decode() for key, object_ in cloud.objects().items()}
    assert stored == {f"{t}/{n}.txt": f"{t} {n}" for t in range(8) for n in range(50)}


def test_c19_two_saves_of_one_name_at_once_get_two_names(cloud: EmulatorServer) -> None:
    """Both have looked before either is stored."""
    cloud.script({"on": "put_object", "do": "delay", "seconds": 0.5, "times": 2})
    storage, together = WxStorage(), threading.Barrier(2, timeout=20)

    def save(content: bytes) -> str:
        together.wait()
        return storage.save("a.txt", ContentFile(content))

    with ThreadPoolExecutor(2) as pool:
        names = list(pool.map(save, [b"one", b"two"]))
    assert [cloud.objects()[name].body for name in names] == [b"one", b"two"]
    assert "a.txt" in names


def test_c19_without_a_log_two_saves_of_one_name_get_two_names_where_the_list_is_late(
    cloud: EmulatorServer,
) -> None:
    cloud.quirks.list_lag_seconds = 5
    names = [default_storage.save("photo.jpg", ContentFile(body)) for body in (b"one", b"two")]
    assert [cloud.objects()[name].body for name in names] == [b"one", b"two"]


def test_c19_a_name_whose_save_failed_is_free_at_once(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    with pytest.raises(UploadFailed):
        default_storage.save("a.txt", ContentFile(b"one"))
    with ThreadPoolExecutor(1) as pool:  # another thread, which claims for itself
        assert pool.submit(default_storage.save, "a.txt", ContentFile(b"two")).result() == "a.txt"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_c19_a_storage_can_be_used_on_both_sides_of_a_fork(cloud: EmulatorServer) -> None:
    storage = WxStorage(file_overwrite=True)
    storage.save("before.txt", ContentFile(b"x"))
    child = os.fork()
    if not child:
        signal.alarm(20)  # whatever happens there, the child ends
        try:
            storage.save("child.txt", ContentFile(b"child"))
        finally:
            os._exit(0)
    storage.save("parent.txt", ContentFile(b"parent"))
    os.waitpid(child, 0)
    assert cloud.objects()["child.txt"].body == b"child"
    assert cloud.objects()["parent.txt"].body == b"parent"


def test_c19_no_call_changes_the_storage(cloud: EmulatorServer) -> None:
    storage = WxStorage()
    before = dict(vars(storage))
    storage.save("a.txt", ContentFile(b"x"))
    storage.url("a.txt")
    storage.listdir("")
    storage.delete("a.txt")
    assert vars(storage) == before


# --- C-20: system checks ----------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("deploy", [False, True])
def test_c20_system_checks_need_no_network_and_no_database(
    cloud: EmulatorServer, deploy: bool
) -> None:
    said = io.StringIO()
    call_command("check", deploy=deploy, stdout=io.StringIO(), stderr=said)
    assert "System check identified" in said.getvalue()


# --- C-21: changed settings -------------------------------------------------------------------


@ALL
def test_c21_a_built_storage_follows_our_setting(cloud: EmulatorServer, backend: str) -> None:
    storage = import_string(backend)()
    assert storage.options.env == ENV
    with override_settings(WX_STATIC_STORE={"ENV": "tenant-b", "ACCESS_TOKEN": "t"}):
        assert storage.options.env == "tenant-b"
    assert storage.options.env == ENV


def test_c21_the_default_storage_goes_where_the_setting_says(configure: Any) -> None:
    cloud = configure()
    default_storage.save("a.txt", ContentFile(b"x"))
    configure(WX_STATIC_STORE={"ENV": "tenant-b"})
    default_storage.save("b.txt", ContentFile(b"x"))
    assert list(cloud.objects(ENV)) == ["a.txt"]
    assert list(cloud.objects("tenant-b")) == ["b.txt"]


@pytest.mark.parametrize(
    ("backend", "name"), [(MEDIA, "MEDIA_URL"), (PLAIN, "STATIC_URL"), (MANIFEST, "STATIC_URL")]
)
@pytest.mark.usefixtures("offline")
def test_c21_a_built_storage_follows_django_s_addresses(
    cloud: EmulatorServer, settings: Any, backend: str, name: str
) -> None:
    storage = import_string(backend)()
    settings.DEBUG = True  # the plain name, without a manifest
    for address in ("https://one.example/", "https://two.example/x/"):
        setattr(settings, name, address)
        assert storage.url("a.txt") == f"{address}a.txt"


# --- C-22: several aliases --------------------------------------------------------------------


def test_c22_two_aliases_of_a_class_keep_apart(configure: Any) -> None:
    one = {"BACKEND": MEDIA, "OPTIONS": {"location": "one"}}
    two = {"BACKEND": MEDIA, "OPTIONS": {"env": "tenant-b"}}
    cloud = configure(STORAGES={"default": one, "two": two})
    storages["default"].save("a.txt", ContentFile(b"1"))
    storages["two"].save("a.txt", ContentFile(b"2"))
    storages.create_storage(one).save("b.txt", ContentFile(b"3"))
    assert list(cloud.objects(ENV)) == ["one/a.txt", "one/b.txt"]
    assert list(cloud.objects("tenant-b")) == ["a.txt"]


def test_c22_a_lazy_storage_wakes_with_its_first_use(cloud: EmulatorServer) -> None:
    assert default_storage._wrapped is empty
    default_storage.save("a.txt", ContentFile(b"x"))
    assert isinstance(default_storage._wrapped, WxStorage)


# --- C-23: upload handlers --------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["MemoryFileUploadHandler", "TemporaryFileUploadHandler"])
def test_c23_an_uploaded_file_is_copied_and_its_type_goes_by_its_name(
    cloud: EmulatorServer, settings: Any, handler: str
) -> None:
    """What a browser claims of a file would be served to others."""
    settings.FILE_UPLOAD_HANDLERS = [f"django.core.files.uploadhandler.{handler}"]
    sent = io.BytesIO(b"plain")
    sent.name, sent.content_type = "a.txt", "text/html; charset=gbk"  # type: ignore[attr-defined]
    upload = RequestFactory().post("/", {"file": sent}).FILES["file"]
    with upload:
        assert (upload.content_type, upload.charset) == ("text/html", b"gbk")
        default_storage.save(upload.name, upload)
        if handler == "TemporaryFileUploadHandler":
            assert Path(upload.temporary_file_path()).read_bytes() == b"plain"
    stored = cloud.objects()["a.txt"]
    assert (stored.body, stored.headers["Content-Type"]) == (b"plain", "text/plain; charset=utf-8")


# --- C-24: one family of errors ---------------------------------------------------------------

REFUSED = {"do": "errcode", "errcode": 40097, "errmsg": "no", "times": None}
BROKEN = {"do": "reset", "times": None}
DENIED = {"do": "cos_error", "code": "AccessDenied", "status": 403, "times": None}


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ({"on": "staticuploadfile"} | REFUSED, "_save"),
        ({"on": "staticuploadfile"} | BROKEN, "_save"),
        ({"on": "put_object"} | DENIED, "_save"),
        ({"on": "put_object"} | BROKEN, "_save"),
        ({"on": "staticuploadfile"} | REFUSED, "delete"),
        ({"on": "staticfilelist"} | REFUSED, "exists"),
        ({"on": "staticfilelist"} | BROKEN, "exists"),
        ({"on": "staticfilelist"} | BROKEN, "size"),
        ({"on": "staticfilelist"} | BROKEN, "get_modified_time"),
        ({"on": "get_object", "do": "status", "status": 403, "times": None}, "open"),
        ({"on": "get_object"} | BROKEN, "open"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['on']} {value['do']}",
)
def test_c24_every_failure_is_of_one_family_of_errors(
    cloud: EmulatorServer, fault: dict[str, Any], method: str
) -> None:
    cloud.put_object("a.txt", b"x")
    cloud.script(fault)
    with pytest.raises(WxStaticStoreError) as caught:
        METHODS[method](WxStorage(max_attempts=1), "a.txt")
    if method in ("_save", "delete") or fault["do"] == "reset":
        assert isinstance(caught.value, OSError), "as a full disk would be"


def test_c24_a_wrong_setting_is_of_the_same_family_of_errors(cloud: EmulatorServer) -> None:
    with override_settings(WX_STATIC_STORE={"ENV": ENV}), pytest.raises(ConfigurationError):
        default_storage.save("a.txt", ContentFile(b"x"))
    assert issubclass(ConfigurationError, WxStaticStoreError)
    assert issubclass(NameRejected, WxStaticStoreError)


# --- C-25: the database may be out of reach ---------------------------------------------------


@pytest.mark.django_db
def test_c25_a_rollback_takes_the_row_and_leaves_the_file(cloud: EmulatorServer) -> None:
    with transaction.atomic():
        default_storage.save("a.txt", ContentFile(b"x"))
        assert UploadLog.objects.count() == 1
        transaction.set_rollback(True)
    assert UploadLog.objects.count() == 0
    assert list(cloud.objects()) == ["a.txt"]


@pytest.mark.django_db
def test_c25_before_the_first_migration_a_save_works(cloud: EmulatorServer) -> None:
    with lost_table(UploadLog):
        default_storage.save("a.txt", ContentFile(b"x"))
    assert list(cloud.objects()) == ["a.txt"]


@pytest.mark.django_db
def test_c25_in_an_async_view_a_save_works(cloud: EmulatorServer) -> None:
    """Django refuses the query there (`SynchronousOnlyOperation`): the next save writes its row."""

    async def view() -> str:
        return default_storage.save("a.txt", ContentFile(b"x"))

    assert asyncio.run(view()) == "a.txt"
    default_storage.save("b.txt", ContentFile(b"x"))
    assert list(cloud.objects()) == ["a.txt", "b.txt"]
    assert [row.key for row in UploadLog.objects.order_by("id")] == ["a.txt", "b.txt"]


def test_c25_without_a_database_a_file_is_read(cloud: EmulatorServer) -> None:
    default_storage.save("a.txt", ContentFile(b"x"))
    with default_storage.open("a.txt") as file:
        assert file.read() == b"x"


# --- C-26: limits -----------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["", "media"])
def test_c26_the_longest_key_is_stored_and_a_longer_one_refused(
    cloud: EmulatorServer, location: str
) -> None:
    """The location counts, and bytes of UTF-8 are counted."""
    storage = WxStorage(location=location, file_overwrite=True)
    space = 850 - len(f"{location}/" if location else "")
    longest = "文" * (space // 3) + "x" * (space % 3)
    storage.save(longest, ContentFile(b"x"))
    assert [len(key.encode()) for key in cloud.objects()] == [850]
    before = len(cloud.journal)
    with pytest.raises(NameRejected, match="851 bytes, 850 are allowed"):
        storage.save(longest + "x", ContentFile(b"x"))
    assert len(cloud.journal) == before


def test_c26_the_largest_size_is_yielded_when_cos_refuses_it(cloud: EmulatorServer) -> None:
    """Nothing of ours stops a larger file before it is sent."""
    cloud.script({"on": "put_object", "do": "cos_error", "code": "EntityTooLarge", "status": 400})
    with pytest.raises(UploadFailed, match="5 GB at most"):
        default_storage.save("a.iso", ContentFile(b"x"))
    assert len(cloud.calls("put_object")) == 1


def test_c26_every_point_of_the_contract_has_a_test() -> None:
    points = {name[5:8] for name in globals() if name.startswith("test_c")}
    assert points == {f"c{number:02}" for number in range(1, 27)}
