"""A check and its findings."""

import pytest
from django.utils.translation import override

from wx_static_store.exceptions import TokenRejected
from wx_static_store.health.doctor.findings import Mark, Result, explained, of_error, ok, wrong
from wx_static_store.health.doctor.target import CheckTarget

from .conftest import check


def test_a_result_that_is_well_has_no_hint() -> None:
    found = ok("")
    assert Result(check("a", remedy="Mend it."), (found,)).hint(found) == ""


@pytest.mark.parametrize(("timeout", "seconds"), [(1.0, 16.0), (30.0, 31.0)])
def test_a_check_that_needs_time_is_given_it_however_short_the_timeout_is(
    timeout: float, seconds: float
) -> None:
    assert check("a", least=15.0).patience(timeout) == seconds


def test_an_error_keeps_its_errcode_for_programs() -> None:
    found = of_error(TokenRejected("refused", errcode=40001))
    assert (found.mark, found.data) == (Mark.WRONG, {"errcode": 40001})


def test_an_error_names_its_errcode_in_the_reader_s_language() -> None:
    found = of_error(TokenRejected("…", errcode=40001))
    assert str(found.text) == "… (errcode 40001)"
    with override("zh-hans"):
        assert str(found.text) == "…（错误码 40001）"


def test_a_finding_of_its_own_hint_does_not_show_that_of_the_check() -> None:
    found = wrong("", hint="Do this.")
    assert Result(check("a", remedy="Do that."), (found,)).hint(found) == "Do this."


def test_what_follows_from_a_check_that_is_wrong_names_it() -> None:
    target = CheckTarget()
    target.causes = {"a": ("a",), "b": ("a",), "c": ()}
    found = explained(target, "a", "b", "c")
    assert found
    assert (found.mark, found.data) == (Mark.NOT_ASKED, {"because": ["a"]})
    assert explained(target, "c", "d") is None
