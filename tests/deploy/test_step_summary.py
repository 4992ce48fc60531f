"""A deploy on the page that GitHub shows of a step."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_report import bad, failed, good, old, whole
from tests.tables import each
from wx_static_store.core.types import UploadResult, UploadStatus
from wx_static_store.deploy.report import EnvironmentReport, Report
from wx_static_store.deploy.step_summary import ROWS, STEP_BYTES, append, step_summary
from wx_static_store.deploy.verify import Mismatch, Verification
from wx_static_store.exceptions import NameRejected

GITHUB_BYTES = 1024 * 1024


def test_a_run_without_a_failure_is_one_table() -> None:
    assert step_summary(whole(good())) == (
        "## wx_deploy default, 4f2a9c1\n"
        "\n"
        "| environment | outcome | stored | unchanged | failed | unknown | held back "
        "| not attempted | bytes | seconds |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| tenant-a | done | 2 | 2 | 0 | 0 | 0 | 0 | 1,234 | 1.5 |\n"
        "| total | 1 of 1 done | 2 | 2 | 0 | 0 | 0 | 0 | 1,234 | 3.2 |\n"
    )


def test_below_the_table_stands_what_was_verified() -> None:
    environment = good("a|b", verified=Verification(3, 1, mismatches=[]), canary=True)
    page = step_summary(whole(environment))
    assert page.partition("| 3.2 |\n")[2] == (
        "\n"
        "canary: it is right\n"
        "\n"
        "verified: 3 files by the cloud's list, 1 page by the public site\n"
    )


def test_below_the_facts_stand_the_causes() -> None:
    environment = bad(
        error="First.\n\n  Second.",
        findings=[Mismatch("index.html", "7 bytes in the cloud, 6 here")],
        stale=[old("old.js")],
    )
    page = step_summary(whole(good(), environment))
    assert page.partition("| 3.2 |\n")[2] == (
        "\n"
        "tenant-b: old.js: stale\n"
        "\n"
        "tenant-b: index.html: 7 bytes in the cloud, 6 here\n"
        "\n"
        "tenant-b: First.\n"
        "\n"
        "Second.\n"
        "\n"
        "tenant-b, b.js: refused (stage link, errcode 40097). Rename it. "
        "More: manage.py wx\\_explain 40097\n"
    )


def test_files_of_one_cause_share_its_text_and_are_counted() -> None:
    results = [failed(f"{number:02}.js") for number in range(18)]
    page = step_summary(whole(bad(report=Report(failures=results))))
    assert page.count("Rename it.") == 1
    assert (
        "\n18 files (00.js, 01.js, 02.js, 03.js, 04.js, 05.js, 06.js, 07.js, 08.js, 09.js and 8 "
        "more): refused (stage link, errcode 40097). Rename it."
    ) in page


@each(
    ("name", "cell"),
    [
        ("a|b.js", r"a\|b.js"),
        ("`a`.js", r"\`a\`.js"),
        ("a\nb.js", r"a\\nb.js"),
        ("a\r| x |", r"a\\r\| x \|"),
        ("<img src=x>", r"\<img src=x\>"),
        ("![x](y)", r"\!\[x\](y)"),
        ("a\\|b", r"a\\\|b"),
        ("__init__ *a* ~b~", r"\_\_init\_\_ \*a\* \~b\~"),
        ("&lt;", r"\&lt;"),
        ("茶.html", "茶.html"),
        ("[id].js", r"\[id\].js"),
    ],
)
def test_a_name_is_nothing_but_text(name: str, cell: str) -> None:
    page = step_summary(whole(good(stale=[old(name)])))
    assert page.splitlines()[-1] == f"{cell}: stale"


@pytest.mark.parametrize("env", [good, bad])
def test_every_row_of_a_table_has_the_columns_of_its_heading(env: Any) -> None:
    evil = "a|`\n|\\|<b>"
    report = Report(failures=[failed(evil, message=evil, hint=evil)])
    environment = env(evil, report=report, findings=[Mismatch(evil, evil)], stale=[old(evil)])
    columns = None
    for line in step_summary(whole(environment)).splitlines():
        if not line.startswith("| "):
            columns = None
            continue
        bars = line.replace("\\\\", "").replace(r"\|", "").count("|")
        assert columns in (None, bars)
        columns = bars


def test_of_many_stale_files_the_first_are_named_and_the_causes_stand_below() -> None:
    many = [old(f"{number}.js") for number in range(ROWS + 3)]
    page = step_summary(whole(good(stale=many, error="Its cause.")))
    assert page.endswith(f"\n{ROWS - 1}.js: stale\n\n… and 3 more\n\nIts cause.\n")


def test_of_many_environments_those_that_are_not_done_stand_in_the_overview() -> None:
    many = (good(f"tenant-{number}") for number in range(200))
    page = step_summary(whole(*many, bad("broken")))
    assert page.count("| tenant-") == 0
    assert "| broken | failed | 1 |" in page
    assert "| total | 200 of 201 done | 401 |" in page


def test_a_page_is_never_more_than_github_takes() -> None:
    reasons = (f"{number}: {'茶' * 280}" for number in range(2000))
    skipped = [EnvironmentReport("t", outcome="skipped", error=why) for why in reasons]
    page = step_summary(whole(*skipped))
    assert STEP_BYTES // 2 < len(page.encode()) < GITHUB_BYTES
    assert page.endswith("see the JSON report.\n")
    assert page.count("see the JSON report") == 1


def test_the_page_is_appended_to_what_the_step_wrote_before(tmp_path: Path) -> None:
    page, data = tmp_path / "summary.md", whole(good(stale=[old("茶.html")]))
    page.write_text("before\n")
    append(str(page), step_summary(data))
    assert page.read_text(encoding="utf-8") == "before\n" + step_summary(data)


def test_a_page_that_cannot_be_written_does_not_fail_the_deploy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        append(str(tmp_path / "no" / "folder"), step_summary(whole(good())))
    assert "cannot be written: No such file" in caplog.text


def test_a_rejected_name_is_shown_as_it_came() -> None:
    error = NameRejected("it is empty", stage="name")
    result = UploadResult("a\udcff", "", UploadStatus.FAILED, stage="name", error=error)
    page = step_summary(whole(bad(report=Report(failures=[result]))))
    assert page.encode().rpartition(b"\n\n")[2].startswith(b"a\\\\udcff: it is empty (stage")
