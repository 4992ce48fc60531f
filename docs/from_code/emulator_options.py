"""Write the emulator's options from its parser."""

from wx_static_store.emulator.__main__ import _parser

from . import block
from .commands import options, usage


def text() -> str:
    parser = _parser()
    own = [action for action in parser._actions if action.dest != "help"]
    return "\n".join([block(usage(parser, parser.prog, own)), options(parser, own)])
