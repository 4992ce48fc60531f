"""
Read a stranger's XML into texts by name, with limits that hold while reading.

The size is the caller's limit. A DTD, an entity of its own, a processing instruction, an
attribute, another encoding than UTF-8, one element too many or too deep ends it at once.
"""

from typing import Any
from xml.etree.ElementTree import ParseError  # only the error  # nosec B405

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from .refusals import Refusal

_BOM = b"\xef\xbb\xbf"


def read(document: bytes, *, depth: int = 3, elements: int = 32) -> dict[str, Any]:
    """Return the root's members: texts, dictionaries for inner elements, lists for twins."""
    # expat would still read UTF-16.
    if document.startswith(_BOM) or b"\0" in document:
        raise Refusal("encoding")
    builder = _Builder(depth, elements)
    parser = XMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
    parser.parser.XmlDeclHandler = _only_utf8
    try:
        parser.feed(document)
        fields = parser.close()
    except (ParseError, DefusedXmlException):
        raise Refusal("xml") from None
    if not isinstance(fields, dict):
        raise Refusal("shape")
    return fields


def _only_utf8(version: str, encoding: str | None, standalone: int) -> None:
    if (encoding or "utf-8").lower() != "utf-8":
        raise Refusal("encoding")


class _Builder:
    """Build the value while the parser runs, and refuse what WeChat never sends."""

    def __init__(self, depth: int, elements: int) -> None:
        self._depth = depth
        self._elements = elements
        self._open: list[tuple[list[tuple[str, Any]], list[str]]] = [([], [])]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        # expat itself sets no limit: it reads 200,000 nested elements or attributes.
        self._elements -= 1
        if attributes or self._elements < 0 or len(self._open) > self._depth:
            raise Refusal("shape")
        self._open.append(([], []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        children, texts = self._open.pop()
        text = "".join(texts)
        if children and text.strip():
            raise Refusal("shape")
        self._open[-1][0].append((tag, _by_name(children) if children else text))

    def pi(self, target: str, data: str | None = None) -> None:
        raise Refusal("instruction")

    def close(self) -> Any:
        [(_root, value)] = self._open[0][0]
        return value


def _by_name(children: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, list[Any]] = {}
    for tag, value in children:
        values.setdefault(tag, []).append(value)
    return {tag: same if len(same) > 1 else same[0] for tag, same in values.items()}
