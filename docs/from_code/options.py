"""Write the options of a scope from their entries in wx_static_store/conf/options/."""

from wx_static_store.conf.options import OPTIONS, Options
from wx_static_store.conf.options.entries import Option, Scope

from . import entries


def text(scope: str) -> str:
    chosen = ((name, entry) for name, entry in OPTIONS.items() if entry.scope.name.lower() == scope)
    return entries(*((_term(name, entry), entry.sentence) for name, entry in chosen))


def _term(name: str, entry: Option) -> str:
    default = entry.shown or _default(getattr(Options(), name))
    shown = name.upper() if entry.scope is Scope.SETTINGS else name
    return f"``{shown}``" + (f" ({default})" if default not in ("", "none") else "")


def _default(value: object) -> str:
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"``{each}``" for each in values if each not in (None, ""))
