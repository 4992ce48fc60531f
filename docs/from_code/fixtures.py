"""Write the pytest fixtures and the emulator's methods from their docstrings."""

import inspect

from wx_static_store import testing
from wx_static_store.emulator import EmulatorServer

from . import here, section, table


def text() -> str:
    return "\n".join([_fixtures(), section("EmulatorServer", _members())])


def _fixtures() -> str:
    rows = [(here("Fixture", "fixture"), here("What it does", "作用"))]
    rows += [(f"``{name}``", _said(getattr(testing, name))) for name in testing.__all__]
    return table(28, 72, rows=rows)


def _members() -> str:
    rows = [(here("Method or attribute", "方法或属性"), here("What it does", "作用"))]
    for name, value in vars(EmulatorServer).items():
        if not name.startswith("_") and inspect.getdoc(value):
            rows.append((f"``{name}{_signature(value)}``", _said(value)))
    return table(42, 58, rows=rows)


def _signature(value: object) -> str:
    if not callable(value):
        return ""
    parameters = list(inspect.signature(value).parameters.values())[1:]
    names = ["*" + p.name if p.kind is p.VAR_POSITIONAL else p.name for p in parameters]
    return f"({', '.join(names)})"


def _said(value: object) -> str:
    """Return the first paragraph of a docstring, with code as reStructuredText writes it."""
    first = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    return first.replace("`", "``").replace("````", "``")
