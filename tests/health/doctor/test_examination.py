"""How the checks are asked: in their order, each in its own time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from wx_static_store.exceptions import WeChatBusy
from wx_static_store.health.doctor.examination import examine, verdict
from wx_static_store.health.doctor.findings import (
    Check,
    Finding,
    Mark,
    not_asked,
    ok,
    warning,
    wrong,
)
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import check, said


def test_the_checks_are_asked_in_their_order() -> None:
    checks = [check("b", ok("")), check("a", ok(""))]
    assert [result.check.id for result in examine(CheckTarget(), checks)] == ["b", "a"]


def test_the_worst_finding_is_the_mark_of_a_check() -> None:
    [result] = examine(CheckTarget(), [check("a", ok(""), wrong(""), warning(""))])
    assert result.mark is Mark.WRONG


@pytest.mark.parametrize("found", [wrong(""), not_asked("")], ids=["wrong", "not asked"])
def test_a_check_is_not_asked_if_one_that_it_needs_has_no_answer(found: Finding) -> None:
    [_first, second] = examine(
        CheckTarget(), [check("a", found), check("b", wrong(""), needs=("a",))]
    )
    assert second.mark is Mark.NOT_ASKED
    assert "this is not well: a" in said(second)


def test_of_a_chain_the_check_that_is_wrong_is_named_and_not_the_next_one() -> None:
    target = CheckTarget()
    checks = [
        check("a", wrong("")),
        check("b", ok(""), needs=("a",)),
        check("c", ok(""), needs=("b",)),
    ]
    *_others, last = examine(target, checks)
    assert said(last) == "– Not asked, because this is not well: a. "
    assert last.findings[0].data == {"because": ["a"]}
    assert target.causes == {"a": ("a",), "b": ("a",), "c": ("a",)}


def test_a_check_that_hangs_while_the_database_is_away_is_not_a_fault_of_its_own() -> None:
    released = threading.Event()

    def hang(target: CheckTarget) -> Iterator[Finding]:
        released.wait(30)
        yield ok("")

    target = CheckTarget(timeout=0.1)
    target.database_fails = True
    results = examine(target, [_asking(hang)])
    result = next(results)
    released.set()
    assert result.mark is Mark.NOT_ASKED
    assert "this is not well: database.tables" in said(result)


def test_a_warning_answers_what_another_check_needs() -> None:
    [_first, second] = examine(
        CheckTarget(), [check("a", warning("")), check("b", ok(""), needs=("a",))]
    )
    assert second.mark is Mark.OK


def test_a_probe_that_is_not_wanted_is_left_out() -> None:
    assert [*examine(CheckTarget(), [check("a", wrong(""), probe=True)])] == []


def test_an_error_of_ours_is_a_finding() -> None:
    def fail(target: CheckTarget) -> Iterator[Finding]:
        raise WeChatBusy("WeChat is busy", errcode=-1, hint="Wait.")
        yield

    [result] = examine(CheckTarget(), [_asking(fail)])
    assert said(result) == "✗ WeChat is busy (errcode -1) Wait."


def test_another_error_is_a_finding_without_its_secrets() -> None:
    def fail(target: CheckTarget) -> Iterator[Finding]:
        raise RuntimeError("redis://user:planted@cache")
        yield

    [result] = examine(CheckTarget(), [_asking(fail)])
    assert "RuntimeError" in said(result)
    assert "planted" not in said(result)


def test_a_check_that_hangs_is_given_up_after_its_time() -> None:
    released = threading.Event()

    def hang(target: CheckTarget) -> Iterator[Finding]:
        released.wait(30)
        yield ok("")

    target = CheckTarget(timeout=0.1)
    results = examine(target, [_asking(hang), check("b", ok(""))])
    first, second = next(results), next(results)
    released.set()
    assert "No answer came" in said(first)
    assert "hangs, or is slow" in said(first)
    assert target.timed_out == {"a"}
    assert second.mark is Mark.OK


@pytest.mark.usefixtures("short_grace")
def test_a_check_that_hangs_while_the_cache_is_away_is_not_a_fault_of_its_own() -> None:
    released = threading.Event()

    def hang(target: CheckTarget) -> Iterator[Finding]:
        released.wait(30)
        yield ok("")

    target = CheckTarget(timeout=0.1)
    target.cache_fails = True
    results = examine(target, [_asking(hang)])
    result = next(results)
    released.set()
    assert result.mark is Mark.NOT_ASKED
    assert "this is not well: cache.works" in said(result)


def test_what_no_time_is_left_for_is_not_asked() -> None:
    [result] = examine(CheckTarget(), [check("a", wrong(""))], within=0.0)
    assert result.mark is Mark.NOT_ASKED


@pytest.mark.usefixtures("short_grace")
def test_a_check_that_hangs_takes_no_more_than_the_time_that_is_left() -> None:
    released = threading.Event()

    def hang(target: CheckTarget) -> Iterator[Finding]:
        released.wait(30)
        yield ok("")

    [result] = examine(CheckTarget(), [_asking(hang)], within=0.1)
    released.set()
    assert "No answer came" in said(result)


def test_what_was_not_asked_is_no_part_of_the_verdict() -> None:
    assert verdict([*examine(CheckTarget(), [check("a", not_asked(""))])]) is Mark.OK


def _asking(ask: object) -> Check:
    return Check("a", "", ask, "", "")  # type: ignore[arg-type]
