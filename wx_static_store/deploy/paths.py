"""What visitors get at an address without a file, and at a folder without its last slash."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from django.utils.functional import Promise

from ..core.interrupts import interruptible
from ..core.naming import is_html
from ..core.types import UploadItem
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _
from ..upload.sources import readable
from ..upload.store import Store
from .references import INDEX

if TYPE_CHECKING:
    from ..clients.transport import Reply

Look = Callable[..., "Reply"]  # of an address; see `SiteClient.look`
Text = str | Promise

ERROR_PAGE = "404.html"
APP, PAGES, PAGES_WITH_404 = "app", "pages", "pages with 404"  # kinds of trees

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
        **{f"{page} 200": _("An address without a file shows %(page)s with the status 200. In "
                            "place of a missing script or picture, browsers get this page, too.",
                            page=page) for page in (INDEX, ERROR_PAGE)},
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
    APP: (INDEX, _("Set index.html as the error page in the console of Tencent Cloud. Without it, "
                   "a reload of a route of your single page application fails.")),
    PAGES: ("404.html 404", _("Add a page 404.html, and set it as the error page in the console of "
                              "Tencent Cloud.")),
    PAGES_WITH_404: ("404.html 404", _("Set 404.html as the error page, with the status 404, in "
                                       "the console of Tencent Cloud.")),
}
# fmt: on


def missing_path_advice(kind: str, answer: str) -> Text:
    """Return what to do in a tree of this kind; empty if nothing needs to be done."""
    if answer == "notice":
        return OWN_DOMAIN
    right, how = _RIGHT.get(kind, ("", ""))
    return "" if answer.startswith(right) else how


def kind_of(items: Iterable[UploadItem], prefix: str = "") -> str:
    """Return the kind of the tree; empty if it has no start page, or its scripts are away."""
    by_name = {item.name: item for item in items if item.name.startswith(prefix)}
    pages = {*filter(is_html, by_name)} - {prefix + ERROR_PAGE}
    if prefix + INDEX not in pages:
        return ""
    scripts = (by_name[name] for name in by_name if name.endswith((".js", ".mjs")))
    try:
        if pages == {prefix + INDEX} and any(map(_has_router, scripts)):
            return APP
    except (WxStaticStoreError, OSError):
        return ""
    return PAGES_WITH_404 if prefix + ERROR_PAGE in by_name else PAGES


def _has_router(script: UploadItem) -> bool:
    with readable(script) as (file, _size):
        return _ROUTER in file.read()


def visit(look: Look, url: str) -> tuple[Reply, str]:
    """Return what a program gets, and the status of the notice that a browser gets, if any."""
    plain, seen = look(url), look(url, browser=True)
    if 300 <= seen.status < 400:
        is_notice = not 300 <= plain.status < 400
    else:
        is_notice = _has_notice(seen) and not _has_notice(plain)
    return plain, str(seen.status) if is_notice else ""


def _has_notice(reply: Reply) -> bool:
    return any(text.encode() in reply.body for text in _NOTICE)


def ask_missing(look: Look, base: str) -> dict[str, str]:
    """Return what an address below `base` answers that has no file."""
    reply, notice = visit(look, f"{base}no-such-page-{secrets.token_hex(8)}")
    value = "notice" if notice else str(reply.status)
    for name in () if notice else (ERROR_PAGE, INDEX):
        page = look(base + name, past_caches=True)  # an error page of a new address is no old copy
        if page.status == 200 and page.body == reply.body:
            value = f"{name} {reply.status}"
    return {"missing_path": value}


def ask_folder(look: Look, url: str, body: bytes) -> dict[str, str]:
    """Return what a folder answers, whose index.html is `body`, with and without its last slash."""
    pages = look(url), look(url.rstrip("/"))
    shown, bare = [page.status == 200 and page.body == body for page in pages]
    status = pages[1].status
    without = "redirect" if 300 <= status < 400 else str(status)
    return {
        "folder_index": "served" if shown else "missing",
        "folder_without_slash": "serve" if bare else without,
    }


def path_notes(store: Store, items: Sequence[UploadItem], prefix: str) -> list[str]:
    """Return what visitors of a tree with an index.html get at such addresses, and what to do."""
    start, names = prefix + INDEX, sorted(item.name for item in items)
    if start not in names:
        return []
    facts: dict[str, str] = {}
    folders = [name for name in names if name.endswith(f"/{INDEX}") and name != start]
    # The comparison of the pages names what the site does not serve.
    with suppress(WxStaticStoreError), interruptible():
        facts |= ask_missing(store.look, store.url(prefix))
        for url in map(store.url, folders[:1]):
            facts |= ask_folder(store.look, url.removesuffix(INDEX), store.look(url).body)
    texts: list[Text] = []
    for name, value in facts.items():
        right, how = FOLDERS.get(name, ("", missing_path_advice(kind_of(items, prefix), value)))
        sentence = SENTENCES[name].get(value) or SENTENCES[name][""]
        texts += [str(sentence) % {"value": value}, "" if value == right else how]
    return [str(text) for text in texts if text]
