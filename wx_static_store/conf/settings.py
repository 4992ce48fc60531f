"""
The only reader of settings, with their precedence: one frozen `Options` per alias.

``STORAGES[alias]["OPTIONS"]`` (lower case) beats ``settings.WX_STATIC_STORE`` (the same names,
upper case), which beats the defaults. Secrets stand in ``WX_STATIC_STORE`` only: a storage that
is given to a field is written into migrations with its options.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from ..core.secrets import Secret
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, listed
from .options import OPTIONS, STATIC, Options, clean
from .options.entries import Scope
from .options.validators import hashable

SETTING = "WX_STATIC_STORE"

Given = tuple[tuple[str, Any], ...]


def freeze(options: dict[str, Any]) -> Given:
    """Return the options of a storage as a key; refuse unknown names and secrets."""
    if fault := _fault(list(options)):
        # The traceback may show local variables: this one holds no secret then.
        options.clear()
        raise fault
    return tuple(sorted((name, hashable(value)) for name, value in options.items()))


def _fault(names: list[str]) -> ConfigurationError | None:
    for name in names:
        if (entry := OPTIONS.get(name)) and entry.scope is Scope.SETTINGS:
            return ConfigurationError(
                _("%(name)s does not belong into OPTIONS", name=name),
                hint=_(
                    'Write it as WX_STATIC_STORE["%(name)s"]: OPTIONS end up in migrations.',
                    name=name.upper(),
                ),
            )
    own = [name for name, entry in OPTIONS.items() if entry.scope is not Scope.SETTINGS]
    return unknown(names, own, "OPTIONS")


def unknown(names: Iterable[str], known: list[str], where: str) -> ConfigurationError | None:
    """Return the error that names an unknown option."""
    in_case = str.upper if where == SETTING else str.lower
    for name in names:
        if name not in known:
            text = _("%(where)s has no option %(name)r", where=where, name=name)
            return ConfigurationError(text, hint=nearest(in_case(str(name)), known))
    return None


def nearest(name: str, known: list[str]) -> str:
    """Return the hint for an unknown name: the nearest known one."""
    if near := get_close_matches(name, known, 1, 0.5):
        return _("Did you mean %(name)s?", name=near[0])
    return _("Known are: %(names)s.", names=listed(sorted(known) or [_("none")], 50))


@lru_cache(maxsize=256)
def resolve(kind: str, given: Given = ()) -> Options:
    """Return the options of a store with these own options; raise ConfigurationError."""
    own = clean(dict(given), "OPTIONS")
    general = clean(general_settings(), SETTING, shown=str.upper)
    options = replace(Options(kind=kind), **(general | own))
    if not options.env:
        raise ConfigurationError(
            _("No cloud environment is set"),
            hint=_('Set WX_STATIC_STORE["ENV"], or "env" in the OPTIONS of the storage.'),
        )
    return _with_address(options, own, general)


def configured() -> bool:
    """Return whether Django has settings; a plain script has none."""
    return settings.configured


def general_settings() -> dict[str, Any]:
    """Read ``WX_STATIC_STORE``, with the names of options and its secrets wrapped."""
    if not isinstance(given := getattr(settings, SETTING, {}), Mapping):
        raise ConfigurationError(_("WX_STATIC_STORE must be a dictionary"))
    known = [name.upper() for name in OPTIONS]
    if fault := unknown(list(given), known, SETTING):
        raise fault
    return {name.lower(): value for name, value in _hidden(given).items()}


def hide_secrets() -> None:
    """Make each secret in ``WX_STATIC_STORE`` a `Secret`: Django's error pages show settings."""
    if isinstance(given := getattr(settings, SETTING, None), Mapping):
        # A new dictionary: the project's own stays as it is.
        setattr(settings, SETTING, _hidden(given))


def _hidden(given: Mapping[Any, Any]) -> dict[Any, Any]:
    secrets = [name for name, entry in OPTIONS.items() if entry.secret]
    return {
        n: _wrapped(value) if str(n).lower() in secrets else value for n, value in given.items()
    }


