"""
The only reader of settings: precedence, validation → one frozen `Options` per alias.

``STORAGES[alias]["OPTIONS"]`` (lower case) beats ``settings.WX_STATIC_STORE`` (the same names,
upper case), which beats the defaults. Secrets stand in ``WX_STATIC_STORE`` only: a storage that
is given to a field is written into migrations with its options.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from .clients.links import is_loopback
from .exceptions import ConfigurationError
from .secrets import Secret

SETTING = "WX_STATIC_STORE"
STATIC, MEDIA = "static", "media"

Given = tuple[tuple[str, Any], ...]
Callback = Callable[[], str]


@dataclass(frozen=True)
class Options:
    """What one store needs to know; the table of options in the README explains each."""

    kind: str = MEDIA
    env: str | Callback = ""
    location: str = ""
    base_url: str = ""
    url_prefix: str = ""  # an absolute STATIC_URL or MEDIA_URL: it includes the location
    file_overwrite: bool = False
    on_delete: str = "blank"
    keep_only_hashed: bool = False
    cache_control: tuple[tuple[str, str], ...] = ()
    max_workers: int = 20
    api_concurrency: int | None = None
    max_attempts: int = 4
    deadline: float | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    progress: bool | None = None
    api_base_url: str = "https://api.weixin.qq.com"
    upload_hosts: tuple[str, ...] = (".myqcloud.com", ".tencentcos.cn")
    token_provider: str | Callable[..., Any] | None = None
    token_cache: str = "default"  # noqa: S105
    access_token: Secret | None = None
    component_appid: str = ""
    component_appsecret: Secret | None = None
    verify_ticket: Secret | Callback | None = None

    def for_env(self, env: str | None) -> "Options":
        """The same store at another environment, whose address is then asked of WeChat."""
        if env is None or env == self.env:
            return self
        return replace(self, env=_env(env), base_url="", url_prefix="")


# What a value must be: each function gives the clean value, or a ValueError that says why.


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text")
    return value


def _env(value: Any) -> Any:
    if callable(value):
        return value
    if not (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", value)):
        raise ValueError("must be the id of a cloud environment (letters, digits, hyphens)")
    return value


def _location(value: Any) -> str:
    if value == "":
        return ""
    location = _text(value).removesuffix("/")
    odd = {"", ".", ".."} & {*location.split("/")}
    if odd or "\\" in location or not location.isprintable():
        raise ValueError("must be a relative folder with forward slashes, without '.' and '..'")
    return location + "/"


def _url(value: Any) -> str:
    if not re.fullmatch(r"https?://[^\s?#\\@]+", _text(value)):
        raise ValueError("must be an absolute http(s) address without query")
    return str(value).rstrip("/") + "/"


def _api_url(value: Any) -> str:
    url = _url(value).rstrip("/")
    if url.startswith("http://") and not is_loopback(url):
        raise ValueError("must be https: plain http is for an emulator on this machine")
    return url


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _number(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value > 0):
        raise ValueError("must be a number of seconds above 0")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 256:
        raise ValueError("must be a whole number from 1 to 256")
    return value


def _rules(value: Any) -> tuple[tuple[str, str], ...]:
    rules = (("*", value),) if isinstance(value, str) else value
    with suppress(ValueError, TypeError):
        if all(isinstance(k, str) and re.fullmatch(r"[!-~][ -~]*", v) for k, v in rules):
            return tuple(rules)
    raise ValueError('must be a list of (pattern, value), as [("*.html", "no-cache")]')


def _hosts(value: Any) -> tuple[str, ...]:
    hosts = tuple(value) if isinstance(value, list | tuple) else ()
    if not hosts or not all(re.fullmatch(r"\.?([a-z0-9-]+\.)+[a-z0-9-]+", str(h)) for h in hosts):
        raise ValueError('must be a list of hosts, or of domains as ".myqcloud.com"')
    return tuple(map(str, hosts))


def _on_delete(value: Any) -> str:
    if value not in ("blank", "raise", "ignore"):
        raise ValueError("must be one of blank, raise, ignore")
    return str(value)


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(_text(value))


# None stands for "not set" everywhere, as os.environ.get() gives it.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "env": _env,
    "location": _location,
    "base_url": _url,
    "file_overwrite": _flag,
    "on_delete": _on_delete,
    "keep_only_hashed": _flag,
    "cache_control": _rules,
    "max_workers": _count,
    "api_concurrency": _count,
    "max_attempts": _count,
    "deadline": _number,
    "connect_timeout": _number,
    "read_timeout": _number,
    "progress": _flag,
    "api_base_url": _api_url,
    "upload_hosts": _hosts,
    "token_provider": lambda value: value if callable(value) else _text(value),
    "token_cache": _text,
}
_SETTINGS_ONLY: dict[str, Callable[[Any], Any]] = {
    "access_token": _secret,
    "component_appid": _text,
    "component_appsecret": _secret,
    "verify_ticket": lambda value: value if callable(value) else _secret(value),
}


def freeze(options: Mapping[str, Any]) -> Given:
    """The options as a storage is given them; refuses names that are none, and secrets."""
    for name in options:
        if name in _SETTINGS_ONLY:
            raise ConfigurationError(
                f"{name} does not belong into OPTIONS",
                hint=f'Write it as {SETTING}["{name.upper()}"]: OPTIONS end up in migrations.',
            )
    _known(options, _CHECKS, "OPTIONS")
    return tuple(sorted((name, _hashable(value)) for name, value in options.items()))


def _hashable(value: Any) -> Any:
    value = tuple(value.items()) if isinstance(value, Mapping) else value
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return value if value.__hash__ else ...  # no option takes that: its check says what it takes


def _known(names: Iterable[str], known: Iterable[str], where: str) -> None:
    known, in_case = tuple(known), str.upper if where == SETTING else str.lower
    for name in names:
        if name not in known:
            near = get_close_matches(in_case(str(name)), known, 1, 0.5)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(known))}."
            raise ConfigurationError(f"{where} has no option {name!r}", hint=hint)


@lru_cache(maxsize=256)
def resolve(kind: str, given: Given = ()) -> Options:
    """The options of a store that was given these; raises ConfigurationError."""
    own = _checked(dict(given), "OPTIONS")
    general = _checked(general_settings(), SETTING)
    options = replace(Options(kind=kind), **(general | own))
    if not options.env:
        raise ConfigurationError(
            "No cloud environment is set",
            hint=f'Set {SETTING}["ENV"], or "env" in the OPTIONS of the storage.',
        )
    return _with_address(options, own, general)


def configured() -> bool:
    """Whether there are settings at all; a plain script has none."""
    return settings.configured


def general_settings() -> dict[str, Any]:
    """What stands in ``WX_STATIC_STORE``, with the names of options."""
    if not isinstance(found := getattr(settings, SETTING, {}), Mapping):
        raise ConfigurationError(f"{SETTING} must be a dictionary")
    _known(found, (name.upper() for name in _CHECKS | _SETTINGS_ONLY), SETTING)
    return {name.lower(): value for name, value in found.items()}


def _checked(options: dict[str, Any], where: str) -> dict[str, Any]:
    checks = _CHECKS | _SETTINGS_ONLY
    clean, reason = {}, ""
    for name, value in options.items():
        if value is None:
            continue
        try:
            clean[name] = checks[name](_hashable(value))
        except (ValueError, TypeError) as error:
            reason = str(error)
        if reason:
            shown = name.upper() if where == SETTING else name
            raise ConfigurationError(f"{where}: {shown} {reason}")
    return clean


def _with_address(options: Options, own: dict[str, Any], general: dict[str, Any]) -> Options:
    """
    `base_url`, or the `url_prefix` that Django's own setting gives, if it is this environment's.

    An address in the general settings belongs to the general environment, not to the tenant that
    a storage was built for by hand.
    """
    same_env = "env" not in own or general.get("env") in (None, own["env"])
    base_url = own.get("base_url") or (general.get("base_url") if same_env else None)
    prefix = str(settings.STATIC_URL if options.kind == STATIC else settings.MEDIA_URL)
    absolute = prefix.startswith(("http://", "https://"))
    if base_url or callable(options.env) or not same_env or not absolute:
        prefix = ""
    return replace(options, base_url=base_url or "", url_prefix=prefix)


def stores() -> dict[str, tuple[str, Given]]:
    """The aliases of ``STORAGES`` that use one of our classes, with its kind and options."""
    found = {alias: _alias(alias) for alias in settings.STORAGES}
    return {alias: store for alias, store in found.items() if store}


def options_for(using: str) -> Options:
    """The options of an alias; raises ConfigurationError where it is not one of ours."""
    if using not in settings.STORAGES or (found := _alias(using)) is None:
        ours = ", ".join(stores()) or "none"
        raise ConfigurationError(
            f"STORAGES has no alias {using!r} with a storage of wx_static_store",
            hint=f"Aliases with such a storage: {ours}.",
        )
    return resolve(*found)


def _alias(alias: str) -> tuple[str, Given] | None:
    config = settings.STORAGES[alias]
    kind = getattr(import_string(config["BACKEND"]), "wx_kind", None)
    return (kind, freeze(config.get("OPTIONS", {}))) if kind else None


def use_tz() -> bool:
    return settings.USE_TZ


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in (SETTING, "STORAGES", "STATIC_URL", "MEDIA_URL"):
        resolve.cache_clear()
