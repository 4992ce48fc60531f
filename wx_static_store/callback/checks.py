"""System checks: why WeChat's pushes could not be read. They ask no database."""

from collections.abc import Iterator
from contextlib import suppress
from inspect import unwrap
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, register
from django.urls import URLPattern, URLResolver, get_resolver

from .. import conf
from ..conf.check_table import TAG, message
from ..core.pushes import NEEDED
from ..exceptions import ConfigurationError
from .views import receive

TOKEN_LENGTH = 16


@register(TAG)
def check_callback(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the settings of the view are set, and hard to guess."""
    found = [] if apps.is_installed("wx_static_store") else [message("E014")]
    # check_options reports it.
    with suppress(ConfigurationError):
        options = conf.platform_options()
        missing = {name: id for name, id in NEEDED.items() if not getattr(options, name)}
        found += [message(id, name=name.upper()) for name, id in missing.items()]
        if any(len(token.reveal()) < TOKEN_LENGTH for token in options.callback_token):
            found.append(message("W013", length=TOKEN_LENGTH))
    return found


@register(TAG)
def check_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """WeChat's pushes have an address in this project."""
    try:
        found = any(unwrap(view) is unwrap(receive) for view in _views(get_resolver()))
    except Exception:  # noqa: BLE001 -- of the project's urls.py, which Django's own checks report
        return []
    return [] if found else [message("W021")]


def _views(resolver: URLResolver) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback
