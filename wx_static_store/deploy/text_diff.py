"""What differs inside of a text file between two releases, line by line."""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice
from typing import NamedTuple

from ..core.releases import ReleaseFile
from ..exceptions import SourceError
from ..i18n import gettext_lazy as _, shown
from ..upload import kept

LARGEST = 200 * 1024  # bytes of a file
MOST_LINES = 10_000  # of a file
SHOWN = 1000  # lines of a difference
WIDEST = 500  # characters of a line
_CHARSET = "charset=utf-8"  # so end the types that `content_type` gives to text

_OF_TEXT = _("Only text in UTF-8 is compared line by line.")
_SMALLER = _("Compare the files with a tool of your own.")


class Line(NamedTuple):
    """One line; `kind` is added, removed, same, or place: where in the file the next ones are."""

    kind: str
    text: str


class TextDifference(NamedTuple):
    """The first lines of a difference; with `more` there are others."""

    lines: list[Line]
    more: bool


_KINDS = {"+": "added", "-": "removed", "@": "place"}


def is_comparable(*files: ReleaseFile | None) -> bool:
    """Return whether these are small text files; one that is not there is."""
    return all(
        file.size <= LARGEST and file.headers.content_type.endswith(_CHARSET)
        for file in files
        if file
    )


def text_difference(before: ReleaseFile | None, after: ReleaseFile | None) -> TextDifference:
    """Compare the kept bytes of a file; raise SourceError where they are gone, or are no text."""
    sides = [_lines(before), _lines(after)]
    if not any(lines[-1] for lines in sides if lines):  # what comes after the last line's end
        sides = [lines[:-1] for lines in sides]
    old, new = sides
    found = islice(unified_diff(old, new, lineterm=""), 2, None)  # without the names of files
    lines = list(islice(map(_line, found), SHOWN + 1))
    return TextDifference(lines[:SHOWN], len(lines) > SHOWN)


def _line(text: str) -> Line:
    """Return the line; what would not be seen of it is written as an escape."""
    kind = _KINDS.get(text[:1], "same")
    text = shown((text if kind == "place" else text[1:]).expandtabs(4))
    return Line(kind, text if len(text) <= WIDEST else f"{text[:WIDEST]}…")


def _lines(file: ReleaseFile | None) -> list[str]:
    if file is None:
        return []
    if not is_comparable(file):
        raise SourceError(_("%(name)r is no small text file", name=file.name), hint=_OF_TEXT)
    with kept.open_kept(file.sha256) as source:
        body = source.read()
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        raise SourceError(_("%(name)r is no text", name=file.name), hint=_OF_TEXT) from None
    if len(lines) > MOST_LINES:
        text = _("%(name)r has more than %(count)d lines", name=file.name, count=MOST_LINES)
        raise SourceError(text, hint=_SMALLER)
    return lines
