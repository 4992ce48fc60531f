"""The results as lines and as JSON."""

from typing import Any

import pytest
from django.utils.translation import override

from wx_static_store.health.doctor.findings import Finding, Result, not_asked, ok, warning, wrong
from wx_static_store.health.doctor.report import SHOWN, as_dict, lines, verdict_line

from .conftest import check


def result(*findings: Finding, **more: str) -> Result:
    return Result(check("token", **more), findings)


def test_a_check_is_one_line_with_its_mark() -> None:
    [line] = lines(result(ok("All is well"), ok("This as well")))
    assert line.split(maxsplit=2) == ["✓", "token", "All is well"]


def test_a_hint_stands_below_its_line_with_what_explains_it() -> None:
    _line, hint = lines(result(wrong("It is spent", hint="Set a new one.")))
    assert hint == "    Set a new one. More: manage.py wx_explain token"


def test_the_remedy_of_the_check_stands_where_a_finding_has_no_hint() -> None:
    _line, hint = lines(result(wrong("It is spent"), remedy="Look it up."))
    assert hint.startswith("    Look it up.")


def test_the_worst_finding_comes_first() -> None:
    first, *_others = lines(result(warning("doubtful"), wrong("broken")))
    assert first.startswith("✗ token")
    assert first.endswith("broken")


def test_a_warning_stands_below_what_is_wrong() -> None:
    first, second = lines(result(ok("well"), warning("doubtful"), wrong("broken")))
    assert (first[-6:], second) == ("broken", "  ! doubtful")


def test_many_findings_are_cut_with_their_number() -> None:
    *_shown, last = lines(result(*(wrong(f"env {n} is not there") for n in range(SHOWN + 3))))
    assert last == "  and 3 more"


def test_a_control_character_does_not_reach_the_terminal() -> None:
    [line] = lines(result(ok("\x1b[2J")))
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([ok("")], "All is well."),
        ([not_asked("")], "All is well."),
        ([warning("")], "Nothing is wrong; look at 1 warning."),
        ([wrong(""), warning("")], "1 thing is wrong: token"),
    ],
    ids=["well", "not asked", "warning", "wrong"],
)
def test_the_verdict_names_what_is_wrong(findings: list[Finding], line: str) -> None:
    assert verdict_line([result(*findings)]) == line


def test_a_chinese_reader_gets_the_verdict_with_chinese_punctuation() -> None:
    with override("zh-hans"):
        assert verdict_line([result(wrong("")), result(wrong(""))]) == "有 2 项异常：token、token"


def test_programs_get_every_finding() -> None:
    found = as_dict([result(wrong("It is spent", data={"errcode": 40001}), ok(""))])
    assert (found["status"], found["verdict"]) == ("wrong", "1 thing is wrong: token")
    [check] = found["checks"]
    assert [each["status"] for each in check["findings"]] == ["wrong", "ok"]
    assert check["findings"][0]["data"] == {"errcode": 40001}


def test_programs_get_a_hint_and_the_place_in_the_docs_apart(settings: Any) -> None:
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"DOCS_URL": "https://d.example/"}
    found = wrong("It is spent", hint="Set a new one."), ok("")
    [told] = as_dict([Result(check("token.accepted"), found)])["checks"]
    place = "https://d.example/troubleshooting/doctor.html#doctor-token-accepted"
    shown = [(each["hint"], each["docs"]) for each in told["findings"]]
    assert shown == [("Set a new one.", place), ("", "")]


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([ok("", data={"environments": 2, "of": 2})], "All is well."),
        (
            [ok("", data={"environments": 1, "of": 2})],
            "All is well. 1 of 2 environments were asked.",
        ),
        (
            [ok("", data={"environments": 1, "of": 2}), warning("")],
            "Nothing is wrong; look at 1 warning. 1 of 2 environments were asked.",
        ),
        ([not_asked("", data={"late": True})], "All is well. No time was left for token."),
        ([wrong("", data={"environments": 1, "of": 2})], "1 thing is wrong: token"),
    ],
    ids=["all", "some", "some, with a warning", "too late", "wrong"],
)
def test_a_good_verdict_says_how_much_was_asked(findings: list[Finding], line: str) -> None:
    assert verdict_line([result(*findings)]) == line
