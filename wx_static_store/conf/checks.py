"""
System checks: what is wrong with the settings, found before the first upload.

They open no connection and ask no database. Those about static files carry the tag
``staticfiles`` too, which is the one that `collectstatic` runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from ..exceptions import ConfigurationError
from ..i18n import gettext as _
from . import settings as conf
from .options import STATIC, Options
from .validators import import_fault

TAG = "wx_static_store"
_CALLBACK = "wx_static_store.callback"


@register(TAG, Tags.staticfiles)
def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that each alias of STORAGES has its BACKEND."""
    storages = conf.setting("STORAGES")
    if isinstance(storages, Mapping):
        odd = [a for a, of in storages.items() if not (isinstance(of, Mapping) and "BACKEND" in of)]
        faults = [_("STORAGES[%(alias)r] has no BACKEND.", alias=alias) for alias in odd]
    else:
        faults = [_("STORAGES must be a dictionary.")]
    hint = _('Write it as {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {…}}.')
    return [Error(fault, hint=hint, id="wx_static_store.E017") for fault in faults]


@register(TAG, Tags.staticfiles)
def check_options(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that every store's options resolve, and that there is a source of tokens."""
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
    elif fault := _of_provider(options.token_provider):
        yield Error(
            _(
                "STORAGES[%(alias)r]: token_provider cannot be imported (%(why)s).",
                alias=alias,
                why=fault,
            ),
            hint=_("It must be the dotted path of a function or of a class, or one of them."),
            id="wx_static_store.E018",
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


def _of_provider(given: object) -> str:
    """Return why it cannot be imported. A class is not called: it may ask somebody outside."""
    try:
        if isinstance(given, str):
            import_string(given)
    except Exception as error:  # noqa: BLE001 -- a project's own code
        return import_fault(error)
    return ""


def _of_static(alias: str, options: Options) -> Iterator[CheckMessage]:
    if alias == "staticfiles" and not conf.setting("STATIC_ROOT"):  # only collectstatic's alias
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
def check_places(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that no two stores write the same keys."""
    places = defaultdict(list)
    for alias, options in conf.all_options().items():
        places[options.api_base_url, options.env, options.location].append(alias)
    return [
        Warning(
            _(
                "%(aliases)s of STORAGES write to one environment at one location: a file of one "
                "replaces a file of the other that has its name.",
                aliases=", ".join(map(repr, aliases)),
            ),
            hint=_('Give each a "location" of its own in OPTIONS, as "media" and "static".'),
            id="wx_static_store.W020",
        )
        for aliases in places.values()
        if len(aliases) > 1
    ]


@register(TAG)
def check_upload_stores(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that each alias that is open for uploads is a store."""
    stores = conf.aliases()
    try:
        opened = conf.platform_options().upload_stores or ()
    except ConfigurationError:
        return []  # reported by check_options
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
    """Check that the migrations of this project make the log's table."""
    modules = conf.setting("MIGRATION_MODULES")
    ours = "wx_static_store.migrations"
    module = modules.get("wx_static_store", ours) if isinstance(modules, Mapping) else ours
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
        operations = import_module(f"{module}.0001_initial").Migration.operations
    except Exception:  # noqa: BLE001 -- of a module of the project's
        return False
    return any(getattr(operation, "name", "") == "UploadLog" for operation in operations)


@register(TAG)
def check_schema(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that drf-spectacular, if the project uses it, can describe all views."""
    if not apps.is_installed("drf_spectacular"):
        return []
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.settings import api_settings

    default: Any = api_settings.DEFAULT_SCHEMA_CLASS  # the class, by now
    if issubclass(default, AutoSchema):
        return []
    return [
        Warning(
            _(
                "drf_spectacular is in INSTALLED_APPS, but DEFAULT_SCHEMA_CLASS of REST_FRAMEWORK "
                "is not its own: the OpenAPI document answers 500."
            ),
            hint=_('Set "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema" there.'),
            id="wx_static_store.W023",
        )
    ]
