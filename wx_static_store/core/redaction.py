"""Show a call and its answer by an allow-list, as nobody knows every secret."""

import json
import re
from typing import Any

from .secrets import MASK, scrub

# Members of calls and answers whose values are no secret.
HARMLESS = frozenset(
    (
        *("appids", "cgi_path", "component_appid", "count", "env", "errcode", "errmsg", "filename"),
        *("is_truncated", "marker", "offset", "prefix", "rid", "source_type"),
    )
)
DEEPEST = 8  # levels of members inside of members
LONGEST = 1000  # characters of a value
MOST = 20  # parameters of an address

_NAME = re.compile(r"[A-Za-z][A-Za-z_]{0,39}[0-9]?")
_ORIGIN = re.compile(r"https?://[^/?#]*")
_PATH = re.compile(r"(?:/[a-z][a-z0-9_-]{0,39}){1,6}/?")


def redacted_json(value: Any) -> str | int:
    """Return JSON with ``***`` for each value that may be a secret; of other text, the length."""
    if isinstance(value, str):
        try:
            # `int` refuses NaN and Infinity.
            value = json.loads(value, parse_constant=int)
        except (ValueError, RecursionError):
            return len(value)
    shown = json.dumps(_redacted(value), ensure_ascii=False, indent=2)
    # Half a surrogate pair is no text.
    return shown.encode("utf-8", "replace").decode()


def redacted_url(text: str) -> str:
    """Return the path of an address, whole or cut, and the names of its parameters."""
    path, mark, query = text.partition("?")
    if not mark and "=" in path:
        path, query = "", path
    path = _ORIGIN.sub("", path, count=1)
    path = path if not path or _PATH.fullmatch(path) else MASK
    parts = [part.partition("=") for part in query.split("&")[:MOST] if part]
    names = [f"{_name(name)}={MASK}" if equals else MASK for name, equals, _value in parts]
    return path + ("?" + "&".join(names) if names else "")


def _redacted(value: Any, *, harmless: bool = False, levels: int = DEEPEST) -> Any:
    if isinstance(value, dict) and levels:
        return {
            _name(name): _redacted(inner, harmless=name in HARMLESS, levels=levels - 1)
            for name, inner in value.items()
        }
    if isinstance(value, list) and levels:
        return [_redacted(inner, harmless=harmless, levels=levels - 1) for inner in value]
    if not harmless or isinstance(value, (dict, list)):
        return MASK
    if isinstance(value, str):
        # Behind backslashes, JSON in a text may hide a name from `scrub`.
        return MASK if "\\" in value else scrub(value)[:LONGEST]
    return value


def _name(name: str) -> str:
    # A longer word may be a value in the wrong place.
    return name if _NAME.fullmatch(name) else MASK
