"""A deploy as JSON and on a terminal."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.utils.translation import override

from tests.conftest import ENV
from tests.deploys import deploy
from tests.tables import each
from wx_static_store.core.types import RemoteFile, UploadItem, UploadResult, UploadStatus
from wx_static_store.deploy.report import (
    EnvironmentReport,
    Report,
    as_dict,
    check_writable,
    lines,
    total,
    write_json,
)
from wx_static_store.deploy.step_summary import step_summary
from wx_static_store.deploy.verify import Mismatch, Verification
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WeChatRefused
from wx_static_store.i18n import width
from wx_static_store.models import UploadLog
from wx_static_store.upload.uploader import get_uploader

STARTED = datetime(2026, 9, 20, 8, 30, tzinfo=UTC)


def failed(name: str, message: str = "refused", hint: str = "Rename it.") -> UploadResult:
    error = WeChatRefused(message, cause="40097", errcode=40097, hint=hint, stage="link")
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
                        "hint": "Rename it. More: manage.py wx_explain 40097",
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


# --- the file ---------------------------------------------------------------------------------


def test_the_report_is_written_as_json(tmp_path: Path) -> None:
    data = whole(good(), bad())
    write_json(tmp_path / "report.json", data)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == data
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_keeps_chinese_readable_and_survives_names_that_are_not_utf8(
    tmp_path: Path,
) -> None:
    data = whole(good(stale=[old("茶.html"), old("\udcff.html")]))
    write_json(tmp_path / "report.json", data)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "茶.html" in text
    assert json.loads(text) == data


def test_a_failure_while_writing_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def full(self: Path, *args: Any, **kwargs: Any) -> None:
        open(self, "w").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CommandError, match="No space left on device") as caught:
        write_json(path, whole())
    assert caught.value.returncode == 1
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_report_stays_whole_until_the_new_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "report.json", []
    path.write_text("old")
    replace = os.replace

    def look(new: Path, target: Path) -> None:
        seen.append((path.read_text(), json.loads(new.read_text())["version"]))
        replace(new, target)

    monkeypatch.setattr("os.replace", look)
    write_json(path, whole())
    assert seen == [("old", 1)]


def test_a_report_written_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_json(tmp_path / "link.json", whole())
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["version"] == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no/such/folder/report.json", "No such file or directory"),
        ("a file/report.json", "Not a directory"),
        ("a folder", "is no file"),
        ("/dev/null", "is no file"),
    ],
)
def test_a_report_that_could_not_be_written_is_refused_before_the_deploy(
    tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    with pytest.raises(CommandError, match=f"report cannot be written to .*{why}") as caught:
        check_writable(tmp_path / name)
    assert caught.value.returncode == 2


@pytest.mark.parametrize("name", ["new.json", "old.json"])
def test_the_check_whether_the_report_can_be_written_leaves_no_file(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "old.json").write_text("old")
    check_writable(tmp_path / name)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


# --- on a terminal ----------------------------------------------------------------------------


def test_the_lines_of_an_environment_name_all_that_is_wrong() -> None:
    environment = bad(
        error="Two lines\nof it.",
        findings=[Mismatch("index.html", "7 bytes in the cloud, 6 here")],
        stale=[old("old.js", 12345)],
        blanked=1,
    )
    assert lines(environment) == [
        "tenant-b: failed in 1.5 s, https://tenant-b.example.com/",
        "  stored 1, unchanged 0, failed 1, unknown 0, held back 1, not attempted 0; 1,000 bytes",
        f"  b.js: {failed('b.js').error}",
        "  Two lines",
        "  of it.",
        "  index.html: 7 bytes in the cloud, 6 here",
        "  old.js: stale, 12,345 bytes",
        "  stale files overwritten: 1",
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
    assert wrong[2:] == ["  index.html: it is not in the cloud"]


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


def test_many_environments_are_a_table_with_a_total() -> None:
    skipped = EnvironmentReport("c", outcome="skipped")
    table = [line.split("  ") for line in total(whole(good(), bad(), skipped))]
    assert [[cell.strip() for cell in row if cell.strip()] for row in table] == [
        ["environment", "outcome", "stored", "unchanged", "failed", "unknown", "held back",
         "not attempted", "bytes", "seconds"],
        ["tenant-a", "done", "2", "2", "0", "0", "0", "0", "1,234", "1.5"],
        ["tenant-b", "failed", "1", "0", "1", "0", "1", "0", "1,000", "1.5"],
        ["c", "skipped", "0", "0", "0", "0", "0", "0", "0", "0.0"],
        ["total", "1 of 3 done", "3", "2", "1", "0", "1", "0", "2,234", "3.2"],
    ]  # fmt: skip


def test_the_columns_of_the_table_are_aligned() -> None:
    heading, *rows = total(whole(good("a"), bad("a-longer-name")))
    texts = heading.index("outcome")
    ends = [heading.index(name) + len(name) for name in ("stored", "unchanged", "bytes", "seconds")]
    for row, outcome in zip(rows, ["done", "failed", "1 of 2 done"], strict=True):
        assert row[texts:].startswith(outcome)
        assert all(row[end - 1].isdigit() and row[end : end + 1] in ("", " ") for end in ends)


def test_the_columns_of_the_table_are_aligned_in_chinese() -> None:
    """A Chinese character is as wide as two others."""
    with override("zh-hans"):
        table = total(whole(good("茶"), bad("a-longer-name")))
    assert len({width(line) for line in table}) == 1
    assert table[0].split()[:4] == ["环境", "结果", "已上传", "未变化"]


def test_a_run_that_reached_no_environment_has_a_total_of_nothing() -> None:
    assert total(whole())[-1].split() == ["total", "0", "of", "0", "done", *"0000000", "3.2"]


def test_below_the_table_stands_how_much_was_verified_and_which_canaries_are_right() -> None:
    verified = Verification(42, 1, mismatches=[])
    environments = [
        good("a", verified=verified, canary=True),
        good("b", verified=verified, canary=True),
        good("c", outcome="failed", canary=True),
        EnvironmentReport("d", outcome="skipped"),
    ]
    assert total(whole(*environments))[-3:] == [
        "verified in 2 environments: 84 files by the cloud's list, 2 pages by the public site",
        "canaries that are right: a, b",
        "canaries that are not right: c",
    ]
