"""Find what will be a 404 on the site, before anything is sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

from ..core.naming import is_html, object_key
from ..core.types import UploadItem
from ..exceptions import NameRejected, SourceError
from ..i18n import gettext as _, listed, shown
from ..upload.sources import opened

MOST = 50  # findings that are reported
LARGEST = 2 * 1024**2  # bytes; a longer page or style sheet is not read

_SITE = "https://site.invalid/"  # stands for the public address: a page does not know it either
_INDEX = "index.html"

# Relations of <link> that make the browser load something; others only name an address.
_LOADING = {
    *("stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest"),
    *("preload", "modulepreload", "prefetch"),
}
_FILE = re.compile(r"[^?#]*\.[a-z][a-z0-9]{0,10}([?#]|$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{|<%|\ufffd")  # of a template; a page that is not UTF-8
_CANDIDATE = re.compile(r"([^\s,](?:\S*[^\s,])?)(?:,|\s+[^,]*|$)")
_CSS = re.compile(
    r"""
    /\*.*?(?:\*/|\Z)
    | (?: (?<![\w-])url\(\s* | @import\s+ ) (?: "([^"]*)" | '([^']*)' )
    | (?<![\w-])url\(\s* ((?: \\. | [^"'()\s\\] )+)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def preflight(items: Sequence[UploadItem], *, prefix: str, location: str = "") -> list[str]:
    """
    Return sentences that name the file and the fix, each once, in order; none if all seems well.

    All names of this site begin with `prefix`; `location` stands before the names in the bucket.
    What pages and style sheets load is checked, not what scripts load, nor the routes of a single
    page application: a link is checked only if its name has an extension.
    """
    names = [item.name for item in items]
    found = [
        *_missing_index(names, prefix),
        *_refused(names, location),
        *_alike(names),
        *_broken(items, prefix, location),
    ]
    left = len(found) - MOST
    return found[:MOST] + ([_("… and %(count)d more", count=left)] if left > 0 else [])


def _missing_index(names: Sequence[str], prefix: str) -> Iterator[str]:
    if prefix + _INDEX not in names:
        yield _(
            "There is no %(file)s, so the address of the site answers 404: "
            "add one, or deploy the folder that has it.",
            file=prefix + _INDEX,
        )


def _refused(names: Sequence[str], location: str) -> Iterator[str]:
    """Report names that no object can have: such a file fails, and the pages are held back."""
    for name in names:
        try:
            object_key(location, name)
        except NameRejected as error:
            yield _("%(what)s. %(hint)s", what=error.message, hint=error.full_hint)


def _alike(names: Sequence[str]) -> Iterator[str]:
    """Report names that are one file on some disks, or have one key."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_folded(name), []).append(name)
    for group in groups.values():
        if len({*map(_composed, group)}) < len(group):
            names = listed(map(ascii, group))
            yield _("%(names)s are one name on the site: rename one.", names=names)
        elif len(group) > 1:
            yield _(
                "%(names)s differ only by case, which is one file on many disks: rename one.",
                names=listed(map(shown, group)),
            )


# --- references that lead nowhere --------------------------------------------------------------


def _broken(items: Sequence[UploadItem], prefix: str, location: str) -> Iterator[str]:
    keys = {_composed(location + item.name) for item in items}
    outside: dict[str, dict[str, None]] = {}  # page: the addresses in it, in order
    missing: dict[str, dict[str, None]] = {}  # key: the pages that name it, in order
    for item in items:
        for key in _wanted(item, location):
            if not key.startswith(location + prefix):
                outside.setdefault(item.name, {})[f"/{key}"] = None
            elif not {key, f"{key}/{_INDEX}"} & keys:
                missing.setdefault(key, {})[item.name] = None
    for page, addresses in outside.items():
        yield _(
            "%(page)s refers to %(addresses)s, outside of %(base)s: "
            "build the site for this base path.",
            page=shown(page),
            addresses=_some(addresses),
            base=f"/{location}{prefix}",
        )
    called = {_folded(key): key.removeprefix(location) for key in keys}
    for key, pages in missing.items():
        name, other = key.removeprefix(location), called.get(_folded(key))
        facts = {"name": shown(name), "pages": _some(pages)}
        if other:
            yield _(
                "%(name)s, named in %(pages)s, is not among the files: the file is called "
                "%(other)s.",
                **facts,
                other=shown(other),
            )
        else:
            yield _(
                "%(name)s, named in %(pages)s, is not among the files: add it, or mend the "
                "reference.",
                **facts,
            )


def _wanted(item: UploadItem, location: str) -> Iterator[str]:
    """Yield the keys of this site that a page or a style sheet refers to."""
    here = _SITE + quote(_composed(location + item.name), errors="surrogatepass")
    if is_html(item.name):
        text = _text(item)
        open_comments = text.count("<!--") - text.count("-->")  # each costs the parser the rest
        page = _Page(text if open_comments < 20 else "")
        base, references = _joined(here, page.base), page.references
    elif item.name.lower().endswith(".css"):
        base, references = here, [*_of_css(_text(item))]
    else:
        return
    for reference in dict.fromkeys(references):
        address = _joined(base, reference)
        if address.startswith(_SITE):
            key = unquote(urlsplit(address).path[1:])
            yield key + _INDEX if key.endswith("/") or not key else key


def _joined(base: str, reference: str) -> str:
    """Return the whole address; empty for a place in the file itself, and for a bad address."""
    reference = reference.strip().replace("\\", "/")
    if reference.startswith(("#", "%23")) or _PLACEHOLDER.search(reference):
        return ""
    with suppress(ValueError):
        return urljoin(base, reference)
    return ""


def _text(item: UploadItem) -> str:
    """Return the text; empty if it is too long, or cannot be read: then its upload fails."""
    with suppress(SourceError), opened(item, md5="") as source:
        if len(source) <= LARGEST:
            return b"".join(source).decode("utf-8-sig", errors="replace")
    return ""


class _Page(HTMLParser):
    """What an HTML page loads, and its links to files; it need not be well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.base = ""
        self.references: list[str] = []
        self._style: list[str] | None = None
        with suppress(AssertionError):  # of the parser, for some broken declarations
            self.feed(text)
            self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in reversed(attrs) if value}  # the first one counts
        if tag == "base":
            self.base = self.base or given.get("href", "")
        else:
            self.references += _of_tag(tag, given)
        self._style = [] if tag == "style" else None

    def handle_data(self, data: str) -> None:
        if self._style is not None:
            self._style.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.references += _of_css("".join(self._style or ()))
        self._style = None


def _of_tag(tag: str, given: dict[str, str]) -> Iterator[str]:
    loaded = {"src", "poster", "xlink:href", "data" if tag == "object" else ""}
    yield from (value for name, value in given.items() if name in loaded)
    for name in ("srcset", "imagesrcset"):
        yield from _CANDIDATE.findall(given.get(name, ""))
    yield from _of_css(given.get("style", ""))
    relations = given.get("rel", "").lower().split()
    loads = tag in ("use", "image") or (tag == "link" and not _LOADING.isdisjoint(relations))
    if (href := given.get("href")) and (loads or _FILE.match(href)):
        yield href


def _of_css(text: str) -> Iterator[str]:
    for groups in _CSS.findall(text):
        yield re.sub(r"\\(.)", r"\1", "".join(groups))


# --- names ------------------------------------------------------------------------------------


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _composed(name).casefold()


def _some(names: Iterable[str]) -> str:
    first, *others = names
    if not others:
        return shown(first)
    return _("%(name)s and %(count)d more", name=shown(first), count=len(others))
