"""The log is held against what the emulator has."""

import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import md5
from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ENV, slow_on_sqlite
from tests.log.conftest import CONTEXT, row, statuses, upload
from wx_static_store.core.types import DELETED, RemoteFile, UploadItem
from wx_static_store.deploy.locks import deploying
from wx_static_store.deploy.plan import make_plan
from wx_static_store.deploy.publish import Publication
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log import reconcile
from wx_static_store.log.reconcile import LogComparison
from wx_static_store.models import UploadLog, key_digest
from wx_static_store.upload.store import Store, get_store
from wx_static_store.upload.uploader import get_uploader
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db


def compare(
    prefix: str = "", *, using: str = "default", fix: bool = False
) -> list[tuple[str, str]]:
    """Kind and key of what is found."""
    comparison = LogComparison(get_store(using), prefix, fix=fix)
    return [(finding.kind, finding.key) for finding in comparison]


def hexmd5(body: bytes) -> str:
    return md5(body).hexdigest()


def stored_both(cloud: EmulatorServer) -> None:
    upload("a", b"1")


def failed(cloud: EmulatorServer) -> None:
    cloud.script({"on": "put_object", "do": "cos_error", "code": "PaymentRequired", "status": 402})
    upload("a", b"1")


def replaced_in_vain(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    failed(cloud)


def deleted(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    default_storage.delete("a")


def deleted_for_good(cloud: EmulatorServer) -> None:
    deleted(cloud)
    cloud.delete_object("a")


def gone(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    cloud.delete_object("a")


def deleted_elsewhere(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    cloud.put_object("a", DELETED)


def other_bytes(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    cloud.put_object("a", b"2")


def other_size(cloud: EmulatorServer) -> None:
    cloud.quirks.list_md5 = "multipart"
    upload("a", b"1")
    cloud.put_object("a", b"22")


def put_again_after_delete(cloud: EmulatorServer) -> None:
    deleted(cloud)
    cloud.put_object("a", b"2")


def put_elsewhere(cloud: EmulatorServer) -> None:
    cloud.put_object("a", b"1")


def answer_lost(cloud: EmulatorServer, body: bytes = b"1") -> None:
    cloud.script({"on": "put_object", "do": "drop_reply"})
    upload("a", body)
    assert statuses()[-1:] == [("a", "unknown")]


def never_arrived(cloud: EmulatorServer) -> None:
    answer_lost(cloud)
    cloud.delete_object("a")


def arrived_otherwise(cloud: EmulatorServer) -> None:
    answer_lost(cloud)
    cloud.put_object("a", b"2")


def delete_whose_answer_was_lost(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    answer_lost(cloud, DELETED)


# What happened; what is found; what the newest row says after --fix.
CASES: list[tuple[Callable[[EmulatorServer], None], str, tuple[str, bytes | None]]] = [
    (stored_both, "", ("stored", b"1")),
    (failed, "", ("failed", b"1")),
    (replaced_in_vain, "", ("failed", b"1")),
    (deleted, "", ("stored", DELETED)),
    (deleted_for_good, "", ("stored", DELETED)),
    (gone, "missing", ("failed", b"1")),
    (deleted_elsewhere, "missing", ("failed", b"1")),
    (other_bytes, "differs", ("stored", b"2")),
    (other_size, "differs", ("stored", None)),
    (put_again_after_delete, "differs", ("stored", b"2")),
    (put_elsewhere, "unlogged", ("stored", b"1")),
    (answer_lost, "unknown", ("stored", b"1")),
    (never_arrived, "unknown", ("failed", b"1")),
    (arrived_otherwise, "unknown", ("failed", b"1")),
    (delete_whose_answer_was_lost, "unknown", ("stored", DELETED)),
]
in_each_case = pytest.mark.parametrize(
    ("happened", "kind", "newest"), CASES, ids=[case[0].__name__ for case in CASES]
)


@in_each_case
def test_reconcile_finds_what_differs(
    cloud: EmulatorServer, happened: Any, kind: str, newest: tuple[str, bytes | None]
) -> None:
    happened(cloud)
    before = statuses()
    assert compare() == ([(kind, "a")] if kind else [])
    assert statuses() == before


@in_each_case
def test_a_correction_is_a_new_row_that_says_how_it_is(
    cloud: EmulatorServer, happened: Any, kind: str, newest: tuple[str, bytes | None]
) -> None:
    happened(cloud)
    before = statuses()
    compare(fix=True)
    found = UploadLog.objects.latest("id")
    status, body = newest
    assert (found.status, found.md5) == (status, hexmd5(body) if body is not None else "")
    assert statuses()[: len(before)] == before
    assert len(statuses()) == len(before) + bool(kind)
    if kind:
        assert (found.source, found.user_id, found.stage) == ("reconcile", None, "verify")
        assert found.message


@in_each_case
def test_reconcile_finds_nothing_after_its_corrections(
    cloud: EmulatorServer, happened: Any, kind: str, newest: tuple[str, bytes | None]
) -> None:
    happened(cloud)
    compare(fix=True)
    assert compare() == []


@pytest.mark.parametrize(
    ("happened", "sent"), [(gone, {"a"}), (other_bytes, {"a"}), (never_arrived, {"a"})]
)
def test_the_deploy_after_reconcile_sends_what_must_be_sent(
    cloud: EmulatorServer, happened: Any, sent: set[str]
) -> None:
    happened(cloud)
    upload("b", b"same")
    compare(fix=True)
    uploader = get_uploader()
    bodies = {"a": b"1", "b": b"same"}
    items = [UploadItem(n, open=lambda body=body: BytesIO(body)) for n, body in bodies.items()]  # type: ignore[misc]
    with WorkerPool(4) as pool, deploying(uploader, wait=False) as lock:
        plan = make_plan(uploader, items, pool=pool)
        Publication(uploader, plan, CONTEXT, lock).run(pool)
    assert (
        set(UploadLog.objects.filter(deployment__isnull=False).values_list("key", flat=True))
        == sent
    )
    assert cloud.objects()["a"].body == b"1"


# --- where it looks ---------------------------------------------------------------------------


def test_only_keys_below_location_and_prefix_are_compared(cloud: EmulatorServer) -> None:
    for key in ("site/css/a", "site/js/a", "css/a"):
        cloud.put_object(key, b"x")
        row(key.replace("/a", "/gone"))
    assert sorted(compare("css/", using="files")) == [
        ("missing", "site/css/gone"),
        ("unlogged", "site/css/a"),
    ]


def test_the_name_of_an_unlogged_object_is_without_the_location(cloud: EmulatorServer) -> None:
    cloud.put_object("site/css/a", b"x")
    compare(using="files", fix=True)
    assert UploadLog.objects.get().name == "css/a"


def test_reconcile_leaves_other_environments_alone(cloud: EmulatorServer) -> None:
    row("a", env="tenant-b")
    cloud.put_object("b", b"x", env="tenant-b")
    assert compare() == []
    found = LogComparison(get_store("default", "tenant-b"), fix=True)
    assert [finding.kind for finding in found] == ["unlogged", "missing"]
    assert set(UploadLog.objects.values_list("env", flat=True)) == {"tenant-b"}


def test_a_key_that_no_database_keeps_is_found_once(cloud: EmulatorServer) -> None:
    cloud.put_object("a\0b", b"x")
    assert compare(fix=True) == [("unlogged", "a\0b")]
    assert compare() == []


# --- lists without an MD5 ---------------------------------------------------------------------


@pytest.mark.parametrize("happened", [stored_both, answer_lost], ids=["stored", "unknown"])
def test_reconcile_guesses_nothing_without_an_md5_in_the_list(
    cloud: EmulatorServer, happened: Any
) -> None:
    happened(cloud)
    cloud.quirks.list_md5 = "multipart"
    comparison = LogComparison(get_store(), fix=True)
    assert (list(comparison), comparison.unsure) == ([], 1)


def test_an_unknown_row_of_another_size_failed_even_without_an_md5(cloud: EmulatorServer) -> None:
    answer_lost(cloud)
    cloud.quirks.list_md5 = "multipart"
    cloud.put_object("a", b"22")
    compare(fix=True)
    assert statuses()[-1] == ("a", "failed")


# --- while others upload (X8) -----------------------------------------------------------------


def after_the_list(store: Store, happens: Callable[[], None], monkeypatch: Any) -> None:
    """Something happens when the last page was read, and before the log is asked."""
    sweep = store.sweep

    def slow(prefix: str) -> Iterator[RemoteFile]:
        yield from sweep(prefix)
        happens()

    monkeypatch.setattr(store, "sweep", slow)


@pytest.mark.parametrize(
    "happens",
    [
        lambda: upload("a", b"newer"),
        lambda: upload("b", b"new"),
        lambda: default_storage.delete("a"),
    ],
    ids=["replaced", "added", "deleted"],
)
def test_an_upload_made_meanwhile_is_not_judged_by_an_older_list(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch, happens: Any
) -> None:
    upload("a", b"1")
    after_the_list(get_store(), happens, monkeypatch)
    assert compare(fix=True) == []
    monkeypatch.undo()
    assert compare() == []


# --- many rows --------------------------------------------------------------------------------


def only_rows(many: int) -> None:
    UploadLog.objects.all().delete()
    keys = (f"lib/{number:06}.js" for number in range(many))
    rows = (
        UploadLog(env=ENV, key=key, key_digest=key_digest(key), name=key, status="stored")
        for key in keys
    )
    UploadLog.objects.bulk_create(rows, batch_size=1000)


def peak(many: int) -> int:
    """Most bytes that a comparison held while all of so many rows are missing."""
    only_rows(many)
    tracemalloc.start()
    try:
        assert sum(1 for _ in LogComparison(get_store())) == many
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@slow_on_sqlite
def test_the_memory_of_reconcile_does_not_grow_with_the_rows(cloud: EmulatorServer) -> None:
    peak(1000)  # what the first call of all loads
    assert peak(3000) < 1.3 * peak(1000)


def test_reconcile_compares_every_row_once(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the batches fall, on both sides."""
    monkeypatch.setattr(reconcile, "KEYS_AT_ONCE", 3)
    cloud.quirks.page_size = 4
    names = [f"{number}.js" for number in range(20)]
    for name in names[:10]:
        upload(name, b"x")
    for name in names[5:15]:
        cloud.put_object(name, b"y")
    for name in names[:5]:
        cloud.delete_object(name)
    wanted = [("missing", names[:5]), ("differs", names[5:10]), ("unlogged", names[10:15])]
    assert sorted(compare()) == sorted((kind, name) for kind, part in wanted for name in part)


def test_a_log_that_agrees_is_walked_without_reading_its_rows(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    with CaptureQueriesContext(connection) as queries:
        assert compare() == []
    # The last id; the newest rows of the page, in two; a page of the index, and its end.
    assert len(queries) == 5


def test_many_ids_take_little_room() -> None:
    ids = reconcile._Ids()
    wanted = {1, 1023, 1024, 10**9, 2**62}
    for number in wanted:
        ids.add(number)
    assert {n for near in wanted for n in (near - 1, near, near + 1) if n in ids} == wanted
