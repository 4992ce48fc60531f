"""
System checks: faults of the settings, found before the first upload.

They open no connection and ask no database. Checks of static files have also the tag
``staticfiles``, which `collectstatic` runs. The storages import this module: importing a storage
is enough to check a project that uses it without the app.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import import_string

from ..clients.links import is_loopback
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, listed
from . import settings as conf
from .check_table import TAG, message
from .options import STATIC
from .options.validators import import_fault

_APP, _CALLBACK = "wx_static_store", "wx_static_store.callback"
# Appids of examples, beside those of one or two different characters.
_EXAMPLES = ("wx1234567890abcdef", "wx0123456789abcdef", "wx1234567890123456")


@register(TAG, Tags.staticfiles)
def check_app(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the app is installed where its storages are used."""
    # With the callback alone, its own check says it.
    return [] if apps.is_installed(_APP) or apps.is_installed(_CALLBACK) else [message("W025")]


@register(TAG, Tags.staticfiles)
def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that each alias of STORAGES has its BACKEND."""
    storages = conf.setting("STORAGES")
    if not isinstance(storages, Mapping):
        return [message("E017", text=_("STORAGES must be a dictionary."))]
    odd = [a for a, of in storages.items() if not (isinstance(of, Mapping) and "BACKEND" in of)]
    return [message("E017", alias=alias) for alias in odd]


@register(TAG, Tags.staticfiles)
def check_options(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that every store's options resolve, and that there is a source of tokens."""
    general = [message("E001", text=e.message, hint=e.hint) for e in _of_settings()]
    return general + [message for alias in conf.aliases() for message in _of_alias(alias)]


def _of_settings() -> Iterator[ConfigurationError]:
    """Yield the faults of ``WX_STATIC_STORE``, once, however many stores use it."""
    try:
        conf.platform_options()
    except ConfigurationError as error:
        yield error


def _of_alias(alias: str) -> Iterator[CheckMessage]:
    try:
        options = conf.options_for(alias)
    except ConfigurationError as error:
        if str(error.message) not in [str(general.message) for general in _of_settings()]:
            yield message("E001", hint=error.hint, alias=alias, fault=error.message)
        return
    if not (options.token_provider or options.access_token or options.fetches_tokens):
        yield message("E002", alias=alias)
    elif fault := _of_provider(options.token_provider):
        yield message("E018", alias=alias, why=fault)
    elif options.fetches_tokens and not (options.verify_ticket or apps.is_installed(_CALLBACK)):
        yield message("E015", alias=alias)
    if options.on_delete == "ignore":
        yield message("W006", alias=alias)
    if alias == "staticfiles" and options.kind != STATIC:
        yield message("E003")
    # Only collectstatic's own alias collects.
    elif alias == "staticfiles" and not conf.setting("STATIC_ROOT"):
        yield message("E004", alias=alias)
    if options.kind == STATIC and not (options.base_url or options.url_prefix):
        yield message("W005", alias=alias)


def _of_provider(given: object) -> str:
    """Return why the provider cannot be imported."""
    try:
        # A class is not called: it may use the network.
        if isinstance(given, str):
            import_string(given)
    except Exception as error:  # noqa: BLE001 -- a project's own code
        return import_fault(error)
    return ""


@register(TAG)
def check_appid(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the platform's appid may be real."""
    platform = conf.readable_options()
    asked = [each.api_base_url for each in conf.all_options().values()] or [platform.api_base_url]
    appid = platform.component_appid
    is_one = re.fullmatch("wx[0-9A-Za-z]{16}", appid) and len({*appid[2:]}) > 2
    # The emulator takes any appid.
    if not appid or all(map(is_loopback, asked)) or (is_one and appid not in _EXAMPLES):
        return []
    return [message("W024")]


@register(TAG)
def check_places(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that no two stores write the same keys."""
    places = defaultdict(list)
    for alias, options in conf.all_options().items():
        places[options.api_base_url, options.env, options.location].append(alias)
    return [
        message("W020", aliases=listed(map(repr, aliases)))
        for aliases in places.values()
        if len(aliases) > 1
    ]


@register(TAG)
def check_upload_stores(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that each alias that is open for uploads is a store."""
    stores = conf.aliases()
    return [
        message("E016", hint=conf.nearest(alias, stores), alias=alias)
        for alias in conf.readable_options().upload_stores or ()
        if alias not in stores
    ]


@register(TAG)
def check_schema(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that drf-spectacular, if the project uses it, can describe all views."""
    if not apps.is_installed("drf_spectacular"):
        return []
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.settings import api_settings

    default: Any = api_settings.DEFAULT_SCHEMA_CLASS  # the class, by now
    return [] if issubclass(default, AutoSchema) else [message("W023")]


@register(TAG)
def check_alerts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the app that sends alerts is there where ``ALERTS`` names functions."""
    if apps.is_installed(f"{_APP}.health"):
        return []
    try:
        wanted = conf.general_settings().get("alerts")
    except ConfigurationError:  # E001 names the fault
        return []
    return [message("W031")] if wanted else []
