"""System checks: whether all processes share the platform's token, and a rate, by the cache."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import PyLibMCCache, PyMemcacheCache
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, register
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from ..i18n import gettext_lazy as _
from . import settings as conf
from .check_table import TAG, message
from .options.validators import import_fault
from .sealing import is_available

# Caches that one process has for itself, or whose `add()` can have several winners: with 16
# processes, a file-based one had up to 7.
_UNFIT = {
    LocMemCache: _("is each process's own: every process would fetch a token and end the others'"),
    DummyCache: _("keeps nothing: every process would fetch a token and end the others'"),
    FileBasedCache: _("has an add() with several winners, who end each other's tokens"),
    DatabaseCache: _(
        "asks the database from worker threads, and its add() can have two winners who end each "
        "other's tokens"
    ),
}
# What Django's own caches import only when they are used.
_LIBRARIES = {RedisCache: "redis", PyMemcacheCache: "pymemcache", PyLibMCCache: "pylibmc"}


@register(TAG)
def check_token_cache(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the cache of the platform's token works, and that all processes share it."""
    broken = [
        message("E019", hint=hint, alias=alias, why=why)
        for alias in _token_caches()
        for why, hint in cache_faults(alias)
    ]
    return [*broken, *_unfit_caches("W007")]


@register(TAG, deploy=True)
def check_token_cache_of_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report in a deployment as an error that processes share no token."""
    return _unfit_caches("E009")


@register(TAG)
def check_sealing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the token is sealed in the cache that all processes share."""
    if is_available():
        return []
    return [message("W022", alias=alias) for alias in _token_caches() if is_shared(alias)]


@register(TAG)
def check_api_rate(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that all processes count the calls of API_RATE in one cache."""
    stores = conf.all_options().values()
    aliases = dict.fromkeys(each.token_cache for each in stores if each.api_rate is not None)
    return [message("W029", alias=alias) for alias in aliases if not is_shared(alias)]


def _token_caches() -> list[str]:
    """Return the aliases of the caches that must share the platform's token, each once."""
    stores = conf.all_options().values()
    return list(dict.fromkeys(each.token_cache for each in stores if each.fetches_tokens))


def _unfit_caches(id: str) -> list[CheckMessage]:
    """Report each cache that must share the platform's token and cannot."""
    return [
        message(id, alias=alias, why=why)
        for alias in _token_caches()
        for kind, why in _UNFIT.items()
        if _is_a(alias, kind)
    ]


def is_shared(alias: str) -> bool:
    """Return whether all processes share the cache, and worker threads may use it."""
    return not _is_a(alias, *_UNFIT)


def is_for_all(alias: str) -> bool:
    """Return whether processes read each other's values there."""
    return not _is_a(alias, LocMemCache, DummyCache)


def cache_faults(alias: str) -> Iterator[tuple[str | Promise, str | Promise]]:
    """Yield why the first use of the cache would fail, as the settings show it, and advice."""
    try:
        import_string(conf.setting("CACHES")[alias]["BACKEND"])
    except LookupError:
        yield _("it is not in CACHES"), ""
    except Exception as error:  # noqa: BLE001 -- of a module of the project's, or any settings
        yield import_fault(error), ""
    for kind, library in _LIBRARIES.items():
        if _is_a(alias, kind) and find_spec(library) is None:
            text = _("the package %(name)s is not installed", name=library)
            yield text, _("Run pip install %(name)s.", name=library)


def _is_a(alias: str, *kinds: type) -> bool:
    try:
        return issubclass(import_string(conf.setting("CACHES")[alias]["BACKEND"]), kinds)
    except Exception:  # noqa: BLE001 -- reported by cache_faults
        return False
