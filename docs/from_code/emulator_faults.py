"""Write the kinds of faults from the emulator's table."""

from wx_static_store.emulator.kinds import API, KINDS, PUT, Kind, Parameter

from . import entries, here, of_emulator, plain


def text() -> str:
    return entries(*(_entry(name, kind) for name, kind in KINDS.items()))


def _entry(name: str, kind: Kind) -> tuple[str, str]:
    parameters = ", ".join(f"``{_sign(*item)}``" for item in kind.parameters.items())
    more = ": ".join(part for part in (_on(kind.on), parameters) if part)
    return f"``{name}``", f"{plain(of_emulator(kind.text))}\n\n   {more}"


def _on(calls: tuple[str, ...]) -> str:
    if calls == API:
        return here("calls of WeChat", "微信的调用")
    return f"``{calls[0]}``" if len(calls) == 1 or calls == PUT else "``*``"


def _sign(name: str, parameter: Parameter) -> str:
    return name if parameter.required else f"{name}={parameter.default!r}"
