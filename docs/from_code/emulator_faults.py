"""Write the kinds of faults from the emulator's table."""

from wx_static_store.emulator.kinds import API, KINDS, PUT, Parameter

from . import here, of_emulator, plain, table


def text() -> str:
    rows = [("``do``", "``on``", here("Parameters", "参数"), here("Meaning", "含义"))]
    for name, kind in KINDS.items():
        parameters = ", ".join(f"``{_sign(*item)}``" for item in kind.parameters.items())
        rows.append((f"``{name}``", _on(kind.on), parameters, plain(of_emulator(kind.text))))
    return table(18, 18, 26, 38, rows=rows)


def _on(calls: tuple[str, ...]) -> str:
    if calls == API:
        return here("calls of WeChat", "微信的调用")
    return f"``{calls[0]}``" if len(calls) == 1 or calls == PUT else "``*``"


def _sign(name: str, parameter: Parameter) -> str:
    return name if parameter.required else f"{name}={parameter.default!r}"
