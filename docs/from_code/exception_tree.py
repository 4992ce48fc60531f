"""Write the tree of exceptions and their attributes from the docstrings of the classes."""

import re
from inspect import getdoc

from wx_static_store import exceptions
from wx_static_store.exceptions import Remedy, UploadFailed, WxStaticStoreError

from . import block, here, table
from .entries import REMEDIES
from .exceptions import CLASSES, summary


def text() -> str:
    return "\n".join([block(_tree()), _classes(), here(*_ATTRIBUTES), "", _attributes()])


_ATTRIBUTES = (
    "Each exception has these attributes. One that is not known is empty.",
    "每个异常都有以下属性。未知的属性为空。",
)


def _tree() -> str:
    lines = (exceptions.__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def _classes() -> str:
    rows = [
        (here("Exception", "异常"), here("Meaning", "含义"), here("The upload", "本应用的做法"))
    ]
    rows += [(_link(kind), summary(kind), here(*REMEDIES[kind.remedy])) for kind in CLASSES]
    return table(24, 52, 24, rows=rows)


def _link(kind: type[WxStaticStoreError]) -> str:
    name = kind.__name__
    return f":ref:`{name} <exception-{name.lower()}>`" if kind.docs else f"``{name}``"


def _attributes() -> str:
    rows = [(here("Attribute", "属性"), here("Meaning", "含义"))]
    for kind in (WxStaticStoreError, UploadFailed):
        lines = re.findall(r"^(``\w+``): (.*)$", getdoc(kind) or "", re.MULTILINE)
        own = "" if kind is WxStaticStoreError else f" (``{kind.__name__}``)"
        rows += [(name + own, meaning[0].upper() + meaning[1:]) for name, meaning in lines]
    rows += [(f"``Remedy.{r.name}``", here(*REMEDIES[r])) for r in Remedy]
    return table(30, 70, rows=rows)