@lru_cache(maxsize=1)
def platform_options() -> Options:
    """Return the platform's options; raise ConfigurationError."""
    return replace(Options(), **clean(general_settings(), SETTING, shown=str.upper))


def readable_options() -> Options:
    """Return the platform's options, or the defaults while the settings have a fault."""
    with suppress(ConfigurationError):
        return platform_options()
    return Options()


def _wrapped(value: Any) -> Any:
    """Wrap a secret: no frame that may raise holds it as plain text."""
    # No option takes a dictionary, but an error page would show it.
    if isinstance(value, Mapping):
        return {name: _wrapped(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_wrapped, value))
    return Secret(value) if isinstance(value, str) else value


def _with_address(options: Options, own: dict[str, Any], general: dict[str, Any]) -> Options:
    """Set `base_url`, or the `url_prefix` of Django's own setting if it is this environment's."""
    # The general address is that of the general environment, or of the only one that storages
    # name: not of a tenant for which code makes a storage.
    same_env = "env" not in own or own["env"] == (general.get("env") or _only_env())
    base_url = own.get("base_url") or (general.get("base_url") if same_env else None)
    prefix = str(settings.STATIC_URL if options.kind == STATIC else settings.MEDIA_URL)
    absolute = prefix.startswith(("http://", "https://"))
    if base_url or callable(options.env) or not same_env or not absolute:
        prefix = ""
    return replace(options, base_url=base_url or "", url_prefix=prefix)


def _only_env() -> Any:
    try:
        envs = {dict(given).get("env") for _kind, given in stores().values()}
    except ConfigurationError:  # of another alias, reported when that is used
        return None
    return envs.pop() if len(envs) == 1 else None


def aliases() -> list[str]:
    """Return the aliases of ``STORAGES`` that use one of our classes."""
    found = settings.STORAGES
    return [alias for alias in found if _kind(alias)] if isinstance(found, Mapping) else []


def stores() -> dict[str, tuple[str, Given]]:
    """Return these aliases, each with its kind and options."""
    return {alias: (_kind(alias), _given(alias)) for alias in aliases()}


def options_for(using: str) -> Options:
    """Return the options of an alias; raise ConfigurationError if it is not one of ours."""
    if using not in aliases():
        ours = listed(aliases() or [_("none")])
        raise ConfigurationError(
            _("STORAGES has no alias %(alias)r with a storage of wx_static_store", alias=using),
            hint=_("Aliases with such a storage: %(aliases)s.", aliases=ours),
        )
    return resolve(_kind(using), _given(using))


def alias_of(options: Options) -> str:
    """Return the alias that has these options; empty if none has, or code made the storage."""
    return next((alias for alias, known in all_options().items() if known == options), "")


def all_options() -> dict[str, Options]:
    """Return the options of each store that is configured without error."""
    found = {}
    for alias in aliases():
        with suppress(ConfigurationError):
            found[alias] = options_for(alias)
    return found


def _kind(alias: str) -> str:
    """Return the kind of our storage; "" for another storage, whose package may be missing."""
    try:
        backend = import_string(settings.STORAGES[alias]["BACKEND"])
    except Exception:  # noqa: BLE001 -- of a module of the project's, or settings of any shape
        return ""
    return str(getattr(backend, "wx_kind", ""))


def _given(alias: str) -> Given:
    given = settings.STORAGES[alias].get("OPTIONS", {})
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            _("OPTIONS must be a dictionary"), hint=_("Leave OPTIONS out where there are none.")
        )
    return freeze(dict(given))


def setting(name: str) -> Any:
    """Return one of Django's own settings."""
    return getattr(settings, name)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        hide_secrets()
    if setting in (SETTING, "STORAGES", "STATIC_URL", "MEDIA_URL"):
        resolve.cache_clear()
        platform_options.cache_clear()
