"""Write the management commands from their parsers."""

import re
import sys
from argparse import Action, ArgumentParser, HelpFormatter
from pathlib import Path

from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import wx_static_store

from . import block, here, plain, section, table

FOLDER = Path(wx_static_store.__file__).parent / "management/commands"
COMMANDS = sorted(path.stem for path in FOLDER.glob("wx_*.py"))


def text() -> str:
    return "\n".join(map(_command, COMMANDS))


def _command(name: str) -> str:
    known = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    parser = load_command_class("wx_static_store", name).create_parser("manage.py", name)
    own = [action for action in parser._actions if action.dest not in known]
    return section(
        name,
        plain(parser.description),
        block(usage(parser, f"python manage.py {name}", own)),
        options(parser, own),
        anchor=name,
    )


def usage(parser: ArgumentParser, program: str, actions: list[Action]) -> str:
    formatter = HelpFormatter(program, width=88)
    formatter.add_usage(None, actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help()


def options(parser: ArgumentParser, actions: list[Action]) -> str:
    rows = [(here("Argument", "参数"), here("Meaning", "含义"))]
    rows += [(_names(action), _help(parser, action)) for action in actions]
    return table(30, 70, rows=rows)


def _names(action: Action) -> str:
    metavar = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    many = " …" if action.nargs == "+" else ""
    names = [f"{name} {metavar}{many}".strip() for name in action.option_strings]
    return ", ".join(f"``{name}``" for name in names or [metavar + many])


def _help(parser: ArgumentParser, action: Action) -> str:
    formatter = HelpFormatter(parser.prog, width=sys.maxsize)
    said = formatter._expand_help(action) if action.help else ""
    return re.sub(r"(?<=default: )[^\s();`]+", r"``\g<0>``", plain(said))
