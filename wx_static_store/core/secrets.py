"""Values that must never be printed, and their removal from foreign texts."""

import hmac
import re

MASK = "***"

_NAMES = (
    "component_access_token|access_token|component_appsecret|component_verify_ticket|appsecret"
    "|x-cos-security-token|q-signature|q-ak|signed_url|sign|token|ticket|secret|authorization|password"
)
# name=value, name: value, "name": "value" and 'name': 'value', up to the end of the value;
# the names may be percent-encoded into one parameter, as WeChat does with `sign`.
_NAMED = re.compile(
    rf"""(?P<name>(?:(?<![a-z0-9])|(?<=%26))(?:{_NAMES}))(?P<sep>["']?\s*(?:[=:]|%3D)\s*)"""
    rf"""(?!(?P<quote>["']?)(?:{_NAMES})(?P=quote)\s*(?:[=:]|%3D))"""  # the next name, no value
    r"""(?P<value>\*\*\*|(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))(?![\w-])"""
    r"""|(?:(?:Basic|Bearer)\s+)?[^\s&"',;<>)}\]]+)""",
    re.IGNORECASE,
)


# A login in an address, its query, and a long word with digits in it: looked for at its start only,
# since a search from each letter of a long word takes minutes.
_SUSPECT = re.compile(
    r"(?<=//)[^/\s@]+(?=@)|(?<=\?)[^\s\"'<>]+|(?:Basic|Bearer)\s+\S+"
    r"|(?<![\w+/=~-])(?=[\w+/=~-]*\d)(?=[\w+/=~-]*[A-Za-z])[\w+/=~-]{20,}",
    re.IGNORECASE,
)
_MOST = 10_000  # letters


class Secret:
    """A text that prints as ``***``; only `reveal()` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    # Tests of projects copy their settings.
    def __deepcopy__(self, memo: object = None) -> "Secret":
        return self

    __copy__ = __deepcopy__

    def __reduce__(self) -> str:
        raise TypeError("A Secret is not pickled: it would lie in a cache or queue as plain text.")


def scrub(text: str) -> str:
    """Replace the value of every name that carries a secret by ``***``."""
    return _NAMED.sub(lambda match: match["name"] + match["sep"] + MASK, text)


def masked(text: str) -> str:
    """Mask the first part of an unknown library's text, including words that look like a secret."""
    if len(text) > _MOST:
        # A secret that is cut must still look like one.
        text = text[:_MOST] + "a1" * 10
    return _SUSPECT.sub(MASK, scrub(text))
