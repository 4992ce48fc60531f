"""Write a page of *Something does not work* from the table of causes."""

from wx_static_store.callback.checks import NEEDED, TOKEN_LENGTH
from wx_static_store.causes import CAUSES, Cause, every_entry
from wx_static_store.causes.explain import anchor

from . import fields, here, plain, section

# Stands for what a message names.
FACTS = {
    "alias": "default",
    "aliases": "'default', 'staticfiles'",
    "fault": "…",
    "why": "…",
    "option": "RELEASE_STORAGE",
    "length": TOKEN_LENGTH,
}
NAMES = {id: option.upper() for option, id in NEEDED.items()}


def text(page: str) -> str:
    return "\n".join(map(_entry, entries(page)))


def entries(page: str) -> list[Cause]:
    """Return the entries of a page, in the order of their numbers; names as the table has them."""
    found = [each for each in every_entry() if each.page == page]
    return sorted(found, key=_place)


def _place(entry: Cause) -> int:
    digits = entry.id.strip("-EW")
    return int(digits) if digits.isdigit() else 10**9


def filled(entry: Cause, text: object) -> str:
    """Return a text of an entry as markup, with examples for the parts that a message fills in."""
    if entry.page == "checks":
        return plain(str(text) % (FACTS | {"name": NAMES.get(entry.id, "")}))
    return plain(str(text).format(request_ip="…", env="…"))


def _entry(entry: Cause) -> str:
    class_ = CAUSES.get(entry.error)
    of_class = (
        class_ and class_ is not entry and f":ref:`{class_.id} <exception-{class_.id.lower()}>`"
    )
    shown = [code for code in entry.codes if not code.startswith("cos.")]  # a status of COS
    anchors = "\n".join(f".. anchor:: {anchor(entry, code)}\n" for code in entry.codes[1:])
    parts = fields(
        (here("What happened", "发生了什么"), filled(entry, entry.title)),
        (here("Why", "原因"), filled(entry, entry.means)),
        (here("An editor", "编辑人员"), filled(entry, entry.editor)),
        (here("What to do", "处理办法"), filled(entry, entry.operator)),
        (here("See", "参见"), entry.docs and f":ref:`{entry.docs}`"),
        (here("Trying again", "重试"), entry.error and plain(entry.remedy.label)),
        (here("Where it lies", "问题所在"), entry.error and plain(entry.blame.label)),
        (here("The upload", "本应用的做法"), _action(entry)),
        (here("Exception", "异常"), of_class),
    )
    made = section(", ".join(shown), parts, anchor=anchor(entry), mark="-")
    return f"{anchors}\n{made}"


def _action(entry: Cause) -> str:
    said = []
    if entry.once:
        said.append(here("It is tried once more.", "再试一次。"))
    if entry.stops_batch:
        said.append(here("The other files are not attempted.", "其他文件不再处理。"))
    return " ".join(said)
