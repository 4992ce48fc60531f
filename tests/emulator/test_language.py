"""The command in English and Chinese, by the language of the terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from itertools import chain
from pathlib import Path

import polib
import pytest

from tests.tables import each, none_of
from wx_static_store.emulator import EmulatorServer, language, manual
from wx_static_store.emulator.__main__ import main
from wx_static_store.emulator.greeting import greeting

from .command import COMMAND, ROOT, exchange, running

PO = Path(language.__file__).parent / "locale/zh/LC_MESSAGES/emulator.po"
CATALOGUE = polib.pofile(str(PO))
HAN = "[\u4e00-\u9fff]"
ENGLISH = re.compile(r"\b(?:the|is|are|of|with|after|then|which|this|and|or|default)\b")


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


# --- the catalogue ------------------------------------------------------------------------------


def said() -> set[str]:
    """Return what the code says to people; the Makefile names what takes such a text."""
    keywords = re.search(r"EMULATOR_TEXTS = (.*)", (ROOT / "Makefile").read_text())
    assert keywords
    places = {name: int(place or 1) for name, place in re.findall(r"-k(\w+):?(\d?)", keywords[1])}
    found = set()
    for path in Path(language.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (place := places.get(ast.unparse(node.func))):
                text = node.args[place - 1]
                found |= {text.value} if isinstance(text, ast.Constant) else set()
    return found


def texts(catalogue: polib.POFile | polib.MOFile) -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in catalogue}


def faults() -> list[str]:
    """Return what is to be done before each text is shown in Chinese."""
    kept, place = {entry.msgid for entry in CATALOGUE.translated_entries()}, PO.relative_to(ROOT)
    found = [
        f"{text!r} has no Chinese: run make messages, fill it in in {place}, run it again"
        for text in said() - kept
    ]
    found += [f"{text!r} is said no more: run make messages" for text in kept - said()]
    if not found and texts(polib.mofile(str(PO.with_suffix(".mo")))) != texts(CATALOGUE):
        found = [f"The compiled catalogue is not made of {place}: run make messages"]
    return found


def test_every_text_is_translated_and_compiled_and_no_other() -> None:
    none_of(faults())


# Parts to fill in, and in the manual what is typed as it stands.
PARTS = re.compile(r"\{\w*|%\(\w+\)\w|%[sr]")
TYPED = re.compile(
    r"/[a-z_/]{9,}[a-z0-9_-]*|--[a-z-]+|[a-z]+_[a-z_]+|\"[a-z_]+\"|\{[^}]*\}|curl -[^)）\n]*"
)


def test_a_translation_has_the_parts_of_its_text() -> None:
    assert {
        english: chinese
        for english, chinese in texts(CATALOGUE).items()
        if sorted(PARTS.findall(english)) != sorted(PARTS.findall(chinese))
    } == {}


@each("part", ["FLOW", "OTHERS", "PUSHES", "CONTROL", "FAULTS", "QUIRKS"])
def test_the_manual_has_the_same_names_and_commands_in_both_languages(part: str) -> None:
    english = getattr(manual, part)
    assert {*TYPED.findall(texts(CATALOGUE)[english])} == {*TYPED.findall(english)}


def test_chinese_follows_the_rules_of_typesetting() -> None:
    lines = chain.from_iterable(map(str.splitlines, texts(CATALOGUE).values()))
    wrong = rf"{HAN}[,;:!?(]|[,;:!?]{HAN}|{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}"
    assert [line for line in lines if re.search(wrong, line)] == []


# --- who reads which ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "options"),
        ({"LANG": "zh_CN.UTF-8"}, "选项"),
        ({"LANG": "zh_TW"}, "选项"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "选项"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "options"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "选项"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "选项"),
    ],
)
def test_the_variables_of_the_terminal_choose_the_language(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.translate("options") == expected


@pytest.mark.usefixtures("in_chinese")
def test_help_is_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    if faults():
        pytest.skip("a text has no Chinese: another test says which")
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert text.startswith("用法：")
    assert ENGLISH.findall(text) == []


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


@each(
    ("options", "text"),
    [
        (["--prot", "1"], "无法识别的参数：--prot 1"),
        (["--port", "x"], "参数 --port：'x' 不是有效的 int 值"),
        (["--push-seconds", "x"], "参数 --push-seconds：'x' 不是有效的 float 值"),
        (["--memory", "--directory", "x"], "参数 --directory：不能与参数 --memory 一起使用"),
        (["--port"], "参数 --port：需要一个值"),
        (["--memory=1"], "参数 --memory：不接受值 '1'"),
        (["--tls", "x"], "选项 --tls 不明确，可能是 --tls-cert, --tls-key"),
        (["--set", "cors=2"], "开关 cors 需要布尔值 true 或 false，例如 False"),
        (["--set", "data_key=x"], "开关 data_key 的值须为 'Data' 或 'data'，不能是 'x'"),
        (["--set", "corse=1"], "开关 'corse' 无效：您是否想用 'cors'？有效值：data_key, "),
        (["--fault", '{"on": "x", "do": "reset"}'], "'reset' 的 'on' 'x' 无效：有效值：api_"),
        (["--fault", '{"on": "*", "do": "huge"}'], "'huge' 缺少 'bytes'（整数）"),
        (
            ["--fault", '{"on": "*", "do": "etag", "value": 1}'],
            "'etag' 的 'value' 须为文本或空值 null，不能是 1",
        ),
        (["--profile", "no/file"], "--profile no/file：文件或目录不存在"),
        (["--host", "0.0.0.0"], "模拟器只能监听回环地址，而 '0.0.0.0' 不是"),
        (["--env", "a b"], "'a b' 不是环境 ID：只能使用字母、数字和 '-'"),
    ],
)
@pytest.mark.usefixtures("in_chinese")
def test_a_wrong_option_is_refused_in_chinese(
    capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*options, *([] if "--memory" in options else ["--memory"])])
    assert caught.value.code == 2
    usage, *_, last = capsys.readouterr().err.splitlines()
    assert usage.startswith("用法：")
    assert last.startswith(f"python -m wx_static_store.emulator：错误：{text}")


@pytest.mark.usefixtures("in_chinese")
def test_a_taken_port_is_refused_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatorServer() as other, pytest.raises(SystemExit):
        main(["--memory", "--port", other.api_url.rpartition(":")[2]])
    assert "：地址已被占用；请用 --port 指定其他端口" in capsys.readouterr().err


def test_the_command_refuses_in_chinese_in_its_own_process() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "zh_CN.UTF-8"}
    ended = subprocess.run(
        [*COMMAND, "--port", "x"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("：错误：参数 --port：'x' 不是有效的 int 值")


@each(
    ("method", "page", "body", "text"),
    [
        ("GET", "stat", b"", "页面 'stat' 无效：您是否想用 'state'？有效值：accounts, "),
        ("PUT", "faults", b"", "faults 接受 GET 或 POST 或 DELETE，不接受 PUT"),
        ("POST", "quirks", b"{", "请求体不是 JSON："),
        ("POST", "quirks", b"[]", "请求体须为 JSON 对象，其成员：名称和值"),
        ("POST", "clock", b"{}", "缺少 'advance' 或其类型错误；请发送 {\"advance\": 60}"),
        ("POST", "clock", b'{"advance": -1}', "时钟只能前进"),
        ("POST", "faults", b"1", '故障是一个 JSON 对象，例如 {"on": "put_object"'),
        ("POST", "push", b"", "没有推送地址：请设置 push_url"),
        ("POST", "envs", b'{"env": "a", "status": "x"}', "状态 'x' 无效"),
    ],
)
@pytest.mark.usefixtures("in_chinese")
def test_the_control_plane_refuses_in_chinese(
    method: str, page: str, body: bytes, text: str
) -> None:
    with EmulatorServer() as server:
        answer = exchange(method, f"{server.api_url}/__emulator__/{page}", body, {})
    assert answer[0] == 400
    assert json.loads(answer[1])["error"].startswith(text)


@each(
    ("header", "value", "text"),
    [
        ("Host", "evil.example", "模拟器只能应答回环地址，而 'evil.example' 不是"),
        ("Origin", "https://evil.example", "该请求来自其他网页；请使用 curl"),
    ],
)
@pytest.mark.usefixtures("in_chinese")
def test_the_control_plane_refuses_a_foreign_page_in_chinese(
    header: str, value: str, text: str
) -> None:
    with EmulatorServer() as server:
        url = f"{server.api_url}/__emulator__/state"
        status, body = exchange("GET", url, b"", {header: value})
    assert status == 403
    assert json.loads(body)["error"].startswith(text)


def test_the_command_prints_chinese_in_its_own_process() -> None:
    with running("--port", "0", "--memory", LC_ALL="zh_CN.UTF-8") as (_, lines):
        assert lines[0] == "# 粘贴到 settings.py："
