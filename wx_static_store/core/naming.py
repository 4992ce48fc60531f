"""Name → object key, key → public URL, content headers; refuses what cannot be a key."""

import mimetypes
import os
import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import PurePath
from urllib.parse import quote

from django.utils.functional import Promise

from ..exceptions import NameRejected
from ..i18n import gettext_lazy as _
from .types import ContentHeaders, UploadItem

WAITING_URL = "wx_static_store_waiting:file"  # the name of the address of a waiting file
MAX_KEY_BYTES = 850  # COS, object overview: UTF-8 bytes, not characters
nfc = partial(unicodedata.normalize, "NFC")  # as all keys are
PREVIEWS = "_preview/"  # the folder of previews in a store
_IN_PREVIEW = re.compile(rf"\A{PREVIEWS}[^/]+-[0-9a-z]{{8}}/")

# Cc holds NUL to ESC and the C1 controls; Cs are the lone surrogates of undecodable file names;
# the bidi controls turn a name round on the screen, the separators break a line of the log.
_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
NO_CACHE = "no-cache"

# The machine's own tables differ from host to host, so only Python's list and this one count.
_TYPES = mimetypes.MimeTypes()
for _type, _extensions in {
    "application/json": ".map",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg .opus",
    "audio/webm": ".weba",
    "font/otf": ".otf",
    "font/ttf": ".ttf",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "application/vnd.ms-fontobject": ".eot",
    "image/webp": ".webp",
    "image/x-icon": ".ico",
    "text/javascript": ".js .mjs .cjs",
    "text/markdown": ".md",
    "video/mp4": ".m4v",
    "video/ogg": ".ogv",
}.items():
    for _extension in _extensions.split():
        _TYPES.add_type(_type, _extension)
_ENCODED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_UTF8_TYPES = {"application/json", "application/manifest+json", "image/svg+xml", "application/xml"}


def clean_name(name: str | PurePath | Promise) -> str:
    """Return the name in NFC with forward slashes; refuse it (`NameRejected`), never repair it."""
    if isinstance(name, PurePath):
        name = name.as_posix()
    elif isinstance(name, Promise):
        name = str(name)
    elif not isinstance(name, str):
        raise TypeError(f"A file name must be str or a path, not {type(name).__name__}.")
    name = nfc(name)
    if reason := _fault(name):
        shown = ascii(name[:100])
        text = _("%(name)s cannot be the name of a file: %(reason)s", name=shown, reason=reason)
        raise NameRejected(text, stage="name")
    return name


def _fault(name: str) -> str | Promise:
    segments = name.split("/")
    if not name.strip():
        return _("it is empty")
    if "\\" in name:
        return _("it has a backslash; write forward slashes")
    if name.startswith("/"):
        return _("it is absolute; write it relative to the site")
    if ".." in segments or "." in segments:
        return _("it has a part '.' or '..'")
    if "" in segments:
        return _("it has an empty part ('//' or a slash at the end)")
    # All of these are unprintable, which is asked of the whole name at once.
    if not name.isprintable() and any(
        unicodedata.category(c) in _CATEGORIES or c in _BIDI for c in name
    ):
        return _("it has control characters, or bytes that are not UTF-8")
    return ""


def object_key(location: str, name: str | PurePath | Promise) -> str:
    """Return the key of `name`: at most 850 bytes of UTF-8, `location` included."""
    name = clean_name(name)
    # Joined, a letter of one may combine with a mark that begins the other.
    key = clean_name(location + name) if location else name
    if (size := len(key.encode())) > MAX_KEY_BYTES:
        parts = {"key": ascii(key[:60]), "size": size, "most": MAX_KEY_BYTES}
        text = _("%(key)s… is too long for a key: %(size)d bytes, %(most)d are allowed", **parts)
        raise NameRejected(text, stage="name")
    return key


def odd_names(names: Sequence[str], location: str = "") -> Sequence[str]:
    """Return the names that may be no key below the location, or another one; asks all at once."""
    plain = [*filter(str.isascii, names)]
    text, longest = f"/{'/|/'.join(plain)}/", max(map(len, plain), default=0)
    fault = any(part in text for part in ("\\", "//", "/./", "/../", "/ "))
    if fault or not text.isprintable() or len(location.encode()) + longest > MAX_KEY_BYTES:
        return names
    return [name for name in names if not name.isascii()]


def quote_key(key: str) -> str:
    """Quote the key once as a URL path, with the safe characters of Django's own URLs."""
    return quote(nfc(key), safe="/~!*()'")


def content_type(name: str) -> str:
    """Guess by the last extension; text goes out as UTF-8, the unknown as plain bytes."""
    _base, dot, extension = name.rpartition("/")[2].lstrip(".").rpartition(".")
    return _type_of(extension if dot else "")


@lru_cache(maxsize=512)
def _type_of(extension: str) -> str:
    guessed, encoding = _TYPES.guess_type("file:a." + quote(extension), strict=True)
    if encoding:
        return _ENCODED.get(encoding, "application/octet-stream")
    if guessed is None:
        return "application/octet-stream"
    if guessed.startswith("text/") or guessed in _UTF8_TYPES:
        return guessed + "; charset=utf-8"
    return guessed


def is_preview(name: str) -> bool:
    """Return whether this name, below the location of its store, lies in a preview."""
    return _IN_PREVIEW.match(name) is not None


def is_html(name: str) -> bool:
    return name.lower().endswith((".html", ".htm", ".xhtml"))


def content_headers(
    item: UploadItem, rules: Sequence[tuple[str, str]] = (), *, static: bool
) -> ContentHeaders:
    """Return the item's own headers, else the first rule that fits its name, else the default."""
    default = SHORT
    if static:
        default = IMMUTABLE if item.hashed else NO_CACHE if is_html(item.name) else SHORT
    # A preview has the headers that the site will have.
    name = _IN_PREVIEW.sub("", item.name) if rules else ""
    fitting = (value for pattern, value in rules if fnmatchcase(name, pattern))
    cache_control = item.cache_control or (next(fitting, None) if rules else None) or default
    kind = item.content_type or content_type(item.name)
    return _headers(kind, cache_control, item.other_headers)


@lru_cache(maxsize=512)
def _headers(content_type: str, cache_control: str, others: str) -> ContentHeaders:
    return ContentHeaders(header_value(content_type), header_value(cache_control), others)


def header_value(value: str) -> str:
    """Return the value, or refuse it (`NameRejected`)."""
    # It could end a header line, or COS would read it as other characters.
    if not re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", value):
        text = _("%(value)s cannot be the value of a header", value=ascii(value[:100]))
        raise NameRejected(text, stage="name")
    return value


def common_prefix(keys: Sequence[str]) -> str:
    """Return the longest text with which all of the keys begin."""
    return os.path.commonprefix(keys)  # noqa: RUF071 -- of texts, not of paths
