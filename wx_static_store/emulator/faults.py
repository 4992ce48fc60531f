"""Faults by script: which request meets which fault."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from .answers import Answer
from .incoming import Request
from .kinds import ANY, API, KINDS, Kind, Parameter
from .language import marked, translate
from .quirks import BadInput, type_names, unknown
from .wire import Wire

_COMMON = ("on", "key", "env", "skip", "times", "do")


@dataclass
class Fault:
    """One scripted fault; `skip` and `times` count down as requests match."""

    on: str
    do: str
    key: str | None = None  # a glob
    env: str | None = None
    skip: int = 0
    times: int | None = 1  # None: for ever
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Its line of the table."""
        return KINDS[self.do]

    @property
    def handles(self) -> bool:
        """The request takes effect, though the answer may differ."""
        return self.kind.receive is None and bool(self.values.get("apply", True))

    def matches(self, request: Request) -> bool:
        """Return whether this fault is meant for that request."""
        return (
            self.times != 0
            and self.on in (request.name, "*")
            and request.name in self.kind.on
            and (self.env is None or self.env == request.env)
            and (self.key is None or fnmatchcase(request.key, self.key))
            and (self.do != "close_on_reuse" or request.reused)
        )

    def before(self, request: Request, wire: Wire) -> None:
        """Act before the normal handling."""
        if self.kind.before:
            self.kind.before(self.values, request, wire)

    def receive(self, request: Request) -> Answer:
        """Receive the request in place of the normal handling, and discard it."""
        if self.kind.receive:
            return self.kind.receive(self.values, request)
        request.body.drain()
        return Answer(0)

    def change(self, request: Request, answer: Answer) -> Answer:
        """Return the changed answer; status 0 is no answer."""
        if self.kind.change:
            return self.kind.change(self.values, request, answer)
        return answer

    def deliver(self, wire: Wire, answer: Answer) -> None:
        """Send the answer."""
        if self.kind.deliver:
            self.kind.deliver(self.values, wire, answer)
        else:
            wire.send(answer)

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as the control plane shows it."""
        common = {name: getattr(self, name) for name in _COMMON}
        return {**common, **self.values}


class Script:
    """The faults in force; the first that matches and is not spent wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *specs: Mapping[str, Any]) -> None:
        """Add all of them, or none when one is wrong."""
        faults = [parse_fault(spec) for spec in specs]
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._faults.clear()

    def claim(self, request: Request) -> Fault | None:
        """Return the fault that this request meets, and count it as met."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(request):
                    if fault.skip == 0:
                        fault.times = None if fault.times is None else fault.times - 1
                        return fault
                    fault.skip -= 1
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """Return the faults as the control plane shows them; spent ones have times 0."""
        with self._lock:
            return [fault.as_dict() for fault in self._faults]


def parse_fault(spec: object) -> Fault:
    """Read one fault, or say what is wrong with it."""
    if not isinstance(spec, Mapping):
        example = '{"on": "put_object", "do": "reset"}'
        raise BadInput("a fault is a JSON object such as {example}", example=example)
    do, on = spec.get("do"), spec.get("on")
    if not isinstance(do, str) or do not in KINDS:
        raise unknown("kind of fault ('do')", str(do), list(KINDS))
    kind = KINDS[do]
    if on != "*" and on not in kind.on:
        raise unknown("'on' for {do!r}", str(on), [*kind.on, "*"], do=do)
    names = [*_COMMON, *kind.parameters]
    for name in spec:
        if name not in names:
            raise unknown("parameter of {do!r}", str(name), names, do=do)
    values = {name: _value(do, name, item, spec) for name, item in kind.parameters.items()}
    return Fault(on=str(on), do=do, values=values, **_common(spec))


def _common(spec: Mapping[str, Any]) -> dict[str, Any]:
    key, env, skip, times = (spec.get(n) for n in ("key", "env", "skip", "times"))
    if not all(value is None or isinstance(value, str) for value in (key, env)):
        raise BadInput("'key' is a glob and 'env' an environment id, both text")
    if not all(value is None or _is_count(value) for value in (skip, times)):
        raise BadInput("'skip' and 'times' are whole numbers; 'times' is null for ever")
    if times == 0:
        raise BadInput("'times' is 0, so it would never act; null is for ever")
    return {"key": key, "env": env, "skip": skip or 0, "times": spec.get("times", 1)}


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _value(do: str, name: str, parameter: Parameter, spec: Mapping[str, Any]) -> Any:
    if name not in spec:
        if parameter.required:
            types = type_names(*parameter.types)
            raise BadInput("{do!r} needs {name!r} ({types})", do=do, name=name, types=types)
        return parameter.default
    value = spec[name]
    if type(value) not in parameter.types or (type(value) is float and not isfinite(value)):
        text = marked("{name!r} of {do!r} is {types}, not {value!r}")
        types = type_names(*parameter.types)
        raise BadInput(text, do=do, name=name, types=types, value=value)
    if parameter.choices and value not in parameter.choices:
        known = ", ".join(parameter.choices)
        raise BadInput("{name!r} of {do!r} is one of {known}", do=do, name=name, known=known)
    return value


def describe_kinds() -> list[tuple[str, str, str]]:
    """Return name, parameters and meaning of each kind, in the language of the terminal."""
    return [(name, _signature(kind), translate(kind.text)) for name, kind in KINDS.items()]


def _signature(kind: Kind) -> str:
    names = {ANY: translate("any"), API: translate("API calls")}
    calls = names.get(kind.on) or "|".join(kind.on)
    parameters = ", ".join(map(_shown, kind.parameters.items())) or translate("no parameters")
    return translate("on {calls}: {parameters}", calls=calls, parameters=parameters)


def _shown(item: tuple[str, Parameter]) -> str:
    name, parameter = item
    if parameter.required:
        return name
    shown = "|".join(parameter.choices) if parameter.choices else repr(parameter.default)
    return f"{name}={shown}"
