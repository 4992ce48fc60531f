"""
Pushes as WeChat sends them, and as it never would: written apart from the app, from the documents.

Each function has a default for everything, so that a test names only what it changes.
"""

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.test import Client

PATH = "/wx/callback/"
APPID = settings.WX_STATIC_STORE["COMPONENT_APPID"]
TOKEN = settings.WX_STATIC_STORE["CALLBACK_TOKEN"].reveal()
AES_KEY = settings.WX_STATIC_STORE["CALLBACK_AES_KEY"].reveal()
TICKET = "ticket@@@planted-ticket"


@dataclass(frozen=True)
class Push:
    """One request; the query as it stands on the wire."""

    query: str
    body: bytes

    def send(self, client: Client | None = None, **headers: Any) -> Any:
        return (client or Client()).post(
            f"{PATH}?{self.query}", self.body, content_type="text/xml", **headers
        )


def event(info_type: str | None = "component_verify_ticket", **fields: Any) -> str:
    """Build the inner XML; a field that is None is left out."""
    fields = {"AppId": APPID, "CreateTime": int(time.time()), "InfoType": info_type} | fields
    return element("xml", "".join(element(k, v) for k, v in fields.items() if v is not None))


def ticket(text: str = TICKET, age: float = 0, **fields: Any) -> str:
    given = {"ComponentVerifyTicket": text, "CreateTime": int(time.time() - age)}
    return event(**given | fields)


def element(name: str, value: Any) -> str:
    markup = isinstance(value, str) and value.startswith("<")
    return f"<{name}>{value if markup else f'<![CDATA[{value}]]>'}</{name}>"


def plaintext(xml: str | bytes, appid: str = APPID, length: int | None = None) -> bytes:
    body = xml.encode() if isinstance(xml, str) else xml
    length = len(body) if length is None else length
    return os.urandom(16) + length.to_bytes(4, "big") + body + appid.encode()


def padded(plain: bytes, padding: bytes | None = None) -> bytes:
    missing = 32 - len(plain) % 32
    return plain + (bytes([missing]) * missing if padding is None else padding)


def enciphered(blocks: bytes, key: str = AES_KEY) -> str:
    raw = base64.b64decode(key + "=")
    encryptor = Cipher(algorithms.AES256(raw), modes.CBC(raw[:16])).encryptor()
    return base64.b64encode(encryptor.update(blocks) + encryptor.finalize()).decode()


def encrypted(xml: str | bytes, appid: str = APPID, key: str = AES_KEY) -> str:
    return enciphered(padded(plaintext(xml, appid)), key)


def envelope(encrypt: str, appid: str | None = APPID) -> bytes:
    head = element("AppId", appid) if appid is not None else ""
    return element("xml", head + element("Encrypt", encrypt)).encode()


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def query(encrypt: str, token: str = TOKEN, age: float = 0, **changes: str | None) -> str:
    """Signed first, changed then; a parameter that is None is left out."""
    stamp, nonce = str(int(time.time() - age)), "1320562132"
    signed = signature(token, stamp, nonce, encrypt)
    given = {"timestamp": stamp, "nonce": nonce, "msg_signature": signed} | changes
    return urlencode({name: value for name, value in given.items() if value is not None})


def signed(encrypt: str, body: bytes | None = None, **changes: Any) -> Push:
    return Push(query(encrypt, **changes), envelope(encrypt) if body is None else body)


def push(xml: str | bytes | None = None, **changes: Any) -> Push:
    """Build a genuine push, of a ticket unless another XML is given."""
    return signed(encrypted(ticket() if xml is None else xml), **changes)


def question(echostr: str, /, *, covered: bool = False, **changes: str | None) -> str:
    """Build the query of WeChat's GET, whose signature covers the echostr or not."""
    stamp = str(int(time.time()))
    given: dict[str, str | None] = {"timestamp": stamp, "nonce": "n", "echostr": echostr}
    if covered:
        given["msg_signature"] = signature(TOKEN, stamp, "n", echostr)
    else:
        given["signature"] = signature(TOKEN, stamp, "n")
    return urlencode(
        {name: value for name, value in (given | changes).items() if value is not None}
    )
