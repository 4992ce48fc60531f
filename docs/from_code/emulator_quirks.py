"""Write the emulator's quirks from its table."""

from wx_static_store.emulator.quirks import describe_quirks

from . import entries, of_emulator, plain


def text() -> str:
    return entries(
        *(
            (f"``{name}`` (``{default!r}``)", plain(said))
            for name, default, said in describe_quirks(of_emulator)
        )
    )
