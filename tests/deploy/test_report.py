"""A deploy as JSON and on a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.utils.translation import override

from tests.conftest import ENV
from tests.deploys import deploy
from tests.tables import each
from wx_static_store.core.types import RemoteFile, UploadItem, UploadResult, UploadStatus
from wx_static_store.deploy.report import (
    EnvironmentReport,
    Report,
    as_dict,
    ending,
    line,
)
from wx_static_store.deploy.step_summary import step_summary
from wx_static_store.deploy.verify import Mismatch, Verification
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConnectFailed, NameRejected, WeChatRefused
from wx_static_store.i18n import width
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

HINT = "Rename it. More: manage.py wx_explain 40097"
STARTED = datetime(2026, 9, 20, 8, 30, tzinfo=UTC)


def failed(name: str, message: str = "refused", hint: str = "Rename it.") -> UploadResult:
    error = WeChatRefused(message, errcode=40097, cause="40097", hint=hint, stage="link")
    return UploadResult(
        name, name, UploadStatus.FAILED, stage="link", error=error, errcode=40097, rid="6ab-1"
    )


def old(key: str, size: int = 12) -> RemoteFile:
    return RemoteFile(key, size, None, None)


def good(env: str = "tenant-a", **changes: Any) -> EnvironmentReport:
    report = Report(skipped=2, stored=2, size=1234)
    address = f"https://{env}.example.com/"
    return EnvironmentReport(
        env, **{"address": address, "report": report, "seconds": 1.5} | changes
    )


def bad(env: str = "tenant-b", **changes: Any) -> EnvironmentReport:
    report = Report(stored=1, size=1000, failures=[failed("b.js")], held_back=1)
    return good(env, **{"outcome": "failed", "report": report} | changes)


def whole(*environments: EnvironmentReport) -> dict[str, Any]:
    run = {"using": "default", "source": "4f2a9c1"}
    return as_dict(environments, **run, started=STARTED.timestamp(), seconds=3.25)


def lines(environment: EnvironmentReport) -> list[str]:
    return [line(environment), *ending(whole(environment))]


# --- as data ----------------------------------------------------------------------------------


def test_the_report_of_a_deploy_as_data() -> None:
    environment = bad(
        report=Report(
            stored=1,
            size=1000,
            failures=[failed("b.js")],
            held_back=1,
            notes=["The log decided about 30 files."],
        ),
        release="ab" * 32,
        canary=True,
        verified=Verification(3, 1, mismatches=[]),
        findings=[Mismatch("index.html", "it is not in the cloud")],
        stale=[old("old.js")],
        uploads=[old("uploads/price.pdf")],
        blanked=1,
        error="Something else.",
    )
    assert whole(environment) == {
        "version": 1,
        "started": "2026-09-20T08:30:00+00:00",
        "seconds": 3.25,
        "using": "default",
        "source": "4f2a9c1",
        "url": "https://tenant-b.example.com/",
        "environments": [
            {
                "env": "tenant-b",
                "address": "https://tenant-b.example.com/",
                "outcome": "failed",
                "error": "Something else.",
                "seconds": 1.5,
                "counts": {
                    "stored": 1,
                    "unchanged": 0,
                    "failed": 1,
                    "unknown": 0,
                    "held_back": 1,
                    "not_attempted": 0,
                },
                "bytes": 1000,
                "release": "ab" * 32,
                "failures": [
                    {
                        "name": "b.js",
                        "key": "b.js",
                        "status": "failed",
                        "stage": "link",
                        "errcode": 40097,
                        "message": "refused",
                        "hint": HINT,
                        "rid": "6ab-1",
                    }
                ],
                "notes": ["The log decided about 30 files."],
                "canary": True,
                "verified": {"files": 3, "pages": 1},
                "findings": [{"key": "index.html", "what": "it is not in the cloud"}],
                "stale": ["old.js"],
                "uploads": ["uploads/price.pdf"],
                "blanked": 1,
            }
        ],
        "causes": [
            {
                "cause": "",
                "errcode": None,
                "message": "Something else.",
                "hint": "",
                "environments": ["tenant-b"],
                "files": [],
            },
            {
                "cause": "40097",
                "errcode": 40097,
                "message": "refused (stage link, errcode 40097)",
                "hint": HINT,
                "environments": ["tenant-b"],
                "files": ["b.js"],
            },
        ],
    }


def test_an_environment_that_was_not_begun_has_counts_too() -> None:
    skipped = EnvironmentReport("tenant-c", outcome="skipped", error="The canary is not right.")
    (data,) = whole(skipped)["environments"]
    assert set(data["counts"].values()) == {0}
    assert (data["outcome"], data["error"]) == ("skipped", "The canary is not right.")
    assert (data["canary"], data["verified"]) == (False, None)


@pytest.mark.django_db
def test_the_report_of_a_run_has_no_secret(configure: Any) -> None:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1, "MAX_WORKERS": 1})
    cloud.script(
        {"on": "staticuploadfile", "key": "a.js", "do": "errcode", "errcode": 40097},
        {"on": "put_object", "key": "b.js", "do": "drop_reply"},
    )  # fmt: skip
    uploader = get_uploader()
    items = [
        UploadItem(name, open=lambda: BytesIO(b"123"))
        for name in ("a.js", "b.js", "c.js", "index.html")
    ]
    report = deploy(uploader, items)
    data = whole(good(ENV, report=report, outcome="failed"))
    (shown,) = data["environments"]
    assert shown["counts"] == {
        "stored": 1, "unchanged": 0, "failed": 1, "unknown": 1, "held_back": 1, "not_attempted": 0
    }  # fmt: skip
    refused, lost = shown["failures"]
    assert (refused["key"], refused["status"], refused["stage"]) == ("a.js", "failed", "link")
    assert refused["errcode"] == 40097
    assert refused["message"] == "staticuploadfile was refused: scripted"
    assert "environment id" in refused["hint"]
    assert refused["rid"] == UploadLog.objects.get(key="a.js").rid != ""
    assert (lost["key"], lost["status"], lost["stage"], lost["errcode"]) == (
        "b.js", "unknown", "put", 0,
    )  # fmt: skip
    text = json.dumps(data) + step_summary(data) + "".join(lines(good(report=report)))
    account = cloud.state.account
    for secret in (cloud.access_token, account.security_token, account.secret_key, "q-sign"):
        assert secret not in text


@each(
    ("environment", "ok"),
    [
        (good(), True),
        (good(stale=[old("old.js")]), True),
        (good(findings=[Mismatch("a.js", "missing")]), False),
        (bad(), False),
        (good(outcome="skipped"), False),
        (good(outcome="interrupted"), False),
    ],
)
def test_a_report_is_ok_if_it_is_done_and_nothing_differs(
    environment: EnvironmentReport, ok: bool
) -> None:
    assert environment.ok is ok


# --- on a terminal ----------------------------------------------------------------------------


def test_the_lines_of_an_environment_end_with_the_causes() -> None:
    environment = bad(
        error="Two lines\nof it.",
        findings=[Mismatch("index.html", "7 bytes in the cloud, 6 here")],
        stale=[old("old.js", 12345)],
        blanked=1,
    )
    assert lines(environment) == [
        "tenant-b: failed in 1.5 s, https://tenant-b.example.com/, errcode 40097",
        "  stored 1, unchanged 0, failed 1, unknown 0, held back 1, not attempted 0; 1,000 bytes",
        "  old.js: stale",
        "  stale files overwritten: 1",
        "  index.html: 7 bytes in the cloud, 6 here",
        "  Two lines",
        "  of it.",
        f"  b.js: {failed('b.js').error}",
    ]


def test_the_lines_say_why_the_log_decided_and_what_people_uploaded() -> None:
    report = Report(skipped=30, notes=["The log decided about 30 files."])
    uploads = [old("uploads/price.pdf")]
    assert lines(good(report=report, uploads=uploads))[2:] == [
        "  The log decided about 30 files.",
        "  uploads/price.pdf: uploaded by somebody, left alone",
    ]


@pytest.mark.parametrize(
    ("files", "pages", "line"),
    [
        (42, 1, "  verified: 42 files by the cloud's list, 1 page by the public site"),
        (1, 0, "  verified: 1 file by the cloud's list, 0 pages by the public site"),
    ],
)
def test_the_lines_say_how_much_was_verified(files: int, pages: int, line: str) -> None:
    assert lines(good(verified=Verification(files, pages, mismatches=[])))[2:] == [line]


def test_the_lines_of_a_canary_say_that_it_is_right() -> None:
    assert lines(good(canary=True))[2:] == ["  canary: it is right"]
    differs = [Mismatch("index.html", "it is not in the cloud")]
    wrong = lines(good(canary=True, outcome="failed", findings=differs))
    assert wrong[2:] == ["  canary: it is not right", "  index.html: it is not in the cloud"]


def test_an_environment_that_was_not_begun_has_its_reason_only() -> None:
    skipped = EnvironmentReport("tenant-c", outcome="skipped", error="Another deploy runs.")
    assert lines(skipped) == ["tenant-c: skipped in 0.0 s", "  Another deploy runs."]


def test_control_characters_do_not_reach_the_terminal() -> None:
    evil = "a\x1b[31m\n.js"
    report = Report(failures=[failed(evil)])
    shown = lines(
        good(report=report, findings=[Mismatch(evil, evil)], stale=[old(evil)], error=evil)
    )
    assert all(line.isprintable() for line in shown)
    assert sum(r"a\x1b[31m\n.js" in line for line in shown) == 3


HEADING = [
    "environment", "outcome", "stored", "unchanged", "failed", "unknown", "held back",
    "not attempted", "bytes", "seconds",
]  # fmt: skip


def cells(*environments: EnvironmentReport) -> list[list[str]]:
    """Return the cells of the table, which ends with the total."""
    rows = [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in ending(whole(*environments))
    ]
    (last,) = [number for number, row in enumerate(rows) if row[0] == "total"]
    return rows[: last + 1]


def test_many_environments_are_a_table_with_a_total() -> None:
    skipped = EnvironmentReport("c", outcome="skipped")
    assert cells(good(), bad(), skipped) == [
        HEADING,
        ["tenant-a", "done", "2", "2", "0", "0", "0", "0", "1,234", "1.5"],
        ["tenant-b", "failed", "1", "0", "1", "0", "1", "0", "1,000", "1.5"],
        ["c", "skipped", "0", "0", "0", "0", "0", "0", "0", "0.0"],
        ["total", "1 of 3 done", "3", "2", "1", "0", "1", "0", "2,234", "3.2"],
    ]


def test_of_more_than_ten_environments_the_table_has_those_that_are_not_done() -> None:
    environments = [good(f"tenant-{number}") for number in range(11)]
    assert cells(*environments, bad("broken")) == [
        HEADING,
        ["broken", "failed", "1", "0", "1", "0", "1", "0", "1,000", "1.5"],
        ["total", "11 of 12 done", "23", "22", "1", "0", "1", "0", "14,574", "3.2"],
    ]
    assert cells(*environments)[1:] == [
        ["total", "11 of 11 done", "22", "22", "0", "0", "0", "0", "13,574", "3.2"]
    ]


# --- causes -----------------------------------------------------------------------------------


def refused(env: str, *names: str) -> EnvironmentReport:
    """Return an environment whose files were refused; each error has facts of its own."""
    results = [failed(name) for name in names]
    for number, result in enumerate(results):
        assert result.error
        result.error.with_context(env=env, key=result.key, rid=f"6ab-{number}", attempts=number)
    return bad(env, report=Report(failures=results))


def test_many_environments_end_with_each_cause_once_and_its_advice() -> None:
    run = whole(good(), *(refused(f"tenant-{letter}", "b.js", "c.js") for letter in "bcdef"))
    last = ending(run)[-1]
    assert last.startswith(
        "5 environments (tenant-b, tenant-c, tenant-d and 2 more), 2 files (b.js, c.js): "
        "refused (stage link, errcode 40097). Rename it."
    )
    assert "\n".join(ending(run)).count("Rename it.") == 1
    (cause,) = run["causes"]
    assert cause["environments"] == [f"tenant-{letter}" for letter in "bcdef"]
    assert (cause["errcode"], cause["files"]) == (40097, ["b.js", "c.js"])


def test_a_cause_of_one_file_has_all_that_is_known_of_it() -> None:
    (text,) = [line for line in ending(whole(good(), refused("b", "x.js"))) if "refused" in line]
    assert text.startswith(
        "b, x.js: refused (stage link, errcode 40097, rid 6ab-0, env b, key x.js)"
    )


def test_errors_of_a_file_alone_are_causes_by_their_message() -> None:
    errors = [NameRejected(text, stage="name") for text in ("it is empty", "it is long")]
    results = [
        UploadResult(f"{number}.js", "", UploadStatus.FAILED, stage="name", error=error)
        for number, error in enumerate([*errors, *errors])
    ]
    run = whole(bad(report=Report(failures=results)))
    assert [cause["files"] for cause in run["causes"]] == [["0.js", "2.js"], ["1.js", "3.js"]]


def test_environments_that_were_left_out_are_one_line() -> None:
    why = "Not begun: the canary a is not right."
    skipped = [EnvironmentReport(f"t-{n}", outcome="skipped", error=why) for n in range(3)]
    *_others, left, cause = ending(whole(bad("a"), *skipped))
    assert left == f"3 environments (t-0, t-1, t-2): {why}"
    assert cause.startswith("a, b.js: refused (stage link")


def test_a_fact_that_environments_share_is_one_line() -> None:
    shared = {"stale": [old("old.js")], "release": "ab" * 32}
    found = ending(whole(good("a", **shared), good("b", **shared), good("c")))
    assert found[-2:] == [
        "2 environments (a, b): release ababababab",
        "2 environments (a, b): old.js: stale",
    ]


def test_a_note_does_not_repeat_the_advice_of_a_cause() -> None:
    environment = refused("b", "x.js")
    assert environment.report
    (error,) = environment.causes
    environment.report.notes = [f"The list could not be read: {error}"]
    text = "\n".join(lines(environment))
    assert text.count("The list could not be read: refused (") == 1
    assert text.count("Rename it.") == 1


def test_a_note_that_was_shown_before_is_not_shown_again() -> None:
    run = whole(good(report=Report(notes=["Shown.", "New."])))
    assert [text.strip() for text in ending(run, known={"Shown."})][1:] == ["New."]


def test_one_of_many_environments_is_a_line() -> None:
    assert line(good()) == "tenant-a: done in 1.5 s, https://tenant-a.example.com/"
    assert line(refused("b", "x.js")).endswith("https://b.example.com/, errcode 40097")
    away = EnvironmentReport("c", outcome="failed", cause=ConnectFailed("No answer of x:443"))
    assert line(away) == "c: failed in 0.0 s, ConnectFailed"


def test_the_columns_of_the_table_are_aligned() -> None:
    heading, *rows = ending(whole(good("a"), bad("a-longer-name")))[:4]
    texts = heading.index("outcome")
    ends = [heading.index(name) + len(name) for name in ("stored", "unchanged", "bytes", "seconds")]
    for row, outcome in zip(rows, ["done", "failed", "1 of 2 done"], strict=True):
        assert row[texts:].startswith(outcome)
        assert all(row[end - 1].isdigit() and row[end : end + 1] in ("", " ") for end in ends)


def test_the_columns_of_the_table_are_aligned_in_chinese() -> None:
    """A Chinese character is as wide as two others."""
    with override("zh-hans"):
        table = ending(whole(good("茶"), bad("a-longer-name")))[:4]
    assert len({width(line) for line in table}) == 1
    assert table[0].split()[:4] == ["环境", "结果", "已上传", "未变化"]


def test_a_run_that_reached_no_environment_has_a_total_of_nothing() -> None:
    assert ending(whole())[-1].split() == ["total", "0", "of", "0", "done", *"0000000", "3.2"]


def test_below_the_table_stands_how_much_was_verified_and_which_canaries_are_right() -> None:
    verified = Verification(42, 1, mismatches=[])
    environments = [
        good("a", verified=verified, canary=True),
        good("b", verified=verified, canary=True),
        good("c", outcome="failed", canary=True),
        EnvironmentReport("d", outcome="skipped"),
    ]
    assert ending(whole(*environments))[-3:] == [
        "2 environments (a, b): canary: it is right",
        "c: canary: it is not right",
        "verified: 84 files by the cloud's list, 2 pages by the public site",
    ]
