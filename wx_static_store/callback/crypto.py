"""
The cipher and the signature of WeChat's pushes.

Source: WeChat's open platform, "message encryption and decryption": AES-256-CBC whose IV is the
first half of the key, over 16 random bytes, the length of the XML, the XML and the appid, padded
to a multiple of 32; the signature is SHA-1 over token, timestamp, nonce and ciphertext.
"""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.utils.crypto import constant_time_compare

from ..core.secrets import Secret
from .refusals import Refusal

BLOCK = 32
_RANDOM = 16
_HEAD = _RANDOM + 4
_JUDGED = ("padding", "length", "appid")  # of the plaintext, in this order


def signature(token: Secret, *parts: str) -> str:
    """Sign the sorted texts, the token among them; return lower-case hex."""
    signed = "".join(sorted([token.reveal(), *parts])).encode()
    return hashlib.sha1(signed, usedforsecurity=False).hexdigest()  # SHA-1 is WeChat's choice


def is_signed(given: str, tokens: Sequence[Secret], *parts: str) -> bool:
    """Return whether one of the tokens made the signature; all are tried, whichever fits."""
    # A sum, not `any`: the time must not reveal which token fits.
    return sum(constant_time_compare(given, signature(token, *parts)) for token in tokens) > 0


def decrypt(encrypted: str, keys: Sequence[Secret], appid: str) -> bytes:
    """Return the XML by the key that fits; raise Refusal only after every check with every key."""
    try:
        ciphertext = base64.b64decode(encrypted, validate=True)
    except ValueError:
        raise Refusal("base64") from None
    if not ciphertext or len(ciphertext) % BLOCK:
        raise Refusal("block")
    # A sender who can sign would learn the plaintext byte by byte from an earlier refusal.
    right, xml = max(_opened(ciphertext, key, appid) for key in keys)
    if right < len(_JUDGED):
        raise Refusal(_JUDGED[right])
    return xml


def _opened(ciphertext: bytes, key: Secret, appid: str) -> tuple[int, bytes]:
    """Return how many of `_JUDGED` hold before the first that fails, and the XML."""
    raw = base64.b64decode(key.reveal() + "=")
    decryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    padding = padded[-1]
    content = padded[:-padding]
    end = _HEAD + int.from_bytes(content[_RANDOM:_HEAD], "big")
    verdicts = (
        (0 < padding <= BLOCK) & (padded[-padding:] == bytes([padding]) * padding),
        _HEAD < end <= len(content),
        constant_time_compare(content[end:], appid),
    )
    # Each verdict is made before the first is read: an early end would reveal it.
    return [*verdicts, False].index(False), content[_HEAD:end]
