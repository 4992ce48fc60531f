"""Write an entry for each system check from the table in wx_static_store/conf/check_table.py."""

from wx_static_store.callback.checks import NEEDED, TOKEN_LENGTH
from wx_static_store.conf.check_table import CHECKS

from . import plain
from .entries import entry

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

_SHARED = (
    "A platform has one token. Processes that do not share it through a cache fetch one each, and "
    "end the others'."
)
_CALLBACK = "WeChat's pushes are encrypted and signed. Without this value no push can be read."
WHY = {
    "E001": "An option is unknown or has a wrong value, so the store cannot be used.",
    "E002": "Every upload begins with a call to WeChat, and every call needs the token.",
    "E003": "``collectstatic`` would send the files one after the other, and without hashes.",
    "E004": "Static files are collected on this machine first, and published at the end.",
    "W005": "WeChat knows the address. But to ask for it takes time, and may fail while a page is "
    "rendered.",
    "W006": "WeChat's API cannot delete. Without a text that overwrites it, a deleted file stays.",
    "W007": _SHARED,
    "W008": "Every upload leaves a row in the log. Without the table, retries and comparisons do "
    "not work.",
    "E009": f"{_SHARED} This is an error in ``check --deploy``, and the warning W007 elsewhere.",
    "E010": _CALLBACK,
    "E011": _CALLBACK,
    "E012": _CALLBACK,
    "W013": "Whoever guesses the token can send false tickets to the callback.",
    "E014": "The callback keeps the ticket for the app, and reads its settings.",
    "E015": "A token is fetched with the newest ticket, which WeChat pushes.",
    "E016": "The setting names an alias that does not exist, or whose storage is another one.",
    "E017": "Django cannot create a storage without its class.",
    "E018": "The dotted path has a typing error, or its module fails when it is imported.",
    "E019": "The cache does not exist, its module cannot be imported, or its library is missing.",
    "W020": "Both stores can write the same key. The log cannot say which store a file belongs to.",
    "W021": "The app is installed, but WeChat's pushes end with a 404.",
    "W022": "Whoever can read the cache can read the token.",
    "W023": "The views of this app describe themselves by a class of drf-spectacular. It fails "
    "beside views that lack this class.",
    "W024": "WeChat answers every call with 40013, and no push can be read. With the emulator "
    "nothing is reported: its own appid is a placeholder.",
    "W025": "The storages work without the app, but Django does not know its tables, pages and "
    "commands. Django reports it only if a storage is imported before the checks run.",
    "E026": "Without a storage no release can be kept, and none can be rolled back to. "
    "The same check looks at ``UPLOAD_SPOOL``.",
    "E027": "The bytes of every release lie there, also of files that were never to stay public. "
    "``collectstatic`` and ``wx_deploy`` stop before they write anything into it.",
    "E028": "Its module cannot be imported, or its class refuses the OPTIONS.",
    "W029": "Four processes then make up to four times as many calls a second as API_RATE says.",
    "W030": "Django makes files with the mode 0o644. The bytes of every release lie there, or of "
    "uploads that failed. Of the files of other storages nothing is known.",
    "W031": "Nothing else calls these functions: a deploy that fails is then sent to nobody.",
}


def texts_of(id: str) -> tuple[str, str]:
    """Return the message of a check and its hint."""
    facts = FACTS | {"name": NAMES.get(id, "")}
    entry = CHECKS[id]
    return plain(str(entry.text) % facts), plain(str(entry.hint) % facts)


def text() -> str:
    return "\n".join(entry(id, id, message, WHY[id], hint) for id, (message, hint) in _all())


def _all() -> list[tuple[str, tuple[str, str]]]:
    return [(id, texts_of(id)) for id in sorted(CHECKS, key=lambda id: id[1:])]
