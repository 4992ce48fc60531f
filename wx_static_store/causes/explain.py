"""Find the cause of a code, and say what an editor and an operator do about a failure."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import cast

from django.utils.text import format_lazy

from ..i18n import gettext, gettext_lazy as _, shown
from . import cos, own, wechat, wire
from .cause import Cause, Text
from .own import BASE, CONFIGURATION, INTEGRITY

LOOK = _(
    "The file may be public already. Open its address in a minute, and upload it again if it is "
    "not there."
)
_UNNAMED = _("the public one, from which it reaches WeChat")
_REQUEST_IP = re.compile(r"requestIP: ([0-9a-fA-F.:]+)")
_ANCHORS = {"errcodes": "errcode-", "cos": "cos-", "exceptions": "exception-", "doctor": "doctor-"}

_TABLES = {
    "errcodes": wechat.TABLE,
    "cos": cos.TABLE,
    "network": wire.TABLE,
    "exceptions": own.TABLE,
}
CAUSES: dict[str, Cause] = {
    code: entry
    for page, table in _TABLES.items()
    for entry in (replace(each, page=page) for each in table)
    for code in entry.codes
}
_offers: dict[Callable[[], Iterable[Cause]], None] = {}  # each once, in this order

# Where the documentation is. `apps` sets it: this module stands below the settings.
docs_url: Callable[[], str] = str


def offer(table: Callable[[], Iterable[Cause]]) -> None:
    """Add the entries that a function gives: those of modules above, and of opt-in apps."""
    _offers[table] = None


def every_entry() -> Iterator[Cause]:
    """Yield each entry once, those that were offered last."""
    yield from (entry for code, entry in CAUSES.items() if code == entry.id)
    for table in _offers:
        yield from table()


def matching(code: str) -> list[Cause]:
    """Return the entries of a code, also as `check` prints it, in any case; refusals share one."""
    wanted = code.casefold().removeprefix("wx_static_store.")
    return [each for each in every_entry() if wanted in map(str.casefold, each.codes)]


def cause_of(code: str) -> Cause:
    """Return the entry that a failure names; that of all errors for a code of no entry."""
    # A check has parts to fill in, and is about settings; the failure's message has it whole.
    return CAUSES.get(code) or (CONFIGURATION if matching(code) else BASE)


def of_errcode(errcode: int, errmsg: str = "") -> Cause:
    """Return the entry of a refusal, by its number and by the TcbCode in its text."""
    # The cloud's errcode for all that has no number of its own: its TcbCode says more.
    if errcode == -501000 and "TcbCode: [ResourceNotFound" in errmsg:
        return CAUSES["ResourceNotFound"]
    return CAUSES.get(str(errcode), CAUSES[wechat.UNKNOWN])


def advice(code: str, status: str) -> Text:
    """Return what an editor can do; empty if nothing is to be done."""
    if status == "stored":
        return ""
    entry = cause_of(code)
    return LOOK if status == "unknown" and entry.error != INTEGRITY.error else entry.editor


def hint(code: str, errmsg: str = "", env: str = "…") -> Text:
    """Return what an operator can do, with this server's address as WeChat's text names it."""
    found = _REQUEST_IP.search(errmsg)
    address = found[1] if found else _UNNAMED
    return format_lazy(cast(str, cause_of(code).operator), request_ip=address, env=shown(env))


def with_docs(text: Text, code: str) -> str:
    """End a hint with the address that says more, or with the command that prints it."""
    if not (text and code):
        return str(text)
    if place := docs_place(code):
        return gettext("%(hint)s Docs: %(place)s", hint=text, place=place)
    return gettext("%(hint)s More: manage.py wx_explain %(code)s", hint=text, code=code)


def docs_place(code: str) -> str:
    """Return the address of an entry in the documentation; empty without DOCS_URL."""
    base = docs_url()
    found = [each for each in matching(code) if each.page] if base else []
    return "".join(f"{base}troubleshooting/{each.page}.html#{anchor(each)}" for each in found[:1])


def anchor(entry: Cause, code: str = "") -> str:
    """Return the anchor of an entry, or of another code of it, in its page of the docs."""
    return _ANCHORS.get(entry.page, "") + (code or entry.id).replace(".", "-")
