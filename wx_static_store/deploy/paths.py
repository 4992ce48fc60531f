"""What visitors get at an address without a file, and at a folder without its last slash."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from django.utils.functional import Promise

from ..core.interrupts import interruptible
from ..core.naming import is_html
from ..core.types import UploadItem
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..upload.sources import readable
from ..upload.store import Store
from .references import INDEX, references
from .site_files import LEADS_ON

if TYPE_CHECKING:
    from ..clients.transport import Reply

Look = Callable[..., "Reply"]  # of an address; see `SiteClient.look`
Text = str | Promise

ERROR_PAGE = "404.html"
LARGEST = 16 * 1024**2  # bytes of a script: no more are read
_NOTICE = ("页面访问提示", "风险提醒", "确定访问")  # texts of the notice of default domains
_ROUTER = b"pushState"  # a script calls it to change the address of the page

# An entry is read as one.
# fmt: off
OWN_DOMAIN = _("Bind a domain of your own in the console of Tencent Cloud, and set base_url to it.")

# By fact of a folder: the right value, and what to do about any other.
FOLDERS = {
    "folder_index": (
        "served", _("Set index.html as the index document in the console of Tencent Cloud.")),
    "folder_without_slash": (
        "redirect", _("Build with an absolute base, and link to folders with the last slash.")),
}

# By fact, and by its value; "" is for all other values.
SENTENCES: dict[str, dict[str, Text]] = {
    "missing_path": {
        "notice": _("An address without a file shows the notice of a default domain."),
        "404": _("An address without a file shows the error text of the hosting (404)."),
        **{f"{page} 404": _("An address without a file shows %(page)s with the status 404.",
                            page=page) for page in (INDEX, ERROR_PAGE)},
        **{value: _("An address without a file shows %(page)s with the status 200. In place of a "
                    "missing script or picture, browsers get this page, too.", page=page)
           for value, page in (("200", _("another page")), (f"{INDEX} 200", INDEX))},
        "": _("An address without a file answers with the HTTP status %(value)s.")},
    "folder_index": {
        "served": _("A folder shows its index.html."),
        "missing": _("A folder does not show its index.html.")},
    "folder_without_slash": {
        "serve": _("A folder without its last slash shows the page without a redirect."),
        "redirect": _("A folder without its last slash is a redirect to that with it."),
        "200": _("A folder without its last slash shows another page."),
        "": _("A folder without its last slash is an HTTP %(value)s.")},
}
# By kind of tree: how the right answer to an address without a file begins, and how to get it.
_RIGHT = {
    "app": (INDEX, _("Set index.html as the error page in the console of Tencent Cloud: without "
                     "it, a reload of a route of your single page application fails.")),
    "pages": (f"{ERROR_PAGE} 404", _("Add a page 404.html, and set it as the error page in the "
                                     "console of Tencent Cloud.")),
    "pages with 404": (f"{ERROR_PAGE} 404", _("Set 404.html as the error page, with the status "
                                              "404, in the console of Tencent Cloud.")),
}
# fmt: on


def kind_of(items: Iterable[UploadItem]) -> str:
    """Return the kind of the tree; empty if it has no start page, or that cannot be read."""
    by_name = {item.name: item for item in items}
    if not (start := by_name.get(INDEX)):
        return ""
    scripts = (name for name in references(start, "") if name.endswith((".js", ".mjs")))
    read = (start, *(by_name[name] for name in scripts if name in by_name))
    pages = [by_name[name] for name in {*filter(is_html, by_name)} - {INDEX, ERROR_PAGE}]
    try:
        one_page = all(_start(page, len(LEADS_ON)) == LEADS_ON for page in pages)
        if one_page and any(_ROUTER in _start(item) for item in read):
            return "app"
    except (WxStaticStoreError, OSError):
        return ""
    return "pages with 404" if ERROR_PAGE in by_name else "pages"


def _start(item: UploadItem, most: int = LARGEST) -> bytes:
    with readable(item) as (file, _size):
        return file.read(most)


def path_advice(name: str, value: str, kind: str) -> Text:
    """Return what to do about a fact of a tree of this kind; empty if nothing needs to be done."""
    right, how = (FOLDERS | {"missing_path": _RIGHT.get(kind, ("", ""))})[name]
    return "" if value.startswith((right, "notice")) else how


def visit(look: Look, url: str) -> tuple[Reply, str]:
    """Return what a program gets, and the status of the notice that a browser gets, if any."""
    plain, seen = look(url), look(url, browser=True)
    return plain, str(seen.status) if _is_notice(seen) and not _is_notice(plain) else ""


def _is_notice(reply: Reply) -> bool:
    return 300 <= reply.status < 400 or any(text.encode() in reply.body for text in _NOTICE)


def ask_missing(look: Look, base: str) -> dict[str, str]:
    """Return the fact of an address below `base` that has no file."""
    reply, notice = visit(look, f"{base}no-such-page-{secrets.token_hex(8)}")
    value = "notice" if notice else str(reply.status)
    # With the status 200, the address of 404.html shows the error page without such a file, too.
    names = (INDEX,) if reply.status == 200 else (ERROR_PAGE, INDEX)
    for name in () if notice else names:
        page = look(base + name, past_caches=True)  # an error page of a new address is no old copy
        if page.status == 200 and page.body == reply.body:
            value = f"{name} {reply.status}"
    return {"missing_path": value}


def ask_folder(look: Look, url: str, body: bytes) -> dict[str, str]:
    """Return the facts of a folder whose index.html is `body`."""
    shown, bare = look(url), look(url.rstrip("/"))
    without = "redirect" if 300 <= bare.status < 400 else str(bare.status)
    return {
        "folder_index": "served" if (shown.status, shown.body) == (200, body) else "missing",
        "folder_without_slash": "serve" if (bare.status, bare.body) == (200, body) else without,
    }


def path_notes(store: Store, items: Sequence[UploadItem], prefix: str) -> list[str]:
    """Return what visitors of a tree with a start page get at such addresses, and what to do."""
    names = sorted(item.name for item in items)
    if (start := prefix + INDEX) not in names:
        return []
    look, facts = partial(store.site.look, deadline=store.interactive_deadline()), {}
    folders = [name for name in names if name.endswith(f"/{INDEX}") and name != start]
    # The comparison of the pages names what the site does not serve.
    with suppress(WxStaticStoreError), interruptible():
        facts = ask_missing(look, store.url(prefix))
        for url in map(store.url, folders[:1]):
            facts |= ask_folder(look, url.removesuffix(INDEX), look(url).body)
    # The hosting has one error page, which is that of its root.
    kind = "" if store.options.location + prefix else kind_of(items)
    texts: list[Text] = []
    for name, value in facts.items():
        sentence = SENTENCES[name].get(value) or SENTENCES[name][""]
        advice = OWN_DOMAIN if value == "notice" else path_advice(name, value, kind)
        texts += [str(sentence) % {"value": value}, advice]
    return [str(text) for text in texts if text]
