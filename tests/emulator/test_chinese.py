"""The command in Chinese, where the terminal is Chinese."""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import chain
from pathlib import Path

import pytest

from wx_static_store.emulator import EmulatorServer, chinese
from wx_static_store.emulator.__main__ import _parser, main
from wx_static_store.emulator.faults import describe_kinds
from wx_static_store.emulator.greeting import greeting
from wx_static_store.emulator.kinds import KINDS
from wx_static_store.emulator.quirks import Quirks

from .command import running

HAN = "[\u4e00-\u9fff]"
ENGLISH = re.compile(r"\b(?:the|is|are|of|with|after|then|which|this|and|or|default)\b")


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, True),
    ],
)
def test_the_variables_of_the_terminal_choose_the_language(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, expected: bool
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert chinese.chinese() is expected


@pytest.mark.usefixtures("in_chinese")
def test_help_is_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert text.startswith("用法：")
    assert ENGLISH.findall(text) == []


TEXTS = [
    *(str(action.help) for action in _parser()._actions),
    *(field.metadata["text"] for field in fields(Quirks)),
    *(kind.text for kind in KINDS.values()),
    *(sign.partition(": ")[0] + ": " for _name, sign, _text in describe_kinds()),
]


@pytest.mark.parametrize("text", dict.fromkeys(TEXTS))
def test_an_option_a_quirk_and_a_fault_have_chinese(text: str) -> None:
    assert text in chinese._TABLE


def test_the_table_has_no_text_that_is_not_said() -> None:
    folder = Path(chinese.__file__).parent
    code = [path.read_text() for path in folder.glob("*.py") if "chinese" not in path.name]
    said = re.sub(r"\"\s*(?:f?\"|\+)", "", "".join(code))
    said_by_argparse = {"show this help message and exit"}
    parts = {text: text.removesuffix(" (default: %(default)s)") for text in chinese._TABLE}
    built = {text for text in parts if text.startswith("on ")}
    assert {t for t, part in parts.items() if part not in said} - said_by_argparse - built == set()


def test_chinese_follows_the_rules_of_typesetting() -> None:
    texts = chain.from_iterable(map(str.splitlines, chinese._TABLE.values()))
    wrong = rf"{HAN}[,;:!?(]|[,;:!?]{HAN}|{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}"
    assert [text for text in texts if re.search(wrong, text)] == []


@pytest.mark.usefixtures("in_chinese")
def test_the_printed_settings_are_right_below_a_chinese_heading() -> None:
    with EmulatorServer() as server:
        heading, setting = re.split(r"(?s)\n(?=WX_)|\n\n|\n", greeting(server, None), maxsplit=1)
    assert heading == "# 粘贴到 settings.py："
    assert setting.startswith("WX_STATIC_STORE = {")
    assert "控制接口：http://127.0.0.1:" in setting


@pytest.mark.usefixtures("in_chinese")
def test_a_bad_folder_is_refused_in_chinese(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "other.txt").touch()
    with pytest.raises(SystemExit):
        main(["--directory", str(tmp_path)])
    assert f"{tmp_path} 中有不属于模拟器的文件；请用 --directory" in capsys.readouterr().err


def test_the_command_prints_chinese_in_its_own_process() -> None:
    with running("--port", "0", "--memory", LC_ALL="zh_CN.UTF-8") as (_, lines):
        assert lines[0] == "# 粘贴到 settings.py："
