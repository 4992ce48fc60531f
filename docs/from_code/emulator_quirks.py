"""Write the emulator's quirks from its table."""

from wx_static_store.emulator.quirks import describe_quirks

from . import here, of_emulator, plain, table


def text() -> str:
    rows = [(here("Quirk", "开关"), here("Default", "默认值"), here("Meaning", "含义"))]
    for name, default, said in describe_quirks(of_emulator):
        rows.append((f"``{name}``", f"``{default!r}``", plain(said)))
    return table(26, 24, 50, rows=rows)
