"""What another process has noted in the shared cache."""

from typing import Any

from wx_static_store.core.notes import Notes


def plant(kind: str, name: str, value: Any, *, about: str = "", seconds: float = 60) -> None:
    Notes(kind, "default", seconds=seconds, about=about).write(name, value)


def planted(kind: str, name: str, *, about: str = "") -> Any:
    """Return what is noted; None if there is nothing."""
    return Notes(kind, "default", seconds=60, about=about).read(name)


def uproot(kind: str, name: str, *, about: str = "") -> None:
    Notes(kind, "default", seconds=60, about=about).forget(name)
