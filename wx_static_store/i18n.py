"""
Texts in the reader's language, or as they stand where no Django is configured.

The parts of a text are arguments, as in ``_("The file %(name)s is closed", name=name)``: lazy texts
keep them, so that the same error is shown in Chinese and recorded in English.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from unicodedata import east_asian_width

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.utils import timezone, translation
from django.utils.functional import lazy
from django.utils.timesince import timesince

_NO_DJANGO = (ImproperlyConfigured, AppRegistryNotReady)


def gettext(message: str, /, **parts: object) -> str:
    text = _translated(message, translation.gettext, message)
    return text % parts if parts else text


def ngettext(one: str, many: str, count: int, /, **parts: object) -> str:
    """Translate by number; `count` is a part of its own."""
    english = one if count == 1 else many
    text = _translated(english, translation.ngettext, one, many, count)
    return text % (parts | {"count": count})


def pgettext(context: str, message: str) -> str:
    """Translate a word by its meaning here."""
    return _translated(message, translation.pgettext, context, message)


def _translated(english: str, translate: Callable[..., str], *words: object) -> str:
    try:
        return translate(*words)
    except _NO_DJANGO:
        return english


def gettext_noop(message: str) -> str:
    """Mark a line of the log: it is English there, and translated where a command shows it."""
    return message


def joined(parts: Iterable[object]) -> str:
    """Join the parts of a sentence with commas."""
    return pgettext("between the parts of a sentence", ", ").join(map(str, parts))


def listed(names: Iterable[object], most: int | None = None) -> Any:
    """Join the names of a list with commas, as late as a lazy text; count those after `most`."""
    # An iterator would be empty when the text is read a second time.
    every = [*names]
    return _listed(every[:most], len(every) - len(every[:most]))


def labelled(label: object, text: object) -> str:
    """Put a label with a colon before the text."""
    return gettext("%(label)s: %(text)s", label=label, text=text)


def with_facts(what: object, facts: object) -> str:
    """Put facts, if there are any, in brackets after the text."""
    return gettext("%(what)s (%(facts)s)", what=what, facts=facts) if facts else str(what)


def sentences(parts: Iterable[object]) -> str:
    """Join sentences: Chinese has no space between them."""
    return gettext("%(sentence)s %(next)s", sentence="", next="").join(map(str, parts))


def here(moment: datetime) -> datetime:
    """Return the moment in the time zone of the reader."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def ago(moment: datetime) -> str:
    """Return the age of a moment in words."""
    now = datetime.now(UTC) if timezone.is_aware(moment) else datetime.now()
    if (now - moment).total_seconds() < 60:
        return gettext("less than a minute ago")
    return gettext("%(time)s ago", time=timesince(moment, depth=1))


gettext_lazy = lazy(gettext, str)
pgettext_lazy = lazy(pgettext, str)
sentences_lazy: Any = lazy(sentences, str)


def _in_words(names: Iterable[object], left: int) -> str:
    text = pgettext("between the names of a list", ", ").join(map(str, names))
    return gettext("%(name)s and %(count)d more", name=text, count=left) if left else text


_listed: Any = lazy(_in_words, str)

# What an error says of itself, in this order.
FACTS = {
    "stage": gettext_lazy("stage %(it)s"),
    "errcode": gettext_lazy("errcode %(it)s"),
    "errmsg": gettext_lazy("errmsg %(it)s"),
    "rid": gettext_lazy("rid %(it)s"),
    "http_status": gettext_lazy("http status %(it)s"),
    "cos_code": gettext_lazy("cos code %(it)s"),
    "request_id": gettext_lazy("request id %(it)s"),
    "env": gettext_lazy("env %(it)s"),
    "key": gettext_lazy("key %(it)s"),
    "attempts": gettext_lazy("attempts %(it)s"),
}
STAGES = {
    "name": pgettext_lazy("stage", "name"),
    "policy": pgettext_lazy("stage", "policy"),
    "source": pgettext_lazy("stage", "source"),
    "token": pgettext_lazy("stage", "token"),
    "link": pgettext_lazy("stage", "link"),
    "put": pgettext_lazy("stage", "put"),
    "verify": pgettext_lazy("stage", "verify"),
}


def shown(text: str) -> str:
    """Escape control characters."""
    # In a name, they would control the terminal.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Pad for a column of a terminal."""
    # A Chinese character takes two places there.
    gap = " " * (columns - width(text))
    return gap + text if right else text + gap


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return a line for each row of a table on a terminal; `right` are its columns of numbers."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            padded(cell, most, right=column in right)
            for column, (cell, most) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def english(text: object) -> str:
    """Return the text in English, as it is recorded."""
    # Whoever reads a row or a log line may have another language than who caused it.
    try:
        with translation.override(None):
            return str(text)
    except _NO_DJANGO:
        return str(text)
