"""Write the pytest fixtures and the emulator's methods from their docstrings."""

import inspect

from wx_static_store import testing
from wx_static_store.emulator import EmulatorServer

from . import entries, section


def text() -> str:
    return "\n".join([_fixtures(), section("EmulatorServer", _members())])


def _fixtures() -> str:
    return entries(*((f"``{name}``", _said(getattr(testing, name))) for name in testing.__all__))


def _members() -> str:
    return entries(
        *(
            (f"``{name}{_signature(value)}``", _said(value))
            for name, value in vars(EmulatorServer).items()
            if not name.startswith("_") and inspect.getdoc(value)
        )
    )


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
