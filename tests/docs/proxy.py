"""A proxy that passes requests on, or does what a bad one does."""

from __future__ import annotations

import http.client
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

BUSY = b'{"title":"Service Unavailable","status":503,"code":"busy","detail":"Try later."}'
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Proxy(ThreadingHTTPServer):
    """
    Pass each POST to `upstream`, unless a fault is next in `faults`.

    A number is answered with a page of the proxy's own; ``busy`` as a busy API does; ``lost`` is
    passed on, and its answer is lost.
    """

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.faults: deque[str] = deque()
        self.posts = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Proxy:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if self._next_fault("lost"):
            self.close_connection = True
            return
        self._answer(response.status, response.getheaders(), content)

    def _answer(self, status: int, headers: Any, content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _next_fault(self, *kinds: str) -> str:
        faults = self.server.faults
        return faults.popleft() if self.command == "POST" and faults and faults[0] in kinds else ""

    def do_POST(self) -> None:
        self.server.posts += 1
        fault = self._next_fault("502", "413", "busy")
        if not fault:
            self._pass()
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        kind, extra = "text/html", [("Access-Control-Allow-Origin", "*")]
        if fault == "busy":
            kind, extra = "application/problem+json", [*extra, ("Retry-After", "1")]
            extra.append(("Access-Control-Expose-Headers", "Retry-After"))
        content = BUSY if fault == "busy" else b"<html>the proxy's own page</html>"
        status = 503 if fault == "busy" else int(fault)
        self._answer(status, [("Content-Type", kind), *extra], content)

    def do_GET(self) -> None:
        self._pass()

    def do_OPTIONS(self) -> None:
        self._pass()

    def log_message(self, *args: object) -> None: ...
