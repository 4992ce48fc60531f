"""Write the table of options from their entries in wx_static_store/conf/options.py."""

from django.utils.translation import get_language

from wx_static_store.conf.entries import SETTINGS
from wx_static_store.conf.options import OPTIONS, Options

from . import table

COLUMNS = (("Option", "Default", "Scope", "Meaning"), ("选项", "默认值", "作用域", "含义"))


def text() -> str:
    language = int(get_language() == "zh-hans")
    rows = [COLUMNS[language]]
    for name, entry in OPTIONS.items():
        default = entry.shown[language] if entry.shown else _default(getattr(Options(), name))
        sentence = (entry.english, entry.chinese)[language]
        shown = name.upper() if entry.scope is SETTINGS else name
        rows.append((f"``{shown}``", default, entry.scope.value[language], sentence))
    return table(20, 18, 10, 52, rows=rows)


def _default(value: object) -> str:
    if value in (None, ()):
        return "–"
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join("``" + (str(each) or '""') + "``" for each in values)
