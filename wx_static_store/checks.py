"""
System checks: what is wrong with the settings, found before the first upload.

They open no connection and ask no database. Those about static files carry the tag
``staticfiles`` too, which is the one that `collectstatic` runs.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db.migrations.loader import MigrationLoader
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from . import conf
from .exceptions import ConfigurationError
from .options import STATIC, Options
from .texts import gettext as _, gettext_lazy

TAG = "wx_static_store"
_CALLBACK = "wx_static_store.callback"

# Caches that one process has for itself, or whose `add()` can have two winners.
_UNFIT = {
    LocMemCache: gettext_lazy(
        "is each process's own: every process would fetch a token and end the others'"
    ),
    DummyCache: gettext_lazy(
        "keeps nothing: every process would fetch a token and end the others'"
    ),
    FileBasedCache: gettext_lazy("has an add() with several winners, who end each other's tokens"),
    DatabaseCache: gettext_lazy(
        "asks the database from worker threads, and its add() can have two winners who end each "
        "other's tokens"
    ),
}
_SHARED = gettext_lazy("Set TOKEN_CACHE to an alias of CACHES with Redis or Memcached.")


@register(TAG, Tags.staticfiles)
def check_options(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every store's options resolve, and there is a source of tokens."""
    return [message for alias in conf.aliases() for message in _of_alias(alias)]


def _of_alias(alias: str) -> Iterator[CheckMessage]:
    try:
        options = conf.options_for(alias)
    except ConfigurationError as error:
        yield Error(
            _("STORAGES[%(alias)r]: %(fault)s", alias=alias, fault=error.message),
            hint=str(error.hint) or None,
            obj=alias,
            id="wx_static_store.E001",
        )
        return
    yield from _of_tokens(alias, options)
    if options.kind == STATIC:
        yield from _of_static(alias, options)
    elif alias == "staticfiles":
        yield Error(
            _("STORAGES['staticfiles'] is a WxStorage, which would upload each file on its own."),
            hint=_("Use wx_static_store.staticfiles.WxManifestStaticFilesStorage."),
            id="wx_static_store.E003",
        )
    if options.on_delete == "ignore":
        yield Warning(
            _(
                "STORAGES[%(alias)r]: with on_delete='ignore' deleted files stay public.",
                alias=alias,
            ),
            hint=_("Use 'blank', which overwrites them, or 'raise'."),
            id="wx_static_store.W006",
        )


def _of_tokens(alias: str, options: Options) -> Iterator[CheckMessage]:
    if not options.has_token_source:
        yield Error(
            _("STORAGES[%(alias)r] has no source of a component_access_token.", alias=alias),
            hint=_(
                "Set COMPONENT_APPID and COMPONENT_APPSECRET in WX_STATIC_STORE, or ACCESS_TOKEN, "
                "or TOKEN_PROVIDER."
            ),
            id="wx_static_store.E002",
        )
    elif options.fetches_tokens and not (options.verify_ticket or apps.is_installed(_CALLBACK)):
        yield Error(
            _("STORAGES[%(alias)r] has no source of the component_verify_ticket.", alias=alias),
            hint=_(
                "Put 'wx_static_store.callback' into INSTALLED_APPS, which receives WeChat's "
                "pushes, or set VERIFY_TICKET in WX_STATIC_STORE."
            ),
            id="wx_static_store.E015",
        )


def _of_static(alias: str, options: Options) -> Iterator[CheckMessage]:
    if not conf.setting("STATIC_ROOT"):
        yield Error(
            _("STORAGES[%(alias)r] collects into STATIC_ROOT, which is not set.", alias=alias),
            hint=_("Set STATIC_ROOT to a folder of this machine."),
            id="wx_static_store.E004",
        )
    if not (options.base_url or options.url_prefix):
        yield Warning(
            _(
                "STORAGES[%(alias)r] does not know its public address, so rendering a page may ask "
                "WeChat for it.",
                alias=alias,
            ),
            hint=_("Set base_url to the site's public address, or STATIC_URL to an absolute one."),
            id="wx_static_store.W005",
        )


@register(TAG)
def check_token_cache(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The cache of the platform's token is one that all processes share."""
    return [
        Warning(message, hint=_SHARED, id="wx_static_store.W007") for message in _unfit_caches()
    ]


@register(TAG, deploy=True)
def check_token_cache_of_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Where several processes run, it must be."""
    return [Error(message, hint=_SHARED, id="wx_static_store.E009") for message in _unfit_caches()]


def _unfit_caches() -> list[str]:
    """What is wrong with each cache that is to share a token of ours."""
    found = {}
    for alias in conf.aliases():
        try:
            options = conf.options_for(alias)
        except ConfigurationError:
            continue  # told by check_options
        if options.fetches_tokens and (why := _unfit(options.token_cache)):
            found[options.token_cache] = why
    return [
        _(
            "The cache %(alias)r, which is to hold the platform's token, %(why)s.",
            alias=alias,
            why=why,
        )
        for alias, why in found.items()
    ]


def _unfit(alias: str) -> str | Promise:
    if alias not in conf.setting("CACHES"):
        return _("is not in CACHES")
    try:
        backend = import_string(conf.setting("CACHES")[alias]["BACKEND"])
    except (ImportError, KeyError) as error:
        return _("cannot be made (%(why)s)", why=error)
    return next((why for kind, why in _UNFIT.items() if issubclass(backend, kind)), "")


@register(TAG)
def check_upload_stores(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each alias that is open for uploads is a store."""
    stores = conf.aliases()
    try:
        opened = conf.platform_options().upload_stores or ()
    except ConfigurationError:
        return []  # told by check_options
    return [
        Error(
            _("UPLOAD_STORES names %(alias)r, which is no store of STORAGES.", alias=alias),
            hint=str(conf.nearest(alias, stores)),
            id="wx_static_store.E016",
        )
        for alias in opened
        if alias not in stores
    ]


@register(TAG)
def check_log(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The migrations of this project make the log's table."""
    module, _explicit = MigrationLoader.migrations_module("wx_static_store")
    if module is not None and _makes_the_log(module):
        return []
    return [
        Warning(
            _(
                "MIGRATION_MODULES takes the migrations of wx_static_store away, so there is no "
                "table for the log of uploads."
            ),
            hint=_('Remove "wx_static_store" from MIGRATION_MODULES, or run makemigrations there.'),
            id="wx_static_store.W008",
        )
    ]


def _makes_the_log(module: str) -> bool:
    try:
        initial = import_module(f"{module}.0001_initial")
    except ImportError:
        return False
    operations = initial.Migration.operations
    return any(getattr(operation, "name", "") == "UploadLog" for operation in operations)
