"""Write the tree of exceptions and their attributes from the docstrings of the classes."""

import re
from inspect import getdoc

from wx_static_store import exceptions
from wx_static_store.causes import Remedy
from wx_static_store.exceptions import UploadFailed, WxStaticStoreError

from . import block, here, plain, table


def text() -> str:
    return "\n".join([block(_tree()), _classes(), here(*_ATTRIBUTES), "", _attributes()])


CLASSES: list[type[WxStaticStoreError]] = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, WxStaticStoreError)
]
_ATTRIBUTES = (
    "Each exception has these attributes. One that is not known is empty.",
    "每个异常都有以下属性。未知的属性为空。",
)


def _tree() -> str:
    lines = (exceptions.__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def _classes() -> str:
    rows = [(here("Exception", "异常"), here("Meaning", "含义"), here("Trying again", "重试"))]
    rows += [(_link(kind), _summary(kind), plain(kind("").remedy.label)) for kind in CLASSES]
    return table(24, 52, 24, rows=rows)


def _summary(kind: type) -> str:
    """Return the first paragraph of a class's docstring, on one line."""
    return " ".join((getdoc(kind) or "").partition("\n\n")[0].split())


def _link(kind: type[WxStaticStoreError]) -> str:
    name = kind.__name__
    return f":ref:`{name} <exception-{name.lower()}>`"


def _attributes() -> str:
    rows = [(here("Attribute", "属性"), here("Meaning", "含义"))]
    for kind in (WxStaticStoreError, UploadFailed):
        lines = re.findall(r"^(``\w+``): (.*)$", getdoc(kind) or "", re.MULTILINE)
        own = "" if kind is WxStaticStoreError else f" (``{kind.__name__}``)"
        rows += [(name + own, meaning[0].upper() + meaning[1:]) for name, meaning in lines]
    rows += [(f"``Remedy.{r.name}``", plain(r.label)) for r in Remedy]
    return table(30, 70, rows=rows)
