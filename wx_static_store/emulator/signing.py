"""The request signature of Tencent COS: made for links, checked on every PUT."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

Pairs = Iterable[tuple[str, str | bytes]]


class BadCarrier(ValueError):
    """The request carries no signature, or one that cannot be read."""


@dataclass(frozen=True)
class Authorization:
    """The seven parts of a signature, as the request carried them."""

    algorithm: str
    access_key: str
    sign_time: str  # "start;end", Unix seconds
    key_time: str
    header_list: str  # names of the signed headers, lower case, joined by ";"
    param_list: str  # names of the signed query parameters, likewise
    signature: str

    def window(self) -> tuple[int, int]:
        """Return the first and the last second in which the signature is valid."""
        times = [part for text in (self.sign_time, self.key_time) for part in text.split(";")]
        if len(times) != 4 or not all(part.isascii() and part.isdigit() for part in times):
            raise BadCarrier("q-sign-time and q-key-time are two Unix times joined by ';'")
        start, end, key_start, key_end = (int(part) for part in times)
        return max(start, key_start), min(end, key_end)


_PARTS = {
    "q-sign-algorithm": "algorithm",
    "q-ak": "access_key",
    "q-sign-time": "sign_time",
    "q-key-time": "key_time",
    "q-header-list": "header_list",
    "q-url-param-list": "param_list",
    "q-signature": "signature",
}


def percent(text: str | bytes) -> str:
    """Encode everything but unreserved characters, as COS signs it."""
    return quote(text, safe="-_.~")


def sign_key(secret_key: str, key_time: str) -> str:
    """Return the SignKey: 40 hex digits, used as text in the next step."""
    return _hmac(secret_key, key_time)


def http_string(method: str, path: str, params: Pairs = (), headers: Pairs = ()) -> str:
    """Return the HttpString of a request; `path` is decoded, pairs are the signed ones."""
    return f"{method.lower()}\n{path}\n{_joined(params)}\n{_joined(headers)}\n"


def string_to_sign(sign_time: str, text: str) -> str:
    """Return the StringToSign for the text of `http_string`."""
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return f"sha1\n{sign_time}\n{digest}\n"


def signature(secret_key: str, key_time: str, text: str, sign_time: str | None = None) -> str:
    """Return the signature of an HttpString."""
    return _hmac(sign_key(secret_key, key_time), string_to_sign(sign_time or key_time, text))


def authorization(secret_id: str, secret_key: str, key_time: str, text: str) -> str:
    """Return the seven parts in one string, as a link has them: only the path is signed."""
    parts = {
        "q-sign-algorithm": "sha1",
        "q-ak": secret_id,
        "q-sign-time": key_time,
        "q-key-time": key_time,
        "q-header-list": "",
        "q-url-param-list": "",
        "q-signature": signature(secret_key, key_time, text),
    }
    return "&".join(f"{name}={value}" for name, value in parts.items())


def read_authorization(query: str, headers: Mapping[str, str]) -> Authorization:
    """Find the signature of a request in any of its three carriers."""
    params = dict(parse_qsl(query, keep_blank_values=True))
    text = headers.get("authorization") or params.get("sign")
    if text is not None:
        params = dict(part.partition("=")[::2] for part in text.strip().split("&"))
    missing = [name for name in _PARTS if name not in params]
    if missing:
        raise BadCarrier(f"the signature lacks {', '.join(missing)}")
    return Authorization(**{field: params[name] for name, field in _PARTS.items()})


def signed_string(
    auth: Authorization, method: str, path: str, query: str, headers: Mapping[str, str]
) -> str:
    """Return the HttpString that a request must have signed, by its own lists of names."""
    params = {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}
    named = _pick(auth.param_list, params)
    # Header values come off the socket as Latin-1; what was signed are their bytes.
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    return http_string(method, path, named, _pick(auth.header_list, raw))


def _pick(names: str, values: Mapping[str, str] | Mapping[str, bytes]) -> Pairs:
    return [(name, values.get(name, "")) for name in names.lower().split(";") if name]


def _joined(pairs: Pairs) -> str:
    return "&".join(
        f"{percent(name.lower()).lower()}={percent(value)}" for name, value in sorted(pairs)
    )


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()
