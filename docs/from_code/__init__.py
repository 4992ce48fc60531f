"""
``.. from-code:: options``: text that the code knows best, written at each build in its language.

A module of this folder returns the text, as reStructuredText, in Django's active language. What
stays English in the Chinese text is translated by the page's catalogue in docs/locale.
"""

import gettext
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from django.utils.translation import get_language, override

from wx_static_store import emulator


def text_of(name: str, language: str) -> str:
    """Return what `text()` of the named module says in a language of Django."""
    name, *arguments = name.split()
    with override(language):
        return str(import_module(f"{__name__}.{name.replace('-', '_')}").text(*arguments))


def table(*widths: int, rows: Iterable[Iterable[object]]) -> str:
    """Return a table of reStructuredText; its first row is the head."""
    head = f".. list-table::\n   :header-rows: 1\n   :widths: {' '.join(map(str, widths))}\n"
    lines = ("   * - " + "\n     - ".join(str(cell) or "–" for cell in row) for row in rows)
    return "\n".join([head, *lines, ""])


def entries(*items: tuple[str, str]) -> str:
    """Return a list of names, each with its meaning, which stands on a line of its own."""
    lines = (f"{name}\n   {meaning or '–'}" for name, meaning in items)
    return "\n".join([".. rst-class:: entries simple\n", *lines, ""]) if items else ""


def section(title: str, *parts: str, anchor: str = "", mark: str = "=") -> str:
    head = [f".. anchor:: {anchor}\n"] if anchor else []
    return "\n".join([*head, title, mark * 2 * len(title), "", *(f"{part}\n" for part in parts)])


def fields(*items: tuple[str, object]) -> str:
    """Return a list of fields; a field without a text is left out."""
    return "\n".join(f":{name}: {text}" for name, text in items if text)


def lead(title: str, text: str) -> str:
    """Return a paragraph that begins with its first sentence in bold."""
    sentence = title if title[-1] in ".?。？" else title + here(".", "。")
    return f"**{sentence}**" + (here(" ", "\\ ") + text if text else "")


def block(text: str) -> str:
    """Return a literal block."""
    return "::\n\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n"


def plain(text: object) -> str:
    """Return a text on one line without markup but for code, so that a star is a star."""
    escaped = re.sub(r"([\\*`_|])", r"\\\1", " ".join(str(text).split()))
    code = re.sub(r"\\`(\w+)\\`", r"``\1``", escaped)  # as docstrings write it
    return code.replace("``（", "``\\ （")  # that bracket would not end the code


def here(english: str, chinese: str) -> str:
    """Return the one of two texts that is in the language of the page."""
    return chinese if get_language() == "zh-hans" else english


def of_emulator(text: str) -> str:
    """Return a text of the emulator, which has a catalogue of its own, in the page's language."""
    folder = Path(emulator.__file__).with_name("locale")
    return gettext.translation("emulator", folder, [here("en", "zh")], fallback=True).gettext(text)
