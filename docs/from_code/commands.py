"""Write the management commands from their parsers."""

import re
import sys
from argparse import Action, ArgumentParser, HelpFormatter, _SubParsersAction
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from . import block, here, plain, section, table

Row = tuple[str, str]  # the names of an argument, and its meaning
FEW = 3  # fewer rows are described again
COMMANDS = sorted(name for name in get_commands() if name.startswith("wx_"))


def text() -> str:
    known = dict[Row, str]()  # each row, and the place that describes it
    return "\n".join(_command(name, known) for name in COMMANDS)


def _command(name: str, known: dict[Row, str]) -> str:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return section(
        name,
        plain(parser.description),
        *_body(parser, name, _own(parser), known),
        anchor=name,
    )


def _body(
    parser: ArgumentParser, name: str, own: list[Action], known: dict[Row, str]
) -> Iterator[str]:
    """Yield how the command is called; of one with actions, how each of them is."""
    program = f"python manage.py {name}"
    if not (found := [action for action in own if isinstance(action, _SubParsersAction)]):
        yield block(usage(parser, program, own))
        yield from _described(_rows(parser, own), f":ref:`{name} <{name}>`", known)
        return
    [actions] = found
    rows = [(f"``{action.dest}``", _help(parser, action)) for action in actions._choices_actions]
    yield table(30, 70, rows=[(here("Action", "操作"), here("Meaning", "含义")), *rows])
    alike = defaultdict[tuple[Row, ...], list[str]](list)
    for action, part in actions.choices.items():
        alike[tuple(_rows(part, _own(part)))].append(action)
    for described, names in alike.items():
        part = actions.choices[names[0]]
        call = usage(part, f"{program} {names[0] if len(names) == 1 else 'ACTION'}", _own(part))
        parts = _described(described, f"``{names[0]}``", known)
        yield section(", ".join(names), block(call), *parts, mark="-")


def _described(rows: Iterable[Row], place: str, known: dict[Row, str]) -> Iterator[str]:
    """Yield the arguments; if some are described elsewhere, only a reference to that place."""
    elsewhere = defaultdict[str, list[Row]](list)
    for row in rows:
        elsewhere[known.get(row, place)].append(row)
    few = [row for found in elsewhere.values() if len(found) < FEW for row in found]
    yield _options([row for row in rows if row in (*few, *elsewhere[place])])
    for there, found in elsewhere.items():
        if there != place and len(found) >= FEW:
            names = [name for name, _meaning in found]
            yield here(f"As for {there}: {', '.join(names)}.", f"同 {there}：{'、'.join(names)}。")
    known |= {row: known.get(row, place) for row in rows}


def _own(parser: ArgumentParser) -> list[Action]:
    """Return the options of a command or an action that Django does not give to all commands."""
    known = {action.dest for action in BaseCommand().create_parser("manage.py", "")._actions}
    return [action for action in parser._actions if action.dest not in known]


def usage(parser: ArgumentParser, program: str, actions: list[Action]) -> str:
    formatter = HelpFormatter(program, width=88)
    formatter.add_usage(None, actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help()


def options(parser: ArgumentParser, actions: list[Action]) -> str:
    return _options(_rows(parser, actions))


def _rows(parser: ArgumentParser, actions: list[Action]) -> list[Row]:
    return [(_names(action), _help(parser, action)) for action in actions]


def _options(rows: list[Row]) -> str:
    if not rows:
        return ""
    return table(30, 70, rows=[(here("Argument", "参数"), here("Meaning", "含义")), *rows])


def _names(action: Action) -> str:
    metavar = "" if action.nargs == 0 else action.metavar or action.dest.upper()
    many = " …" if action.nargs == "+" else ""
    if isinstance(metavar, tuple):
        metavar, many = "{} [{}]".format(*metavar), ""
    given = f"[{metavar}]" if action.nargs == "?" else metavar
    names = [f"{name} {given}{many}".strip() for name in action.option_strings]
    return ", ".join(f"``{name}``" for name in names or [metavar + many])


def _help(parser: ArgumentParser, action: Action) -> str:
    formatter = HelpFormatter(parser.prog, width=sys.maxsize)
    said = formatter._expand_help(action) if action.help else ""
    value = r"(?<=default: )[^\s();`]+(?=[);])"
    return re.sub(value, lambda found: f"``{found[0].replace(chr(92), '')}``", plain(said))
