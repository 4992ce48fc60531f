"""What is sent where it differs from what a release keeps: pages of previews, and gzip."""

import re
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from hashlib import md5
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from ..conf.options import Options
from ..core import interrupts
from ..core.naming import is_html, is_preview
from ..core.types import ENCODING, PLAIN_MD5, UploadItem
from ..exceptions import SourceChanged
from ..i18n import gettext_lazy as _
from .database import persistently
from .sources import BLOCK, IN_MEMORY, fingerprint, readable
from .transfer import headers_of

PREVIEW_STORE = "previews"  # the alias of a store for previews alone, if there is one
NOINDEX = b'<meta name="robots" content="noindex"/>'  # closed, as XHTML wants it

GZIP = "gzip"
LEVEL = 6  # fixed: each try shall send the same bytes
MANIFEST = "staticfiles.json"  # nobody visits it
SMALL = 1024  # bytes: what is not larger goes as it is

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# All that may stand before the content of <head>; a page may leave out each part.
_BEFORE = re.compile(
    rb"""
    (?: \xef\xbb\xbf | \s+ | <!--.*?--> | <\?[^>]*> | <!doctype[^>]*>
      | <(?:html|head) (?: \s (?: "[^"]*" | '[^']*' | [^"'>] )*+ )? >
    )*+
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
# Types of text, and of WebAssembly; no type that is compressed in itself.
_TEXT = re.compile(r"text/|image/svg\+xml|application/(javascript|wasm|([\w.-]+\+)?(json|xml))\b")

Change = Callable[[UploadItem, BinaryIO], BinaryIO]


def _open(change: Change, item: UploadItem) -> BinaryIO:
    with readable(item) as (file, _size):
        return change(item, file)


def _changed(change: Change, item: UploadItem, **more: Any) -> UploadItem:
    """Return the item with other bytes, and the headers that these need."""
    return replace(item, open=partial(_open, change, item), close=True, size=None, md5=None, **more)


def hashed(item: UploadItem) -> UploadItem:
    """Return the item with MD5 and size of what is sent, and the SHA-256 by which it is kept."""
    found, kept = fingerprint(item, interrupts.check), item.sha256
    return found if kept in (None, found.sha256) else replace(found, sha256=kept)


# --- pages of previews ------------------------------------------------------------------------


def as_served(item: UploadItem) -> UploadItem:
    """Return the item as visitors get it: a page of a preview asks search engines to leave it."""
    return _changed(_tagged, item) if is_preview(item.name) and is_html(item.name) else item


def _tagged(_item: UploadItem, file: BinaryIO) -> BinaryIO:
    body = file.read()
    if not body.startswith(_UTF16):
        body = _BEFORE.sub(lambda before: before[0] + NOINDEX, body, count=1)
    return BytesIO(body)


# --- gzip -------------------------------------------------------------------------------------


def sends_gzip(options: Options) -> bool | None:
    """Return whether a probe saw that the edge takes gzip; None if none did, or gzip is off."""
    # Its table may be missing, and the log be well: that is not judged by it.
    with suppress(Error, ImproperlyConfigured, RuntimeError):
        for each in apps.get_app_configs() if options.compress == GZIP else ():
            if hasattr(each, "wx_takes_gzip"):
                seen: Callable[[], bool | None] = partial(each.wx_takes_gzip, str(options.env))
                return persistently(seen, otherwise=None)
    return None


def as_gzip(options: Options, item: UploadItem) -> UploadItem:
    """Return a hashed item as gzip, without MD5 and size; the item itself if it must stay plain."""
    # The row of what is stored has these headers, too: no comparison packs the bytes again.
    headers, is_large = headers_of(options, item), item.md5 and (item.size or 0) > SMALL
    is_text = _TEXT.match(headers.content_type.lower()) and headers.plain_md5 == ""
    if not (is_large and is_text) or item.name.endswith(MANIFEST):
        return item
    lines = [*item.other_headers.splitlines(), f"{ENCODING}: {GZIP}", f"{PLAIN_MD5}: {item.md5}"]
    return _changed(_packed, item, other_headers="\n".join(sorted(lines)))


def before_gzip(item: UploadItem) -> UploadItem:
    """Return the item as a client without gzip gets it."""
    parts: Any = getattr(item.open, "args", ())
    return parts[1] if parts[:1] == (_packed,) else item


def smaller(gzip: UploadItem, item: UploadItem) -> UploadItem:
    """Return the gzip of an item, hashed; the item if it cannot be read, or gains too little."""
    gzip = hashed(gzip)
    return gzip if gzip.size and gzip.size * 10 <= (item.size or 0) * 9 else item


def _packed(item: UploadItem, file: BinaryIO) -> BinaryIO:
    pack, plain = zlib.compressobj(LEVEL, wbits=31), md5(usedforsecurity=False)
    with ExitStack() as files:
        packed: Any = files.enter_context(SpooledTemporaryFile(IN_MEMORY))
        while block := file.read(BLOCK):
            interrupts.check()
            plain.update(block)
            packed.write(pack.compress(block))
        if plain.hexdigest() != item.md5:  # which the header names, and later plans rely on
            raise SourceChanged(_("The file changed while it was uploaded"), stage="source")
        packed.write(pack.flush())
        packed.seek(0)
        files.pop_all()  # whoever opened it closes it
        return packed  # type: ignore[no-any-return]
