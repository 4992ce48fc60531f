"""The checks of the values of options: each returns the clean value, or raises ValueError."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from ...clients.links import is_loopback
from ...core.naming import nfc
from ...core.secrets import Secret
from ...core.types import LARGEST
from ...i18n import gettext_lazy as _, listed

_PATH = re.compile(r"\w+(\.\w+)+")


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(_("must be a text, and not an empty one"))
    return value


def env(value: Any) -> Any:
    # No id has a dot.
    if isinstance(value, str) and _PATH.fullmatch(value):
        value = _imported(value)
    if callable(value):
        return value
    if not (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", value)):
        raise ValueError(
            _("must be the id of a cloud environment (letters, digits, hyphens), or a function")
        )
    return value


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except Exception as error:  # noqa: BLE001 -- of a module of the project's
        reason = _("cannot be imported (%(why)s)", why=import_fault(error))
    raise ValueError(reason, _("It must be a function, or the dotted path of one."))


def import_fault(error: Exception) -> str:
    """Return why an import failed."""
    # The texts of other errors may hold a secret.
    return str(error) if isinstance(error, ImportError) else type(error).__name__


def function(value: Any) -> Any:
    """Return a function, given itself or by its dotted path."""
    found = value if callable(value) else _imported(text(value))
    if not callable(found):
        raise ValueError(_("must be a function, or the dotted path of one"))
    return found


def functions(value: Any) -> tuple[Any, ...]:
    """Return functions, given as a list, or one alone."""
    return tuple(map(function, value if isinstance(value, tuple) else (value,)))


def location(value: Any) -> str:
    if value == "":
        return ""
    folder = text(value).removesuffix("/")
    if {"", ".", ".."} & {*folder.split("/")} or "\\" in folder or not folder.isprintable():
        raise ValueError(_("must be a relative folder with forward slashes, without '.' and '..'"))
    return nfc(folder) + "/"


def url(value: Any) -> str:
    if not re.fullmatch(r"https?://[^\s?#\\@]+", text(value)):
        raise ValueError(_("must be an absolute http(s) address without query"))
    return str(value).rstrip("/") + "/"


def api_url(value: Any) -> str:
    address = url(value).rstrip("/")
    if address.startswith("http://") and not is_loopback(address):
        raise ValueError(_("must be https: plain http is for an emulator on this machine"))
    return address


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_("must be True or False"))
    return value


def _between(kind: type, least: float, most: float, fault: str | Promise) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # By its type: True is an int, too. NaN is in no range.
        if type(value) not in (int, kind) or not least <= value <= most:
            raise ValueError(fault)
        return kind(value)

    return check


# A socket takes no more than 24 days.
number = _between(float, 1e-9, 24 * 3600, _("must be a number of seconds above 0, a day at most"))
# A token lives 7200 s: a longer interval would be an outage at the end of each.
interval = _between(float, 1e-9, 600, _("must be a number of seconds above 0, 600 seconds at most"))
rate = _between(float, 0.01, 10_000, _("must be a number of calls a second, from 0.01 to 10000"))
count = _between(int, 1, 256, _("must be a whole number from 1 to 256"))
hours = _between(int, 1, 8760, _("must be a whole number of hours from 1 to 8760"))
size = _between(int, 1, LARGEST, _("must be a number of bytes from 1 to %(most)d", most=LARGEST))


def _texts(form: str, fault: str | Promise, *, least: int = 1) -> Callable[[Any], Any]:
    """Make a check of a list of texts of this form; a secret may stand alone."""

    def check(value: Any) -> Any:
        value = (value,) if isinstance(value, Secret) else value
        given = value if isinstance(value, tuple) else (None,)
        texts = [one.reveal() if isinstance(one, Secret) else one for one in given]
        fitting = (isinstance(text, str) and re.fullmatch(form, text) for text in texts)
        if len(texts) < least or not all(fitting):
            raise ValueError(fault)
        return value

    return check


_endings = _texts(
    r"\w+", _('must be a list of endings without the dot, as ["png", "pdf"]'), least=0
)
emails = _texts(r"[^@\s]+@[^@\s]+", _('must be a list of addresses, as ["ops@example.com"]'))
aliases = _texts(r"(?s).*", _('must be a list of aliases of STORAGES, as ["default"]'), least=0)
hosts = _texts(
    r"\.?([a-z0-9-]+\.)+[a-z0-9-]+", _('must be a list of hosts, or of domains as ".myqcloud.com"')
)
tokens = _texts(
    r"[!-~]+", _("must be a text without spaces, or a list of such texts, the newest first")
)
aes_keys = _texts(
    r"[A-Za-z0-9+/]{43}",
    _("must be a text of 43 letters and digits, or a list of such texts, the newest first"),
)


def extensions(value: Any) -> tuple[str, ...]:
    return tuple(map(str.lower, _endings(value)))


def rules(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = (("*", value),) if isinstance(value, str) else value
    with suppress(ValueError, TypeError):
        if all(isinstance(k, str) and re.fullmatch(r"[!-~][ -~]*", v) for k, v in pairs):
            return tuple(pairs)
    raise ValueError(_('must be a list of (pattern, value), as [("*.html", "no-cache")]'))


def _one_of(*known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(_("must be one of %(names)s", names=listed(known)))
        return str(value)

    return check


on_delete = _one_of("blank", "raise", "ignore")
wait = _one_of("never", "outage", "always")
compress = _one_of("off", "gzip")


def secret(value: Any) -> Secret:
    if not (isinstance(value, Secret) and value.reveal()):
        raise ValueError(_("must be a text, and not an empty one"))
    return value


def webhook(value: Any) -> Secret:
    address = secret(value).reveal()
    is_plain = address.startswith("http:") and not is_loopback(address)
    if is_plain or not re.fullmatch(r"https?://[^\s#\\@]+", address):
        raise ValueError(_("must be the https address that the robot shows"))
    return secret(value)


def ticket(value: Any) -> Any:
    # No ticket is like a path.
    if isinstance(value, Secret) and _PATH.fullmatch(value.reveal()):
        return function(value.reveal())
    return value if callable(value) else secret(value)


def hashable(value: Any) -> Any:
    """Turn lists and dictionaries into tuples, so that options can be a key."""
    value = tuple(value.items()) if isinstance(value, Mapping) else value
    if isinstance(value, list | tuple):
        return tuple(map(hashable, value))
    # No option takes `...`: its check says what it takes.
    return value if value.__hash__ else ...
