"""The language of the terminal, by the catalogue in `locale/` and LANGUAGE, LC_ALL or LANG."""

from __future__ import annotations

import gettext
from pathlib import Path

_DOMAIN, _FOLDER = "emulator", Path(__file__).with_name("locale")


def marked(english: str) -> str:
    """Return a text that is translated later; `make messages` finds it by this name."""
    return english


# What argparse and the system say, as far as a user of the command can meet it.
marked("usage: ")
marked("options")
marked("show this help message and exit")
marked("%(prog)s: error: %(message)s\n")
marked("argument %(argument_name)s: %(message)s")
marked("unrecognized arguments: %s")
marked("invalid %(type)s value: %(value)r")
marked("not allowed with argument %s")
marked("expected one argument")
marked("ignored explicit argument %r")
marked("ambiguous option: %(option)s could match %(matches)s")
marked("Address already in use")
marked("No such file or directory")
marked("Permission denied")


def translate(english: str, /, **parts: object) -> str:
    """Return the text in the language of the terminal, with its parts filled in."""
    text = gettext.translation(_DOMAIN, _FOLDER, fallback=True).gettext(english)
    return text.format(**parts) if parts else text


def translate_argparse() -> None:
    """Let argparse, which has no catalogue of its own, use this one in the whole process."""
    gettext.bindtextdomain(_DOMAIN, str(_FOLDER))
    gettext.textdomain(_DOMAIN)
