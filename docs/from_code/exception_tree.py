"""Write the tree of exceptions and their attributes from the docstrings of the classes."""

import re
from collections.abc import Iterator
from inspect import getdoc

from wx_static_store import exceptions
from wx_static_store.causes import Remedy
from wx_static_store.exceptions import UploadFailed, WxStaticStoreError

from . import here, plain, table


def text() -> str:
    return "\n".join([*_tree(WxStaticStoreError), here(*_ATTRIBUTES), "", _attributes()])


CLASSES: list[type[WxStaticStoreError]] = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, WxStaticStoreError)
]
_ATTRIBUTES = (
    "Each exception has these attributes. One that is not known is empty.",
    "每个异常都有以下属性。未知的属性为空。",
)


def _tree(kind: type, depth: int = 0) -> Iterator[str]:
    """Yield a class and those below it as a nested list, with their parents from elsewhere."""
    name, others = kind.__name__, kind.__bases__[1:]
    parents = "".join(f" (``{each.__name__}``)" for each in others)
    link = f":ref:`{name} <exception-{name.lower()}>`"
    yield from (f"{'  ' * depth}- {link}{parents}: {_summary(kind)}", "")
    for below in CLASSES:
        if kind in below.__bases__:
            yield from _tree(below, depth + 1)


def _summary(kind: type) -> str:
    """Return the first paragraph of a class's docstring, on one line."""
    return " ".join((getdoc(kind) or "").partition("\n\n")[0].split())


def _attributes() -> str:
    rows = [(here("Attribute", "属性"), here("Meaning", "含义"))]
    for kind in (WxStaticStoreError, UploadFailed):
        lines = re.findall(r"^(``\w+``): (.*)$", getdoc(kind) or "", re.MULTILINE)
        own = "" if kind is WxStaticStoreError else f" (``{kind.__name__}``)"
        rows += [(name + own, meaning[0].upper() + meaning[1:]) for name, meaning in lines]
    rows += [(f"``Remedy.{r.name}``", plain(r.label)) for r in Remedy]
    return table(30, 70, rows=rows)
