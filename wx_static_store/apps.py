from typing import Any

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

from .exceptions import ConfigurationError


class WxStaticStoreConfig(AppConfig):
    name = "wx_static_store"
    verbose_name = _("WeChat static hosting")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .causes import explain
        from .conf import cache_checks, checks, release_checks  # noqa: F401 -- registers them
        from .conf.settings import hide_secrets, readable_options
        from .signals import push_wanted, upload_waiting

        hide_secrets()
        explain.docs_url = lambda: readable_options().docs_url
        upload_waiting.connect(_push_soon)
        push_wanted.connect(_push_soon)


def _push_soon(**facts: Any) -> None:
    from .submit.queue import push_soon  # loaded with the first row that waits

    push_soon(**facts)


class NeedsCore:
    """Mixin of opt-in apps: name the core where it is missing, else Django names a model of it."""

    name: str

    def import_models(self) -> None:
        if not apps.is_installed(WxStaticStoreConfig.name):
            hint = 'Add "wx_static_store" to INSTALLED_APPS.'
            raise ConfigurationError(f"{self.name} needs the app wx_static_store", hint=hint)
        super().import_models()  # type: ignore[misc]
