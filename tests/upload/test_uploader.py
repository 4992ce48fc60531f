"""`Uploader`: one outcome for each file, whatever happened on the way."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.utils.translation import override

from tests import deploys
from tests.conftest import ENV, slow
from tests.deploys import sent
from tests.waiting import wait_for
from wx_static_store.core.naming import NO_CACHE, SHORT
from wx_static_store.core.retry import Clock, Deadline
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from wx_static_store.emulator import EmulatorServer, object_store, open_platform
from wx_static_store.emulator.answers import Answer, cos_error, wechat_error
from wx_static_store.emulator.exchanges import Handle
from wx_static_store.emulator.incoming import Request
from wx_static_store.emulator.state import State
from wx_static_store.exceptions import (
    ConfigurationError,
    CosThrottled,
    DeadlineExceeded,
    NameRejected,
    Remedy,
    ResponseLost,
    TokenRejected,
    UploadFailed,
    WeChatBusy,
    WeChatRefused,
    WeChatThrottled,
    WxStaticStoreError,
)
from wx_static_store.models import UploadLog, UploadLogQuerySet
from wx_static_store.upload import sources, store, uploader as uploaders, workers
from wx_static_store.upload.recorder import Recorder
from wx_static_store.upload.transfer import Transfer
from wx_static_store.upload.uploader import Queue, UnderWay, Uploader, get_uploader
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db

CONTEXT = UploadContext(source="test", source_ref="ref")


def item(name: str = "a.txt", content: bytes = b"hello", **details: Any) -> UploadItem:
    return UploadItem(name, open=lambda: BytesIO(content), **details)


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 2})
    return server


@pytest.fixture
def uploader(cloud: EmulatorServer) -> Uploader:
    return get_uploader()


class Surprise(BaseException):
    """Not even an Exception."""


def put(do: str, **details: Any) -> dict[str, Any]:
    return {"on": "put_object", "do": do, **details}


def link(errcode: int, **details: Any) -> dict[str, Any]:
    return {"on": "staticuploadfile", "do": "errcode", "errcode": errcode, **details}


def test_the_result_of_a_stored_file_is_complete(uploader: Uploader) -> None:
    result = uploader.transfer(item())
    fields = (result.status, result.name, result.key, result.env, result.size, result.md5)
    assert fields == ("stored", "a.txt", "a.txt", ENV, 5, "5d41402abc4b2a76b9719d911017c592")
    assert (result.attempts, result.errcode, result.error, result.verified) == (1, 0, None, True)


def test_a_transfer_records_nothing(uploader: Uploader) -> None:
    uploader.transfer(item())
    assert not UploadLog.objects.exists()


# --- how an upload ends -----------------------------------------------------------------------

EVERY_TIME = {"times": None}


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("faults", "status", "stage", "errcode", "attempts"),
    [
        ([link(-1)], "stored", "", 0, 2),
        ([link(-1, **EVERY_TIME)], "failed", "link", -1, 2),
        ([link(40097)], "failed", "link", 40097, 1),
        ([link(42001, **EVERY_TIME)], "failed", "link", 42001, 2),
        ([put("cos_error", code="SlowDown", status=503)], "stored", "", 0, 2),
        ([put("cos_error", code="PaymentRequired", status=402)], "failed", "put", 0, 1),
        ([put("drop_reply", **EVERY_TIME)], "unknown", "put", 0, 2),
        ([put("drop_reply")], "stored", "", 0, 2),
        # the first body may be stored, so a later refusal does not make it failed
        ([put("drop_reply"), link(40097, skip=1)], "unknown", "link", 40097, 2),
        ([put("etag", value="0" * 32, **EVERY_TIME)], "unknown", "verify", 0, 2),
        ([put("status", status=204, headers={}, body="")], "unknown", "put", 0, 1),
        # a page of HTML is no number: the last one that WeChat gave stays
        ([link(-1), {"on": "staticuploadfile", "do": "html"}], "failed", "link", -1, 2),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, list) else None,
)
def test_each_fault_ends_an_upload_with_its_status_and_stage(
    cloud: EmulatorServer,
    uploader: Uploader,
    faults: list[dict[str, Any]],
    status: str,
    stage: str,
    errcode: int,
    attempts: int,
) -> None:
    cloud.script(*faults)
    result = uploader.transfer(item())
    assert (result.status, result.stage) == (status, stage), result.error
    assert (result.errcode, result.attempts) == (errcode, attempts)
    assert (result.status == "stored") == (result.error is None)


@pytest.mark.usefixtures("no_pauses")
def test_a_stored_upload_has_its_bytes_in_the_cloud(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(put("reset_after", bytes=2))
    assert uploader.transfer(item()).status == "stored"
    assert cloud.objects()["a.txt"].body == b"hello"


def test_a_large_file_that_fails_is_known_by_its_md5(
    cloud: EmulatorServer, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is hashed while it streams; "upload again" looks for the bytes by their MD5."""
    monkeypatch.setattr(sources, "HASH_AHEAD", 4)
    cloud.script({"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "times": None})
    (result,) = uploader.upload_many([item()], CONTEXT)
    assert (result.status, result.md5) == ("failed", hashlib.md5(b"hello").hexdigest())


def test_an_etag_that_is_no_md5_counts_as_stored_unverified(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script(put("etag", value="0f343b0931126a20f133d67c2b018a3b-1"))
    with caplog.at_level("INFO", "wx_static_store.uploads"):
        result = uploader.upload(item(), CONTEXT)
    assert (result.status, result.verified) == ("stored", False)
    assert "unverified" in caplog.text


def test_a_refused_name_makes_no_call(cloud: EmulatorServer, uploader: Uploader) -> None:
    result = uploader.transfer(item("../a"))
    assert (result.status, result.stage) == ("failed", "name")
    assert cloud.journal == []


def test_an_unreadable_file_makes_no_call(cloud: EmulatorServer, uploader: Uploader) -> None:
    result = uploader.transfer(UploadItem("a", open=Path("/no/such/file").open))
    assert (result.status, result.stage) == ("failed", "source")
    assert cloud.journal == []


def test_a_file_that_one_put_cannot_take_makes_no_call(
    cloud: EmulatorServer, uploader: Uploader, tmp_path: Path
) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(5 * 1024**3 + 1)
    result = uploader.transfer(UploadItem("a", open=lambda: path.open("rb")))
    assert "larger than 5 GB" in str(result.error)
    assert cloud.journal == []


def test_a_link_to_another_host_is_a_security_error(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script({"on": "staticuploadfile", "do": "link", "host": "evil.example", "times": None})
    with override("zh-hans"):
        uploader.transfer(item())
    records = [record for record in caplog.records if record.name == "wx_static_store.security"]
    assert records
    assert "was not used: it is not https" in records[0].getMessage()


def test_wrong_bytes_in_the_cloud_are_a_critical_log_line(
    cloud: EmulatorServer, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.script(put("etag", value="0" * 32, **EVERY_TIME))
    with pytest.raises(UploadFailed):
        uploader.upload(item(), CONTEXT)
    assert "CRITICAL" in {record.levelname for record in caplog.records}


def test_a_refused_token_is_asked_for_again_once(configure: Any) -> None:
    tokens = ["stale-token", "stale-token"]
    cloud = configure(WX_STATIC_STORE={"TOKEN_PROVIDER": lambda: tokens.pop()})
    tokens.insert(0, cloud.access_token)
    result = get_uploader().transfer(item())
    assert isinstance(result.error, TokenRejected)
    assert len(cloud.calls("staticuploadfile")) == 2
    assert get_uploader().transfer(item()).status == "stored"


def test_the_deadline_ends_a_hanging_upload(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 0.3})
    cloud.script({"on": "staticuploadfile", "do": "hang", "seconds": 30})
    result = get_uploader().transfer(item())
    assert result.status == "failed"
    assert "over while waiting for the answer of" in str(result.error)
    assert result.seconds < 20, "the call hangs for 30"


def test_every_error_names_environment_and_key(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script(link(40097))
    error = uploader.transfer(item("dir/a.txt")).error
    assert error is not None
    assert (error.env, error.key) == (ENV, "dir/a.txt")


# --- upload -----------------------------------------------------------------------------------


def test_upload_writes_one_row_however_many_attempts(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(link(-1))
    uploader.upload(item(), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.status, row.attempts, row.source, row.source_ref) == ("stored", 2, "test", "ref")


def test_upload_raises_what_the_row_says(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script(link(40097))
    with pytest.raises(UploadFailed) as caught:
        uploader.upload(item(), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.status, row.stage, row.errcode, row.rid) == (
        "failed",
        "link",
        40097,
        caught.value.rid,
    )
    assert row.message == "staticuploadfile was refused: scripted"


@pytest.mark.parametrize(
    ("name", "settings", "kind"),
    [("../a", {}, NameRejected), ("a", {"ACCESS_TOKEN": None}, ConfigurationError)],
)
def test_wrong_names_and_settings_are_raised_as_themselves(
    configure: Any, name: str, settings: dict[str, Any], kind: type[Exception]
) -> None:
    configure(WX_STATIC_STORE=settings)
    with pytest.raises(kind):
        get_uploader().upload(item(name), CONTEXT)


def test_an_error_of_wechat_about_the_configuration_is_a_failed_upload(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(link(85088))
    with pytest.raises(UploadFailed) as caught:
        uploader.upload(item(), CONTEXT)
    assert caught.value.errcode == 85088


def test_a_file_whose_size_nobody_gave_gets_the_time_for_it(configure: Any) -> None:
    """A second for each MiB, beside the deadline."""
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 0.5, "MAX_ATTEMPTS": 1})
    cloud.script(put("delay", seconds=1))
    assert get_uploader().transfer(item(content=b"x" * 20 * 2**20)).status == "stored"


def test_waiting_for_a_slot_of_the_limiter_is_not_the_file_s_own_time(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"DEADLINE": 2, "MAX_ATTEMPTS": 1, "API_CONCURRENCY": 1})
    cloud.script({"on": "staticuploadfile", "do": "delay", "seconds": 1.2, "times": 2})
    uploader = get_uploader()
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(uploader.transfer, [item("a.txt"), item("b.txt")])
    assert [result.status for result in results] == ["stored", "stored"]


def test_a_gateway_that_breaks_off_after_the_whole_body_leaves_the_upload_unknown(
    configure: Any,
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    cloud.script(put("html", status=504, apply=True))
    assert get_uploader().transfer(item()).status == "unknown"
    assert cloud.objects()["a.txt"].body == b"hello"


def test_an_upload_that_is_broken_off_is_recorded_before_the_exception_passes(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    def broken_off() -> BytesIO:
        raise Surprise

    with pytest.raises(Surprise):
        uploader.upload(UploadItem("a.txt", open=broken_off), CONTEXT)
    row = UploadLog.objects.get()
    assert (row.key, row.status, row.stage, row.source) == ("a.txt", "failed", "link", "test")
    assert (row.cause, row.why and row.why.remedy) == ("interrupted", Remedy.WAIT)


def test_an_attempt_returns_the_id_of_its_row(uploader: Uploader) -> None:
    result, row = uploader.attempt(item(), CONTEXT)
    assert (result.status, row) == ("stored", UploadLog.objects.get().pk)


def test_an_upload_that_failed_raises_its_error_with_hint_cause_and_remedy(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(link(45009))
    with pytest.raises(UploadFailed) as caught:
        uploader.upload(item(), CONTEXT)
    cloud.script(link(45009))
    error, raised = uploader.transfer(item()).error, caught.value
    assert error
    assert (raised.message, raised.errcode, raised.status) == (error.message, 45009, "failed")
    assert (raised.hint, raised.cause, raised.remedy) == (error.hint, "45009", error.remedy)
    assert raised.args == error.args


@pytest.mark.usefixtures("no_pauses")
def test_an_upload_whose_answer_is_lost_raises_with_the_hint_and_remedy_of_its_class(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    cloud.script(put("drop_reply", **EVERY_TIME))
    with pytest.raises(UploadFailed) as caught:
        uploader.upload(item(), CONTEXT)
    raised, lost = caught.value, ResponseLost()
    assert raised.status == "unknown"
    assert (raised.hint, raised.cause, raised.remedy) == (lost.hint, lost.cause, lost.remedy)


# --- an upload whose answer was lost ----------------------------------------------------------


@pytest.fixture
def unknown(cloud: EmulatorServer, uploader: Uploader) -> UploadResult:
    """Return how an upload ended whose answers were lost; COS has its bytes."""
    cloud.script(put("drop_reply", **EVERY_TIME))
    result = uploader.transfer(item())
    assert result.status == "unknown"
    return result


def test_an_unknown_upload_is_stored_if_the_list_shows_its_bytes(
    uploader: Uploader, unknown: UploadResult
) -> None:
    settled = uploader.settled(unknown)
    assert (settled.status, settled.stage, settled.error) == ("stored", "", None)
    assert str(settled.note) == "COS did not answer; the list shows these bytes"
    assert settled.stored_at


@pytest.mark.usefixtures("no_pauses")
def test_an_unknown_upload_stays_so_if_the_list_shows_other_bytes_or_none(
    cloud: EmulatorServer, uploader: Uploader, unknown: UploadResult
) -> None:
    cloud.put_object("a.txt", b"other")
    assert uploader.settled(unknown) is unknown
    cloud.delete_object("a.txt")
    assert uploader.settled(unknown) is unknown


def test_an_upload_that_came_damaged_stays_unknown_where_a_late_list_shows_the_bytes_before_it(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    uploader.upload(item(), CONTEXT)
    cloud.quirks.list_lag_seconds = 600
    cloud.script(put("store_truncated", bytes=1, **EVERY_TIME))
    damaged = uploader.transfer(item())
    assert uploader.settled(damaged) is damaged
    assert damaged.status == "unknown"


@pytest.mark.usefixtures("no_pauses")
def test_an_unknown_upload_stays_so_if_the_list_fails_which_is_asked_once(
    cloud: EmulatorServer, uploader: Uploader, unknown: UploadResult
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": -1})
    assert uploader.settled(unknown) is unknown
    assert len(cloud.calls("staticfilelist")) == 1


@pytest.mark.usefixtures("no_pauses")
def test_the_list_is_asked_of_nothing_but_an_unknown_upload_with_an_md5(
    cloud: EmulatorServer, uploader: Uploader, unknown: UploadResult
) -> None:
    stored, no_md5 = replace(unknown, status=UploadStatus.STORED), replace(unknown, md5="")
    assert uploader.settled(stored) is stored
    assert uploader.settled(no_md5) is no_md5
    assert cloud.calls("staticfilelist") == []


@pytest.mark.parametrize(
    ("deadline", "seconds", "status"),
    [
        (None, 4, "stored"),
        (None, 6, "unknown"),
        (20, 6, "unknown"),
        (3, 2, "stored"),
        (3, 4, "unknown"),
    ],
)
def test_the_list_has_five_seconds_to_show_an_unknown_upload_or_the_deadline(
    configure: Any,
    monkeypatch: pytest.MonkeyPatch,
    deadline: float | None,
    seconds: float,
    status: str,
) -> None:
    now = [0.0]
    monkeypatch.setattr(store, "Clock", lambda: Clock(now=lambda: now[-1]))
    cloud = configure()

    def token() -> str:
        now.append(seconds)
        return str(cloud.access_token)

    configure(WX_STATIC_STORE={"DEADLINE": deadline, "TOKEN_PROVIDER": token})
    cloud.put_object("a.txt", b"hello")
    md5 = hashlib.md5(b"hello").hexdigest()
    unknown = UploadResult("a.txt", "a.txt", UploadStatus.UNKNOWN, size=5, md5=md5)
    assert get_uploader().settled(unknown).status == status


# --- files that are not sent ------------------------------------------------------------------


def test_a_file_that_is_not_sent_has_a_result_with_the_reason(cloud: EmulatorServer) -> None:
    error = WeChatThrottled("enough", errcode=45009, rid="r")
    result = get_uploader("staticfiles").failed(item("a.txt"), error)
    assert (result.status, result.key, result.error) == ("failed", "static/a.txt", error)
    assert (result.errcode, result.rid, error.key) == (45009, "r", "static/a.txt")


def test_a_file_whose_name_is_refused_has_a_result_without_a_key(uploader: Uploader) -> None:
    result = uploader.failed(item("../a"), NameRejected("no", stage="name"))
    assert (result.status, result.key, result.stage) == ("failed", "", "name")


def test_the_key_of_a_name_is_below_the_location_and_empty_if_there_can_be_none(
    cloud: EmulatorServer,
) -> None:
    uploader = get_uploader("staticfiles")
    assert (uploader.key("a.txt"), uploader.key("../a")) == ("static/a.txt", "")


def test_the_headers_of_an_item_are_those_of_its_store(cloud: EmulatorServer) -> None:
    page = item("index.html")
    caching = [
        get_uploader(using).headers(page).cache_control for using in ("default", "staticfiles")
    ]
    assert caching == [SHORT, NO_CACHE]


def test_the_uploader_of_another_environment_sends_there(cloud: EmulatorServer) -> None:
    uploader = get_uploader(env="tenant-b")
    uploader.transfer(item())
    assert (uploader.env, [*cloud.objects("tenant-b")]) == ("tenant-b", ["a.txt"])


# --- upload_many ------------------------------------------------------------------------------


def many(uploader: Uploader, count: int, **details: Any) -> list[UploadResult]:
    items = (item(f"{n:03}.txt", str(n).encode(), **details) for n in range(count))
    return list(uploader.upload_many(items, CONTEXT))


def test_every_file_has_a_result_and_a_row(cloud: EmulatorServer, uploader: Uploader) -> None:
    results = many(uploader, 120)
    assert {result.status for result in results} == {UploadStatus.STORED}
    assert UploadLog.objects.count() == len(cloud.objects()) == 120


def test_two_batches_of_one_uploader_at_a_time_keep_their_results_apart(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    one, other = (
        uploader.upload_many([item(f"{batch}/{n:02}.txt") for n in range(30)], CONTEXT)
        for batch in ("one", "other")
    )
    first = next(one)
    others = {result.name.split("/")[0] for result in other}
    ones = {result.name.split("/")[0] for result in [first, *one]}
    assert (ones, others) == ({"one"}, {"other"})
    assert len(cloud.objects()) == 60


def test_one_failure_does_not_stop_the_others(cloud: EmulatorServer, uploader: Uploader) -> None:
    cloud.script(link(40097, key="003.txt"))
    results = many(uploader, 10)
    assert sum(result.status == "stored" for result in results) == 9
    assert "003.txt" not in cloud.objects()


def test_rows_are_written_in_the_callers_thread(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    insert = UploadLogQuerySet.insert

    def noted(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread())
        return insert(*args, **kwargs)

    monkeypatch.setattr(UploadLogQuerySet, "insert", noted)
    many(uploader, 3)
    assert threads == [threading.main_thread()]


def test_rows_of_a_batch_that_is_left_early_are_written(
    cloud: EmulatorServer, uploader: Uploader
) -> None:
    results = uploader.upload_many([item(f"{n}.txt") for n in range(200)], CONTEXT)
    seen = [next(results), next(results)]
    results.close()
    assert UploadLog.objects.count() >= len(seen)
    assert len(cloud.calls("put_object")) < 200


def test_a_row_is_written_after_a_second_even_if_no_other_file_ends(
    uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run loses no more than that."""
    written, insert, in_time = threading.Event(), UploadLogQuerySet.insert, list[bool]()

    def noted(*args: Any, **kwargs: Any) -> Any:
        written.set()
        return insert(*args, **kwargs)

    def slow() -> BytesIO:
        in_time.append(written.wait(10))
        return BytesIO(b"slow")

    monkeypatch.setattr(UploadLogQuerySet, "insert", noted)
    list(uploader.upload_many([item(), UploadItem("slow.txt", open=slow)], CONTEXT))
    assert in_time == [True]


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_that_nobody_expects_surfaces_and_every_other_object_has_its_row(
    configure: Any, workers: int
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": workers})
    cloud.quirks.latency_put = 0.02

    def surprising() -> BytesIO:
        raise Surprise

    items = [item(f"{n:03}.txt") for n in range(30)]
    items[10] = UploadItem("010.txt", open=surprising)
    with pytest.raises(Surprise):
        list(get_uploader().upload_many(items, CONTEXT))
    rows = dict(UploadLog.objects.values_list("key", "status"))
    assert rows.pop("010.txt") == "failed"
    assert rows == dict.fromkeys(cloud.objects(), "stored")


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    with deploys.ctrl_c() as press:
        yield press


def test_ctrl_c_leaves_a_row_for_every_object(configure: Any, ctrl_c: Callable[[], None]) -> None:
    """What is in flight then is waited for, and recorded."""
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 4})
    cloud.quirks.latency_put = 0.02

    def interrupting() -> BytesIO:
        ctrl_c()
        return BytesIO(b"x")

    items = [item(f"{n:03}.txt") for n in range(100)]
    items[20] = UploadItem("020.txt", open=interrupting)
    with pytest.raises(KeyboardInterrupt):
        list(get_uploader().upload_many(items, CONTEXT))
    assert set(UploadLog.objects.values_list("key", flat=True)) == set(cloud.objects())
    assert 1 < len(cloud.objects()) < 50


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(
    ("call", "status"), [("put_object", "unknown"), ("staticuploadfile", "failed")]
)
def test_what_hangs_when_the_run_is_interrupted_is_unknown_once_its_body_is_sent(
    configure: Any, ctrl_c: Callable[[], None], workers: int, call: str, status: str
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": workers, "DEADLINE": 30})
    cloud.script({"on": call, "do": "hang", "seconds": 30, "key": "h*"})

    def interrupted() -> None:
        wait_for(lambda: cloud.calls(call, key="h.txt"), "the call that hangs")
        ctrl_c()

    threading.Thread(target=interrupted, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(get_uploader().upload_many([item("a.txt"), item("h.txt")], CONTEXT))
    assert time.monotonic() - started < 20, "the call hangs for 30"
    rows = dict(UploadLog.objects.values_list("key", "status"))
    assert rows == {"a.txt": "stored", "h.txt": status}


@pytest.mark.parametrize(
    ("faults", "row"),
    [([], ("stored", "")), ([link(40097)], ("failed", "staticuploadfile was refused: scripted"))],
)
def test_an_interruption_that_takes_a_result_along_leaves_its_row(
    cloud: EmulatorServer,
    uploader: Uploader,
    monkeypatch: pytest.MonkeyPatch,
    faults: list[dict[str, Any]],
    row: tuple[str, str],
) -> None:
    """Most often Ctrl-C comes when the caller wakes up for one."""

    class Interrupted(queue.SimpleQueue[Any]):
        def get(self, **how: Any) -> Any:
            super().get(**how)
            raise KeyboardInterrupt

    ours = SimpleNamespace(SimpleQueue=Interrupted, Empty=queue.Empty)
    monkeypatch.setattr("wx_static_store.upload.uploader.queue", ours)
    cloud.script(*faults)
    with pytest.raises(KeyboardInterrupt):
        list(uploader.upload_many([item()], CONTEXT))
    assert UploadLog.objects.values_list("status", "message").get() == row


def test_a_callable_env_is_asked_in_the_callers_thread(configure: Any) -> None:
    tenant = threading.local()
    tenant.env = "tenant-b"
    cloud = configure(WX_STATIC_STORE={"ENV": lambda: tenant.env, "MAX_WORKERS": 4})
    assert {result.env for result in many(get_uploader(), 8)} == {"tenant-b"}
    assert len(cloud.objects("tenant-b")) == 8


def test_an_error_that_every_file_would_meet_stops_the_batch(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 2})
    cloud.script(link(45009, **EVERY_TIME))
    assert len(many(get_uploader(), 100)) < 10


def test_without_a_source_of_tokens_a_batch_reports_it(configure: Any) -> None:
    configure(WX_STATIC_STORE={"ACCESS_TOKEN": None})
    [result] = get_uploader().upload_many([item()], CONTEXT)
    assert isinstance(result.error, ConfigurationError)


BUSY = (WeChatBusy, 2)  # all attempts that the fixture allows


@pytest.mark.parametrize(
    ("ends", "stops"),
    [
        ([BUSY] * 5, True),
        ([BUSY] * 4, False),
        ([(WeChatBusy, 1)] * 9, False),
        ([(WeChatRefused, 2)] * 9, False),
        ([BUSY, BUSY, (None, 1), BUSY, BUSY, BUSY], False),
        ([BUSY, BUSY, (CosThrottled, 2), BUSY, BUSY, BUSY, BUSY], False),
        ([BUSY, (CosThrottled, 2)] * 5, False),
        ([(WeChatThrottled, 1)], False),
        ([(ConfigurationError, 1)], True),
        ([(ConfigurationError, 1), (None, 1)], True),
        ([(ConfigurationError, 1), (WeChatBusy, 1)], True),
    ],
)
def test_a_batch_stops_after_an_error_of_all_or_five_alike_that_used_all_attempts(
    uploader: Uploader, ends: list[tuple[type[WxStaticStoreError] | None, int]], stops: bool
) -> None:
    reported: list[UploadResult] = []
    steps = Queue(uploader, [item()], reported.append)
    for kind, attempts in ends:
        error = kind("no") if kind else None
        steps.on_result(UploadResult("a", "a", UploadStatus.FAILED, error=error, attempts=attempts))
    assert (steps.next_item() is None) is stops
    assert [type(result.error) for result in reported] == [kind or type(None) for kind, _ in ends]


def test_a_file_under_way_is_tried_no_more_after_an_error_that_every_file_would_meet(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "Clock", lambda: Clock(sleep=lambda s: time.sleep(s / 20)))
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 2, "MAX_ATTEMPTS": 256})
    cloud.script(link(-1, key="busy.txt", **EVERY_TIME), link(85088, key="fatal.txt"))
    results = list(get_uploader().upload_many([item("busy.txt"), item("fatal.txt")], CONTEXT))
    busy = next(result for result in results if result.name == "busy.txt")
    assert busy.error
    assert (busy.error.errcode, busy.error.remedy) == (-1, Remedy.WAIT)
    assert busy.attempts < 256


def test_a_batch_that_is_stuck_ends_with_the_tries_of_now(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "Clock", lambda: Clock(sleep=lambda s: time.sleep(s / 20)))
    monkeypatch.setattr(uploaders, "STUCK_SECONDS", 0.0)
    monkeypatch.setattr(uploaders, "RECORD_SECONDS", 0.05)
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 8, "MAX_ATTEMPTS": 256})
    cloud.script(link(-1, **EVERY_TIME))
    results = many(get_uploader(), 100)
    assert 8 <= len(results) < 20
    assert all(result.error and result.attempts < 256 for result in results)


def test_a_batch_that_stops_leaves_its_errors_as_they_were_raised(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 4, "MAX_ATTEMPTS": 1})
    cloud.script(link(-1, **EVERY_TIME))
    errors = [result.error for result in many(get_uploader(), 30)]
    assert len(errors) < 30
    kinds = {error and (error.remedy, error.stops_batch, error.once) for error in errors}
    assert kinds == {(Remedy.WAIT, False, False)}


class Looking(Queue):
    """Steps that note what the loop tells them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen: list[int] = []
        self.taken_away = 0

    def on_tick(self, under_way: Any) -> None:
        self.seen.append(len(under_way))

    def on_cancelled(self) -> None:
        self.taken_away += 1


def test_files_that_have_begun_get_a_result_when_a_batch_stops_and_the_others_none(
    configure: Any,
) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 2})
    slow = {"on": "staticuploadfile", "do": "delay", "seconds": 0.5, "key": "slow.txt"}
    cloud.script(slow, link(85088, key="fatal.txt"))
    names = ("slow.txt", "fatal.txt", "c.txt", "d.txt")
    steps = Looking(get_uploader(), [item(name) for name in names])
    with WorkerPool(2) as pool:
        results = list(get_uploader().send(steps, pool, Recorder(CONTEXT)))
    assert {"slow.txt", "fatal.txt"} <= {result.name for result in results}
    assert (steps.seen[0], len(results) + steps.taken_away) == (4, 4)


def test_a_batch_ends_with_its_last_item(uploader: Uploader) -> None:
    steps = Queue(uploader, [item("a.txt")])
    first = steps.next_item()
    assert first
    assert (first.name, steps.next_item()) == ("a.txt", None)


@pytest.mark.usefixtures("no_pauses")
def test_five_files_that_used_all_attempts_alike_stop_the_batch(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 1, "MAX_ATTEMPTS": 2})
    cloud.script(put("cos_error", code="InternalError", status=500, **EVERY_TIME))
    assert len(many(get_uploader(), 100)) in range(5, 8)


def test_api_concurrency_bounds_the_calls_in_flight(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 8, "API_CONCURRENCY": 1})
    cloud.quirks.latency_api = 0.01
    many(get_uploader(), 12)
    calls = [entry.name for entry in cloud.journal]
    assert calls.count("staticuploadfile") == 12
    assert cloud.busiest < 8


# --- throttled --------------------------------------------------------------------------------


class Crowd:
    """A service that takes only eight requests at once, each of a hundredth of a second."""

    def __init__(self, handle: Handle, refusal: Callable[[], Answer]) -> None:
        self._handle, self._refusal = handle, refusal
        self._lock, self._inside = threading.Lock(), 0
        self.peaks: list[int] = []  # how many were inside, as each came

    def __call__(self, state: State, request: Request) -> Answer:
        with self._lock:
            self._inside += 1
            self.peaks.append(here := self._inside)
        try:
            time.sleep(0.01)
            if here <= 8:
                return self._handle(state, request)
            request.body.drain()
            return self._refusal()
        finally:
            with self._lock:
                self._inside -= 1


@pytest.mark.parametrize(
    ("service", "refusal"),
    [
        (open_platform, lambda: wechat_error(-501004, "too many at once", time.time())),
        pytest.param(
            object_store,
            lambda: cos_error(503, "SlowDown", "Reduce your rate", "/", time.time()),
            marks=slow,
        ),
    ],
    ids=["calls", "puts"],
)
def test_a_service_that_takes_eight_at_once_gets_eight_and_no_file_fails(
    configure: Any, monkeypatch: pytest.MonkeyPatch, service: ModuleType, refusal: Any
) -> None:
    configure(WX_STATIC_STORE={"MAX_WORKERS": 40})
    monkeypatch.setattr(store, "Clock", lambda: Clock(sleep=lambda s: time.sleep(s / 20)))
    crowd = Crowd(service.handle, refusal)
    monkeypatch.setattr(service, "handle", crowd)
    results = many(get_uploader(), 400)
    assert {result.status for result in results} == {UploadStatus.STORED}
    refused = [peak > 8 for peak in crowd.peaks]
    assert 0 < sum(refused) < 80, "two hundred at a fixed width, and then files fail"
    assert sum(refused[200:]) < 20, "few, once the width is found"


def test_a_file_of_a_person_waits_for_a_slot_no_longer_than_its_deadline(configure: Any) -> None:
    """Who waits for the answer of a web server cannot wait for all others."""
    cloud = configure(WX_STATIC_STORE={"API_CONCURRENCY": 1, "DEADLINE": 0.1})
    uploader = get_uploader()
    with uploader.store.platform.api_limiter.slot(Deadline.after(1)):
        result = uploader.transfer(item())
    assert isinstance(result.error, DeadlineExceeded)
    assert "API_CONCURRENCY" in result.error.full_hint
    assert cloud.journal == []


def test_the_files_of_a_batch_wait_for_a_slot_as_long_as_it_takes(configure: Any) -> None:
    """Twenty workers, one call at a time: each file waits several times its deadline."""
    cloud = configure(WX_STATIC_STORE={"MAX_WORKERS": 20, "API_CONCURRENCY": 1, "DEADLINE": 0.8})
    cloud.quirks.latency_api = 0.12
    results = many(get_uploader(), 25)
    assert {(result.status, result.attempts) for result in results} == {("stored", 1)}
    assert len(cloud.objects()) == 25


# --- the running transfers of a batch ------------------------------------------------------------


@pytest.fixture
def one_try(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return server


def transfer(name: str = "a.txt") -> Transfer:
    return Transfer(get_uploader().options, item(name))


class Held:
    """A file that is not open before `released`."""

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        self.transfer = Transfer(get_uploader().options, UploadItem("held.txt", open=self._open))

    def _open(self) -> BytesIO:
        self.begun.set()
        assert self.released.wait(60)
        return BytesIO(b"held")


@pytest.fixture
def held(one_try: EmulatorServer) -> Iterator[Held]:
    file = Held()
    yield file
    file.released.set()


def test_a_transfer_that_is_finished_has_its_result_until_it_is_removed(
    one_try: EmulatorServer,
) -> None:
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(one := transfer())
        assert under_way.next_finished(60) is one
        result = under_way.result(one)
        assert result
        assert (result.status, [*under_way.transfers]) == ("stored", [one])
        under_way.remove(one)
    assert [*under_way.transfers] == []


def test_nothing_is_finished_while_a_file_is_being_read(held: Held) -> None:
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(held.transfer)
        assert under_way.next_finished(0.01) is None
        held.released.set()
        assert under_way.next_finished(60) is held.transfer


@pytest.mark.parametrize(("workers", "room"), [(1, 1), (2, 4)])
def test_there_is_room_for_so_many_that_no_worker_waits(
    one_try: EmulatorServer, workers: int, room: int
) -> None:
    with WorkerPool(workers) as pool:
        under_way = UnderWay(pool)
        while under_way.has_room():
            under_way.begin(transfer())
        assert len(under_way.transfers) == room


def test_a_stop_takes_away_what_was_not_begun_and_lets_the_rest_try_no_more(held: Held) -> None:
    with WorkerPool(2) as pool:
        under_way, other = UnderWay(pool), Held()
        waiting = transfer()
        for one in (held.transfer, other.transfer, waiting):
            under_way.begin(one)
        assert held.begun.wait(60)
        assert other.begun.wait(60)
        under_way.stop()
        assert under_way.next_finished(60) is waiting
        assert under_way.result(waiting) is None
        assert held.transfer.last_try
        other.released.set()
        held.released.set()


def test_a_break_off_gives_what_is_begun_a_result_and_forgets_the_rest(
    one_try: EmulatorServer, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE", 0.1)
    with WorkerPool(2) as pool:
        under_way, done = UnderWay(pool), transfer("done.txt")
        under_way.begin(done)
        assert under_way.next_finished(60) is done
        other = Held()
        for one in (held.transfer, other.transfer, transfer("never.txt")):
            under_way.begin(one)
        assert held.begun.wait(60)
        assert other.begun.wait(60)
        ended = [(result.name, result.status) for result in under_way.break_off()]
        other.released.set()
        held.released.set()
        all_workers = threading.Barrier(2)  # they have done what was handed to them before
        for waiting in [pool.submit(all_workers.wait, 60) for _ in range(2)]:
            waiting.result(60)
    assert ended == [("done.txt", "stored"), ("held.txt", "failed"), ("held.txt", "failed")]
    assert sent(one_try) == ["done.txt"]


def test_a_file_that_failed_before_a_break_off_keeps_its_error(one_try: EmulatorServer) -> None:
    one_try.script({"on": "staticuploadfile", "do": "errcode", "errcode": 40097})
    with WorkerPool(1) as pool:
        under_way = UnderWay(pool)
        under_way.begin(transfer())
        [result] = under_way.break_off()
    assert isinstance(result.error, WeChatRefused)


def test_a_second_ctrl_c_ends_the_wait_for_what_is_begun(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **how: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(uploaders, "wait", interrupted)
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        under_way.begin(held.transfer)
        assert held.begun.wait(60)
        ended = [(result.name, result.status) for result in under_way.break_off()]
        held.released.set()
    assert ended == [("held.txt", "failed")]


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_file_that_is_begun_as_ctrl_c_comes_has_a_result_if_a_worker_has_it(
    held: Held, monkeypatch: pytest.MonkeyPatch, handed_over: bool
) -> None:
    class Interrupted(queue.SimpleQueue[Any]):
        def put(self, call: Any, block: bool = True, timeout: float | None = None) -> None:
            if handed_over or call is None:
                super().put(call)
            if call is not None:
                raise KeyboardInterrupt

    monkeypatch.setattr(workers, "queue", SimpleNamespace(SimpleQueue=Interrupted))
    monkeypatch.setattr(workers, "GRACE", 0.1)
    with WorkerPool(2) as pool:
        under_way = UnderWay(pool)
        with pytest.raises(KeyboardInterrupt):
            under_way.begin(held.transfer)
        assert held.begun.wait(60 if handed_over else 0) is handed_over
        ended = [(result.name, result.status) for result in under_way.break_off()]
        held.released.set()
    assert ended == ([("held.txt", "failed")] if handed_over else [])


@pytest.mark.parametrize(
    ("failed", "sending", "stuck"), [(5, False, True), (4, False, False), (5, True, False)]
)
def test_a_batch_is_stuck_if_five_files_got_no_link_and_none_is_being_sent(
    one_try: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    failed: int,
    sending: bool,
    stuck: bool,
) -> None:
    monkeypatch.setattr(uploaders, "STUCK_SECONDS", 0.0)
    under_way = six_failed()
    transfers = [*under_way.transfers]
    for one in transfers[failed:]:
        one.trouble = None
    transfers[-1].sending = sending
    under_way.give_up_if_stuck()
    assert {one.last_try for one in transfers} == {stuck}


def test_a_batch_is_stuck_thirty_seconds_after_its_last_result(
    one_try: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(uploaders, "time", SimpleNamespace(monotonic=lambda: clock[-1]))
    under_way = six_failed()
    clock.append(20.0)
    assert under_way.next_finished(60)
    for now, stuck in ((49.0, False), (50.0, True)):
        clock.append(now)
        under_way.give_up_if_stuck()
        assert {one.last_try for one in under_way.transfers} == {stuck}


def six_failed() -> UnderWay:
    """Return six files that got no link."""
    under_way = UnderWay(WorkerPool(1))
    for _ in range(6):
        under_way.begin(one := transfer())
        one.trouble, one.sending = WeChatBusy("no"), False
    return under_way
