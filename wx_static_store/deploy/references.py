"""Find the addresses that pages and style sheets refer to or load."""

import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from math import inf
from time import thread_time
from urllib.parse import quote, unquote, urljoin, urlsplit

from ..core.naming import MAX_KEY_BYTES, is_html, nfc
from ..core.types import UploadItem
from ..exceptions import SourceError
from ..upload.sources import opened

LARGEST = 2 * 1024**2  # bytes; a longer page or style sheet is not read
AT_ONCE = 8 * 1024  # characters of a page that are parsed between two checks of the time
LONGEST = 4 * MAX_KEY_BYTES  # characters of an address: of a key when quoted, and more
INDEX = "index.html"

_SITE = "https://site.invalid/"  # in place of the public address, which a page does not know either

# Relations of <link> that make the browser load a file, for the page or beside it.
_FOR_THE_PAGE = {"stylesheet", "preload", "modulepreload"}
_BESIDE_IT = {"icon", "apple-touch-icon", "mask-icon", "manifest", "prefetch"}
_FILE = re.compile(r"[^?#]*\.[a-z][a-z0-9]{0,10}([?#]|$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{|<%|\ufffd")  # of a template, or no UTF-8
_CANDIDATE = re.compile(r"([^\s,](?:\S*[^\s,])?)(?:,|\s+[^,]*|$)")
_CSS = re.compile(
    r"""
    /\*.*?(?:\*/|\Z)
    | (?: (?<![\w-])url\(\s* | @import\s+ ) (?: "([^"]*)" | '([^']*)' )
    | (?<![\w-])url\(\s* ((?: \\. | [^"'()\s\\] )+)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def references(item: UploadItem, location: str, until: float = inf) -> dict[str, bool]:
    """Return the keys that a page or a style sheet names, true if loaded; TimeoutError if late."""
    if not (is_html(item.name) or item.name.lower().endswith(".css")):
        return {}
    # The cost of some pages grows with the square of their length.
    text = _text(item, until)
    base = _SITE + quote(nfc(location + item.name), errors="surrogatepass")
    if is_html(item.name):
        page = _Page(text, until)
        base, found = _join(base, page.base), page.references
    else:
        found = dict.fromkeys(_css_addresses(text), True)
    keys: dict[str, bool] = {}  # true: loaded, such as a picture; false: links and icons
    for reference, loaded in found.items():
        _check_time(until)
        address = _join(base, reference)
        if address.startswith(_SITE):
            key = unquote(urlsplit(address).path[1:])
            key = key + INDEX if key.endswith("/") or not key else key
            keys[key] = keys.get(key, False) or loaded
    return keys


def _check_time(until: float) -> None:
    if thread_time() > until:
        raise TimeoutError


def _join(base: str, reference: str) -> str:
    """Return the whole address; empty if malformed, too long, or a place in the file itself."""
    reference = reference.strip().replace("\\", "/")
    if (
        len(reference) > LONGEST
        or reference.startswith(("#", "%23"))
        or _PLACEHOLDER.search(reference)
    ):
        return ""
    with suppress(ValueError):
        return urljoin(base, reference)
    return ""


def _text(item: UploadItem, until: float) -> str:
    """Return the text; empty if it is too long, or unreadable: then its upload fails."""
    _check_time(until)
    with suppress(SourceError), opened(item, md5="") as source:
        if len(source) <= LARGEST:
            return b"".join(source).decode("utf-8-sig", errors="replace")
    return ""


class _Page(HTMLParser):
    """Collect what an HTML page loads, and its links to files; it may be malformed."""

    def __init__(self, text: str, until: float) -> None:
        super().__init__()
        self._until = until
        self.base = ""
        self.references: dict[str, bool] = {}
        self._style: list[str] | None = None
        # The parser raises it for some broken declarations.
        with suppress(AssertionError):
            for start in range(0, len(text), AT_ONCE):
                _check_time(until)
                self.feed(text[start : start + AT_ONCE])
            # It gives each tag without an end to handle_data().
            self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Of an attribute that is given twice, browsers take the first.
        given = {name: value for name, value in reversed(attrs) if value}
        if tag == "base":
            self.base = self.base or given.get("href", "")
        else:
            # A link without an extension may be a route of a single page application.
            if (href := given.get("href")) and (_FILE.match(href) or _is(_BESIDE_IT, tag, given)):
                self.references.setdefault(href, False)
            self.references |= dict.fromkeys(_loaded_addresses(tag, given), True)
        self._style = [] if tag == "style" else None

    def handle_data(self, data: str) -> None:
        _check_time(self._until)
        if self._style is not None:
            self._style.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.references |= dict.fromkeys(_css_addresses("".join(self._style or ())), True)
        self._style = None


def _loaded_addresses(tag: str, given: dict[str, str]) -> Iterator[str]:
    names = {"src", "poster", "xlink:href", "data" if tag == "object" else ""}
    yield from (value for name, value in given.items() if name in names)
    for name in ("srcset", "imagesrcset"):
        yield from _CANDIDATE.findall(given.get(name, ""))
    yield from _css_addresses(given.get("style", ""))
    if (href := given.get("href")) and (tag in ("use", "image") or _is(_FOR_THE_PAGE, tag, given)):
        yield href


def _is(relations: set[str], tag: str, given: dict[str, str]) -> bool:
    return tag == "link" and not relations.isdisjoint(given.get("rel", "").lower().split())


def _css_addresses(text: str) -> Iterator[str]:
    for groups in _CSS.findall(text):
        yield re.sub(r"\\(.)", r"\1", "".join(groups))
