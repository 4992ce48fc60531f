"""What the page *Health* shows of the doctor's results."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.health.doctor.conftest import check
from wx_static_store.health.admin.health import SHOWN, checks, quotas, when
from wx_static_store.health.doctor.findings import Finding, Result, not_asked, ok, warning, wrong
from wx_static_store.health.doctor.report import as_dict


def shown(*findings: Finding, **more: str) -> dict[str, Any]:
    [found] = checks(as_dict([Result(check("a", **more), findings)]))
    return found


def texts(of: dict[str, Any]) -> list[str]:
    return [found["text"] for found in of["findings"]]


def test_the_duration_is_that_of_all_checks() -> None:
    report: dict[str, Any] = {"checks": [{"seconds": 0.5}, {"seconds": 0.7}]}
    assert when(report | {"examined": datetime.now(UTC)}).endswith("in 1.2 s.")


def test_what_is_well_is_left_out_where_something_is_not() -> None:
    assert texts(shown(ok("well"), warning("doubtful"), wrong("broken"))) == ["broken", "doubtful"]


def test_all_that_was_found_is_shown_where_all_is_well() -> None:
    assert texts(shown(ok("one"), ok("two"))) == ["one", "two"]


def test_a_hint_is_not_repeated_in_the_next_line() -> None:
    found = shown(wrong("a"), wrong("b"), wrong("c", hint="That."), remedy="This.")
    assert [each["hint"] for each in found["findings"]] == ["This.", "", "That."]


def test_many_findings_end_with_their_number() -> None:
    found = shown(*(wrong(str(number)) for number in range(SHOWN + 3)))
    assert (len(found["findings"]), found["more"]) == (SHOWN, "and 3 more")


@pytest.mark.parametrize(
    ("finding", "sign"),
    [(ok(""), "✓"), (not_asked(""), "–"), (warning(""), "!"), (wrong(""), "✗")],
    ids=["ok", "not asked", "warning", "wrong"],
)
def test_a_mark_has_a_sign_and_a_word(finding: Finding, sign: str) -> None:
    found = shown(finding)
    assert found["look"].sign == sign
    assert str(found["label"])


@pytest.mark.parametrize(
    ("limit", "remain", "used"),
    [(1000, 900, [100]), (1000, 0, [1000]), (1000, 2000, [0]), (0, 0, [])],
)
def test_the_bar_of_a_quota_stays_within_its_limit(limit: int, remain: int, used: int) -> None:
    data = {"staticfilelist": {"daily_limit": limit, "remain": remain}}
    report = as_dict([Result(check("quota.calls"), (ok("", data=data),))])
    assert [each["used"] for each in quotas(report)] == used


def test_figures_of_other_findings_are_no_quota() -> None:
    data = {"call": "staticfilelist", "daily_limit": 1000, "remain": 1}
    report = as_dict([Result(check("quota.calls"), (warning("", data=data),))])
    assert quotas(report) == []
