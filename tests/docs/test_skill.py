"""docs/SKILL.md, for coding assistants: what it names exists, and means what it says."""

import importlib
import re

from django.core.management import get_commands, load_command_class

from tests.docs.blocks import DOCS
from tests.tables import each
from wx_static_store.causes import CAUSES
from wx_static_store.conf.options import OPTIONS

TEXT = (DOCS / "SKILL.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|(?: ([^|]+) \|)?$", TEXT, re.M)
FAILURES = [(code, title) for code, title, to_do in ROWS if to_do]
# Of Django and of other files.
OTHERS = {"CODE", "NAME", "BACKEND", "OPTIONS", "STORAGES", "INSTALLED_APPS", "WX_STATIC_STORE"}


def test_an_assistant_is_told_when_to_use_it() -> None:
    head = re.match(r"---\nname: [a-z-]+\ndescription: .{50,1000}\n---\n", TEXT)
    assert head


def test_it_names_each_of_our_commands_once() -> None:
    named = re.findall(r"^\| `python manage\.py (wx_\w+)", TEXT, re.M)
    assert sorted(named) == sorted(name for name in get_commands() if name.startswith("wx_"))


@each(("code", "title"), FAILURES)
def test_a_code_has_the_title_of_its_cause(code: str, title: str) -> None:
    assert str(CAUSES[code].title) == title


def test_every_setting_exists() -> None:
    named = {*re.findall(r"\b[A-Z][A-Z_]{2,}\b", re.sub(r"os\.environ\S+", "", TEXT))}
    known = {name.upper() for name in OPTIONS} | OTHERS
    inside = {*re.findall(r"`([A-Z_]+)`", TEXT), *re.findall(r'^ +"([A-Z_]+)":', TEXT, re.M)}
    assert named & inside <= known


@each("option", sorted({*re.findall(r"`([a-z]+_[a-z]+)`", TEXT)} - {"wx_emulator", "wx_storage"}))
def test_every_option_of_a_store_exists(option: str) -> None:
    assert option in OPTIONS or option in get_commands() or option == "component_access_token"


@each("name", sorted({*re.findall(r'"(wx_static_store\.[\w.]+\.Wx\w+)"', TEXT)}))
def test_every_class_exists(name: str) -> None:
    module, _dot, name = name.rpartition(".")
    assert hasattr(importlib.import_module(module), name)


def test_every_option_of_wx_deploy_exists() -> None:
    parser = load_command_class("wx_static_store", "wx_deploy").create_parser(
        "manage.py", "wx_deploy"
    )
    known = {option for action in parser._actions for option in action.option_strings}
    of_others = {"--row", "--fix", "--days", "--all"}
    assert {*re.findall(r"(?<=[ `])--[a-z-]+", TEXT)} <= known | of_others
