"""The pages of a preview, which ask search engines to leave them out."""

import re
from dataclasses import replace
from functools import partial
from io import BytesIO

from ..core.naming import is_html, is_preview
from ..core.types import UploadItem
from ..upload.sources import readable

PREVIEW_STORE = "previews"  # the alias of a store for previews alone, if there is one
NOINDEX = b'<meta name="robots" content="noindex"/>'  # closed, as XHTML wants it

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


def as_sent(item: UploadItem) -> UploadItem:
    """Return the item as it is sent: a page of a preview gets the tag, all else stays."""
    if not (is_preview(item.name) and is_html(item.name)):
        return item
    # A guess, for whoever cannot read the bytes; a release keeps and compares those of the tree.
    size = None if item.size is None else item.size + len(NOINDEX)
    return replace(item, open=partial(_tagged, item), close=True, size=size, md5=None, sha256=None)


def _tagged(item: UploadItem) -> BytesIO:
    with readable(item) as (file, _size):
        body = file.read()
    if not body.startswith(_UTF16):
        body = _BEFORE.sub(lambda before: before[0] + NOINDEX, body, count=1)
    return BytesIO(body)
