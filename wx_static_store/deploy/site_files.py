"""
Follow ``_headers`` and ``_redirects``, which other hosts know, as far as a bucket can.

A bucket keeps a few headers with each object, and redirects nothing. What it cannot do is a note
with the numbers of the lines; what cannot be read is an error.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from html import escape
from io import BytesIO
from operator import attrgetter
from urllib.parse import unquote

from django.utils.functional import Promise

from ..core.naming import clean_name, content_type, header_value, nfc, quote_key
from ..core.types import UploadItem
from ..exceptions import NameRejected, SourceError
from ..i18n import gettext_lazy as _, labelled, listed
from ..upload.sources import fingerprint
from .references import INDEX

FILES = HEADERS, REDIRECTS = "_headers", "_redirects"
RULES = 100  # of _headers: each is tried with each file
LINES = 2000  # of a file, and characters of each
MOST = LINES * (LINES + 2)  # characters of a file: one that has more is refused for its lines
NAMED = 20  # lines, and headers, in a note
ALIKE = 0.87  # CDN-Cache-Control is less like Cache-Control
IN_LOG = 255  # characters of those that a row keeps in columns

_IN_COLUMNS = ("Cache-Control", "Content-Type")
_KEPT = (*_IN_COLUMNS, "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
_IN_PAGES = ("Content-Security-Policy", "Link", "Referrer-Policy", "X-Robots-Tag")
LEADS_ON = b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url='
_REST = '{0}"><title>{0}</title><link rel="canonical" href="{0}"><a href="{0}">{0}</a>\n'

_HEADER = re.compile(r"!\s*([\w-]+)|([\w-]+)\s*:\s*(.+)", re.ASCII)
# An exact path, a path or an address, a code.
_REDIRECT = re.compile(r"(/[^*:?#\s]*)\s+((?:/(?![/\\])|https?://\w)\S*)(\s+30[12378]!?)?(\s+#.*)?")
_IN_META = _("Not sent: %(names)s. Write that into the pages as <meta> or <link>.")
_BY_CDN = _("Not sent: %(names)s. Only a CDN in front of the site can add that.")
_MEANT = _("Not sent: %(names)s. Did you mean %(meant)s?")
_NO_FILE = _("No file fits this path.")
_OTHER = _("line %(first)d gives %(path)s another %(name)s. Remove it: '! %(name)s'")
_DONE = _("A small page leads on, with status 200.")
_FALLBACK = _("Not done: set index.html as the error page in the console.")
_TAKEN = _("Not done: the site has a file at this path, or a line above redirects it.")
_BACK = _("Not done: it leads back to itself.")
_INEXACT = _("Not done: a page leads from one exact path only, with 301, 302, 303, 307 or 308.")
_HOST = _("Not done: a rule for one host. Begin the path with a slash.")

Lines = Iterator[tuple[int, str]]  # with their numbers
Lined = dict[int, str]  # numbers of lines, each with a header that it names
Noted = defaultdict[tuple[str, str], Lined]  # by file and text
Step = tuple[int, str, str]  # number of the line, header, value; without one, it is removed
Rules = dict[int, tuple[re.Pattern[str], list[Step]]]  # by line: what a path must fit, its steps


def follow(
    files: Mapping[str, Sequence[str]], items: Sequence[UploadItem], prefix: str, location: str
) -> tuple[list[UploadItem], list[str]]:
    """Return the items with headers and the pages of redirects, and notes; raise SourceError."""
    noted, names = Noted(dict), {nfc(item.name) for item in items}
    pages = _redirect_pages(_lines(REDIRECTS, files), names, prefix, location, noted)
    rules = _rules(_lines(HEADERS, files), noted)
    found = sorted([*items, *pages], key=attrgetter("name"))
    if unused := noted[HEADERS, str(_NO_FILE)]:
        found = [_with_headers(item, prefix, rules, unused) for item in found]
    notes = []
    for (file, text), lines in noted.items():
        label = f"{file}:{listed(lines, NAMED)}"
        named = str(listed(dict.fromkeys(lines.values()), NAMED))
        notes += [labelled(label, text.replace("%(names)s", named))] * bool(lines)
    return found, notes


def _lines(file: str, files: Mapping[str, Sequence[str]]) -> Lines:
    """Yield each line with its number, without comments."""
    for number, line in enumerate(files.get(file, ()), 1):
        if max(number, len(line)) > LINES:
            text = _("%(count)d lines of %(count)d characters are allowed", count=LINES)
            raise _wrong(file, number, text)
        if not re.match(r"\s*(#|$)", line):
            yield number, nfc(line.rstrip())


def _wrong(file: str, line: int, what: str | Promise) -> SourceError:
    text = _("%(label)s: %(text)s", label=f"{file}:{line}", text=what)
    return SourceError(text, stage="source", hint=_("Correct the line."))


# --- _headers ---------------------------------------------------------------------------------


def _rules(lines: Lines, noted: Noted) -> Rules:
    rules, steps = Rules(), None
    for number, line in lines:
        if not line[0].isspace():
            steps = list[Step]()
            if re.match("https?://", line):
                noted[HEADERS, str(_HOST)][number] = ""
            else:
                rules[number] = _pattern(number, line), steps
                noted[HEADERS, str(_NO_FILE)][number] = ""
            if len(rules) > RULES:
                raise _wrong(HEADERS, number, _("%(count)d paths are allowed", count=RULES))
        elif steps is None:
            raise _wrong(HEADERS, number, _("no path stands above this header"))
        else:
            _number, name, value = step = _step(number, line.strip())
            if name in _KEPT or re.match("X-Cos-Meta-.", name):
                steps.append(step)
            elif value:
                near = next(iter(get_close_matches(name, (*_KEPT, *_IN_PAGES), 1, ALIKE)), "")
                text = _BY_CDN if not near else _IN_META if near == name else _MEANT
                noted[HEADERS, str(text).replace("%(meant)s", near)][number] = name
    return rules


def _pattern(line: int, path: str) -> re.Pattern[str]:
    """Return what fits: ``*`` fits all, ``:name`` a part between slashes, a folder its page."""
    parts = re.split(r"(\*|(?<=/):[A-Za-z]\w*)", nfc(unquote(path)), flags=re.ASCII)
    names = (part[1:] or "splat" for part in parts[1::2])
    parts[1::2] = (f"(?P<{n}>{'.*' if n == 'splat' else '[^/]+'})" for n in names)
    parts[::2] = map(re.escape, parts[::2])
    with suppress(re.error):  # a name twice
        if path.startswith("/"):
            return re.compile("".join(parts) + rf"(?:(?<=/){re.escape(INDEX)})?")
    text = _("write a path from its slash, with each of * and :name once, and a header indented")
    raise _wrong(HEADERS, line, text)


def _step(line: int, text: str) -> Step:
    if not (found := _HEADER.fullmatch(text)):
        raise _wrong(HEADERS, line, _("write a header as 'Name: value', or '! Name' to remove it"))
    removed, name, value = map(str, found.groups(""))
    try:
        return line, (removed or name).title(), value and header_value(value)
    except NameRejected as error:
        raise _wrong(HEADERS, line, error.message) from None


def _with_headers(item: UploadItem, prefix: str, rules: Rules, unused: Lined) -> UploadItem:
    """Return the item with the headers of all rules that fit its path, or raise SourceError."""
    found, path = dict[str, tuple[int, str]](), f"/{nfc(item.name).removeprefix(prefix)}"
    fitting = list[tuple[re.Match[str], Step]]()
    for line, (rule, steps) in rules.items():
        if fits := rule.fullmatch(path):
            unused.pop(line, None)
            fitting += ((fits, step) for step in steps)
    for fits, (line, name, value) in fitting:
        parts = {f":{part}": quote_key(text) for part, text in fits.groupdict().items()}
        value = "".join(parts.get(word, word) for word in re.split(r"(:\w+)", value))
        first, before = found.setdefault(name, (line, value))
        if name in _IN_COLUMNS and len(value) > IN_LOG:
            raise _wrong(HEADERS, line, _("it has more than %(count)d characters", count=IN_LOG))
        if not value:
            del found[name]
        elif before != value:
            facts = {"name": name, "first": first, "path": ascii(path)}
            raise _wrong(HEADERS, line, str(_OTHER) % facts)
    values = {name: found[name][1] for name in sorted(found)}
    cache_control, kind = (values.pop(name, None) for name in _IN_COLUMNS)
    return replace(
        item,
        cache_control=cache_control,
        content_type=kind or item.content_type,
        other_headers="\n".join(f"{name}: {value}" for name, value in values.items()),
    )


# --- _redirects -------------------------------------------------------------------------------


def _redirect_pages(
    lines: Lines, names: set[str], prefix: str, location: str, noted: Noted
) -> list[UploadItem]:
    """Return a page for each exact path that has no file."""
    pages, leads = dict[str, UploadItem](), dict[str, str]()  # from page to page
    for number, line in lines:
        source, target = found.group(1, 2) if (found := _REDIRECT.fullmatch(line)) else ("", "")
        name, last = _name(prefix, source), _name(prefix, re.sub("[?#].*", "", target))
        why = _DONE if name else _INEXACT
        while last in leads:
            last = leads[last]
        if not found and re.match(r"/\*\s+/\S*\s+200", line):
            why = _FALLBACK
        elif name in pages or not names.isdisjoint([name, name.removesuffix(f"/{INDEX}")]):
            why = _TAKEN
        elif name and last == name:
            why = _BACK
        elif name:
            leads[name] = last
            target = re.sub("^/", f"/{quote_key(location + prefix)}", target)
            body = partial(BytesIO, LEADS_ON + _REST.format(escape(target)).encode())
            pages[name] = fingerprint(UploadItem(name, body, content_type=content_type(INDEX)))
        noted[REDIRECTS, str(why)][number] = ""
    return [*pages.values()]


def _name(prefix: str, source: str) -> str:
    """Return the name of the page of a path; empty if it can have none."""
    path = prefix + unquote(source).strip("/")
    if "." not in path.rpartition("/")[2] or source.endswith("/"):
        path = f"{path.rstrip('/')}/{INDEX}".lstrip("/")
    with suppress(NameRejected):
        return clean_name(path) if source else ""
    return ""
