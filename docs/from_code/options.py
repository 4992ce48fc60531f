"""Write the table of options from their entries in wx_static_store/conf/options/."""

from wx_static_store.conf.options import OPTIONS, Options
from wx_static_store.conf.options.entries import Scope

from . import table

SCOPES = [*Scope]


def text() -> str:
    rows = [("Option", "Default", "Scope", "Meaning")]
    for name, entry in sorted(OPTIONS.items(), key=lambda item: SCOPES.index(item[1].scope)):
        default = entry.shown or _default(getattr(Options(), name))
        shown = name.upper() if entry.scope is Scope.SETTINGS else name
        rows.append((f"``{shown}``", default, entry.scope.value, entry.sentence))
    return table(20, 18, 10, 52, rows=rows)


def _default(value: object) -> str:
    if value in (None, ()):
        return "–"
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join("``" + (str(each) or '""') + "``" for each in values)
