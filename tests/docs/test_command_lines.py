"""Each ``python manage.py wx_*`` that a page shows is understood by the command."""

import re
import shlex
from itertools import takewhile

from django.core.management import get_commands, load_command_class

from tests.docs.blocks import DOCS, ROOT
from tests.tables import each

PAGES = [
    *DOCS.rglob("*.rst"),
    DOCS / "SKILL.md",
    ROOT / "README.rst",
    ROOT / "example_project" / "README.rst",
]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES).replace("\\\n", " ")
LINES = sorted({*re.findall(r"python manage\.py (wx_\w+[^\n'`]*)", TEXT)})


def words(line: str) -> list[str]:
    """Return the words of the first command of a line of the shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return [*takewhile(lambda word: not {*word} <= {*"();<>|&"}, lexer)]


@each("line", LINES)
def test_a_command_line_of_the_docs_is_understood(line: str) -> None:
    command, *arguments = words(line)
    found = load_command_class(get_commands()[command], command)
    parser = found.create_parser("manage.py", command)
    parser.parse_args(arguments)
