"""Secrets at rest: encrypted by cryptography, with a key that derives from SECRET_KEY."""

from __future__ import annotations

import base64
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.utils.crypto import salted_hmac

from ..core.secrets import Secret
from . import settings as conf

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

TICKETS = "wx_static_store.callback.tickets"
_CACHE = "wx_static_store.clients.shared"
_BEGINS = "gAAAA"  # as each sealed text does


def is_available() -> bool:
    """Return whether the package that encrypts is installed."""
    return find_spec("cryptography") is not None


def seal(text: Secret, purpose: str) -> str:
    """Encrypt the text for one purpose; it opens for no other purpose."""
    return _fernet(purpose).encrypt(text.reveal().encode()).decode()


def unseal(sealed: str, purpose: str) -> Secret | None:
    """Return the text, None if neither SECRET_KEY nor a SECRET_KEY_FALLBACKS opens it."""
    from cryptography.fernet import InvalidToken

    try:
        return Secret(_fernet(purpose).decrypt(sealed.encode()).decode())
    except InvalidToken:
        return None


def to_cache(text: str) -> str:
    """Return a text for a cache: sealed if cryptography is installed, else plain."""
    return seal(Secret(text), _CACHE) if is_available() else text


def from_cache(value: Any) -> Any:
    """Return the text given to `to_cache`; raise ValueError if it cannot be opened."""
    # Plain ones come from a version or a process that does not seal.
    if not (isinstance(value, str) and value.startswith(_BEGINS)):
        return value
    opened = unseal(value, _CACHE) if is_available() else None
    if opened is None:
        raise ValueError("sealed with another key")
    return opened.reveal()


def _fernet(purpose: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    keys = (conf.setting("SECRET_KEY"), *conf.setting("SECRET_KEY_FALLBACKS"))
    digests = [salted_hmac(purpose, "", secret=k, algorithm="sha256").digest() for k in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
