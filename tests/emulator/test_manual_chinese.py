"""The Chinese manual says no less than the English one."""

from __future__ import annotations

import re

from tests.tables import each
from wx_static_store.emulator import manual, manual_chinese

NAMES = re.compile(
    r"/[a-z_/]{9,}[a-z0-9_-]*|--[a-z-]+|[a-z]+_[a-z_]+|\"[a-z_]+\"|\{[^}]*\}|curl -[^)）\n]*"
)
PARTS = ("FLOW", "OTHERS", "PUSHES", "CONTROL", "FAULTS", "QUIRKS")
HAN = "[\u4e00-\u9fff]"


@each("part", PARTS)
def test_a_part_has_the_same_names_and_commands_in_both_languages(part: str) -> None:
    english, chinese = getattr(manual, part), getattr(manual_chinese, part)
    assert re.search(HAN, chinese)
    assert {*NAMES.findall(english)} == {*NAMES.findall(chinese)}


@each("part", PARTS)
def test_chinese_follows_the_rules_of_typesetting(part: str) -> None:
    wrong = rf"{HAN}[,;:!?(]|[,;:!?]{HAN}|{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}"
    assert re.findall(wrong, getattr(manual_chinese, part)) == []
