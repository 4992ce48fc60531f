"""Lines of a build without a database become the rows that a database would have got."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from tests.conftest import ENV
from tests.log.conftest import row, statuses, upload
from wx_static_store.core.types import ContentHeaders, UploadContext, UploadResult, UploadStatus
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import CosRefused
from wx_static_store.log import import_lines as imports
from wx_static_store.log.import_lines import import_lines
from wx_static_store.models import UploadLog
from wx_static_store.upload import recorder
from wx_static_store.upload.recorder import JsonLinesFormatter

pytestmark = pytest.mark.django_db

CONTEXT = UploadContext("collectstatic", "commit 1")
NOON = 1_700_000_000.123456


@contextmanager
def logged() -> Iterator[list[bytes]]:
    """Yield the lines that a handler with our formatter writes."""
    lines: list[bytes] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLinesFormatter())
    handler.emit = lambda record: lines.append(handler.format(record).encode() + b"\n")  # type: ignore[method-assign]
    logger, level = recorder.uploads, recorder.uploads.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def line(key: str = "a.js", at: float = NOON, **members: Any) -> bytes:
    facts = {"time": at, "status": "stored", "env": ENV, "key": key, "name": key, "source": "test"}
    return json.dumps(facts | members).encode() + b"\n"


def imported(*lines: bytes) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Return the counts, and what was reported of broken lines."""
    broken: list[tuple[int, str]] = []
    counts = sum(import_lines(lines, lambda *found: broken.append(found)), Counter[str]())
    return counts, broken


REFUSED = CosRefused("COS refuses it", stage="put", http_status=403, cos_code="AccessDenied")
RESULTS = {
    "stored": UploadResult(
        "图/文 档.css",
        "static/图/文 档.css",
        UploadStatus.STORED,
        env=ENV,
        size=5,
        md5="0" * 32,
        headers=ContentHeaders("text/css; charset=utf-8", "no-cache"),
        verified=True,
        attempts=2,
        seconds=1.2345,
        errcode=0,
        rid="rid-1",
        request_id="request-1",
    ),
    "failed": UploadResult(
        "a.js", "a.js", UploadStatus.FAILED, env=ENV, stage="put", error=REFUSED, attempts=4
    ),
    "unknown": UploadResult("a.js", "a.js", UploadStatus.UNKNOWN, env=ENV, size=0, stage="put"),
    "refused name": UploadResult("\udcff\0" * 900, "", UploadStatus.FAILED, env=ENV),
    "nameless": UploadResult("", "", UploadStatus.FAILED, env=ENV),
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_line_becomes_the_row_that_the_database_would_have_got(result: UploadResult) -> None:
    with logged() as lines:
        recorder.record_one(result, CONTEXT)
    wanted = UploadLog.objects.values().get()
    UploadLog.objects.all().delete()
    assert imported(*lines) == ({"added": 1}, [])
    found = UploadLog.objects.values().get()
    own = dict.fromkeys(["id", "created"])
    assert found | own == wanted | own


def test_a_line_says_why_and_how_long() -> None:
    with logged() as lines:
        recorder.record_one(RESULTS["stored"], CONTEXT)
    facts = json.loads(lines[0])
    assert (facts["source_ref"], facts["duration_ms"]) == ("commit 1", 1234)


def test_the_row_has_the_time_of_its_line() -> None:
    imported(line())
    assert UploadLog.objects.get().created == datetime.fromtimestamp(NOON, UTC)


@override_settings(USE_TZ=False, TIME_ZONE="Asia/Shanghai")
def test_the_row_has_the_projects_time_without_time_zones() -> None:
    imported(line())
    assert UploadLog.objects.get().created == datetime(2023, 11, 15, 6, 13, 20, 123456)
    assert imported(line())[0] == {"known": 1}


def test_users_and_deployments_of_another_database_are_left_out() -> None:
    imported(line(user_id=1, deployment_id=1, user=1, deployment=1))
    found = UploadLog.objects.get()
    assert (found.user_id, found.deployment_id) == (None, None)


# --- again ------------------------------------------------------------------------------------


def test_lines_that_are_imported_again_add_nothing() -> None:
    lines = [line("a"), line("b"), line("a", NOON + 1), line("a", NOON + 2, status="failed")]
    assert imported(*lines)[0] == {"added": 4}
    before = statuses()
    assert imported(*lines)[0] == {"known": 2, "left_out": 2}
    assert statuses() == before


def test_a_line_that_stands_twice_is_added_once() -> None:
    assert imported(line(), line())[0] == {"added": 1, "known": 1}


def test_the_next_import_adds_lines_that_an_interrupted_import_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "LINES_AT_ONCE", 2)
    lines = [line(f"{number}") for number in range(5)]
    next(import_lines(lines, lambda *found: None))
    assert len(statuses()) == 2
    assert imported(*lines)[0] == {"known": 2, "added": 3}


def test_lines_of_uploads_that_have_rows_add_nothing(cloud: EmulatorServer) -> None:
    """A handler may write lines beside a database that works."""
    with logged() as lines:
        upload("a.js", b"1")
        upload("a.js", b"2")
    assert len(lines) == 2
    before = statuses()
    assert imported(*lines)[0] == {"left_out": 2}
    assert statuses() == before


