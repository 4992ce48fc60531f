"""System checks: what keeps WeChat's pushes from being read. They ask no database."""

from collections.abc import Iterator
from inspect import unwrap
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import URLPattern, URLResolver, get_resolver

from .. import conf
from ..conf.options import Options
from ..exceptions import ConfigurationError
from ..i18n import gettext as _
from .views import receive

_TAG = "wx_static_store"
_TOKEN_LENGTH = 16
_NEEDED = {
    "component_appid": "E010",
    "callback_token": "E011",
    "callback_aes_key": "E012",
}


@register(_TAG)
def check_callback(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that what the view needs is set, and hard to guess."""
    try:
        return [*_of_apps(), *_of_options(conf.platform_options())]
    except ConfigurationError as error:
        hint = str(error.hint) or None
        return [Error(str(error.message), hint=hint, id="wx_static_store.E001")]


def _of_apps() -> Iterator[CheckMessage]:
    if not apps.is_installed("wx_static_store"):
        yield Error(
            _("wx_static_store.callback stands in INSTALLED_APPS without wx_static_store."),
            hint=_('Add "wx_static_store" to INSTALLED_APPS.'),
            id="wx_static_store.E014",
        )


@register(_TAG)
def check_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """WeChat's pushes have an address in this project."""
    try:
        found = any(unwrap(view) is unwrap(receive) for view in _views(get_resolver()))
    except Exception:  # noqa: BLE001 -- of the project's urls.py, which Django's own checks report
        return []
    if found:
        return []
    return [
        Warning(
            _("No address of ROOT_URLCONF leads to wx_static_store.callback: no push arrives."),
            hint=_(
                'Add path("wx/callback/", include("wx_static_store.callback.urls")) to the '
                "urlpatterns of your project."
            ),
            id="wx_static_store.W021",
        )
    ]


def _views(resolver: URLResolver) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback


def _of_options(options: Options) -> Iterator[CheckMessage]:
    for option, number in _NEEDED.items():
        name = option.upper()
        if not getattr(options, option):
            yield Error(
                _("The callback of WeChat cannot work without %(name)s.", name=name),
                hint=_(
                    'Write it as WX_STATIC_STORE["%(name)s"]: it stands on the page of your '
                    "platform at WeChat.",
                    name=name,
                ),
                id=f"wx_static_store.{number}",
            )
    if any(len(token.reveal()) < _TOKEN_LENGTH for token in options.callback_token):
        yield Warning(
            _(
                "A CALLBACK_TOKEN is shorter than %(length)d characters: it can be guessed.",
                length=_TOKEN_LENGTH,
            ),
            hint=_("Take a long random one, at WeChat too; both may stand in a list meanwhile."),
            id="wx_static_store.W013",
        )
