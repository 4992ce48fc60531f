"""Write the emulator's control addresses from its manual."""

import re

from wx_static_store.emulator.manual import CONTROL

from . import here, plain, table

_LINE = re.compile(
    r"^  (GET|PUT|POST|DELETE) +(\S+) *(\{.*?\}|\?\S+(?:  \?\S+)*)?[; ]*(.*)$", re.MULTILINE
)


def text() -> str:
    rows = [(here("Address", "地址"), here("Example", "示例"), here("Meaning", "含义"))]
    for method, path, example, said in _LINE.findall(CONTROL):
        shown = f"``{example}``" if example else ""
        rows.append((f"``{method} {path}``", shown, plain(said)))
    return table(36, 28, 36, rows=rows)
