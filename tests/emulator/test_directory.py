"""The folder that the command keeps objects in."""

from __future__ import annotations

from pathlib import Path

import pytest

from wx_static_store.emulator.directory import MARK, claimed
from wx_static_store.emulator.quirks import BadInput


def refusal(folder: Path) -> str:
    with pytest.raises(BadInput) as caught, claimed(folder):
        pass
    return str(caught.value)


def test_a_new_folder_is_made_and_ignored_by_git(tmp_path: Path) -> None:
    with claimed(tmp_path / "a/b"):
        assert (tmp_path / "a/b" / MARK).read_text().endswith("\n*\n")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with claimed(tmp_path):
        assert (tmp_path / MARK).exists()


def test_the_folder_of_an_earlier_run_is_taken(tmp_path: Path) -> None:
    with claimed(tmp_path):
        (tmp_path / "a.json").touch()
    with claimed(tmp_path):
        assert (tmp_path / "a.json").exists()


@pytest.mark.parametrize("name", [MARK, "settings.py"])
def test_a_folder_of_another_program_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("*.pyc\n")
    assert refusal(tmp_path).startswith(f"{tmp_path} has files that are not an emulator's; name")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file").startswith(
        f"cannot write to {tmp_path}/file: it is no folder"
    )


def test_a_folder_that_cannot_be_written_to_is_named() -> None:
    text = refusal(Path("/proc/emulator"))
    assert text.startswith("cannot write to /proc/emulator: ")
    assert text.endswith("name another folder with --directory, or keep no files with --memory")


def test_a_second_emulator_is_kept_out(tmp_path: Path) -> None:
    with claimed(tmp_path):
        assert refusal(tmp_path).startswith(f"another emulator uses {tmp_path}; end it, or name")
