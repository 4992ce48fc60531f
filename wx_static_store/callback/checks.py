"""System checks: what keeps WeChat's pushes from being read. They ask no database."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register

from .. import conf
from ..exceptions import ConfigurationError
from ..options import Options

_TAG = "wx_static_store"
_TOKEN_LENGTH = 16
_WHERE = 'Write it as WX_STATIC_STORE["{}"]: it stands on the page of your platform at WeChat.'
_NEEDED = {
    "component_appid": "E010",
    "callback_token": "E011",
    "callback_aes_key": "E012",
}


@register(_TAG)
def check_callback(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What the view needs is set, and hard to guess."""
    try:
        return [*_of_apps(), *_of_options(conf.platform_options())]
    except ConfigurationError as error:
        hint = str(error.hint) or None
        return [Error(str(error.message), hint=hint, id="wx_static_store.E001")]


def _of_apps() -> Iterator[CheckMessage]:
    if not apps.is_installed("wx_static_store"):
        yield Error(
            "wx_static_store.callback stands in INSTALLED_APPS without wx_static_store.",
            hint='Add "wx_static_store" to INSTALLED_APPS.',
            id="wx_static_store.E014",
        )


def _of_options(options: Options) -> Iterator[CheckMessage]:
    for name, number in _NEEDED.items():
        if not getattr(options, name):
            yield Error(
                f"The callback of WeChat cannot work without {name.upper()}.",
                hint=_WHERE.format(name.upper()),
                id=f"wx_static_store.{number}",
            )
    if any(len(token.reveal()) < _TOKEN_LENGTH for token in options.callback_token):
        yield Warning(
            f"A CALLBACK_TOKEN is shorter than {_TOKEN_LENGTH} characters: it can be guessed.",
            hint="Take a long random one, at WeChat too; both may stand in a list meanwhile.",
            id="wx_static_store.W013",
        )
