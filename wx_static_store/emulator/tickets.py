"""
WeChat's sender of pushes: encrypted, to the platform's own address; a ticket every ten minutes.

The only module of the emulator that needs more than the standard library: AES.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, TextIO
from urllib.parse import SplitResult, urlencode, urlsplit

from . import messages, variants
from .language import marked
from .listeners import loopback
from .messages import TICKET, WITHDRAWN
from .quirks import BadInput, unknown
from .state import Push, State

# Public by intent, as all the emulator's secrets.
PUSH_TOKEN = "emulatorCallbackToken"  # noqa: S105
PUSH_AES_KEY = "emulatorCallbackAesKey000000000000000000000"

_PATIENCE = 5.0  # seconds that WeChat waits for the answer
_SHOWN = 200  # characters of an answer
_BLOCK = 32  # bytes that padding fills up, twice the cipher's own
_KINDS = {"http": (HTTPConnection, 80), "https": (HTTPSConnection, 443)}

Changed = Callable[[str, Any], Any]  # a part by its name: as it is, or as a variant wants it


@dataclass(frozen=True)
class Draft:
    """A push before it is sent."""

    kind: str
    appid: str
    ticket: str
    query: str
    body: bytes


@dataclass(frozen=True)
class Keys:
    """What sender and receiver agreed on."""

    appid: str
    token: str
    aes_key: str  # 43 characters

    def __post_init__(self) -> None:
        if not self.token:
            raise BadInput("push_token is empty; it is the text that the receiver checks, too")
        with contextlib.suppress(binascii.Error, ValueError):
            if len(self.aes_key) == 43 and len(self.key) == 32:
                return
        raise BadInput("push_aes_key takes 43 characters of base64, A-Z, a-z, 0-9, + and /")

    @property
    def key(self) -> bytes:
        """For AES-256."""
        return base64.b64decode(f"{self.aes_key}=", validate=True)


# --- one push -------------------------------------------------------------------------------


def build(keys: Keys, message: dict[str, Any], *, now: int, changed: Changed) -> tuple[str, bytes]:
    """Return query and body, each part as `changed` gives it back."""
    encrypt = changed("encrypt", _sealed(keys, message, changed))
    outside = changed("outside", {"AppId": keys.appid, "Encrypt": encrypt})
    body = changed("body", _xml(outside))
    timestamp = str(changed("timestamp", now))
    query = changed("query", _query(keys.token, timestamp, encrypt))
    return urlencode(query, doseq=True), body


def _sealed(keys: Keys, message: dict[str, Any], changed: Changed) -> str:
    inner = changed("inner", _xml(changed("inside", message)))
    length = changed("length", len(inner).to_bytes(4, "big"))
    tail = changed("tail", keys.appid.encode())
    plain = secrets.token_bytes(16) + length + inner + tail
    cipher = _encrypted(keys.key, changed("padded", _padded(plain)))
    return base64.b64encode(changed("cipher", cipher)).decode()


def _xml(fields: dict[str, Any]) -> bytes:
    rows = [
        (name, one)
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    lines = "".join(f"<{name}>{_text(value)}</{name}>\n" for name, value in rows)
    return f"<xml>\n{lines}</xml>\n".encode()


def _text(value: object) -> str:
    return f"<![CDATA[{value}]]>" if isinstance(value, str) else str(value)


def _padded(plain: bytes) -> bytes:
    missing = _BLOCK - len(plain) % _BLOCK  # a whole block where none is missing
    return plain + bytes([missing]) * missing


def _encrypted(key: bytes, padded: bytes) -> bytes:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        raise BadInput(
            'pushing tickets needs cryptography: pip install "wx_static_store[callback]"'
        ) from None
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def _query(token: str, timestamp: str, encrypt: str) -> dict[str, Any]:
    nonce = str(secrets.randbelow(10**10))
    return {
        "signature": _signature(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": _signature(token, timestamp, nonce, encrypt),
    }


def _signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


# --- the sender -----------------------------------------------------------------------------


class Sender:
    """Pushes a new ticket when it starts and then every `seconds`, until it is stopped.

    `clock` is the receiver's as well: how far the emulator's own was moved on makes no difference.
    """

    def __init__(
        self,
        state: State,
        keys: Keys,
        seconds: float,
        url: str,
        *,
        clock: Callable[[], float],
        log: TextIO | None,
    ) -> None:
        if not 0 < seconds <= threading.TIMEOUT_MAX:  # False for NaN, too
            text = marked("push_seconds takes seconds above 0 such as 600, not {seconds}")
            raise BadInput(text, seconds=seconds)
        _encrypted(keys.key, b"")  # says at once what is not installed
        self.url: str = url
        self.seconds: float = seconds
        self.keys: Keys = keys
        self._address = _loopback_address(url)
        self._state, self._clock, self._log = state, clock, log
        self._created = 0
        self._last: Draft | None = None
        self._one = threading.Lock()  # push at a time
        self._wake, self._stopping = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start to push; do not wait for the first push to end."""
        self._stopping = False
        self._state.renew_ticket = self._wake.set
        self._thread = threading.Thread(target=self._run, name="emulator tickets", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, even if the receiver has not answered yet."""
        self._stopping = True
        self._wake.set()
        if self._socket:
            with contextlib.suppress(OSError):
                # Below TLS, as its own shutdown would take the session from under its thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        if self._thread:
            self._thread.join()

    def push(
        self, variant: str = "plain", kind: str = TICKET, *, appid: str = "", age: int = 0
    ) -> Push:
        """Push a new ticket or news of an account now, and wait for the answer."""
        with self._one:
            self._last = draft = self._draft(variant, kind, appid, age)
            status, answer = self._post(draft.query, draft.body)
            number, about = len(self._state.pushes) + 1, (draft.appid, draft.ticket)
            push = Push(number, draft.kind, variant, *about, status, answer)
            self._state.pushes.append(push)
            if self._log:
                what = variant if draft.kind == TICKET else f"{draft.kind} {variant}"
                answered = f"{status or 'no answer'} {answer!r}"
                self._log.write(f"PUSH {self._address.path} {what} {answered}\n")
        return push

    def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._stopping:  # looked at after `clear`, so that no wake of `stop` is lost
                return
            if self._state.quirks.pushing:
                self.push()
            self._wake.wait(self.seconds)

    def _draft(self, variant: str, kind: str, appid: str, age: int) -> Draft:
        if variant == variants.REPLAY:
            if self._last is None:
                raise BadInput("there is nothing to replay yet: push something first")
            return self._last
        if variant not in variants.VARIANTS:
            raise unknown("variant", variant, variants.names())
        messages.check_kind(kind, appid)
        step, change = variants.VARIANTS[variant]
        ticket = f"ticket@@@emulator-{secrets.token_urlsafe(24)}" if kind == TICKET else ""
        now = int(self._clock())
        # A ticket is newer than the last right one.
        created = (max(now, self._created + 1) if ticket else now) - age
        if variant in variants.RIGHT and not age:
            self._note(kind, appid, ticket, created)
        query, body = build(
            self.keys,
            messages.compose(kind, self.keys.appid, created, ticket=ticket, appid=appid),
            now=now,
            changed=lambda name, part: change(part) if name == step else part,
        )
        return Draft(kind, appid, ticket, query, body)

    def _note(self, kind: str, appid: str, ticket: str, created: int) -> None:
        """Let what the push says be true; whoever takes another one's ticket meets 61006."""
        if kind == TICKET:
            self._created = created
            self._state.issue_ticket(ticket)
        elif kind == WITHDRAWN:
            self._state.withdraw(appid)
        else:
            self._state.authorize(appid)

    def _post(self, query: str, body: bytes) -> tuple[int, str]:
        kind, port = _KINDS[self._address.scheme]
        host = self._address.hostname or ""
        own = f"{self._address.query}&" if self._address.query else ""
        target = f"{self._address.path or '/'}?{own}{query}"
        connection = kind(host, self._address.port or port, timeout=_PATIENCE)
        try:
            with contextlib.closing(connection):
                connection.connect()
                self._socket = connection.sock
                if self._stopping:
                    raise ConnectionAbortedError("the emulator is stopping")
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    # It may have answered before it had read everything.
                    connection.request("POST", target, body, {"Content-Type": "text/xml"})
                answer = connection.getresponse()
                return answer.status, answer.read(_SHOWN).decode(errors="backslashreplace")
        except (OSError, HTTPException) as error:
            return 0, str(error) or type(error).__name__


def _loopback_address(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        good = re.fullmatch(r"https?://[!-~]+", url) and address.port != 0
    except ValueError:
        good = None
    if not good:
        raise BadInput(
            "push_url takes an address such as http://127.0.0.1:8000/wx/callback/, not {url!r}",
            url=url,
        )
    loopback(address.hostname or "", marked("pushes to"))
    return address
