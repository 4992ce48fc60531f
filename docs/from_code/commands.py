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
COMMANDS = sorted(name for name in get_commands() if name.startswith("wx_"))


def text() -> str:
    return "\n".join(map(_command, COMMANDS))


def _command(name: str) -> str:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return section(
        name,
        plain(parser.description),
        *_body(parser, f"python manage.py {name}", _own(parser)),
        anchor=name,
    )


def _body(parser: ArgumentParser, program: str, own: list[Action]) -> Iterator[str]:
    """Yield how the command is called; of one with actions, how each of them is."""
    if not (found := [action for action in own if isinstance(action, _SubParsersAction)]):
        yield block(usage(parser, program, own))
        yield options(parser, own)
        return
    [actions] = found
    rows = [(f"``{action.dest}``", _help(parser, action)) for action in actions._choices_actions]
    yield table(30, 70, rows=[(here("Action", "操作"), here("Meaning", "含义")), *rows])
    alike = defaultdict[tuple[Row, ...], list[str]](list)
    for name, part in actions.choices.items():
        alike[tuple(_rows(part, _own(part)))].append(name)
    known = dict[Row, str]()  # each row, and the action that describes it
    for rows, names in alike.items():
        parts = [(name, actions.choices[name]) for name in names]
        calls = "".join(usage(part, f"{program} {name}", _own(part)) for name, part in parts)
        new = [row for row in rows if row not in known]
        yield section(
            ", ".join(names), block(calls), _options(new), _elsewhere(rows, known), mark="-"
        )
        known |= dict.fromkeys(new, names[0])


def _elsewhere(rows: Iterable[Row], known: dict[Row, str]) -> str:
    """Say which action describes the arguments that are not described again."""
    places = defaultdict[str, list[str]](list)
    for row in rows:
        if row in known:
            places[known[row]].append(row[0])
    return "\n\n".join(
        here(f"As for ``{place}``: {', '.join(names)}.", f"同 ``{place}``：{'、'.join(names)}。")
        for place, names in places.items()
    )


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
