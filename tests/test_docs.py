"""docs/howto/deploy.rst documents every option of the commands and no other."""

import re
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandParser

from wx_static_store.deploy.report import EnvironmentReport, Summary, as_dict

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "howto" / "deploy.rst").read_text(encoding="utf-8")

COMMANDS = sorted(p.stem for p in (ROOT / "wx_static_store/management/commands").glob("wx_*.py"))
SECTIONS = {"wx_deploy": "Options"}  # the others' have their own names


def parser(command: str) -> CommandParser:
    return load_command_class("wx_static_store", command).create_parser("manage.py", command)


def long_options(of: CommandParser) -> set[str]:
    return {name for action in of._actions for name in action.option_strings if name[:2] == "--"}


def section(title: str) -> str:
    """Return the text below a heading, up to the next heading."""
    found = re.search(rf"^{title}\n[=-]+\n(.*?)(?=^[^\n]+\n[=-]{{4,}}$|\Z)", PAGE, re.M | re.S)
    assert found, f"docs/howto/deploy.rst has no section {title!r}"
    return found[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(command: str) -> None:
    djangos_own = long_options(BaseCommand().create_parser("manage.py", command))
    documented = set(re.findall(r"``(--[a-z-]+)", section(SECTIONS.get(command, command))))
    assert documented == long_options(parser(command)) - djangos_own


def test_every_member_of_the_json_report_is_documented() -> None:
    data = as_dict(Summary("site", "", 0.0, 0.0, [EnvironmentReport("demo-1")]))
    documented = re.findall(r"^(?:– )?``(\w+)`` ", section("In CI"), re.MULTILINE)
    assert documented == [*data, *data["environments"][0]]
