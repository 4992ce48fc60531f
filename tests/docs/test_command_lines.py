"""Each ``wx_*`` command that a page shows is understood by the command."""

import argparse
import re
import shlex
from itertools import takewhile
from pathlib import Path

from django.core.management import CommandParser, get_commands, load_command_class

from tests.docs.blocks import DOCS, ROOT
from tests.tables import each

PAGES = [
    *DOCS.rglob("*.rst"),
    DOCS / "SKILL.md",
    ROOT / "README.rst",
    ROOT / "README.zh.rst",
    ROOT / "example_project" / "README.rst",
]


def found(pattern: str) -> list[tuple[str, str]]:
    """Return each page with each text that it has of this pattern."""
    return sorted({(name_of(page), text) for page in PAGES for text in texts(page, pattern)})


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def texts(page: Path, pattern: str) -> list[str]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(pattern, text)


LINES = found(r"python manage\.py (wx_\w+[^\n'`]*)")
LITERALS = found(r"``(wx_\w+ [^`]*--[^`]*)``")


def parser_of(page: str, command: str) -> CommandParser:
    app = get_commands().get(command)
    assert app, f"{page} names {command}, which is no command of manage.py"
    return load_command_class(app, command).create_parser("manage.py", command)


def words(line: str) -> list[str]:
    """Return the words of the first command of a line of the shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return [*takewhile(lambda word: not {*word} <= {*"();<>|&"}, lexer)]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of a command and of its subcommands."""
    options = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            options = options.union(*map(options_of, action.choices.values()))
    return options


@each(("page", "line"), LINES)
def test_a_command_line_of_the_docs_is_understood(page: str, line: str) -> None:
    command, *arguments = words(line)
    parser_of(page, command).parse_args(arguments)


@each(("page", "literal"), LITERALS)
def test_a_command_in_a_sentence_has_its_options(page: str, literal: str) -> None:
    command = literal.split()[0]
    named = {*re.findall(r"--[\w-]+", literal)}
    wrong = named - options_of(parser_of(page, command))
    assert not wrong, f"{page} names {' '.join(sorted(wrong))}, which {command} does not have"
