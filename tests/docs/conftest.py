"""Provide what the pages expect of a reader's own services."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wx_static_store.emulator import EmulatorServer

SECRET = "shared-secret"


class TokenService(ThreadingHTTPServer):
    """Another service: gives the emulator's newest token to a client that knows its secret."""

    def __init__(self, emulator: EmulatorServer) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.emulator, self.asked = emulator, 0


class _Answer(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {SECRET}"
        self.server.asked += 1
        body = {"component_access_token": self.server.emulator.access_token} if known else {}
        content = json.dumps(body).encode()
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None: ...


@contextmanager
def serving_tokens(emulator: EmulatorServer) -> Iterator[TokenService]:
    """Serve the emulator's newest token until the block ends."""
    with TokenService(emulator) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def service(emulator: EmulatorServer) -> Iterator[TokenService]:
    with serving_tokens(emulator) as server:
        yield server
