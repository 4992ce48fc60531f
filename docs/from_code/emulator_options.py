"""Write the emulator's options from its parser."""

from wx_static_store.emulator.__main__ import _parser

from . import entries
from .commands import _help, _names


def text() -> str:
    parser = _parser()
    own = [action for action in parser._actions if action.dest != "help"]
    return entries(*((_names(action), _help(parser, action)) for action in own))
