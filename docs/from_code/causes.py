"""Write a page of *Something does not work* from the table of causes."""

from collections import defaultdict
from dataclasses import replace

from wx_static_store.callback.checks import TOKEN_LENGTH
from wx_static_store.causes import CAUSES, Cause, Remedy, every_entry
from wx_static_store.causes.explain import anchor

from . import fields, here, lead, plain, section

# Stands for what a message names.
FACTS = {
    "alias": "default",
    "aliases": "'default', 'staticfiles'",
    "fault": "…",
    "why": "…",
    "option": "RELEASE_STORAGE",
    "length": TOKEN_LENGTH,
    "name": "NAME",
}


def text(page: str) -> str:
    return "\n".join(map(_entry, entries(page)))


def entries(page: str) -> list[Cause]:
    """Return the entries of a page by their numbers; entries with the same texts become one."""
    alike = defaultdict[Cause, list[str]](list)
    for each in every_entry():
        if each.page == page:
            alike[replace(each, id="", also=())].extend(each.codes)
    found = [replace(each, id=id, also=tuple(also)) for each, (id, *also) in alike.items()]
    return sorted(found, key=_place)


def _place(entry: Cause) -> int:
    digits = entry.id.strip("-EW")
    return int(digits) if digits.isdigit() else 10**9


def filled(entry: Cause, text: object) -> str:
    """Return a text of an entry as markup, with examples for the parts that a message fills in."""
    if entry.page == "checks":
        return plain(str(text) % FACTS)
    return plain(str(text).format(request_ip="…", env="…"))


def _entry(entry: Cause) -> str:
    class_ = CAUSES.get(entry.error)
    of_class = (
        class_ and class_.id != entry.id and f":ref:`{class_.id} <exception-{class_.id.lower()}>`"
    )
    shown = [code for code in entry.codes if not code.startswith("cos.")]  # a status of COS
    anchors = "\n".join(f".. anchor:: {anchor(entry, code)}\n" for code in entry.codes[1:])
    parts = fields(
        (here("What to do", "处理办法"), filled(entry, entry.operator)),
        (here("See", "参见"), entry.docs and f":ref:`{entry.docs}`"),
        (here("Retry", "重试"), _retry(entry)),
        (here("Exception", "异常"), of_class),
    )
    what = lead(filled(entry, entry.title), filled(entry, entry.means))
    made = section(", ".join(shown), what, parts, anchor=anchor(entry), mark="-")
    return f"{anchors}\n{made}"


def _retry(entry: Cause) -> str:
    """Return when a new try may help, if that is before the cause is removed."""
    when = here(*_RETRY.get(entry.remedy, ("", "")))
    once = here("only once", "只一次") if entry.once else ""
    return here(", ", "，").join(filter(None, [when, once]))


_RETRY = {
    Remedy.NEW_LINK: ("at once", "立即"),
    Remedy.WAIT: ("in some minutes", "几分钟后"),
    Remedy.NEW_TOKEN: ("with a valid token", "有了有效的令牌之后"),
    Remedy.LATER: ("later, not today", "以后，今天不行"),
    Remedy.NEVER: ("does not help", "无效"),
}
