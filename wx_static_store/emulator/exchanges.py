"""One exchange on any port: a request, the fault that it meets, and the answer."""

from __future__ import annotations

import io
from collections.abc import Callable
from email.utils import formatdate
from typing import TextIO

from . import control, diagnosis, object_store, open_platform, site
from .answers import Answer, nothing
from .faults import Fault
from .incoming import Request, RequestBody
from .manual import manual
from .quirks import Quirks
from .state import State, log_line
from .wire import Wire

_API_BODY = 1 << 20  # bytes; a call is a few hundred

Handle = Callable[[State, Request], Answer]
Finish = Callable[[Answer, Request, Quirks], Answer]


class Exchanges:
    """Answers every request of the emulator."""

    def __init__(self, state: State, log: TextIO | None) -> None:
        self.state, self._log = state, log

    def on_api(self, emulator: control.Emulator, request: Request, wire: Wire) -> None:
        """Answer a call of WeChat's API or of the control plane."""
        request.content = b"".join(request.body.blocks(_API_BODY))
        if (request.path + b"/").startswith(control.PREFIX):
            wire.send(control.handle(emulator, request, manual()))
            return
        open_platform.identify(request)
        quirks = self.state.quirks
        times = quirks.latency_api, quirks.api_date_skew
        self._play(request, wire, times, open_platform.handle, open_platform.render)

    def on_env(self, env: str, request: Request, wire: Wire) -> None:
        """Answer a request to an environment: of the site, or to the object store."""
        quirks = self.state.quirks
        if request.method in ("GET", "HEAD"):
            site.identify(request, env)
            times = 0.0, quirks.cos_date_skew
            self._play(request, wire, times, site.handle, object_store.share)
            return
        object_store.identify(request, env)
        request.link_age = object_store.link_age(request, self.state.now())
        times = quirks.latency_put, quirks.cos_date_skew
        self._play(request, wire, times, object_store.handle, object_store.share)

    def greet(self, env: str, peer: str) -> str:
        """Return the fault that a new connection meets, or nothing."""
        nobody = RequestBody(io.BytesIO(), length=None)
        request = Request("-", "-", {}, nobody, peer=peer, name="connection", env=env)
        fault = self.state.script.claim(request)
        if fault is None:
            return ""
        self._note(request, nothing(), fault)
        return fault.do

    def _play(
        self,
        request: Request,
        wire: Wire,
        times: tuple[float, float],
        handle: Handle,
        finish: Finish,
    ) -> None:
        latency, skew = times
        with self.state.under_way():
            if latency:
                wire.wait(latency)
            request.started = self.state.now()
            fault = self.state.script.claim(request)
            if fault:
                fault.before(request, wire)
            answer = finish(self._answer(request, handle, fault), request, self.state.quirks)
            answer.headers.setdefault("Date", formatdate(self.state.now() + skew, usegmt=True))
            self._note(request, answer, fault)
        if fault:
            fault.deliver(wire, answer)
        else:
            wire.send(answer)

    def _note(self, request: Request, answer: Answer, fault: Fault | None) -> None:
        self.state.record(request, answer, fault)
        diagnosis.remember(self.state, request, answer)
        if self._log:
            self._log.write(log_line(request, answer, fault))

    def _answer(self, request: Request, handle: Handle, fault: Fault | None) -> Answer:
        if fault is None:
            return handle(self.state, request)
        try:
            answer = handle(self.state, request) if fault.handles else fault.receive(request)
        except ConnectionError:
            return nothing()
        return fault.change(request, answer)