# --- the order of things ----------------------------------------------------------------------


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(hours=-1)], ids=["older", "newer"])
def test_a_line_outranks_no_row_whatever_its_clock_says(age: timedelta) -> None:
    newest = row("a.js", md5="f" * 32, days=1)
    newest.refresh_from_db()
    assert imported(line(at=(newest.created - age).timestamp()))[0] == {"left_out": 1}
    assert UploadLog.objects.newest(ENV, ["a.js"]) == {"a.js": newest}


def test_a_line_that_the_list_proves_outranks_a_row(cloud: EmulatorServer) -> None:
    """The build published over what the server had published, and only the build has the line."""
    upload("a.js", b"1")
    with logged() as lines:
        upload("a.js", b"2")
    UploadLog.objects.latest("id").delete()
    assert imported(*lines)[0] == {"added": 1}
    assert UploadLog.objects.newest(ENV, ["a.js"])["a.js"].md5 == cloud.objects(ENV)["a.js"].md5


def test_a_line_that_the_list_contradicts_outranks_no_row(cloud: EmulatorServer) -> None:
    with logged() as lines:
        upload("a.js", b"1")
    UploadLog.objects.all().delete()
    upload("a.js", b"2")
    assert imported(*lines)[0] == {"left_out": 1}


def test_without_a_list_no_line_outranks_a_row(cloud: EmulatorServer) -> None:
    upload("a.js", b"1")
    with logged() as lines:
        upload("a.js", b"2")
    UploadLog.objects.latest("id").delete()
    cloud.script({"do": "errcode", "on": "staticfilelist", "errcode": 45009, "times": None})
    assert imported(*lines)[0] == {"left_out": 1}


def test_a_line_from_the_future_is_refused() -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).timestamp()
    counts, said = imported(line(at=ahead))
    assert (counts, statuses()) == ({"broken": 1}, [])
    assert "set the clock of the machine that wrote it" in said[0][1]


def test_lines_near_each_other_may_be_out_of_order() -> None:
    """Two processes that write to one file are not in step."""
    assert imported(line(at=NOON + 1, status="failed"), line())[0] == {"added": 2}
    assert statuses() == [("a.js", "stored"), ("a.js", "failed")]


def test_the_same_key_of_another_environment_is_another_file() -> None:
    imported(line(at=NOON + 1))
    assert imported(line(env="tenant-b"))[0] == {"added": 1}


# --- broken lines -----------------------------------------------------------------------------

BROKEN = {
    "text": (b"12:00 INFO stored 'a.js'\n", "not a JSON object"),
    "cut off": (line()[:-9], "not a JSON object"),
    "a list": (b"[1]\n", "not a JSON object"),
    "nested deeply": (b"[" * 100_000 + b"\n", "not a JSON object"),
    "not UTF-8": (b'{"time": 1, "env": "\xff"}\n', "not a JSON object"),
    "of another logger": (b'{"time": 1, "message": "hello"}\n', "(env, status, source)"),
    "without time": (b'{"env": "e"}\n', "(time)"),
    "time as text": (line(at="noon"), "(time)"),  # type: ignore[arg-type]
    "no time": (line(at=float("nan")), "(time)"),
    "far future": (line(at=1e300), "(time)"),
    "status skipped": (line(status="skipped"), "(status)"),
    "size as text": (line(size="large"), "(size)"),
    "negative size": (line(size=-1), "(size)"),
    "endless size": (line(size=float("inf")), "(a number)"),
    "stored in the future": (line(stored_at="2099-01-01T00:00:00+00:00"), "(stored_at)"),
    "many attempts": (line(attempts=10**30), "(attempts)"),
}


@pytest.mark.parametrize(("broken", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_reported_and_the_others_are_added(broken: bytes, why: str) -> None:
    counts, said = imported(line("a"), b"\n", broken, line("b"))
    assert counts == {"added": 2, "broken": 1}
    assert [number for number, _why in said] == [3]
    assert why in said[0][1]
    assert statuses() == [("a", "stored"), ("b", "stored")]


@pytest.mark.parametrize("text", ["a\0b", "\udcff", "😀" * 2000], ids=["NUL", "surrogate", "long"])
@pytest.mark.parametrize("member", ["key", "name", "message", "rid", "source_ref"])
def test_any_text_fits_into_the_row_but_for_a_key_with_nul(member: str, text: str) -> None:
    if (member, text) == ("key", "a\0b"):
        assert imported(line(text))[0] == {"broken": 1}
        return
    assert imported(line(**{member: text}))[0] == {"added": 1}  # type: ignore[arg-type]
    assert imported(line(**{member: text}))[0] == {"known": 1}  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 5, ["a"], {"a": 1}, True], ids=str)
@pytest.mark.parametrize("member", ["key", "name", "message", "rid"])
def test_a_member_of_another_kind_takes_no_other_line_along(member: str, value: Any) -> None:
    counts, _broken = imported(line("x"), line(**{member: value}))
    assert counts["added"] >= 1


def test_many_lines_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LINES_AT_ONCE", 10)
    taken = 0

    def lines() -> Iterator[bytes]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield line(f"{number}")

    batches = import_lines(lines(), lambda *found: None)
    assert [(next(batches)["added"], taken) for _ in range(3)] == [(10, 10), (10, 20), (10, 30)]
