"""The JSON file of a command is whole, and of this run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from tests.deploy.test_report import good, old, whole
from wx_static_store.management.report_file import prepare_report, write_json


def test_the_report_is_written_as_json(tmp_path: Path) -> None:
    data = whole(good())
    write_json(str(tmp_path / "report.json"), data)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == data
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_keeps_chinese_readable_and_survives_names_that_are_not_utf8(
    tmp_path: Path,
) -> None:
    data = whole(good(stale=[old("茶.html"), old("\udcff.html")]))
    write_json(str(tmp_path / "report.json"), data)
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
        write_json(str(path), whole())
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
    write_json(str(path), whole())
    assert seen == [("old", 1)]


def test_a_report_written_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_json(str(tmp_path / "link.json"), whole())
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
        prepare_report(str(tmp_path / name))
    assert caught.value.returncode == 2


@pytest.mark.parametrize("name", ["new.json", "old.json", "link.json"])
def test_the_report_of_an_earlier_run_is_gone_before_a_run_begins(
    tmp_path: Path, name: str
) -> None:
    """It would pass for the report of a run that ends without one."""
    (tmp_path / "old.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "old.json")
    prepare_report(str(tmp_path / name))
    kept = ["link.json", "old.json"] if name == "new.json" else ["link.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_without_a_file_nothing_is_written() -> None:
    prepare_report(None)
    write_json(None, whole())
