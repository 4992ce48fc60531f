"""What the Chinese catalogue of the package lacks, in sentences."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polib

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wx_static_store"
CATALOGUE = PACKAGE / "locale/zh_Hans/LC_MESSAGES/django.po"
# The functions that mark a text, and the place of the text in their call.
MARKS = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), 0)
MARKS |= dict.fromkeys(("ngettext", "ngettext_lazy"), 0)
MARKS |= {"pgettext": 1, "pgettext_lazy": 1, "npgettext": 1, "npgettext_lazy": 1}

Texts = dict[tuple[str | None, str, str], list[str]]


def texts(path: Path) -> Texts:
    """Return each text with its context, its plural and its Chinese."""
    catalogue = polib.mofile(str(path)) if path.suffix == ".mo" else polib.pofile(str(path))
    return {
        (entry.msgctxt, entry.msgid, entry.msgid_plural): [*entry.msgstr_plural.values()]
        or [entry.msgstr]
        for entry in catalogue
    }


def marked() -> Iterator[tuple[str, Path]]:
    """Yield the texts of the package's modules that are marked for translation."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] == "emulator":  # it has a catalogue of its own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = MARKS.get(node.func.id, len(node.args))
                if place < len(node.args) and isinstance(text := node.args[place], ast.Constant):
                    yield str(text.value), path.relative_to(ROOT)


@cache
def faults() -> list[str]:
    """Return what is to be done before each marked text is shown in Chinese."""
    place, entries = CATALOGUE.relative_to(ROOT), polib.pofile(str(CATALOGUE))
    known = {entry.msgid for entry in entries}
    lacking = {text: path for text, path in marked() if text not in known}
    found = [
        f"{text!r} of {path} is not in the catalogue: run make messages, then fill in {place}"
        for text, path in lacking.items()
    ]
    found += [
        f"{entry.msgid!r} has no Chinese: fill it in in {place}, then run make messages"
        for entry in entries
        if not entry.translated()  # a fuzzy or obsolete translation does not count
    ]
    if not found and texts(CATALOGUE.with_suffix(".mo")) != texts(CATALOGUE):
        found = [f"{place.with_suffix('.mo')} is not made of {place.name}: run make messages"]
    return found
