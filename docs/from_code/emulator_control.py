"""Write the emulator's control addresses from its manual."""

import re

from wx_static_store.emulator.manual import CONTROL

from . import entries, plain

_LINE = re.compile(
    r"^  (GET|PUT|POST|DELETE) +(\S+) *(\{.*?\}|\?\S+(?:  \?\S+)*)?[; ]*(.*)$", re.MULTILINE
)

# What the manual does not say, or says of itself.
MORE = {
    "GET /__emulator__/": "the manual",
    "DELETE /__emulator__/journal": "forget all requests",
    "DELETE /__emulator__/faults": "remove all faults",
    "POST /__emulator__/quirks": "set quirks",
    "POST /__emulator__/clock": "let seconds pass",
}


def text() -> str:
    found = _LINE.findall(CONTROL)
    return entries(*(_entry(f"{method} {path}", *more) for method, path, *more in found))


def _entry(address: str, example: str, said: str) -> tuple[str, str]:
    parts = [MORE.get(address) or plain(said), f"``{example}``" if example else ""]
    return f"``{address}``", "\n\n   ".join(part for part in parts if part)
